"""Sums, products and joins of layers, and arithmetic by constants, in both versions' spelling."""

import numpy as np
import pytest
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.keras import merging


def two(w, keras=3):
    """A model, two branches of it and what they make of x, as functions."""
    net = Keras(keras=keras)
    kernels = w(1, 1, 3, 4), w(1, 1, 3, 4)
    names = [net.layer("Conv2D", net.input, {"kernel": k}, name=name) for k, name in zip(kernels, "ab")]
    return net, names, [lambda x, k=k: x @ k[0, 0] for k in kernels]


@pytest.mark.parametrize("kind, settings, by_hand", [
    ("Add", {}, lambda a, b: a + b), ("Multiply", {}, lambda a, b: a * b), ("Subtract", {}, lambda a, b: a - b),
    ("Average", {}, lambda a, b: (a + b) / 2), ("Concatenate", {"axis": -1}, lambda a, b: np.concatenate([a, b], -1)),
    ("Concatenate", {"axis": 3}, lambda a, b: np.concatenate([a, b], -1)),
])  # fmt: skip
@pytest.mark.parametrize("keras", [2, 3])
def test_two_layers(w, both, answer, kind, settings, by_hand, keras):
    net, names, (a, b) = two(w, keras)
    net.ends(net.layer(kind, names, **settings))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), by_hand(a(x), b(x)), atol=1e-5)


def test_one_number_a_channel_or_a_position_weighs_maps(w, both, answer):
    net, (a, _), (f, _) = two(w)
    pooled = net.layer("Reshape", net.layer("GlobalAveragePooling2D", a), target_shape=[1, 1, 4])
    kernel = w(1, 1, 4, 1)
    gate = net.layer("Conv2D", a, {"kernel": kernel})
    net.ends(net.layer("Multiply", [net.layer("Multiply", [a, pooled]), gate]))
    x = w(2, 6, 5, 3)
    y = f(x)
    np.testing.assert_allclose(answer(both(net), x), y * y.mean(axis=(1, 2), keepdims=True) * (y @ kernel[0, 0]),
                               rtol=1e-4, atol=1e-4)


def test_rows_of_maps_and_others_are_joined_in_keras_order(w, both, answer):
    net = Keras()
    row = net.layer("Flatten", net.layer("Permute", net.input, dims=[3, 1, 2]))
    kernel = w(90, 90)
    dense = net.layer("Dense", row, {"kernel": kernel})
    both_rows = net.layer("Concatenate", [row, dense])
    last = w(180, 3)
    net.ends(net.layer("Dense", both_rows, {"kernel": last}))
    x = w(2, 6, 5, 3)
    flat = x.transpose(0, 3, 1, 2).reshape(2, -1)
    wanted = np.concatenate([flat, flat @ kernel], 1) @ last
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-3, atol=1e-3)


def test_a_join_along_rows_of_maps_is_carried_to_what_reads_it(w, both, answer):
    net, names, (a, b) = two(w)
    kernel = w(240, 3)
    joined = net.layer("Concatenate", names, axis=1)
    net.ends(net.layer("Dense", net.layer("Flatten", joined), {"kernel": kernel}))
    x = w(2, 6, 5, 3)
    wanted = np.concatenate([a(x), b(x)], axis=1).reshape(2, -1) @ kernel
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-3, atol=1e-3)


def test_maps_of_different_sizes_are_not_added(w, tmp_path):
    net, (a, b), _ = two(w)
    net.ends(net.layer("Add", [a, net.layer("MaxPooling2D", b)], name="sum"))
    with pytest.raises(BadFile, match=r"'sum'"):
        mv.load(net.h5(tmp_path / "a.h5"))


CONSTANT = {"class_name": "__tensor__", "config": {"value": [1.0, 2, 3, 4], "dtype": "float32"}}


