"""Arithmetic between layers and functions of them, in both versions' spelling."""


import math

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.keras import operations
from minivis.weights.layout import Value

CONSTANT = {"class_name": "__tensor__", "config": {"value": [1.0, 2, 3, 4], "dtype": "float32"}}


@pytest.mark.parametrize("kind, function, by_hand", [
    ("Add", "math.add", lambda a, k: a + k), ("Subtract", "math.subtract", lambda a, k: a - k),
    ("Multiply", "math.multiply", lambda a, k: a * k), ("TrueDivide", "math.truediv", lambda a, k: a / k),
])  # fmt: skip
def test_arithmetic_by_constants(w, two, both, answer, kind, function, by_hand):
    x = w(2, 6, 5, 3)
    net, (a, _), (f, _) = two()
    net.ends(net.layer(kind, net.layer(kind, a, operation=True, args=[CONSTANT]), operation=True, args=[2.0]))
    np.testing.assert_allclose(answer(both(net), x), by_hand(by_hand(f(x), np.arange(1, 5)), 2), rtol=1e-4, atol=1e-5)
    net, (a, _), (f, _) = two(keras=2)
    net.ends(net.layer("TFOpLambda", a, kwargs={"y": [1.0, 2, 3, 4], "name": None}, function=function))
    np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), np.arange(1, 5)), rtol=1e-4, atol=1e-5)


def test_arithmetic_of_two_layers(w, two, both, answer):
    x = w(2, 6, 5, 3)
    for kind, function, by_hand in (("Add", "__operators__.add", lambda a, b: a + b),
                                    ("Subtract", "math.subtract", lambda a, b: a - b)):
        net, (a, b), (f, g) = two()
        second = {"class_name": "__keras_tensor__", "config": {"keras_history": [b, 0, 0]}}
        net.ends(net.layer(kind, a, operation=True, args=[second]))
        np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), g(x)), atol=1e-5)
        net, (a, b), (f, g) = two(keras=2)
        net.ends(net.layer("TFOpLambda", a, kwargs={"y": [b, 0, 0], "name": None}, function=function))
        np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), g(x)), atol=1e-5)


def test_a_constant_minus_a_layer():
    step = type("Step", (), {"kwargs": {}, "name": "s"})
    graph = type("Graph", (), {"settled": lambda self, v: v, "affine": lambda self, n, v, w, b, alone: (w, b)})()
    value = Value("a", np.arange(3))
    assert operations.arithmetic("-")(graph, step, 5.0, value) == (-1, 5)
    assert operations.arithmetic("-")(graph, step, value, 5.0) == (1, -5)


def test_channels_turned_round_in_keras_2(w, two, both, answer):
    net, (a, _), (f, _) = two(keras=2)
    key = [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]
    net.ends(net.layer("SlicingOpLambda", a, kwargs={"slice_spec": key}, function="__operators__.getitem"))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), f(x)[..., ::-1], atol=1e-5)


def test_channels_turned_round_inside_a_net(w, two, both, answer):
    net, (a, _), (f, _) = two()
    reversal = [{"class_name": "__ellipsis__"}, {"class_name": "__slice__", "config": dict.fromkeys(("start", "stop"))
                 | {"step": -1}}]  # fmt: skip
    net.ends(net.layer("ReLU", net.layer("GetItem", a, operation=True, args=[reversal]), negative_slope=1))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), f(x)[..., ::-1], atol=1e-5)


def test_means_and_functions(w, two, both, answer, tmp_path):
    net, (a, _), (f, _) = two()
    x = w(2, 6, 5, 3)
    pooled = net.layer("Mean", net.layer("Relu", a, operation=True), operation=True, axis=[1, 2], keepdims=False)
    net.ends(pooled)
    np.testing.assert_allclose(answer(both(net), x), f(x).clip(0, None).mean(axis=(1, 2)), atol=1e-5)
    net, (a, _), _ = two()
    net.ends(net.layer("Mean", a, operation=True, axis=[3], name="average"))
    with pytest.raises(BadFile, match=r"'average'.*goes over axes \[3\]"):
        mv.load(net.h5(tmp_path / "a.h5"))


def sliced(*key):
    """A key of x[...] as Keras 3 writes it: None for an ellipsis, else (start, stop, step)."""
    names = ("start", "stop", "step")
    return [[{"class_name": "__ellipsis__"} if part is None else
             {"class_name": "__slice__", "config": dict(zip(names, part))} for part in key]]  # fmt: skip


