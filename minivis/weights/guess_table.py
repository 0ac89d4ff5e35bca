"""A layer table to start from, for a file of weights without a known architecture: guessed from names and shapes.

What the shapes tell is certain: which modules hold weights, of what kind they are, how many numbers each reads and
gives, and so the groups of a convolution. What stands between them is not: strides, padding, activations, pools, and
whether something is added or put side by side. Each such row says under "guessed" what was assumed and why; in a
Sequential the numbers at least tell how many modules without weights stand there.

    features.0 (conv)    features.3 (conv)      two between: a ReLU and a max pool
    conv1 (conv)         conv2 (conv)           no numbers: a ReLU, and a max pool after each, after the last, or none

What the first FC layer reads depends on all of it, so several `Assumptions` are tried: the first by which pictures have
a usual size is taken.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minivis.errors import BadFile
from minivis.models.known import SUFFIXES
from minivis.types import PathLike
from minivis.weights.fit import table_of
from minivis.weights.heads import gap_between
from minivis.weights.recognise import recognise

KINDS = {"conv": "Conv2D", "up": "ConvTranspose2D", "linear": "FullyConnected", "norm": "BatchNorm", "prelu": "PReLU"}
MOST_NOTES = 20
NO_NUMBERS = "names without numbers do not tell what follows"
SUMS = re.compile(r"(downsample|shortcut|skip|residual|identity)")


class Assumptions(NamedTuple):
    """What is assumed throughout: whether padding keeps the size, and where pools are if no number shows it."""

    padded: bool
    pools: str                                          # "each", "last", "none"


TRIED = [Assumptions(padded, pools) for padded, pools in (
    (True, "each"), (False, "each"), (False, "last"), (True, "last"), (False, "none"), (True, "none"))]
USUAL_SIZES = (28, 32, 64, 84, 96, 112, 128, 160, 192, 224, 227, 256, 299, 384, 512)


class Module(NamedTuple):
    """A module with numbers: what the file calls it, its kind, its weight's shape (out, in, ...), its parameters."""

    prefix: str
    kind: str
    shape: tuple


@dataclass
class Guess:
    """The rows so far, and how many channels (or numbers of a row) each layer gives.

    ``steps``: how each convolution and pool changes the side of the maps, (factor, pixels lost).
    """

    assumed: Assumptions
    rows: list = field(default_factory=list)
    gives: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    size: int | None = None
    flat: bool = False

    @property
    def last(self) -> Any:
        return self.rows[-1]["name"] if self.rows else "input"

    def add(self, name: str, kind: Any, gives: Any, *, guessed: str = "", inputs: Any = None, **settings: Any) -> None:
        """A row; ``guessed``: what of it was assumed."""
        name = next(n for n in (name, *(f"{name}_{i}" for i in range(2, 10_000))) if n not in self.gives)
        row = {"name": name, "type": kind, **({"inputs": inputs} if inputs else {}), **settings}
        self.rows.append(row | ({"guessed": guessed} if guessed else {}))
        self.gives[name] = gives


def guess_table(contents: Any, path: PathLike) -> dict[Any, Any]:
    """A layer table as a dict for JSON. Raise BadFile if the file holds nothing that makes a layer."""
    modules, notes = modules_of(contents)
    if not any(module.kind in ("conv", "linear") for module in modules):
        raise BadFile(f"{path} holds no kernel and no matrix, so there is no layer table to start from")
    guesses = [guessed(modules, assumed, notes) for assumed in TRIED]
    guess = next((guess for guess in guesses if guess.size in USUAL_SIZES), guesses[0])
    if sums := [module.prefix for module in modules if SUMS.search(module.prefix)]:
        guess.notes.append(f"the name {sums[0]} suggests that outputs are added: such branches need rows of type Add, "
                           "with their inputs, which no shape tells")
    guess.notes.append("no shape tells how pictures come in: preprocess is one of caffe, torch, tensorflow, unit, none")
    pixels: dict[str, Any] = {"preprocess": "none"}
    channels = guess.gives["input"]
    if channels not in (3, None):
        order = "grey" if channels == 1 else "as given"
        pixels = {"preprocessing": {"channel_order": order, "mean": [0.0] * channels, "scale": [1.0] * channels}}
    return {"notes": guess.notes[:MOST_NOTES], "input": [guess.size or 224] * 2, **pixels, "layers": guess.rows}


