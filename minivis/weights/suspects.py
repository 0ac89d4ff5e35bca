"""What people most often get wrong between two programs, tried one after the other on a net whose answers differ.

    the input       channels in reverse order (RGB, BGR); pixels that were scaled, or not; ImageNet's mean and deviation
    the weights     kernels turned by 180 degrees (Theano, MATLAB); rows of the first FC layer in the order C, H, W
    the end         probabilities where the net has scores
"""

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from minivis.engine.network import Network, Node
from minivis.images.preprocessing import PREPROCESSINGS, TORCH
from minivis.layers import Conv2D, ConvTranspose2D, Dropout, Flatten, FullyConnected, LogSoftmax, Sigmoid, Softmax
from minivis.types import Array

NONE = ("channels in reverse order, other scales and means, kernels turned by 180 degrees, rows of the first FC layer "
        "in another order")  # fmt: skip


def search(net: Network, answers: Any, compare: Any, tolerance: float) -> str:
    """The clause that says what would make the answers fit, or that none of this would."""
    tried = sorted(product(nets(net, answers.inputs[0].shape), orders(), values(net)),
                   key=lambda changes: sum(bool(said) for said, *_ in changes))  # fmt: skip
    for (wrong, advice, changed), (reverse, turn), (scaled, move) in tried:
        for x in answers.inputs:
            with np.errstate(over="ignore", invalid="ignore"):
                error = max(one.error for one in compare(changed, move(turn(x)), answers))
            if error <= tolerance:
                what = " and ".join(said for said in (wrong, reverse, scaled) if said)
                return f"it would fit, off by {error:.1e}, if {what}{advice or save(answers.source)}"
    return f"none of the usual suspects would make it fit ({NONE})"


def save(source: Any) -> str:
    return f": save as x ({source}) what the net itself reads, after all preprocessing"


# ---- the input ----


def orders() -> list[Any]:
    return [("", lambda x: x), ("the channels of x were in reverse order (RGB, BGR)", lambda x: x[..., ::-1])]


def values(net: Network) -> Any:
    """[(what to say, x -> x), ...]: the named preprocessings of pixels, what undoes them, and pixels in 0..1."""
    C = net.input_channels
    found = [("", lambda x: x), ("x were divided by 255", lambda x: x / 255),
             ("x were divided by 127.5, minus 1", lambda x: x / 127.5 - 1),
             ("x were multiplied by 255", lambda x: x * 255),
             ("x were brought from -1..1 to 0..255", lambda x: x * 127.5 + 127.5),
             ("x were brought from -1..1 to 0..1", lambda x: x / 2 + 0.5),
             ("x were brought from 0..1 to -1..1", lambda x: x * 2 - 1)]  # fmt: skip
    for name in ("torch", "caffe", "matconvnet", "efficientnet-lite"):
        given = PREPROCESSINGS[name]
        if len(given.mean) == C:
            found += [(f"x were pixels prepared as by --preprocess {name}", partial(prepared, given)),
                      (f"what --preprocess {name} does were undone in x", partial(undone, given))]
    if C == 3:
        unit = replace(TORCH, mean=tuple(m / 255 for m in TORCH.mean), scale=tuple(s / 255 for s in TORCH.scale))
        found.append(("ImageNet's mean and deviation were taken from x, as from pixels in 0..1",
                      lambda x: prepared(unit, x)))
    return found


def prepared(given: Any, x: Array) -> Any:
    """Values in the net's order of channels as a `Preprocessing` makes them of pixels in that order."""
    return (x - np.array(given.mean)) / np.array(given.scale)


def undone(given: Any, x: Array) -> Any:
    return x * np.array(given.scale) + np.array(given.mean)


# ---- the weights ----


def nets(net: Network, shape: Any) -> list[Any]:
    """[(what to say, what to do about it, net), ...]; the first is the net as it is."""
    return [("", "", net), *turned(net), *other_rows(net, shape), *ended(net, shape)]


def turned(net: Network) -> list[Any]:
    """With every kernel turned by 180 degrees."""
    nodes, large = {}, False
    for name, node in net.nodes.items():
        if isinstance(node.layer, Conv2D | ConvTranspose2D) and max(node.layer.params["w"].shape[:2]) > 1:
            params = node.layer.params
            layer = node.layer.with_params(**params | {"w": np.ascontiguousarray(params["w"][::-1, ::-1])})
            node, large = node._replace(layer=layer), True
        nodes[name] = node
    if not large:
        return []
    return [("every kernel were turned by 180 degrees", ": the file's program convolves with flipped kernels, as "
             "Theano and MATLAB do; save them with both axes reversed", replace(net, nodes=nodes))]  # fmt: skip


def other_rows(net: Network, shape: Any) -> list[Any]:
    """With the rows of FC layers after a Flatten in the order C, H, W, or from that order to ours."""
    back, forth, told = dict(net.nodes), dict(net.nodes), ""
    for name, node in net.nodes.items():
        maps = flattened_maps(net, node.inputs[0], shape) if isinstance(node.layer, FullyConnected) else None
        if not maps or maps[0] * maps[1] == 1 or maps[2] == 1:
            continue
        H, W, C = maps
        w, told = node.layer.params["w"], told or name
        first = np.arange(len(w)).reshape(C, H, W).transpose(1, 2, 0).reshape(-1)
        last = np.arange(len(w)).reshape(H, W, C).transpose(2, 0, 1).reshape(-1)
        for nodes, rows in ((forth, first), (back, last)):
            layer = node.layer.with_params(**node.layer.params | {"w": np.ascontiguousarray(w[rows])})
            nodes[name] = node._replace(layer=layer)
    if not told:
        return []
    return [(f"the rows of {told!r} were counted {said}", f": the file's program flattens maps as {order}; reorder "
             "these rows in the file, or put a Permute after the Flatten of a layer table", replace(net, nodes=nodes))
            for nodes, said, order in ((forth, "in the order C, H, W", "C, H, W"),
                                       (back, "in the order H, W, C", "H, W, C"))]  # fmt: skip


def ended(net: Network, shape: Any) -> Any:
    """With a softmax or sigmoid at the end."""
    last = next(reversed(net.nodes))
    if len(net.shapes(shape)[last]) != 2 or isinstance(net.nodes[last].layer, Softmax | Sigmoid | LogSoftmax):
        return []
    found = []
    for layer in (Softmax(), Sigmoid(), LogSoftmax()):
        kind = type(layer).__name__
        nodes = dict(net.nodes)
        nodes[f"{last}, scores"] = nodes.pop(last)
        nodes[last] = Node(layer, (f"{last}, scores",))
        found.append((f"the net ended in a {kind}", f": give what goes into it, or end a layer table with a {kind}",
                      replace(net, nodes=nodes)))
    return found


def flattened_maps(net: Network, name: str, shape: Any) -> Any:
    """(H, W, C) of the maps that the row of a layer consists of; None if it does not consist of flattened maps."""
    while name in net.nodes and (net.nodes[name].layer.elementwise or isinstance(net.nodes[name].layer, Dropout)):
        name = net.nodes[name].inputs[0]
    if name in net.nodes and isinstance(net.nodes[name].layer, Flatten):
        return net.shapes(shape)[net.nodes[name].inputs[0]][1:]
    return None