GELU = [math.sqrt(2 / math.pi), 0.044715]
FUNCTIONS = {
    "Clip": ({"x_min": -0.5, "x_max": 0.7}, (), lambda y: y.clip(-0.5, 0.7)),
    "Maximum": ({}, [0.25], lambda y: np.maximum(y, 0.25)), "Minimum": ({}, [0.25], lambda y: np.minimum(y, 0.25)),
    "LeakyRelu": ({"negative_slope": 0.1}, (), lambda y: np.where(y > 0, y, 0.1 * y)),
    "Elu": ({"alpha": 0.5}, (), lambda y: np.where(y > 0, y, 0.5 * np.expm1(y))),
    "Gelu": ({"approximate": True}, (), lambda y: 0.5 * y * (1 + np.tanh(GELU[0] * (y + GELU[1] * y**3)))),
    "Relu6": ({}, (), lambda y: y.clip(0, 6)), "Negative": ({}, (), lambda y: -y), "Square": ({}, (), lambda y: y * y),
    "Softmax": ({"axis": -1}, (), lambda y: np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)),
    "Max": ({"axis": [1, 2], "keepdims": False}, (), lambda y: y.max(axis=(1, 2))),
    "Reshape": ({"newshape": [-1, 120]}, (), lambda y: y.reshape(2, 120)),
    "GetItem": ({}, sliced(None, (1, 3, None)), lambda y: y[..., 1:3]),
    "Pad": ({"pad_width": [[0, 0], [1, 0], [2, 1], [0, 0]], "mode": "constant"}, (),
            lambda y: np.pad(y, [(0, 0), (1, 0), (2, 1), (0, 0)])),
    "AveragePool": ({"pool_size": 2, "strides": 2, "padding": "valid"}, (),
                    lambda y: y[:, :, :4].reshape(2, 3, 2, 2, 2, 4).mean(axis=(2, 4))),
    "Cast": ({"dtype": "float32"}, (), lambda y: y), "Flip": ({"axis": -1}, (), lambda y: y[..., ::-1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_function_of_one_layer(w, two, both, answer, kind):
    settings, args, by_hand = FUNCTIONS[kind]
    net, (a, _), (f, _) = two()
    made = net.layer(kind, a, operation=True, args=list(args), **settings)
    net.ends(net.layer("ReLU", made, negative_slope=1) if kind in ("Pad", "Cast") else made)
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), by_hand(f(x)), rtol=1e-4, atol=1e-5)


def test_axes_come_and_go(w, two, both, answer):
    net, (a, _), (f, _) = two()
    x = net.layer("Mean", a, operation=True, axis=[1, 2], keepdims=True)
    x = net.layer("Squeeze", x, operation=True, axis=[1, 2])
    x = net.layer("ExpandDims", net.layer("ExpandDims", x, operation=True, axis=1), operation=True, axis=1)
    net.ends(net.layer("Multiply", [a, x]))
    x = w(2, 6, 5, 3)
    y = f(x)
    np.testing.assert_allclose(answer(both(net), x), y * y.mean(axis=(1, 2), keepdims=True), rtol=1e-4, atol=1e-5)


def test_channels_are_split_and_joined(w, two, both, answer):
    net, (a, _), (f, _) = two()
    split = net.layer("Split", a, operation=True, indices_or_sections=2, axis=-1, name="split")
    first, second = ({"class_name": "__keras_tensor__", "config": {"keras_history": [split, 0, i]}} for i in (0, 1))
    joined = net.layer("Concatenate", a, operation=True, axis=-1, name="joined")
    net.rows[-1]["inbound_nodes"] = [{"args": [[second, first]], "kwargs": {}}]
    net.ends(joined)
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), f(x)[..., [2, 3, 0, 1]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("args, settings, axis", [((), {}, -1), ([1], {}, 1), ((), {"axis": 1}, 1)])
def test_layers_are_joined_along_the_axis_of_the_call_or_else_the_last(w, two, both, answer, args, settings, axis):
    net, names, (f, g) = two()
    kernel = w(240, 3)
    joined = net.layer("Concatenate", names, operation=True, args=args, **settings)
    net.ends(net.layer("Dense", net.layer("Flatten", joined), {"kernel": kernel}))
    x = w(2, 6, 5, 3)
    wanted = np.concatenate([f(x), g(x)], axis).reshape(2, -1) @ kernel
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind, settings, args, message", [
    ("Transpose", {"axes": [1, 0, 2, 3]}, (), "moves the axis of the pictures"),
    ("Sort", {"axis": -1}, (), r"\(operation Sort\) is no arithmetic that minivis has"),
    ("GetItem", {}, sliced((None,) * 3, (1, None, None), (None,) * 3, (None,) * 3), "takes a part of its input"),
    ("GetItem", {}, sliced(None, (0, None, 2)), "takes every other channel"),
    ("Split", {"indices_or_sections": 3, "axis": -1}, (), "splits something other than channels into equal parts"),
    ("Pad", {"pad_width": [[0, 0], [1, 1], [1, 1], [0, 0]], "mode": "reflect"}, (), "something other than zeros"),
    ("Relu", {}, [0.5], "has settings of its own"),
])  # fmt: skip
def test_what_is_no_layer_here_is_named(two, tmp_path, kind, settings, args, message):
    net, (a, _), _ = two()
    net.ends(net.layer(kind, a, operation=True, args=list(args), name="here", **settings))
    with pytest.raises(BadFile, match=f"'here'.*{message}"):
        mv.load(net.h5(tmp_path / "a.h5"))
