"""Functions of one number against loops of Python's math, their kinks, and the rules, which leave them alone."""

import numpy as np
import pytest
from passes import ATOL, both_ways, check_gradients, check_modes
from reference import ELEMENTWISE, elementwise, prelu

import minivis.layers as L
from minivis.engine.finite_differences import smooth_inputs
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.models.tiny import Weights
from minivis.objectives import score
from minivis.weights import native
from minivis.weights.read import read_file

MADE = [*(getattr(L, kind)() for kind in ELEMENTWISE), L.PReLU(np.array([0.25, -0.5, 2.0]))]


@pytest.mark.parametrize("layer", MADE, ids=lambda layer: type(layer).__name__)
class TestEach:
    def test_equals_the_loop(self, xp, rng, layer):
        x = 3 * rng.standard_normal((2, 4, 5, 3))
        x[0, 0, 0] = [0, 3, -3]
        kind = type(layer).__name__
        wanted = prelu(x, layer.params["w"]) if kind == "PReLU" else elementwise(x, kind)
        np.testing.assert_allclose(both_ways(layer, x, xp=xp)[0], wanted, rtol=0, atol=ATOL)

    def test_gradients(self, rng, layer):
        (x,) = smooth_inputs(layer, [(2, 3, 4, 3)], rng)
        check_gradients(layer, x)
        check_modes(layer, x)

    def test_every_rule_is_the_chain_rule(self, rng, layer):
        x, dout = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 3))
        normal, *others = (both_ways(layer, x, dout=dout, rule=rule)[2][0] for rule in ("normal", "guided", "deconv"))
        for other in others:
            np.testing.assert_array_equal(other, normal)

    def test_no_number_overflows(self, layer):
        x = np.tile(np.array([-1e30, 0, 1e30], np.float32)[:, None], 3)
        single = layer.with_params(**{key: p.astype(np.float32) for key, p in layer.params.items()})
        out, _, (dx,), _ = both_ways(single, x)
        assert out.dtype == dx.dtype == np.float32 and np.isfinite(out).all() and np.isfinite(dx).all()

    def test_tiles_and_our_file_keep_it(self, rng, tmp_path, layer):
        weights = Weights(0, np.float64)
        net = Network().add("conv1", weights.conv(3, 3, 3, 3, padding=1)).add("f", layer)
        net.add("conv2", weights.conv(3, 3, 3, 2, padding=1))
        x = rng.standard_normal((1, 20, 18, 3))
        _, dx = net.image_gradient(x, score("conv2", 1))
        np.testing.assert_allclose(net.image_gradient(x, score("conv2", 1), tile=8)[1], dx, rtol=0, atol=1e-12)
        native.save(net, tmp_path / "a.h5")
        again = read_file(tmp_path / "a.h5", dtype=np.float64)
        np.testing.assert_array_equal(again.forward(x)["conv2"], net.forward(x)["conv2"])


def test_no_kink_is_passed_over():
    for layer, at in ((L.HardSwish(), 3.0), (L.HardSigmoid(), 3.0), (L.LeakyReLU(), 0.0), (L.PReLU(np.ones(1)), 0.0)):
        assert max(layer.kinks) == pytest.approx(at)


def test_errors():
    with pytest.raises(BadValue, match="slope must be a number above 0, not 0"):
        L.HardSigmoid(0)
    with pytest.raises(BadValue, match="slope must be a number, not nan"):
        L.LeakyReLU(float("nan"))
    with pytest.raises(BadValue, match="slope must be a number, not inf"):
        L.ThresholdReLU(6, np.inf)
    with pytest.raises(BadValue, match=r"above 0 and the threshold, got 0\.5"):
        L.ThresholdReLU(0.5, threshold=1)
    with pytest.raises(BadValue, match=r"w must be \(C,\)"):
        L.PReLU(np.ones((2, 2)))
    with pytest.raises(BadValue, match="ending in 2"):
        L.PReLU(np.ones(2)).output_shape((1, 3))


def test_a_threshold_a_slope_and_a_largest_value_at_once():
    layer = L.ThresholdReLU(6, 0.1, 0.5)
    x = np.array([[-2.0, 0.0, 0.4, 0.5, 0.6, 5.0, 6.0, 9.0]])          # at the threshold itself as below it
    np.testing.assert_allclose(layer.function(x), [[-0.25, -0.05, -0.01, 0, 0.6, 5, 6, 6]], atol=1e-15)
    np.testing.assert_allclose(layer.derivative(x), [[0.1, 0.1, 0.1, 0.1, 1, 1, 0, 0]])
