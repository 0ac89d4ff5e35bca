"""Flatten (in H, W, C order: the mistake that every importer makes once) and the fully connected layer."""

import numpy as np
import pytest
import reference
from passes import ATOL, both_ways, check_gradients, check_modes

from minivis.errors import BadValue
from minivis.layers import Flatten, ForwardMode, FullyConnected, Unflatten


@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_loops(rng, xp, bias):
    x, w = rng.standard_normal((3, 5)), rng.standard_normal((5, 4))
    b = rng.standard_normal(4) if bias else None
    out, dout, (dx,), dparams = both_ways(FullyConnected(w, b), x, xp=xp)
    expected = dict(zip(["out", "x", "w", "b"], reference.fully_connected(x, w, b, dout)))
    np.testing.assert_allclose(out, expected["out"], rtol=0, atol=ATOL)
    np.testing.assert_allclose(dx, expected["x"], rtol=0, atol=ATOL)
    assert set(dparams) == ({"w", "b"} if bias else {"w"})
    for key, grad in dparams.items():
        np.testing.assert_allclose(grad, expected[key], rtol=0, atol=ATOL)


def test_gradients_are_finite_differences(rng):
    layer = FullyConnected(rng.standard_normal((5, 4)), rng.standard_normal(4))
    check_gradients(layer, rng.standard_normal((3, 5)))
    check_modes(layer, rng.standard_normal((3, 5)))
    assert layer.forward(rng.standard_normal((3, 5)), mode=ForwardMode("image"))[1] is None     # dx needs no x


def test_flatten_keeps_the_channels_of_a_position_together(xp):
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    out, dout, (dx,), _ = both_ways(Flatten(), x, xp=xp)
    assert out.shape == (1, 24)
    for h, w, c in np.ndindex(2, 3, 4):
        assert out[0, (h * 3 + w) * 4 + c] == x[0, h, w, c] and dx[0, h, w, c] == dout[0, (h * 3 + w) * 4 + c]
    if xp is np:
        check_gradients(Flatten(), x)
        check_modes(Flatten(), x)


def test_geometry():
    layer = FullyConnected(np.ones((12, 4)), np.ones(4))
    assert layer.output_shape((3, 12)) == (3, 4) and layer.multiply_adds((3, 12), (3, 4)) == 48
    assert layer.window((3, 12)) is None
    assert Flatten().output_shape((3, 2, 5, 4)) == (3, 40)
    assert Flatten().window((3, 2, 5, 4)) == ((2, 5), (0, 0), (0, 0), ((0, 0), (0, 0)))
    assert repr(layer) == "FullyConnected(w=(12, 4), b=(4,))"


def test_float32_stays_float32(rng):
    w, b = rng.standard_normal((5, 4), np.float32), rng.standard_normal(4, np.float32)
    both_ways(FullyConnected(w, b), rng.standard_normal((3, 5), np.float32))


@pytest.mark.parametrize("make, message", [
    (lambda: FullyConnected(np.ones((2, 3, 4))), r"w must have the shape \(in, out\), .* got \(2, 3, 4\)"),
    (lambda: FullyConnected(np.ones((0, 4))), "with no side of 0"),
    (lambda: FullyConnected(np.ones((3, 4)), np.ones(3)), r"b must have the shape \(4,\) for w \(3, 4\), got \(3,\)"),
    (lambda: FullyConnected(np.ones((3, 4))).output_shape((1, 4)), r"an input of 2 axes ending in 3, got \(1, 4\)"),
    (lambda: FullyConnected(np.ones((3, 4))).forward(np.ones((1, 2, 2, 3)), mode=ForwardMode()), "axes ending in 3"),
    (lambda: Flatten().output_shape((1, 4)), r"Flatten expects an input \(N, H, W, C\), got \(1, 4\)"),
])  # fmt: skip
def test_every_mistake_gets_its_sentence(make, message):
    with pytest.raises(BadValue, match=message):
        make()


def test_unflatten_undoes_flatten(rng, xp):
    x = rng.standard_normal((2, 3, 4, 5))
    row = both_ways(Flatten(), x)[0]
    out, dout, (dx,), _ = both_ways(Unflatten((3, 4, 5)), row, xp=xp)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, dout.reshape(2, 60))
    with pytest.raises(BadValue, match=r"shape is \(H, W, C\)"):
        Unflatten((3, 20))
    with pytest.raises(BadValue, match="ending in 60"):
        Unflatten((3, 4, 5)).output_shape((2, 61))
