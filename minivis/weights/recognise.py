"""Which architecture a file of another program holds: the one with these names and with kernels of these sizes.

Its body may stand under another head, or after a prefix, as in a user's own module: backbone.conv1, head.0, head.3.
"""

import re
from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadFile, UnknownName, some_of
from minivis.layers import FullyConnected, Softmax
from minivis.models import resnet
from minivis.models.known import AS_OURS, Known, architectures, resnets_of
from minivis.types import PathLike
from minivis.weights.arrange import channels_of
from minivis.weights.containers.net_in_checkpoint import ASIDE
from minivis.weights.containers.open import spellings
from minivis.weights.heads import Head, NoHead, gap_between, heads_of

MOST_CHANNELS = 16                              # of a picture whose mean a net has as a buffer


class Match(NamedTuple):
    """An architecture and the file's tensors under its names, with ``prefix`` before them.

    ``head``: another one than its own. ``aside``: names of the file that the net does not need.
    """

    known: Known
    tensors: dict
    head: Head | None = None
    aside: tuple = ()
    prefix: str = ""
    pixels: tuple = ()                                  # tensors of mean and std, where the net itself takes them off
    oihw: bool = True                                   # whether kernels are out, in, H, W


def recognise(contents: Any, path: PathLike, arch: str | None = None) -> Any:
    """The `Match` of a file's contents; or BadFile with the nearest architecture."""
    nearest = (-1, None, "")
    for tensors in spellings(contents.tensors):
        candidates = []
        for one in known_for(tensors, arch):
            difference, score = compare(one, tensors, contents.axes)
            if difference is None:
                candidates.append(Match(one, tensors, oihw=contents.axes == "OIHW"))
            elif score > nearest[0]:
                nearest = (score, one, difference)
        if candidates:
            return likeliest(candidates, contents, path)
    for tensors in spellings(contents.tensors):
        found = check_one(bodies(tensors, contents, arch), path)
        for body in found:
            try:
                return with_head(body)
            except NoHead as error:
                nearest = max(nearest, (1, body.known, str(error)), key=lambda near: near[0])
    shown = some_of((f"{name} {list(t.shape)}" for name, t in contents.tensors.items()), 4)
    _, one, difference = nearest
    near = f"nearest is {one.name} ({one.program}'s names), but {difference}" if one else "it is empty"
    raise BadFile(
        f"{path} ({contents.container}) is of no architecture that minivis knows: {near}. It holds {shown or 'nothing'}"
        "; for a net of your own, describe its layers: minivis weights table writes a table to start from, and "
        "--arch table.json reads it"
    )


def known_for(tensors: dict[str, Any], arch: str | None = None) -> Any:
    """The architectures to compare with; of ResNets, where the file's names tell its depth, only that one."""
    designs = resnets_of({name: tensor.shape for name, tensor in tensors.items()})
    known = [*designs, *(k for k in architectures() if not (designs and k.name in resnet.DESIGNS))]
    if arch is None:
        return known
    asked = [k for k in known if k.name.lower() == str(arch).lower()]
    if not asked and not any(k.name.lower() == str(arch).lower() for k in architectures()):
        raise UnknownName.of("architecture", arch, dict.fromkeys(k.name for k in architectures()), listed=50)
    return asked or [k for k in architectures() if k.name.lower() == str(arch).lower()]


def compare(known: Any, tensors: dict[str, Any], axes: Any) -> tuple[Any, ...]:
    """(None, 1) where these tensors are that architecture's, at any width; else (the first difference, how near)."""
    wanted = arrays_in(known, tensors)
    there = [name for name in wanted if name in tensors]
    score = len(there) / max(len(wanted), len(tensors), 1)
    for name, (_, key, right) in wanted.items():
        if name not in tensors:
            return f"{name!r} is missing", score
        shape = tensors[name].shape
        if key == "w" and not same_kind(shape, right, axes):
            return f"{name!r} is {list(shape)}, where {file_shape(right, axes)} was expected", score - 0.01
    extra = [name for name in tensors if name not in wanted and not re.match(known.ignored, name)]
    return (f"{extra[0]!r} has no place in it", score) if extra else (None, 1)


def arrays_in(known: Any, tensors: dict[str, Any]) -> Any:
    """What the architecture holds; without the convolutions' biases where it has batch norms and the file has none."""
    if not known.conv_biases or any(name in tensors for name in known.conv_biases):
        return known.arrays
    return {name: item for name, item in known.arrays.items() if name not in known.conv_biases}


