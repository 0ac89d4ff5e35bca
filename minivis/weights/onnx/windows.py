"""ONNX operators over windows and over all positions: pools, means, padding, and LRN's window of channels."""

from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.layers import LRN, AvgPool2D, GlobalAvgPool, GlobalMaxPool, MaxPool2D
from minivis.weights import layout
from minivis.weights.layout import Value
from minivis.weights.onnx import cutting, moves


def max_pool(graph: Any, node: Any, given: Any) -> None:
    if any(d != 1 for d in given.get("dilations", (1,))) or len([name for name in node.output if name]) > 1:
        raise BadFile(f"{node.name!r} pools with dilation or hands out its places; here neither is done")
    graph.add(node, MaxPool2D(**window(graph, node, given)), graph.maps(node.input[0]))


def average_pool(graph: Any, node: Any, given: Any) -> None:
    layer = AvgPool2D(**window(graph, node, given), count_padding=bool(given.get("count_include_pad", 0)))
    graph.add(node, layer, graph.maps(node.input[0]))


def global_average_pool(graph: Any, node: Any, given: Any) -> Any:
    value = graph.settled(graph.value(node.input[0]))
    if len(graph.shapes[value.layer]) == 2:
        return moves.identity(graph, node, given)
    global_pool(graph, node, GlobalAvgPool(), (1, 1))


def global_max_pool(graph: Any, node: Any, given: Any) -> Any:
    value = graph.settled(graph.value(node.input[0]))
    if len(graph.shapes[value.layer]) == 2:
        return moves.identity(graph, node, given)
    global_pool(graph, node, GlobalMaxPool(), (1, 1))


def global_pool(graph: Any, node: Any, layer: Any, ones: Any) -> None:
    """A pool over all positions; ``ones``: the axes that ONNX leaves, of one entry each."""
    made = graph.insert(graph.name(node), layer, graph.maps(node.input[0]))
    graph.values[node.output[0]] = Value(made, np.arange(graph.shapes[made][1]).reshape(-1, *ones))


def reduce_mean(graph: Any, node: Any, given: Any) -> None:
    reduced(graph, node, given, GlobalAvgPool(), "mean")


def reduce_max(graph: Any, node: Any, given: Any) -> None:
    reduced(graph, node, given, GlobalMaxPool(), "maximum")


def reduce_sum(graph: Any, node: Any, given: Any) -> None:
    """The mean times how many positions there are, so only for pictures of the current size."""
    shape = graph.shapes[graph.settled(graph.value(node.input[0])).layer]
    reduced(graph, node, given, GlobalAvgPool(), "sum")
    graph.scaled(node, float(shape[1] * shape[2]))
    graph.one_size = True


def reduced(graph: Any, node: Any, given: Any, layer: Any, what: str) -> None:
    """A mean or maximum over all positions, however the axes are named."""
    value, axes = graph.settled(graph.value(node.input[0])), moves.axes_of(graph, node, given)
    shape, ndim = graph.shapes[value.layer], value.places.ndim + 1
    axes = list(range(ndim)) if axes is None else sorted(a % ndim for a in axes)
    kept = [a for a in range(1, ndim) if a not in axes]
    rows = value.places.transpose([a - 1 for a in kept + [a for a in axes if a]])
    rows = rows.reshape(int(np.prod([value.places.shape[a - 1] for a in kept])), -1) % shape[-1]
    if 0 in axes or len(shape) != 4 or len(rows) != shape[-1] or (rows != rows[:, :1]).any():
        raise BadFile(f"{node.name!r} takes the {what} over axes {axes}; here it goes over all positions")
    made = graph.insert(graph.name(node), layer, value.layer)
    after = [1 if a in axes else value.places.shape[a - 1] for a in range(1, ndim) if a in kept or
             given.get("keepdims", 1)]
    graph.values[node.output[0]] = Value(made, rows[:, 0].reshape(after))


