"""Layers with weights and windows against loops (tests/reference.py), with the padding that Keras' rules ask for."""

import numpy as np
import pytest
import reference
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.keras.layers import transposed_padding

ATOL = 1e-5


def ended(kind, arrays, shape=(6, 5, 3), **settings):
    net = Keras(shape)
    return net.ends(net.layer(kind, net.input, arrays, name="layer", **settings))


@pytest.mark.parametrize("kernel, stride, dilation, pads", [
    ((2, 4), (1, 1), (1, 1), ((0, 1), (1, 2))),                 # an even kernel: the odd zero goes after
    ((3, 3), (2, 3), (1, 1), ((0, 1), (0, 1))),                 # 6 by 2, 5 by 3: 1 row and 1 column to add
    ((3, 2), (1, 1), (2, 3), ((2, 2), (1, 2))),
])  # fmt: skip
def test_same_is_tensorflows_rule(w, both, answer, kernel, stride, dilation, pads):
    arrays = {"kernel": w(*kernel, 3, 4), "bias": w(4)}
    net = both(ended("Conv2D", arrays, padding="same", strides=list(stride), dilation_rate=list(dilation)))
    x = w(2, 6, 5, 3)
    wanted = reference.conv(x, arrays["kernel"], arrays["bias"], stride, pads, dilation, 1)
    np.testing.assert_allclose(answer(net, x), wanted, atol=ATOL)


def test_groups_and_depth_multipliers(w, both, answer):
    x, none = w(2, 6, 5, 4), ((0, 0), (0, 0))
    grouped = {"kernel": w(3, 3, 2, 6)}
    net = Keras((6, 5, 3))
    first = {"kernel": w(1, 1, 3, 4)}
    start = net.layer("Conv2D", net.input, first)
    across = {"kernel": w(2, 2, 4, 3), "bias": w(12)}
    a = net.layer("Conv2D", start, grouped, groups=2, name="grouped")
    b = net.layer("DepthwiseConv2D", start, across, depth_multiplier=3, name="depthwise")
    net.ends(net.layer("Concatenate", [net.layer("Flatten", a), net.layer("Flatten", b)]))
    acts = both(net).forward(x[..., :3], grad=None)
    maps = acts[start]
    wanted = reference.conv(maps, grouped["kernel"], None, (1, 1), none, (1, 1), 2)
    np.testing.assert_allclose(acts[a], wanted, atol=ATOL)
    wanted = np.stack([reference.conv(maps[..., c:c + 1], across["kernel"][:, :, c:c + 1, m:m + 1], None, (1, 1), none,
                                      (1, 1), 1)[..., 0] for c in range(4) for m in range(3)], axis=-1)
    np.testing.assert_allclose(acts[b], wanted + across["bias"], atol=ATOL)


def test_a_separable_convolution_is_a_depthwise_one_and_a_pointwise_one(w, both, answer):
    arrays = {"depthwise_kernel": w(3, 3, 3, 2), "pointwise_kernel": w(1, 1, 6, 4), "bias": w(4)}
    net = both(ended("SeparableConv2D", arrays, activation="relu", padding="same"))
    assert list(net.nodes) == ["layer_depthwise", "layer", "layer_relu"]
    x = w(2, 6, 5, 3)
    kernel = arrays["depthwise_kernel"].reshape(3, 3, 1, 6)
    across = reference.conv(x, kernel, None, (1, 1), ((1, 1), (1, 1)), (1, 1), 3)
    wanted = (across @ arrays["pointwise_kernel"][0, 0] + arrays["bias"]).clip(0, None)
    np.testing.assert_allclose(answer(net, x), wanted, atol=ATOL)


@pytest.mark.parametrize("how, kernel, stride, extra, pads, more, out", [
    ("same", 3, 2, None, (0, 1), 0, 12), ("same", 4, 2, None, (1, 1), 0, 12), ("same", 1, 2, None, (0, 0), 1, 12),
    ("valid", 3, 2, None, (0, 0), 0, 13), ("valid", 2, 3, None, (0, 0), 1, 18), ("same", 3, 2, 1, (0, 1), 0, 12),
    ("same", 3, 2, 0, (1, 1), 0, 11), ("same", 4, 2, 1, (1, 2), 0, 11), ("valid", 3, 2, 1, (0, 0), 1, 14),
    ("valid", 3, 2, 0, (0, 0), 0, 13),
])  # fmt: skip
def test_how_long_a_transposed_convolution_is(how, kernel, stride, extra, pads, more, out):
    assert transposed_padding(how, kernel, stride, 1, extra) == (pads, more)
    assert (6 - 1) * stride + kernel - sum(pads) + more == out


def test_a_transposed_convolution(w, both, answer):
    arrays = {"kernel": w(3, 3, 4, 3), "bias": w(4)}
    net = both(ended("Conv2DTranspose", arrays, padding="same", strides=[2, 2]))
    x = w(2, 6, 5, 3)
    wanted = reference.conv_transpose(x, arrays["kernel"], arrays["bias"], (2, 2), ((0, 1), (0, 1)), (1, 1), 1, (0, 0))
    np.testing.assert_allclose(answer(net, x), wanted, atol=ATOL)


def test_an_average_pool_does_not_count_its_padding(w, both, answer):
    net = both(ended("AveragePooling2D", {}, padding="same", pool_size=[3, 3], strides=[1, 1]))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(net, x)[:, 0, 0], x[:, :2, :2].mean(axis=(1, 2)), atol=ATOL)
    net = both(ended("MaxPooling2D", {}, padding="same", pool_size=[3, 3], strides=None))
    np.testing.assert_allclose(answer(net, x)[:, 1, 1], x[:, 3:6, 3:5].max(axis=(1, 2)), atol=ATOL)


