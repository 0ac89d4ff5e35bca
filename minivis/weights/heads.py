"""Another head on a known body, from the names and shapes of what a file holds besides the body.

A state dict lists the modules that hold numbers. Of a Sequential it also gives their places, so the gaps show where
modules without numbers stand, but not which:

    classifier.0.weight (32, 3136)      Linear
    classifier.3.weight (32, 32)        Linear, and two modules before it: a ReLU and a Dropout
    classifier.4.running_mean (32,)     BatchNorm1d, directly after

Between two Linear layers ReLU is assumed, once, and whatever else stands there changes nothing in use (Dropout).
`Head.said` says so, for ``net.about``.
"""

import re
from itertools import pairwise, permutations
from typing import Any, NamedTuple

from minivis.models.known import SUFFIXES

KINDS = {"linear": "FullyConnected", "norm": "BatchNorm", "prelu": "PReLU"}
SAID = {"linear": "{0.reads} to {0.gives}", "norm": "batch norm", "prelu": "PReLU"}
TRIED = 6                                       # modules whose every order is tried, where names tell none


class NoHead(Exception):
    """Why the rest of a file is not a head, in words."""


class Module(NamedTuple):
    """A module with numbers: what the file calls it, what it is, how many numbers it reads and gives."""

    prefix: str
    kind: str
    reads: int
    gives: int
    keys: tuple                                         # of its parameters, as our layer calls them


class Head(NamedTuple):
    """Rows of a layer table after the body, what the file calls them, the layers' roles, and a sentence.

    ``outputs``: name -> layer, where there are several heads side by side; the answer's first.
    """

    rows: list
    prefixes: dict
    roles: dict
    said: str
    outputs: dict = {}                                  # noqa: RUF012  never changed


def heads_of(rest: Any, channels: Any, body: Any, pooling: Any, names: dict[str, str] | None = None) -> Any:
    """The `Head` of these tensors: one chain of modules, or several side by side, a first part of their names each."""
    try:
        return head_of(rest, channels, body, pooling, names)
    except NoHead:
        parts: dict[str, dict] = {}
        columns = zip(*(name.split(".")[:-1] for name in rest))
        depth = next((i for i, column in enumerate(columns) if len(set(column)) > 1), 0)    # where the names part
        for name, tensor in rest.items():
            parts.setdefault(name.split(".")[depth], {})[name] = tensor
        if len(parts) < 2 or any(part.isdigit() for part in parts):
            raise
        heads = {part: head_of(inside, channels, body, pooling, names) for part, inside in parts.items()}
    return side_by_side(heads)


def side_by_side(heads: Any) -> Head:
    """One `Head` of several that read the same: the first is the answer, and so comes last."""
    first, *others = heads.values()
    rows: dict[str, dict] = {}
    for head in (*others, first):
        kept = head.rows if head is first else [row for row in head.rows if row["name"] != head.roles["prob"]]
        rows |= {row["name"]: row for row in kept}
    prefixes = {ours: theirs for head in heads.values() for ours, theirs in head.prefixes.items()}
    said = "; beside it ".join(head.said for head in heads.values())
    outputs = {part: head.roles["logits"] for part, head in heads.items()}
    return Head(list(rows.values()), prefixes, first.roles, said, outputs)


def head_of(rest: Any, channels: Any, body: Any, pooling: Any, names: dict[str, str] | None = None) -> Head:
    """The `Head` of the tensors ``rest`` on a body of ``channels``. Raise NoHead if they make none.

    ``body``: the layer it reads. ``pooling``: the rows that the architecture itself has between body and head.
    ``names``: file's prefix -> our name, for layers that are in the architecture too.
    """
    chain = in_order(modules_of(rest), channels)
    rows, said, width = pooled(chain[0], channels, body, pooling) if chain else (list(pooling), [], channels)
    source, before, linear, names = rows[-1]["name"] if rows else body, None, None, names or {}
    prefixes, code, used = {}, source, {row["name"] for row in rows}
    for module in chain:
        if module.kind == "prelu" and module.reads == 1:                # one slope for all
            module = module._replace(reads=width, gives=width)
        if module.reads != width:
            raise NoHead(f"{module.prefix!r} reads {module.reads} numbers, and {width} come in")
        if linear and activates(before, module):
            rows.append({"name": f"{linear}_relu", "type": "ReLU", "inputs": [source], "parameters": []})
            source = code = rows[-1]["name"]
            said.append("ReLU")
            linear = None
        name = names.get(module.prefix, module.prefix)
        rows.append({"name": name, "type": KINDS[module.kind], "inputs": [source], "parameters": list(module.keys)})
        prefixes[name], source, width, before = module.prefix, name, module.gives, module
        said.append(f"{module.prefix} ({SAID[module.kind].format(module)})")
        if module.kind == "linear":
            linear = name
        elif module.kind == "prelu":
            linear, code = None, name
        used.add(name)
    if not chain:
        rows = rows if any(row["type"] == "GlobalAvgPool" for row in rows) else []
        source = rows[-1]["name"] if rows else body
        return Head(rows, {}, {"logits": None, "prob": None, "code": source}, "none: it ends with the body")
    if linear is None:
        raise NoHead(f"{chain[-1].prefix!r} is the last of it, and no layer that gives scores")
    end = next(name for name in ("prob", "probabilities", "softmax of the scores") if name not in used)
    rows.append({"name": end, "type": "Softmax", "inputs": [source], "parameters": []})
    sentence = ", ".join(said)
    if "ReLU" in said:
        sentence += "; each ReLU is assumed, where modules without weights stand"
    return Head(rows, prefixes, {"logits": source, "prob": end, "code": code}, sentence)


