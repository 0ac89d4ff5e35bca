"""The net that was read against the file's own graph: onnx's reference evaluator and our net, on one random picture.

Every output is compared, and what goes into a softmax or sigmoid at the end, which may hide a difference.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadFile, MinivisError
from minivis.types import Array, PathLike
from minivis.weights.onnx.evaluator import corrected

TOLERANCE = 1e-4                        # of the largest value; a deep net in float32 is off by some 1e-6
MOST = 4_000_000_000                    # multiply-adds: the evaluator takes about a second for 10**9
SATURATING = ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "HardSigmoid")


def prove(model: Any, graph: Any, net: Network, layer_of: Any, path: PathLike) -> str:
    """What `about` says of the comparison. Raise BadFile if the two differ.

    ``layer_of``: a layer of the graph's net -> the layer of ``net`` that has its output.
    """
    cost = graph.shapes["input"][0] * sum(
        layer.multiply_adds(graph.shapes[inputs[0]], graph.shapes[name])
        for name, (layer, inputs) in graph.net.nodes.items()
    )
    if cost > MOST:
        return (f"not compared with the file's own graph: {cost / 1e9:.1f} billion multiply-adds are too many for "
                "onnx's evaluator")
    x = picture(graph)
    names = [*graph.outputs, *before_the_end(graph)]
    try:
        theirs = evaluate(model, graph.picture, x, names)
    except Exception as error:          # the evaluator raises whatever its NumPy code meets in an operator
        return f"not compared with the file's own graph: onnx's evaluator fails on it ({type(error).__name__})"
    acts = net.forward(ours_of(graph, x, net.dtype), grad=None)
    worst = 0.0
    for name, wanted in zip(names, theirs):
        value = graph.outputs.get(name) or graph.values[name]
        got = as_onnx(acts[layer_of[value.layer]], value, wanted)
        worst = max(worst, difference(got, wanted))
        if not worst <= TOLERANCE:
            raise BadFile(f"{path}: the net that was read differs from the file's own graph by {100 * worst:.3g} % of "
                          f"the largest value of {name!r}{first_difference(model, graph, x)}; it was not opened: "
                          "please report it")
    import onnx

    return f"compared with the file's own graph on a random picture (onnx {onnx.__version__}): off by {worst:.1e}"


def picture(graph: Any) -> Array:
    """A random picture as the file reads it: in pixels where the graph scales them itself, else around 0."""
    N, H, W, C = graph.shapes["input"]
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (N, H, W, C)) if graph.reads_pixels() else rng.standard_normal((N, H, W, C))
    return np.ascontiguousarray((x if graph.channels_last else x.transpose(0, 3, 1, 2)).astype(np.float32))


def ours_of(graph: Any, x: Array, dtype: Any) -> Array:
    """The picture as our net reads it."""
    x = x if graph.channels_last else x.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(x * graph.scale + graph.shift, dtype=dtype)


def as_onnx(ours: Any, value: Any, like: Any) -> Any:
    """The output of our layer, in the order and shape that ONNX has."""
    rows = ours.reshape(len(ours), -1)[:, value.places.reshape(-1)]
    return rows.reshape(like.shape) if rows.size == like.size else rows


def difference(got: Any, wanted: Any) -> Any:
    """The largest difference as a share of the largest value; infinite where the shapes differ."""
    if got.shape != wanted.shape or not np.isfinite(wanted).all():
        return np.inf
    return float(abs(got - wanted).max() / max(abs(wanted).max(), 1e-30))


def before_the_end(graph: Any) -> list[Any]:
    """The names of what goes into a squashing function that makes an output."""
    made = {name: node for node in graph.graph.node for name in node.output}
    ends = [made[name] for name in graph.outputs if name in made and made[name].op_type in SATURATING]
    return [node.input[0] for node in ends if node.input[0] in graph.values]


def evaluate(model: Any, picture: Any, x: Array, names: Iterable[str]) -> Any:
    """The values ``names`` by onnx's reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    return ReferenceEvaluator(asking(model, names), new_ops=corrected(opset)).run(None, {picture: x})


def asking(model: Any, names: Iterable[str]) -> Any:
    """The model with these outputs; its numbers are not copied."""
    from onnx import TensorProto, helper

    for node in model.graph.node:
        spell_as_known(node)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return model


def spell_as_known(node: Any) -> None:
    """TensorFlow's nearest position, which onnx's evaluator does not know, in another way: each position repeated."""
    ways = {a.name: a for a in node.attribute if a.name in ("coordinate_transformation_mode", "nearest_mode")}
    if node.op_type == "Resize" and [a.s for a in ways.values()].count(b"tf_half_pixel_for_nn"):
        ways["coordinate_transformation_mode"].s = b"asymmetric"
        if "nearest_mode" in ways:
            ways["nearest_mode"].s = b"floor"


def first_difference(model: Any, graph: Any, x: Array) -> str:
    """", first at the node ...": where the two part, or nothing if that cannot be told."""
    values = {name: value for name, value in graph.values.items() if value.pads is None
              and value.layer in graph.net.nodes}
    try:
        theirs = evaluate(model, graph.picture, x, list(values))
        acts = graph.net.forward(ours_of(graph, x, graph.dtype), grad=None)
    except (MinivisError, RuntimeError, ValueError, TypeError, KeyError, IndexError, NotImplementedError):
        return ""
    for (name, value), wanted in zip(values.items(), theirs):
        if not difference(as_onnx(acts[value.layer], value, wanted), wanted) <= TOLERANCE:
            return f", first at {name!r}"
    return ""