def guessed(modules: Any, assumed: Any, notes: Any) -> Any:
    """The `Guess` of these modules under these assumptions."""
    guess, first = Guess(assumed, notes=list(notes)), modules[0]
    guess.gives["input"] = first.shape[1] if first.kind == "conv" else first.shape[0]
    for module, after in zip(modules, [*modules[1:], None]):
        if module.kind == "linear" and not guess.flat:
            flatten(guess, module)
        add_module(guess, module)
        if after is not None:
            add_between(guess, module, after)
    return guess


def known_table(table: dict[str, Any], prefix: Callable[[str], str]) -> dict[Any, Any]:
    """The table of a recognised architecture (fit.py) in the form that people write: no settings of the engine's."""
    rows, before = [], "input"
    for row in table["layers"]:
        settings = {key: value for key, value in row.items() if key not in ("name", "type", "inputs", "parameters")}
        inputs = {} if row["inputs"] == [before] else {"inputs": row["inputs"]}
        weights = {"weights": prefix(row["name"])} if row["type"] in SUFFIXES else {}
        rows.append({"name": row["name"], "type": row["type"], **inputs, **settings, **weights})
        before = row["name"]
    notes = [f"{key}: {table['about'][key]}" for key in ("stem", "head", "aside") if key in table["about"]]
    return {"notes": notes, "preprocessing": table["preprocessing"], "roles": table["roles"], "layers": rows}


