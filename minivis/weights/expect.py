"""A net that was read against what its own framework makes of an input: for files that hold no graph to compare with.

    answers = read_answers(["x.npy", "y.npy", "conv1=c.npy"], net)
    proof = check(net, answers, path)           # BadFile if they differ, with what would make them agree

The input is what the framework's own net read, after any preprocessing. An answer with a name is that layer's output;
one without is the end of the net: its last layer, its logits or its probabilities.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, MinivisError, UnknownName, some_of
from minivis.types import Array, PathLike
from minivis.weights import suspects

TOLERANCE = 1e-4                        # of the largest value; a deep net in float32 is off by some 1e-6
INPUTS = ("x", "input", "inputs", "images", "arr_0")    # what an .npz may call the input
ENDS = ("y", "output", "outputs", "arr_1")              # and an answer without a name


@dataclass(frozen=True)
class Answers:
    """What another framework computed.

    ``inputs``: the input as (N, H, W, C), once for each order of its axes that its shape allows; ``outputs``: the
    user's name of an output -> (the layers that it may belong to, array).
    """

    source: str
    inputs: list
    outputs: dict


@dataclass(frozen=True)
class Comparison:
    """An output beside the framework's: the error is a share of the largest value."""

    called: str
    layer: str
    error: float

    @property
    def fits(self) -> bool:
        return self.error <= TOLERANCE


def check(net: Network, answers: Any, path: PathLike, inside: Any = lambda: None) -> Any:
    """[Comparison, ...] in the net's order. Raise BadFile if one differs.

    ``inside``: the `Preprocessing` that the file itself applies to x first, or None.
    """
    found = min((compare(net, x, answers) for x in answers.inputs), key=worst)
    if worst(found) > TOLERANCE and (own := inside()):
        found = min((compare(net, suspects.prepared(own, x), answers) for x in answers.inputs), key=worst)
    if worst(found) > TOLERANCE:
        raise BadFile(f"{difference(found, path)}; {suspects.search(net, answers, compare, TOLERANCE)}")
    return found


def worst(found: Any) -> Any:
    return max(one.error for one in found)


def compare(net: Network, x: Array, answers: Any) -> list[Any]:
    """[Comparison, ...] in the net's order."""
    order = {name: place for place, name in enumerate(["input", *net.nodes])}
    layers = {layer for layers, _ in answers.outputs.values() for layer in layers}
    acts = net.forward(np.ascontiguousarray(x, net.dtype), keep=layers, grad=None)
    maps = {layer: suspects.flattened_maps(net, layer, x.shape) for layer in layers}
    found = []
    for called, (layers, wanted) in answers.outputs.items():
        error, layer = min((off(acts[layer], wanted, maps[layer]), layer) for layer in layers)
        found.append(Comparison(called, layer, error))
    return sorted(found, key=lambda one: order[one.layer])


def off(ours: Any, theirs: Any, maps: Any) -> Any:
    """The largest difference of two outputs as a share of the largest value, in the order of axes that fits best.

    ``maps``: (H, W, C) of the maps that a row consists of, or None.
    """
    theirs = theirs.reshape(len(ours), -1)
    forms = [theirs]
    H, W, C = ours.shape[1:] if ours.ndim == 4 else maps or (1, 1, 1)
    if theirs.shape[1] == H * W * C:                            # as the framework may count: C, H, W
        forms.append(theirs.reshape(-1, C, H, W).transpose(0, 2, 3, 1).reshape(len(ours), -1))
    ours = ours.reshape(len(ours), -1)
    largest = max(float(abs(theirs).max()), 1e-30)
    return min(float(abs(ours - form).max()) / largest for form in forms)


def difference(found: Any, path: PathLike) -> str:
    """What to say of a net whose outputs differ."""
    wrong = next(one for one in found if not one.fits)
    by = f"off by {100 * wrong.error:.3g} % of its largest value"
    if len(found) == 1:
        return f"{path} does not give what {wrong.called} holds: {wrong.layer!r} is {by}"
    fitting = [one.layer for one in found if one.fits]
    fit = f" ({', '.join(fitting)} fit)" if fitting else ""
    return (f"{path} does not give what its framework did: of {len(found)} outputs, {wrong.layer!r} is the first that "
            f"differs, {by}{fit}")


# ---- files ----


