"""Values in another order than ours, and arithmetic that is taken in elsewhere, on nets of one or two layers."""

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.layers import Conv2D, Flatten, ForwardMode, FullyConnected, Pad2D, Permute, ReLU, Scale
from minivis.weights import layout
from minivis.weights.builder import Builder
from minivis.weights.layout import Value


def begun(*shape):
    builder = Builder("f4")
    builder.shapes["input"] = (1, *shape)
    builder.scale, builder.shift = np.ones(shape[-1]), np.zeros(shape[-1])
    return builder, Value("input", layout.standard((1, *shape)))


def test_maps_in_our_order_are_read_as_they_are_and_shuffled_channels_through_a_permute():
    builder, value = begun(2, 3, 6)
    assert builder.maps_of("x", value) == "input" and not builder.net.nodes
    shuffled = value._replace(places=value.places[[0, 3, 1, 4, 2, 5]])
    name = builder.maps_of("x", shuffled)
    assert builder.net.layers[name].config() == {"shape": (2, 3), "axes": (1, 0)}
    assert builder.maps_of("x", shuffled) == name and len(builder.net.nodes) == 1      # once for all that read it


def test_a_value_that_no_layer_makes_is_a_constant():
    builder, value = begun(2, 3, 6)
    builder.values["x"] = value
    assert builder.value("x") is value
    with pytest.raises(BadFile, match="'y' is a constant, where a layer's output was expected"):
        builder.value("y")


def test_rows_and_maps_that_no_layer_makes_are_refused():
    builder, value = begun(2, 3, 6)
    with pytest.raises(BadFile, match=r"'x' is .* and not feature maps"):
        builder.maps_of("x", value._replace(places=value.places.reshape(-1)))
    with pytest.raises(BadFile, match="'x': its axes are not in an order"):
        builder.maps_of("x", value._replace(places=value.places[:, ::-1]))
    with pytest.raises(BadFile, match="'x': its numbers are in an order that no layer here makes"):
        builder.row("x", Value("input", np.array([1, 0, 3, 2])))


def test_a_row_in_the_order_c_h_w_goes_through_a_permute(rng):
    builder, value = begun(2, 3, 4)
    builder.insert("flatten", Flatten(), "input")
    name = builder.row("x", Value("flatten", value.places.reshape(-1)))
    assert isinstance(builder.net.layers[name], Permute)


def test_padding_that_nothing_took_in_is_a_layer():
    builder, value = begun(2, 3, 4)
    padded = builder.settled(value._replace(pads=((1, 0), (0, 2)), fill=3.0))
    assert isinstance(builder.net.layers[padded.layer], Pad2D) and builder.shapes[padded.layer] == (1, 3, 5, 4)


def test_a_layer_whose_name_is_taken_gets_a_number():
    builder, _ = begun(2, 3, 4)
    assert [builder.insert("relu", ReLU(), "input") for _ in range(3)] == ["relu", "relu 2", "relu 3"]
    with pytest.raises(BadFile, match=r"fc: .*input"):
        builder.insert("fc", FullyConnected(np.ones((7, 2), "f4")), "relu")


def test_arithmetic_goes_into_the_preprocessing_into_a_bias_or_into_a_scale():
    builder, value = begun(2, 2, 3)
    factors, offsets = np.array([1.0, 2, 4]).reshape(3, 1, 1), np.array([1.0, 0, -1]).reshape(3, 1, 1)
    assert builder.affine("a", value, factors, np.zeros(1), alone=True) is value
    assert builder.affine("b", value, np.ones(1), offsets, alone=True) is value
    assert builder.scale.tolist() == [1, 2, 4] and builder.shift.tolist() == [1, 0, -1]
    assert not builder.reads_pixels()

    builder.insert("conv", Conv2D(np.ones((1, 1, 3, 3), "f4")), "input")
    made = Value("conv", value.places)
    assert builder.affine("c", made, np.ones(1), offsets, alone=True) is made
    assert builder.net.layers["conv"].params["b"].tolist() == [1, 0, -1]
    scaled = builder.affine("d", made, factors, offsets, alone=True)
    assert scaled.layer == "d" and isinstance(builder.net.layers["d"], Scale)
    assert builder.net.layers["d"].params["w"].tolist() == [1, 2, 4]


def test_what_another_layer_reads_too_is_left_as_it_is():
    builder, value = begun(2, 2, 3)
    assert builder.affine("a", value, np.full(1, 2.0), np.zeros(1), alone=False).layer == "a"
    assert builder.scale.tolist() == [1, 1, 1]


def test_two_scales_are_one_and_none_where_they_cancel():
    builder, value = begun(2, 2, 3)
    relu = Value(builder.insert("relu", ReLU(), "input"), value.places)
    first = builder.affine("a", relu, np.full(1, 2.0), np.full(1, 1.0), alone=True)
    second = builder.affine("b", first, np.full(1, 4.0), np.full(1, 4.0), alone=True)
    assert list(builder.net.nodes) == ["relu", "b"]
    params = builder.net.layers["b"].params
    assert params["w"].tolist() == [8] * 3 and params["b"].tolist() == [8] * 3
    assert builder.affine("c", second, np.full(1, 1 / 8), np.full(1, -1.0), alone=True).layer == "relu"
    assert list(builder.net.nodes) == ["relu"]


def test_a_row_becomes_maps_in_our_order():
    builder, _ = begun(1, 1, 3)
    builder.insert("flatten", Flatten(), "input")
    builder.insert("fc", FullyConnected(np.ones((3, 24), "f4")), "flatten")
    maps = builder.maps_of("fc", Value("fc", np.arange(24).reshape(4, 2, 3)))           # the graph's C, H, W
    assert maps == "fc as maps" and builder.shapes[maps] == (1, 2, 3, 4)
    x = np.arange(24.0).reshape(1, 24)
    for name in ("fc in order", "fc as maps"):
        x = builder.net.layers[name].forward(x, mode=ForwardMode(None))[0]
    np.testing.assert_array_equal(x[0], np.arange(24.0).reshape(4, 2, 3).transpose(1, 2, 0))