def as_text(table: dict[str, Any]) -> str:
    """A table as JSON, one layer per line."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items() if key != "layers"]
    rows = ",\n  ".join(json.dumps(row) for row in table["layers"])
    return "{" + ",\n ".join([*lines, f'"layers": [\n  {rows}]']) + "}\n"


def table_of_file(path: PathLike, contents: Any) -> tuple[Any, Any]:
    """(the table of an open file's `Contents`, how many of its rows are guessed)."""
    try:
        match = recognise(contents, path)
    except BadFile:
        table = guess_table(contents, path)
    else:
        table = known_table(*table_of(match))
    return table, sum("guessed" in row for row in table["layers"])


# ---- what holds numbers ----

def modules_of(contents: Any) -> tuple[Any, Any]:
    """(the `Module`s in the file's order, what to say of arrays that make none)."""
    parts: dict[str, dict] = {}
    for name, tensor in contents.tensors.items():
        prefix, _, suffix = name.rpartition(".")
        if suffix != "num_batches_tracked":
            parts.setdefault(prefix, {})[suffix] = in_pytorchs_order(tensor.shape, contents.axes)
    modules, notes = [], []
    for prefix, shapes in parts.items():
        kind = kind_of(shapes)
        if kind is None:
            shown = ", ".join(f"{suffix} {list(shape)}" for suffix, shape in shapes.items())
            notes.append(f"{prefix or 'an array'} ({shown}) is of no kind that a layer table has: it is left out")
        else:
            modules.append(Module(prefix, kind, shapes["weight"]))
    return modules, notes


def in_pytorchs_order(shape: Any, axes: Any) -> Any:
    return shape[::-1][:2] + shape[:-2] if axes == "HWIO" and len(shape) > 1 else shape


def kind_of(shapes: Any) -> Any:
    weight, bias = shapes.get("weight", ()), shapes.get("bias", ())
    known = set(shapes) <= {"weight", "bias"} and 0 not in weight
    if known and len(weight) == 4:
        return "up" if bias and bias[0] == weight[1] != weight[0] else "conv"
    if known and len(weight) == 2:
        return "linear"
    if set(shapes) == set(SUFFIXES["BatchNorm"].values()):
        return "norm"
    return "prelu" if set(shapes) == {"weight"} and len(weight) == 1 else None


# ---- rows ----

def add_module(guess: Any, module: Any) -> None:
    """The row of a module, and whatever its widths say of what it reads."""
    settings = {"weights": module.prefix}
    if module.kind == "conv":
        out, reads, *kernel = module.shape
        source, groups = source_of(guess, reads, out)
        padding = [side // 2 if guess.assumed.padded else 0 for side in kernel]
        settings |= {"padding": padding[0] if len(set(padding)) == 1 else [[p, p] for p in padding]}
        settings |= {"groups": groups} if groups > 1 else {}
        kept = f"padding {padding[0]}" + ", which keeps the size" * any(padding)
        said = ["stride 1", kept] if max(kernel) > 1 else ["stride 1"]
        guess.steps.append((1, kernel[0] - 1 - 2 * padding[0]))
        guess.add(module.prefix, "Conv2D", out, guessed=", ".join(said) + source.why, inputs=source.inputs, **settings)
    elif module.kind == "up":
        guess.add(module.prefix, "ConvTranspose2D", module.shape[1], stride=module.shape[2],
                  guessed=f"stride {module.shape[2]}, its kernel's side; padding 0", **settings)  # fmt: skip
    elif module.kind == "linear":
        out, reads = module.shape
        other = guess.gives[guess.last] not in (reads, None)
        come = guess.gives[guess.last]
        why = f"it reads {reads} numbers, and {come} come in: it reads another layer" if other else ""
        guess.add(module.prefix, "FullyConnected", out, guessed=why, **settings)
    else:
        guess.add(module.prefix, KINDS[module.kind], guess.gives[guess.last], **settings)


class Source(NamedTuple):
    inputs: list | None
    why: str = ""


def source_of(guess: Any, reads: Any, out: Any) -> tuple[Any, ...]:
    """(which layers a convolution reads, its groups), from the channels that it reads."""
    before = guess.gives[guess.last]
    if before == reads:
        return Source(None), 1
    earlier = [name for name in reversed(guess.gives) if guess.gives[name] == reads]
    beside = [name for name in reversed(guess.gives) if guess.gives[name] and guess.gives[name] + before == reads]
    if before % reads == 0 and out % (before // reads) == 0 and (reads == 1 or not earlier):
        return Source(None), before // reads
    if earlier:
        return Source([earlier[0]], f"; reads {earlier[0]!r}, the last layer before it that gives {reads} channels"), 1
    if beside:
        last = guess.last
        guess.add(f"concat_{last}", "Concat", reads, inputs=[beside[0], last],
                  guessed=f"the next layer reads {reads} channels, which these two give together, in this order or the "
                          "other")  # fmt: skip
        return Source(None), 1
    return Source(None, f"; it reads {reads} channels, and {before} come in: it reads other layers"), 1


def flatten(guess: Any, module: Any) -> None:
    """From maps to a row of numbers, as the first FC layer's width tells, and so the pictures' size."""
    channels, reads = guess.gives[guess.last], module.shape[1]
    guess.flat = True
    if guess.last == "input":
        channels = 3 if round((reads / 3) ** 0.5) ** 2 * 3 == reads else 1
        guess.gives["input"] = channels
    side = round((reads / channels) ** 0.5) if channels else 0
    if channels == reads:
        guess.add("pool", "GlobalAvgPool", reads, guessed=f"{module.prefix} reads as many numbers as there are maps")
        return
    guess.add("flatten", "Flatten", reads)
    if side * side * channels != reads:
        guess.notes.append(f"{module.prefix} reads {reads} numbers, which is not a square number of {channels} maps")
        return
    guess.size = side
    for factor, lost in reversed(guess.steps):
        guess.size = guess.size * factor + lost
    pools = sum(factor > 1 for factor, _ in guess.steps)
    guess.notes.append(f"{module.prefix} reads {channels} maps of {side} x {side}: with the {pools} pools and the "
                       f"padding assumed here, and no strides, pictures are {guess.size} x {guess.size}")


def add_between(guess: Any, module: Any, after: Any) -> None:
    """What may stand between a module and the next: an activation, and a pool after a convolution's."""
    if module.kind == "prelu" or after.kind in ("prelu", "norm"):
        return
    gap = gap_between(module.prefix, after.prefix)
    if gap == 0:
        return
    gives = guess.gives[guess.last]
    why = NO_NUMBERS if gap is None else f"{gap} module{'s' * (gap > 1)} without weights stand{'s' * (gap == 1)} here"
    guess.add(f"{module.prefix}_relu", "ReLU", gives, guessed=f"{why}; other activations look the same in the file")
    if not guess.flat and has_pool(guess, module, after, gap):
        guess.steps.append((2, 0))
        guess.add(f"{module.prefix}_pool", "MaxPool2D", gives, size=2, guessed=f"{why}; it may as well be a Dropout")


def has_pool(guess: Any, module: Any, after: Any, gap: Any) -> Any:
    """Whether a pool is assumed between a convolution and the next module, one of which may be the Flatten."""
    ends = after.kind == "linear"
    if gap is not None:
        return gap > (2 if ends else 1)
    inside_block = module.prefix.count(".") > 0 and not ends
    return {"each": not inside_block, "last": ends, "none": False}[guess.assumed.pools]