def same_kind(shape: Any, right: Any, axes: Any) -> Any:
    """Whether a weight has the kernel size of ``right``, whatever its channels. An FC layer may be a convolution."""
    if len(right) == 2:
        return len(shape) in (2, 4)
    kernel = shape[2:] if axes == "OIHW" else shape[:2]
    return len(shape) == 4 and kernel == right[:2]


def file_shape(right: Any, axes: Any) -> list[Any]:
    """A shape of ours in the order of the file's axes."""
    if axes == "HWIO":
        return list(right)
    return list(right[::-1]) if len(right) == 2 else [right[3], right[2], *right[:2]]


def disorder(known: Any, tensors: dict[str, Any], contents: Any) -> tuple[Any, ...]:
    """How badly the order of all layers, where the file has it, and the widths fit."""
    return *order_differs(known, contents), not has_published_widths(known, tensors, contents.axes)


def likeliest(candidates: Any, contents: Any, path: PathLike) -> Any:
    """The `Match` of the least disorder. Raise BadFile if another is as likely, and other layers."""
    scores = [disorder(match.known, match.tensors, contents) for match in candidates]
    likely = [match for match, score in zip(candidates, scores) if score == min(scores)]
    others = [match.known for match in likely if list(match.known.net.nodes) != list(likely[0].known.net.nodes)]
    if others:
        names = [likely[0].known.name, others[0].name]
        raise BadFile(f"{path} may be {' or '.join(names)}: both have these names and kernels, and the file does not "
                      f"hold the order of their layers. Say which it is, as in --arch {names[0]}")
    return likely[0]


def order_differs(known: Any, contents: Any) -> tuple[bool, bool]:
    """Whether the file has another order of all layers, or another title: tells CaffeNet from AlexNet."""
    ours = [name for name in known.net.nodes if name in contents.order]
    theirs = [name for name in contents.order if name in known.net.nodes]
    named = known.name.lower() in contents.title.lower().replace("_", "")
    return ours != list(dict.fromkeys(theirs)), not named


def has_published_widths(known: Any, tensors: dict[str, Any], axes: Any) -> bool:
    """Whether every kernel has the published net's shape: tells EfficientNet-Lite2 from Lite1, as deep but narrower."""
    return all(list(tensors[name].shape) == file_shape(right, axes)
               for name, (_, key, right) in known.arrays.items() if key == "w" and len(right) == 4)


# ---- a body under another head, or after a prefix ----

class Body(NamedTuple):
    """An architecture's body in a file: its tensors under the architecture's names, and the rest as the file has it."""

    known: Known
    prefix: str
    tensors: dict
    rest: dict

    @property
    def channels(self) -> Any:
        """How many come out of it."""
        rows = {name: {"type": type(layer).__name__, "inputs": inputs}
                for name, (layer, inputs) in self.known.net.nodes.items()}  # fmt: skip
        kernels = {layer: self.tensors[name] for name, (layer, key, _) in self.known.arrays.items()
                   if key == "w" and name in self.tensors}  # fmt: skip
        arrays = {layer: {"w": np.broadcast_to(0, (1, kernel.shape[0]))} for layer, kernel in kernels.items()}
        return channels_of(self.known.body[-1], rows, arrays)