def lrn(graph: Any, node: Any, given: Any) -> None:
    if given["size"] % 2 == 0:
        raise BadFile(f"{node.name!r} normalises over {given['size']} channels; ONNX puts an even number of them "
                      "elsewhere than the layer here, which is PyTorch's")
    layer = LRN(size=given["size"], alpha=given.get("alpha", 1e-4), beta=given.get("beta", 0.75),
                k=given.get("bias", 1.0))
    graph.add(node, layer, graph.maps(node.input[0]))


def pad(graph: Any, node: Any, given: Any) -> Any:
    filled, value = graph.optional(node, 2), graph.settled(graph.value(node.input[0]))
    fill = given.get("value", 0.0) if filled is None else filled.item()
    ndim, shape = value.places.ndim + 1, graph.shapes[value.layer]
    around = moves.amounts(graph, node, given, ndim)
    if not around.any():
        return moves.identity(graph, node, given)
    last = len(shape) == 4 and layout.same(value.places, layout.standard(shape).transpose(1, 2, 0))
    rows, columns, channels = (1, 2, 3) if last else (2, 3, 1)
    if given.get("mode", b"constant") != b"constant" or ndim != 4 or around.min() < 0 or around[0].any() \
            or (around[channels].any() and (fill or last)):
        raise BadFile(f"{node.name!r} pads with something other than a number around the picture")
    if around[channels].any():
        value = cutting.padded_channels(graph, node, value, *around[channels])
    name = value.layer if last else graph.maps_of(node.input[0], value)
    padding = tuple(around[rows].tolist()), tuple(around[columns].tolist())
    padded = Value(name, layout.standard(graph.shapes[name]), padding, fill)
    if last or padding == ((0, 0), (0, 0)):
        padded = graph.settled(padded) if padding != ((0, 0), (0, 0)) else padded._replace(pads=None)
        padded = Value(padded.layer, padded.places.transpose(1, 2, 0) if last else padded.places)
    graph.values[node.output[0]] = padded


def pads(graph: Any, value: Any, given: Any, kernel: Any) -> Any:
    """The padding of a node as our layers take it: ((top, bottom), (left, right)), or "same", TensorFlow's rule."""
    auto = given.get("auto_pad", b"NOTSET")
    if auto == b"SAME_UPPER":                           # the odd zero goes after
        return "same"
    if auto == b"SAME_LOWER":
        return same_lower(graph, value, given, kernel)
    if auto not in (b"NOTSET", b"VALID"):
        raise BadFile(f"padding by {auto.decode()}, which no layer here does")
    top, left, bottom, right = given.get("pads", (0, 0, 0, 0)) if auto == b"NOTSET" else (0, 0, 0, 0)
    return (top, bottom), (left, right)


def same_lower(graph: Any, value: Any, given: Any, kernel: Any) -> tuple[Any, ...]:
    """The padding that makes ceil(H / stride) rows, the odd zero ahead, for the size in hand."""
    strides, dilations = given.get("strides", (1, 1)), given.get("dilations", (1, 1))
    if graph.open and tuple(strides) != (1, 1):
        raise BadFile("padding by SAME_LOWER depends on the size of the picture, which the file leaves open; export it "
                      "with a fixed size")
    sizes = graph.shapes[graph.settled(value).layer][1:3]
    totals = [max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
              for n, s, k, d in zip(sizes, strides, kernel, dilations)]  # fmt: skip
    return tuple((total - total // 2, total // 2) for total in totals)


def window(graph: Any, node: Any, given: Any) -> dict[Any, Any]:
    """The geometry of a pooling node; ONNX's stride is 1 where none is given."""
    size = tuple(given["kernel_shape"])
    return {"size": size, "stride": tuple(given.get("strides", (1, 1))), "ceil": bool(given.get("ceil_mode", 0)),
            "padding": pads(graph, graph.value(node.input[0]), given, size)}


OPERATORS = {
    "AveragePool": average_pool, "GlobalAveragePool": global_average_pool, "GlobalMaxPool": global_max_pool, "LRN": lrn,
    "MaxPool": max_pool, "Pad": pad, "ReduceMax": reduce_max, "ReduceMean": reduce_mean,
    "ReduceSum": reduce_sum,
}  # fmt: skip