@pytest.mark.parametrize("kind, function", [("GlobalAveragePooling2D", np.mean), ("GlobalMaxPooling2D", np.max)])
def test_a_global_pool_that_keeps_its_axes_and_a_1x1_kernel_behind_it(w, both, answer, kind, function):
    net = Keras()
    arrays = {"kernel": w(1, 1, 3, 4), "bias": w(4)}
    net.ends(net.layer("Conv2D", net.layer(kind, net.input, keepdims=True), arrays))
    x = w(2, 6, 5, 3)
    wanted = function(x, axis=(1, 2)) @ arrays["kernel"][0, 0] + arrays["bias"]
    np.testing.assert_allclose(answer(both(net), x), wanted, atol=ATOL)


def norm(w, C, without=()):
    arrays = {"gamma": w(C), "beta": w(C), "moving_mean": w(C), "moving_variance": w(C) ** 2 + 0.5}
    return {key: array for key, array in arrays.items() if key not in without}


@pytest.mark.parametrize("without", [(), ("gamma",), ("beta",), ("gamma", "beta")])
def test_batch_norm_with_and_without_what_it_learns(w, both, answer, without):
    arrays = norm(w, 3, without)
    net = both(ended("BatchNormalization", arrays, epsilon=0.01, scale="gamma" in arrays, center="beta" in arrays))
    x = w(2, 6, 5, 3)
    wanted = (x - arrays["moving_mean"]) / np.sqrt(arrays["moving_variance"] + 0.01)
    wanted = wanted * arrays.get("gamma", 1) + arrays.get("beta", 0)
    np.testing.assert_allclose(answer(net, x), wanted, atol=ATOL)


def test_batch_norm_along_another_axis_is_refused_where_positions_differ(w, tmp_path):
    with pytest.raises(BadFile, match=r"'layer'.*differs from position to position"):
        mv.load(ended("BatchNormalization", norm(w, 6), axis=1).h5(tmp_path / "a.h5"))


def test_an_fc_layer_along_the_channels_of_maps_is_a_1x1_kernel(w, both, answer):
    arrays = {"kernel": w(3, 4), "bias": w(4)}
    net = both(ended("Dense", arrays, activation="relu"))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(net, x), (x @ arrays["kernel"] + arrays["bias"]).clip(0, None), atol=ATOL)


def test_rows_of_permuted_maps_are_weighed_in_keras_order(w, both, answer):
    net = Keras()
    kernel = w(90, 4)
    x = net.layer("Permute", net.input, dims=[3, 1, 2])
    net.ends(net.layer("Dense", net.layer("Flatten", x), {"kernel": kernel}))
    x = w(2, 6, 5, 3)
    np.testing.assert_allclose(answer(both(net), x), x.transpose(0, 3, 1, 2).reshape(2, -1) @ kernel, atol=1e-4)


def test_croppings_and_larger_maps(w, both, answer):
    x = w(2, 6, 5, 3)
    net = both(ended("Cropping2D", {}, cropping=[[1, 0], [2, 1]]))
    np.testing.assert_array_equal(answer(net, x), x[:, 1:, 2:4])
    net = both(ended("UpSampling2D", {}, size=[1, 2], interpolation="nearest"))
    np.testing.assert_array_equal(answer(net, x), x.repeat(2, axis=2))


def test_an_fc_layer_over_another_axis_is_refused(w, tmp_path):
    net = Keras()
    x = net.layer("Permute", net.input, dims=[3, 1, 2])
    net.ends(net.layer("Dense", x, {"kernel": w(5, 4)}, name="dense"))
    with pytest.raises(BadFile, match=r"'dense' \(Dense\) weighs an axis other than the channels"):
        mv.load(net.h5(tmp_path / "a.h5"))


def test_resizing_where_it_is_nothing_or_nearest_and_the_middle_of_maps(w, both, answer, tmp_path):
    x = w(2, 6, 5, 3)
    net = Keras()
    same = net.layer("Resizing", net.input, height=6, width=5, interpolation="bilinear")
    larger = net.layer("Resizing", same, height=12, width=5, interpolation="nearest")
    net.ends(net.layer("CenterCrop", larger, height=5, width=2))
    np.testing.assert_array_equal(answer(both(net), x), x.repeat(2, axis=1)[:, 3:8, 1:3])
    net = both(ended("AdaptiveAveragePooling2D", {}, output_size=[1, 1]))
    np.testing.assert_allclose(answer(net, x), x.mean(axis=(1, 2)), atol=ATOL)
    for height, width in ((6, 5), (6, 2), (3, 5)):
        cut = x[:, (6 - height) // 2:][:, :height, (5 - width) // 2:][:, :, :width]
        np.testing.assert_array_equal(answer(both(ended("CenterCrop", {}, height=height, width=width)), x), cut)
    for kind, settings, message in (("Resizing", {"interpolation": "bilinear"}, "take it out of the model"),
                                    ("CenterCrop", {}, "which are more")):
        with pytest.raises(BadFile, match=message):
            mv.load(ended(kind, {}, height=8, width=8, **settings).h5(tmp_path / "a.h5"))
    with pytest.raises(BadFile, match="here that is one"):
        mv.load(ended("AdaptiveMaxPooling2D", {}, output_size=[2, 2]).h5(tmp_path / "a.h5"))