def bodies(tensors: dict[str, Any], contents: Any, arch: str | None = None) -> list[Any]:
    """Every `Body` in a file with tensors in the order out, in, H, W, the likeliest first.

    Caffe's names in a PyTorch file do not mean Caffe's nets, with their normalisation and rounding up.
    """
    found = []
    of_pytorch = contents.container.startswith(("PyTorch", "safetensors"))
    for prefix in prefixes_of(tensors) if contents.axes == "OIHW" else ():
        inside = {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        for known in known_for(inside, arch):
            body = None if of_pytorch and known.program == AS_OURS else body_of(known, prefix, inside, tensors)
            if body:
                found.append(body)
    return sorted(found, key=lambda body: order_differs(body.known, contents))


def prefixes_of(tensors: dict[str, Any]) -> list[Any]:
    """What may stand before all names of a body: whatever stands before the first array of one, the longest last."""
    firsts = {next(iter(known.arrays), "") for known in architectures()}
    firsts |= {first.partition(".")[2] for first in firsts}             # also "0.weight": features alone
    found = {name[: -len(first)] for name in tensors for first in firsts
             if first and (name == first or name.endswith("." + first))}  # fmt: skip
    return sorted(found, key=lambda prefix: (prefix.count("."), prefix))


def body_of(known: Any, prefix: str, inside: Any, tensors: dict[str, Any]) -> Body | None:
    """The `Body` of ``known`` in the tensors ``inside`` its prefix; None if it is another's."""
    if next(iter(known.arrays), None) not in inside:
        return None
    layers = set(known.body)
    wanted = {name: item for name, item in arrays_in(known, inside).items() if item[0] in layers}
    if not wanted or not all(name in inside for name in wanted):
        return None
    for name, (layer, key, right) in wanted.items():
        shape = inside[name].shape
        if key == "w" and not same_kind(shape, right, "OIHW") and not small_stem(layer, known, shape):
            return None
    body = {prefix + name for name in wanted}
    return Body(known, prefix, {name: inside[name] for name in wanted},
                {name: tensor for name, tensor in tensors.items() if name not in body})  # fmt: skip


def small_stem(layer: Any, known: Any, shape: Any) -> bool:
    """Whether this is the first convolution, of 7x7, as people have it for small pictures: of 3x3."""
    first = next(iter(known.net.nodes))
    return layer == first and known.net.layers[first].params["w"].shape[:2] == (7, 7) and shape[2:] == (3, 3)


def check_one(found: Any, path: PathLike) -> Any:
    """The bodies less those of a loss. Raise BadFile if they are of several nets; with the same weights, of one."""
    nets: dict[str, Body] = {}
    ours = [body for body in found if not is_aside(body.prefix, "", body.known)] or found
    for body in ours:
        if all(body.tensors != other.tensors for other in nets.values()):
            nets.setdefault(body.prefix, body)
    if len(nets) > 1:
        names = [prefix.rstrip(".") or "the names without a prefix" for prefix in nets]
        raise BadFile(f"{path} holds {len(nets)} nets ({', '.join(names)}): name one of them, as in --part "
                      f"{names[-1]}")
    return ours


def with_head(body: Any) -> Match:
    """The `Match` of a body with whatever head the rest makes. Raise NoHead."""
    known, prefix = body.known, body.prefix
    containers = {prefix + name.partition(".")[0] + "." for name in body.tensors}
    for name in body.rest:
        if name.startswith(tuple(containers)) and name not in pixels_in(body.rest):     # of a deeper net, or in between
            raise NoHead(f"{name!r} has no place in it")
    aside = [name for name, tensor in body.rest.items() if is_aside(name, prefix, known) or not tensor.shape]
    tied = set(body.tensors.values())                   # the same weights under another name, as in a net for pairs
    aside += [name for name, tensor in body.rest.items() if name not in aside and tensor in tied]
    rest = {name: tensor for name, tensor in body.rest.items() if name not in aside}
    pixels = [rest.pop(name) for name in pixels_in(rest)]
    layers = {name: known.net.nodes[name] for name in known.net.nodes if name not in known.body}
    own = {prefix + known.prefix(name): name for name, (layer, _) in layers.items() if type(layer) is FullyConnected}
    more = [name for name in rest if name.rpartition(".")[0] not in own]
    last = prefix + known.prefix(known.net.roles["logits"] or "")
    if last in own and own.keys() <= {name.rpartition(".")[0] for name in rest} and more \
            and gap_between(last, more[0].rpartition(".")[0]) is None:
        raise NoHead(f"{more[0]!r} has no place in it")
    pooling = []
    for name, (layer, inputs) in layers.items():
        if layer.params or isinstance(layer, Softmax):
            break
        row = {"name": name, "type": type(layer).__name__, "inputs": list(inputs), "parameters": []}
        pooling.append(row | layer.config())
    head = heads_of(rest, body.channels, known.body[-1], pooling, head_names(rest, prefix, known) | own)
    tensors = {prefix + name: tensor for name, tensor in body.tensors.items()} | rest
    return Match(known, tensors, head, tuple(aside), prefix, tuple(pixels))


def pixels_in(rest: Any) -> list[Any]:
    """Names of the mean and std that a module takes off its pictures: buffers of a number or three, side by side."""
    for name, tensor in rest.items():
        start, word, end = name.rpartition("mean")
        std = rest.get(f"{start}std{end}")
        if word and not end and std is not None and tensor.size == std.size <= MOST_CHANNELS:
            return [name, f"{start}std"]
    return []


def head_names(rest: Any, prefix: str, known: Any) -> dict[Any, Any]:
    """File's name of a module -> our layer: less what stands before the body's names, where that tells them apart."""
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in rest))
    names = [module.removeprefix(prefix) for module in modules]
    names = names if len(set(names)) == len(names) else modules
    return {module: f"head.{name}" if name in known.body else name for module, name in zip(modules, names)}


def is_aside(name: str, prefix: str, known: Any) -> bool:
    """Whether an array is of a loss, of a metric, or of a head that only training needs."""
    inside = name.removeprefix(prefix)
    parts = inside.lower().split(".")[:-1]
    return bool(re.match(known.ignored, inside)) or any(word in part for part in parts for word in ASIDE)
