"""Sums, products and joins of layers, and layers that compute with constants."""

import numpy as np
import pytest
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.layers import Concat
from minivis.weights.keras.merging import merged


@pytest.mark.parametrize("kind, settings, by_hand", [
    ("Add", {}, lambda a, b: a + b), ("Multiply", {}, lambda a, b: a * b), ("Subtract", {}, lambda a, b: a - b),
    ("Average", {}, lambda a, b: (a + b) / 2), ("Maximum", {}, np.maximum),
    ("Minimum", {}, np.minimum), ("Concatenate", {"axis": -1}, lambda a, b: np.concatenate([a, b], -1)),
    ("Concatenate", {"axis": 3}, lambda a, b: np.concatenate([a, b], -1)),
])  # fmt: skip
@pytest.mark.parametrize("keras", [2, 3])
def test_two_layers(w, two, both, answer, kind, settings, by_hand, keras):
    net, names, (a, b) = two(keras)
    net.ends(net.layer(kind, names, **settings))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), by_hand(a(x), b(x)), atol=1e-5)


def test_one_number_a_channel_or_a_position_weighs_maps(w, two, both, answer):
    net, (a, _), (f, _) = two()
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


@pytest.mark.parametrize("kind, by_hand", [
    ("Add", np.add), ("Multiply", np.multiply), ("Subtract", np.subtract), ("Average", lambda a, b: (a + b) / 2),
    ("Maximum", np.maximum), ("Minimum", np.minimum),
])  # fmt: skip
@pytest.mark.parametrize("dims", [[1, 2, 3], [3, 1, 2]])
def test_rows_go_together_number_by_number_in_keras_order(w, both, answer, kind, by_hand, dims):
    net, kernel = Keras(), w(90, 90)
    row = net.layer("Flatten", net.layer("Permute", net.input, dims=dims))
    net.ends(net.layer(kind, [row, net.layer("Dense", row, {"kernel": kernel})]))
    x = w(2, 6, 5, 3)
    flat = x.transpose(0, *dims).reshape(2, -1)
    np.testing.assert_allclose(answer(both(net), x), by_hand(flat, flat @ kernel), rtol=1e-3, atol=1e-4)


def test_a_row_does_not_weigh_maps_and_says_so(w, two, tmp_path):
    net, (a, _), _ = two()
    row = net.layer("Dense", net.layer("Flatten", a), {"kernel": w(120, 4)})
    net.ends(net.layer("Multiply", [a, row], name="times"))
    with pytest.raises(BadFile, match=r"'times'.*multiplies \[None, 6, 5, 4\], \[None, 4\]"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_maps_of_different_sizes_are_not_added(w, two, tmp_path):
    net, (a, b), _ = two()
    net.ends(net.layer("Add", [a, net.layer("MaxPooling2D", b)], name="sum"))
    with pytest.raises(BadFile, match=r"'sum'"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_maps_are_not_joined_with_a_row_in_the_shape_of_maps(w, two, tmp_path):
    net, (a, _), _ = two()
    row = net.layer("Dense", net.layer("Flatten", net.input), {"kernel": w(90, 120)})
    shaped = net.layer("Reshape", row, target_shape=[6, 5, 4])
    net.ends(net.layer("Concatenate", [a, shaped], axis=-1, name="joined"))
    with pytest.raises(BadFile, match=r"'joined'.*joins \[None, 6, 5, 4\], \[None, 6, 5, 4\] along axis -1"):
        mv.load(net.h5(tmp_path / "a.h5"))


@pytest.mark.parametrize("shape, axis, message", [
    ([6, 5, 4], 0, r"joins \[None, 6, 5, 4\], \[None, 6, 5, 4\] along axis 0"), ([6, 5, 4], 4, "along axis 4"),
    ([6, 5, 4], -4, "along axis -4"), ([30, 4], -1, r"joins \[None, 6, 5, 4\], \[None, 30, 4\] along axis -1"),
    ([30, 4], 1, r"\[None, 30, 4\] along axis 1"), ([5, 6, 4], -1, "does not join channels: "),
])  # fmt: skip
def test_a_join_that_is_none_is_refused(two, tmp_path, shape, axis, message):
    net, (a, b), _ = two()
    net.ends(net.layer("Concatenate", [a, net.layer("Reshape", b, target_shape=shape)], axis=axis, name="joined"))
    with pytest.raises(BadFile, match=f"'joined'.*{message}"):
        mv.load(net.h5(tmp_path / "a.h5"))


@pytest.mark.parametrize("axis", [1, 2, 3, -3, -2, -1])
def test_a_join_along_any_axis_is_carried_to_what_reads_it(w, two, both, answer, axis):
    net, names, (a, b) = two()
    kernel = w(240, 3)
    net.ends(net.layer("Dense", net.layer("Flatten", net.layer("Concatenate", names, axis=axis)), {"kernel": kernel}))
    x = w(2, 6, 5, 3)
    wanted = np.concatenate([a(x), b(x)], axis).reshape(2, -1) @ kernel
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind, by_hand", [
    ("Add", lambda a, b, c: a + b + c), ("Average", lambda a, b, c: (a + b + c) / 3),
    ("Maximum", lambda a, b, c: np.maximum(np.maximum(a, b), c)), ("Multiply", lambda a, b, c: a * b * c),
    ("Minimum", lambda a, b, c: np.minimum(np.minimum(a, b), c)),
    ("Concatenate", lambda a, b, c: np.concatenate([a, b, c], -1)),
])  # fmt: skip
def test_three_layers(w, two, both, answer, kind, by_hand):
    net, (a, b), (f, g) = two()
    kernel = w(1, 1, 3, 4)
    net.ends(net.layer(kind, [a, b, net.layer("Conv2D", net.input, {"kernel": kernel})]))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), by_hand(f(x), g(x), x @ kernel[0, 0]), rtol=1e-4, atol=1e-5)