@pytest.mark.parametrize("kind, function, by_hand", [
    ("Add", "math.add", lambda a, k: a + k), ("Subtract", "math.subtract", lambda a, k: a - k),
    ("Multiply", "math.multiply", lambda a, k: a * k), ("TrueDivide", "math.truediv", lambda a, k: a / k),
])  # fmt: skip
def test_arithmetic_by_constants(w, both, answer, kind, function, by_hand):
    x = w(2, 6, 5, 3)
    net, (a, _), (f, _) = two(w)
    net.ends(net.layer(kind, net.layer(kind, a, operation=True, args=[CONSTANT]), operation=True, args=[2.0]))
    np.testing.assert_allclose(answer(both(net), x), by_hand(by_hand(f(x), np.arange(1, 5)), 2), rtol=1e-4, atol=1e-5)
    net, (a, _), (f, _) = two(w, keras=2)
    net.ends(net.layer("TFOpLambda", a, kwargs={"y": [1.0, 2, 3, 4], "name": None}, function=function))
    np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), np.arange(1, 5)), rtol=1e-4, atol=1e-5)


def test_arithmetic_of_two_layers(w, both, answer):
    x = w(2, 6, 5, 3)
    for kind, function, by_hand in (("Add", "__operators__.add", lambda a, b: a + b),
                                    ("Subtract", "math.subtract", lambda a, b: a - b)):
        net, (a, b), (f, g) = two(w)
        second = {"class_name": "__keras_tensor__", "config": {"keras_history": [b, 0, 0]}}
        net.ends(net.layer(kind, a, operation=True, args=[second]))
        np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), g(x)), atol=1e-5)
        net, (a, b), (f, g) = two(w, keras=2)
        net.ends(net.layer("TFOpLambda", a, kwargs={"y": [b, 0, 0], "name": None}, function=function))
        np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), g(x)), atol=1e-5)


def test_a_constant_minus_a_layer():
    step = type("Step", (), {"kwargs": {}, "name": "s"})
    graph = type("Graph", (), {"settled": lambda self, v: v, "affine": lambda self, n, v, w, b, alone: (w, b)})()
    value = merging.Value("a", np.arange(3))
    assert merging.arithmetic("-")(graph, step, 5.0, value) == (-1, 5)
    assert merging.arithmetic("-")(graph, step, value, 5.0) == (1, -5)


@pytest.mark.parametrize("invert", [False, True])
def test_normalization(w, both, answer, invert):
    net, (a, _), (f, _) = two(w)
    mean, variance = w(4), w(4) ** 2 + 0.5
    net.ends(net.layer("Normalization", a, {"mean": mean, "variance": variance}, axis=[-1], invert=invert, mean=None))
    x = w(2, 6, 5, 3)
    y = f(x)
    wanted = y * np.sqrt(variance) + mean if invert else (y - mean) / np.sqrt(variance)
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-4, atol=1e-4)


def test_channels_turned_round_inside_a_net(w, both, answer):
    net, (a, _), (f, _) = two(w)
    reversal = [{"class_name": "__ellipsis__"}, {"class_name": "__slice__", "config": dict.fromkeys(("start", "stop"))
                 | {"step": -1}}]  # fmt: skip
    net.ends(net.layer("ReLU", net.layer("GetItem", a, operation=True, args=[reversal]), negative_slope=1))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), f(x)[..., ::-1], atol=1e-5)


def test_means_and_functions(w, both, answer, tmp_path):
    net, (a, _), (f, _) = two(w)
    x = w(2, 6, 5, 3)
    pooled = net.layer("Mean", net.layer("Relu", a, operation=True), operation=True, axis=[1, 2], keepdims=False)
    net.ends(pooled)
    np.testing.assert_allclose(answer(both(net), x), f(x).clip(0, None).mean(axis=(1, 2)), atol=1e-5)
    net, (a, _), _ = two(w)
    net.ends(net.layer("Mean", a, operation=True, axis=[3], name="average"))
    with pytest.raises(BadFile, match=r"'average'.*takes the mean over axes \[3\]"):
        mv.load(net.h5(tmp_path / "a.h5"))
    net, (a, _), _ = two(w)
    net.ends(net.layer("GetItem", a, operation=True, name="part", args=[[
        {"class_name": "__ellipsis__"}, {"class_name": "__slice__", "config": {"start": 0, "stop": 2, "step": None}}]]))
    with pytest.raises(BadFile, match=r"'part'.*takes a part of its input"):
        mv.load(net.h5(tmp_path / "a.h5"))