def pooled(first: Any, channels: Any, body: Any, pooling: Any) -> tuple[Any, ...]:
    """(rows from the body's maps to a row of numbers, what to say of them, how many numbers that makes)."""
    reads, side = first.reads, round((first.reads / channels) ** 0.5)
    own = [row["type"] for row in pooling]
    if reads == channels:
        if "GlobalAvgPool" in own:
            return list(pooling), [], reads
        return [row_of("pool", "GlobalAvgPool", body)], ["the mean of each map"], reads
    if reads == 2 * channels:
        rows = [row_of("pool_max", "GlobalMaxPool", body), row_of("pool_mean", "GlobalAvgPool", body),
                row_of("pool", "Concat", "pool_max", "pool_mean")]  # fmt: skip
        return rows, ["the maximum and the mean of each map (assumed, in this order)"], reads
    if reads == channels * side * side:
        if "Flatten" in own:
            return list(pooling), [], reads
        return [row_of("flatten", "Flatten", body)], [f"{side} x {side} positions"], reads
    raise NoHead(f"{first.prefix!r} reads {reads} numbers, and the body gives maps of {channels} channels")


def row_of(name: str, kind: Any, *inputs: Any) -> dict[Any, Any]:
    return {"name": name, "type": kind, "inputs": list(inputs), "parameters": []}


# ---- the modules and their order ----

def modules_of(tensors: dict[str, Any]) -> list[Any]:
    """The `Module`s of these tensors, in the file's order. Raise NoHead for one that no head here has."""
    suffixes: dict[str, dict] = {}
    for name, tensor in tensors.items():
        prefix, _, suffix = name.rpartition(".")
        suffixes.setdefault(prefix, {})[suffix] = tensor.shape
    return [module(prefix, shapes) for prefix, shapes in suffixes.items()]


def module(prefix: str, shapes: Any) -> Module:
    weight, keys = shapes.get("weight", ()), set(shapes)
    kind = None
    if len(weight) == 2 and keys <= {"weight", "bias"}:
        kind, reads, gives = "linear", weight[1], weight[0]
    elif len(weight) == 1 and keys == set(SUFFIXES["BatchNorm"].values()):
        kind, reads, gives = "norm", weight[0], weight[0]
    elif len(weight) == 1 and keys == {"weight"}:
        kind, reads, gives = "prelu", weight[0], weight[0]
    if kind is None or not reads or not gives:
        shown = ", ".join(f"{key} {list(shape)}" for key, shape in sorted(shapes.items()))
        raise NoHead(f"{prefix or shown!r} ({shown}) is none of Linear, BatchNorm1d and PReLU")
    ours = {theirs: key for key, theirs in SUFFIXES[KINDS[kind]].items()}
    return Module(prefix, kind, reads, gives, tuple(ours[key] for key in ours if key in keys))


def in_order(modules: Any, channels: Any) -> Any:
    """From the body to the end: by the numbers in their names, in the file's order, or else as their widths fit."""
    firsts = list(dict.fromkeys(m.prefix.partition(".")[0] for m in modules))
    numbered = all(first.isdigit() for first in firsts)

    def place(m: Any) -> tuple[Any, Any]:
        top = m.prefix.partition(".")[0]
        return (0 if numbered else firsts.index(top), natural(m.prefix))

    ordered = sorted(modules, key=place)
    if fits(ordered, channels) or len(modules) > TRIED:
        return ordered
    others = {order for order in permutations(ordered) if fits(order, channels)}
    return list(others.pop()) if len(others) == 1 else ordered


def natural(name: str) -> list[Any]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"[._]|(?<=\D)(?=\d)", name)]


def fits(modules: Any, channels: Any) -> Any:
    modules = [m for m in modules if m.kind != "prelu"]
    widths_agree = all(a.gives == b.reads for a, b in pairwise(modules))
    return widths_agree and (not modules or modules[0].reads % channels == 0)


def activates(before: Any, module: Any) -> bool:
    """Whether an activation is assumed between two modules: somewhere before the next Linear, where there is a gap."""
    if module.kind == "prelu":
        return False
    gap = gap_between(before.prefix, module.prefix)
    return module.kind == "linear" if gap is None else gap > 0


def gap_between(first: Any, second: Any) -> Any:
    """How many modules without numbers stand between two of a Sequential; None if the names do not tell."""
    a, b = first.split("."), second.split(".")
    for x, y in zip(a, b):
        if x != y:
            break
    else:
        return None
    at = next(i for i, (x, y) in enumerate(zip(a, b)) if x != y)
    if not (a[at].isdigit() and b[at].isdigit()) or int(b[at]) <= int(a[at]):
        return None
    inside_second = sum(int(part) for part in b[at + 1 :] if part.isdigit())
    gap = int(b[at]) - int(a[at]) - 1 + inside_second
    return None if gap == 0 and any(part.isdigit() for part in a[at + 1 :]) else gap