def read_answers(words: Any, net: Network, names: dict[str, str | None] | None = None) -> Answers:
    """The `Answers` in files: first the input's, then those of outputs, ``[NAME=]FILE.npy`` or .npz of names.

    ``names``: what the net's file calls its layers -> layer, see `read.layer_names`.
    """
    source = words[0]
    arrays = arrays_of(source)
    key = next((name for name in INPUTS if name in arrays), None)
    key = next(iter(arrays)) if key is None and len(arrays) == 1 else key
    if key is None:
        raise BadFile(f"{source} holds {some_of(arrays, 6)}: the input should be called x")
    x = arrays.pop(key)
    outputs: dict[str, Any] = {}
    if arrays:                                                  # the outputs stand in the same file
        outputs.update((name, (source, array)) for name, array in arrays.items())
    for word in words[1:]:
        name, _, file = word.partition("=")
        if not file or os.path.exists(word):
            name, file = "", word
        more = arrays_of(file)
        if name and len(more) > 1:
            raise BadValue(f"{file} holds {len(more)} arrays, which have names of their own: leave {name}= out")
        outputs.update((name if len(more) == 1 and name else inner, (file, array)) for inner, array in more.items())
    if not outputs:
        raise BadValue(f"{source} is only an input: give what the framework made of it too, as in --expect x.npy "
                       "y.npy")
    inputs, found = readings(x, net, source), {}
    for name, (file, array) in outputs.items():
        layers = layers_of(name, net, names or {})
        check_size(array, layers, net.shapes(inputs[0].shape), file)
        found[called(name, file, source)] = layers, array
    return Answers(source, inputs, found)


def called(name: str, file: Any, source: Any) -> Any:
    """How an answer is spoken of: by its layer; an end of the net by its file, if it has one of its own."""
    return name if name and (name not in ENDS or file == source) else os.path.basename(file)


def layers_of(name: str, net: Network, names: dict[str, str | None]) -> Any:
    """The layers that an answer may be the output of."""
    outputs = net.about.get("outputs") or {}
    if name in net.nodes or name in outputs:
        return [outputs.get(name, name)]
    if name in names and names[name] is None:
        raise BadValue(f"{name!r} and its batch norm are one layer here: save what comes out of the batch norm instead")
    if names.get(name) in net.nodes:
        return [names[name]]
    if name in ENDS or not name:
        ends = [next(reversed(net.nodes)), net.roles["logits"], net.roles["prob"]]
        return list(dict.fromkeys(end for end in ends if end))
    bare = plain(name)
    if found := [layer for layer in net.nodes if plain(layer) == bare]:
        return found[-1:]
    raise UnknownName.of("layer", name, net.nodes, listed=60)


def plain(name: str) -> str:
    """A layer's name without what programs spell in different ways."""
    name = name.strip("/").removesuffix(":0").removesuffix("_output_0")
    return name.replace("/", ".").replace("\\", ".").lower()


def arrays_of(file: Any) -> dict[Any, Any]:
    """Name -> array of a .npy (its name is ``arr_0``'s, "") or .npz."""
    try:
        with open(file, "rb") as raw:
            loaded = np.load(raw, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                arrays = {"": loaded}
            else:
                arrays = {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise BadFile(f"there is no file {file}") from None
    except MemoryError:
        raise BadFile(f"{file} needs more memory than there is") from None
    except Exception as error:          # np.load raises whatever a damaged header, zip or array makes of its code
        raise BadFile(f"{file} is not a .npy or .npz of numbers, as np.save and np.savez write them "
                      f"({type(error).__name__})") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub" or array.size == 0:
            raise BadFile(f"{file}: {name or 'it'} holds {array.dtype} of shape {array.shape}, not numbers")
        if not np.isfinite(array).all():
            raise BadFile(f"{file}: {name or 'it'} holds NaN or infinity, with which nothing can be compared")
    if not arrays:
        raise BadFile(f"{file} holds no arrays")
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def readings(x: Array, net: Network, source: Any) -> Any:
    """The input as (N, H, W, C), once for each order of axes that its shape allows."""
    C, shape = net.input_channels, x.shape
    x = x[None] if x.ndim == 3 and C in (shape[0], shape[2]) else x[..., None] if x.ndim == 3 and C == 1 else x
    x = x[None, ..., None] if x.ndim == 2 and C == 1 else x
    found = []
    if x.ndim == 4 and x.shape[3] == C:
        found.append(x)
    if x.ndim == 4 and x.shape[1] == C:
        found.append(x.transpose(0, 2, 3, 1))
    found = [x for x in found if takes(net, x.shape)]
    if not found:
        side = f" of {net.input_size[0]} x {net.input_size[1]} pixels" if net.input_size else ""
        raise BadValue(f"{source} is {shape}; the net reads (N, height, width, {C}) or (N, {C}, height, width){side}")
    return found


def takes(net: Network, shape: Any) -> bool:
    """Whether all layers of the net can be run on an input of this shape."""
    try:
        return bool(net.shapes(shape))
    except MinivisError:
        return False


def check_size(array: Array, layers: Any, shapes: Any, file: Any) -> None:
    """Raise BadValue for an answer that is of another size than what its layers put out."""
    if array.size not in {int(np.prod(shapes[layer])) for layer in layers}:
        raise BadValue(f"{file} holds {array.shape}, but the output of {layers[0]!r} is {shapes[layers[0]]} for this "
                       "input")
