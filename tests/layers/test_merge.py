"""Concat, Add, Multiply: each input gets its own part of the gradient, or all of it, or all times the others."""

import numpy as np
import pytest
from passes import both_ways, check_gradients, check_modes

from minivis.engine.geometry import receptive_fields
from minivis.engine.network import Network
from minivis.engine.tiles import tiles
from minivis.errors import BadValue
from minivis.layers import Add, Concat, ForwardMode, GlobalAvgPool, Multiply, Sigmoid, Unflatten


@pytest.mark.parametrize("lead", [(2, 3, 4), (3,)])
def test_concat(rng, xp, lead):
    inputs = [np.full((*lead, channels), float(channels)) for channels in (2, 1, 3)]
    out, dout, dxs, dparams = both_ways(Concat(), *inputs, xp=xp)
    assert out.reshape(-1, 6)[0].tolist() == [2, 2, 1, 3, 3, 3] and dparams == {}
    for dx, (start, stop) in zip(dxs, [(0, 2), (2, 3), (3, 6)], strict=True):
        np.testing.assert_array_equal(dx, dout[..., start:stop])


def test_add(rng, xp):
    inputs = [rng.standard_normal((2, 3, 4, 2)) for _ in range(3)]
    out, dout, dxs, dparams = both_ways(Add(), *inputs, xp=xp)
    np.testing.assert_allclose(out, inputs[0] + inputs[1] + inputs[2])
    assert len(dxs) == 3 and dparams == {}
    for dx in dxs:
        np.testing.assert_array_equal(dx, dout)


@pytest.mark.parametrize("layer", [Concat(), Add(), Multiply()], ids=repr)
def test_gradients_are_finite_differences(rng, layer):
    inputs = [rng.standard_normal((2, 3, 2, 2)) for _ in range(3)]
    check_gradients(layer, *inputs)
    check_modes(layer, *inputs)


def test_shapes_must_agree():
    a, b = np.ones((1, 2, 3, 4)), np.ones((1, 2, 2, 4))
    for run in (lambda: Concat().output_shape(a.shape, b.shape), lambda: Concat().forward(a, b, mode=ForwardMode())):
        with pytest.raises(BadValue, match=r"Concat: all axes but the last must agree, got \(\(1, 2, 3, 4\), "):
            run()
    c = np.ones((1, 2, 3, 1))                       # NumPy would broadcast it without a word
    for run in (lambda: Add().output_shape(a.shape, c.shape), lambda: Add().forward(a, c, mode=ForwardMode())):
        with pytest.raises(BadValue, match=r"Add: all shapes must agree, got \(\(1, 2, 3, 4\), \(1, 2, 3, 1\)\)"):
            run()
    assert Concat().output_shape(a.shape, c.shape) == (1, 2, 3, 5) and Add().output_shape(a.shape, a.shape) == a.shape


def test_multiply_spreads_axes_of_one(rng, xp):
    x, gate = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 1, 1, 5))
    out, dout, (dx, dgate), _ = both_ways(Multiply(), x, gate, xp=xp)
    np.testing.assert_allclose(out, [[[[x[n, i, j, c] * gate[n, 0, 0, c] for c in range(5)] for j in range(4)]
                                      for i in range(3)] for n in range(2)])
    np.testing.assert_allclose(dx, dout * gate)
    np.testing.assert_allclose(dgate, (dout * x).sum(axis=(1, 2), keepdims=True), atol=1e-12)


@pytest.mark.parametrize("shapes", [((1, 3, 4, 5), (1, 3, 2, 5)), ((1, 3, 4, 5), (1, 5)), ((2, 3, 4, 5), (1, 3, 4, 5))])
def test_multiply_takes_no_other_shapes(shapes):
    with pytest.raises(BadValue, match="Multiply: all shapes must agree except for axes of size 1"):
        Multiply().output_shape(*shapes)


def test_behind_a_gate_of_the_whole_picture_every_position_sees_all_of_it():
    net = Network().add("pool", GlobalAvgPool()).add("gate", Sigmoid()).add("maps", Unflatten((1, 1, 3)))
    net.add("out", Multiply(), "input", "maps")
    for order in (("input", "maps"), ("maps", "input")):
        net.nodes["out"] = net.nodes["out"]._replace(inputs=order)
        field = receptive_fields(net, (1, 8, 6, 3))["out"]
        assert field.box(5, 5, (8, 6)) == (0, 0, 8, 6)
        with pytest.raises(BadValue, match="out sees the whole picture from every position"):
            tiles(net, (1, 8, 6, 3), ["out"], 4)