def test_one_layer_is_taken_from_one_other(two, tmp_path):
    net, (a, b), _ = two()
    net.ends(net.layer("Subtract", [a, b, a], name="less"))
    with pytest.raises(BadFile, match=r"'less'.* takes 3 layers from one another; here it is two"):
        mv.load(net.h5(tmp_path / "a.h5"))


@pytest.mark.parametrize("axis", [0, 4, -2, [1, 2], "rows"])
def test_a_normalization_over_no_single_axis_is_refused(w, two, tmp_path, axis):
    net, (a, _), _ = two()
    net.ends(net.layer("Normalization", a, {"mean": w(4), "variance": w(4) ** 2}, axis=axis, mean=None, name="norm"))
    with pytest.raises(BadFile, match=r"'norm'.* normalises over axis"):
        mv.load(net.h5(tmp_path / "a.h5"))


@pytest.mark.parametrize("axis, shape", [(1, r"\(6, 1, 1\)"), (2, r"\(1, 5, 1\)")])
def test_a_normalization_of_rows_or_columns_is_none_of_channels(w, two, tmp_path, axis, shape):
    net, (a, _), _ = two()
    arrays = {"mean": w(7 - axis), "variance": w(7 - axis) ** 2}
    net.ends(net.layer("Normalization", a, arrays, axis=axis, mean=None))
    with pytest.raises(BadFile, match=f"a constant of shape {shape} differs from position to position"):
        mv.load(net.h5(tmp_path / "a.h5"))


@pytest.mark.parametrize("axis, shape", [(3, (4,)), (-1, (4,)), ([3], (4,)), (None, (1,))])
def test_a_normalization_of_channels_or_of_all(w, two, both, answer, axis, shape):
    net, (a, _), (f, _) = two()
    mean, variance = w(*shape), w(*shape) ** 2 + 0.5
    arrays = {"mean": mean.ravel(), "variance": variance.ravel()}
    net.ends(net.layer("Normalization", a, arrays, axis=axis, mean=None))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), (f(x) - mean) / np.sqrt(variance), rtol=1e-4, atol=1e-4)


def test_a_normalization_of_what_never_varies_divides_by_a_ten_millionth(two, both, answer):
    net, (a, _), (f, _) = two()
    net.ends(net.layer("Normalization", a, axis=-1, mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 1e-16, 0.0]))
    x = np.ones((1, 6, 5, 3), "f4")
    np.testing.assert_allclose(answer(both(net), x), (f(x) - [1, 2, 3, 4]) / [1, 2, 1e-7, 1e-7], rtol=1e-4)


@pytest.mark.parametrize("invert", [False, True])
def test_normalization(w, two, both, answer, invert):
    net, (a, _), (f, _) = two()
    mean, variance = w(4), w(4) ** 2 + 0.5
    net.ends(net.layer("Normalization", a, {"mean": mean, "variance": variance}, axis=[-1], invert=invert, mean=None))
    x = w(2, 6, 5, 3)
    y = f(x)
    wanted = y * np.sqrt(variance) + mean if invert else (y - mean) / np.sqrt(variance)
    np.testing.assert_allclose(answer(both(net), x), wanted, rtol=1e-4, atol=1e-4)


def test_of_one_layer_there_is_nothing_to_merge():
    value = object()
    assert merged(None, None, [value], Concat()) is value
