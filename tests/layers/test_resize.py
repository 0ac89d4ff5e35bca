"""Upsample and ConvTranspose2D against loops, in odd geometries."""

import pickle

import numpy as np
import pytest
from passes import ATOL, both_ways, check_gradients, check_modes
from reference import conv_transpose, upsample

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import Conv2D, ConvTranspose2D, Upsample
from minivis.objectives import score
from minivis.weights import native
from minivis.weights.read import read_file

CASES = [
    {}, {"stride": 2, "padding": 1, "output_padding": 1}, {"stride": (3, 2), "padding": ((0, 1), (2, 0))},
    {"dilation": 2, "padding": 1}, {"stride": 2, "groups": 2},
]  # fmt: skip


def transposed(rng, case, bias=True):
    groups = case.get("groups", 1)
    w, b = rng.standard_normal((3, 2, 6 // groups, 4)), rng.standard_normal(6)
    return ConvTranspose2D(w, b if bias else None, **case)


@pytest.mark.parametrize("factor", [2, (1, 3), 1])
def test_upsample_equals_the_loop(xp, rng, factor):
    layer, x = Upsample(factor), rng.standard_normal((2, 3, 4, 5))
    np.testing.assert_array_equal(both_ways(layer, x, xp=xp)[0], upsample(x, layer.factor))
    if xp is np:
        check_gradients(layer, x)
        check_modes(layer, x)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_conv_transpose_equals_the_loop(xp, rng, case, bias):
    layer, x = transposed(rng, case, bias), rng.standard_normal((2, 4, 3, 4))
    out = both_ways(layer, x, xp=xp)[0]
    wanted = conv_transpose(x, layer.params["w"], layer.params.get("b"), layer.stride, layer.padding, layer.dilation,
                            layer.groups, layer.output_padding)
    np.testing.assert_allclose(out, wanted, rtol=0, atol=ATOL)


@pytest.mark.parametrize("case", CASES)
def test_conv_transpose_gradients(rng, case):
    layer, x = transposed(rng, case), rng.standard_normal((2, 3, 3, 4))
    check_gradients(layer, x)
    check_modes(layer, x)


@pytest.mark.parametrize("layer", [Upsample(2), ConvTranspose2D(np.ones((2, 2, 3, 3)), stride=2)])
def test_every_rule_is_the_chain_rule(rng, layer):
    x, dout = rng.standard_normal((1, 2, 3, 3)), rng.standard_normal((1, 4, 6, 3))
    first, *others = (both_ways(layer, x, dout=dout, rule=rule)[2][0] for rule in ("normal", "guided", "deconv"))
    assert all((other == first).all() for other in others)


def test_our_file_a_pickle_and_new_parameters_keep_it(rng, tmp_path):
    net = Network().add("conv", Conv2D(rng.standard_normal((3, 3, 3, 4)))).add("up", Upsample(2))
    net.add("t", transposed(rng, CASES[1]))
    x = rng.standard_normal((1, 6, 7, 3))
    native.save(net, tmp_path / "a.h5")
    again = read_file(tmp_path / "a.h5", dtype=np.float64)
    for other in (again, pickle.loads(pickle.dumps(net)), net.astype(np.float32).astype(np.float64)):
        np.testing.assert_allclose(other.forward(x)["t"], net.forward(x)["t"], rtol=1e-5, atol=1e-5)
    layer = net.layers["t"]
    layer.set_params(w=2 * layer.params["w"], b=2 * layer.params["b"])
    np.testing.assert_allclose(net.forward(x)["t"], 2 * again.forward(x)["t"], rtol=1e-12)


@pytest.mark.parametrize("layer", [Upsample((1, 2)), ConvTranspose2D(np.ones((2, 2, 3, 4)), stride=2)])
def test_each_position_counts_as_if_it_saw_everything(rng, layer):
    """Of maps of 6 x 7 that see 3 x 3 pixels each, from one beyond the edge on: 8 x 9."""
    assert layer.window((2, 6, 7, 4)) == ((6, 7), (0, 0), (0, 0), ((0, 0), (0, 0)))
    net = Network().add("conv", Conv2D(rng.standard_normal((3, 3, 3, 4)), padding=1)).add("up", layer)
    field = net.receptive_field("up", (1, 6, 7, 3))
    assert field == ((8, 9), (0, 0), (-1, -1)) and field.box(5, 11, (6, 7)) == (0, 0, 6, 7)


def test_there_are_no_tiles_over_them(rng):
    net = Network().add("conv", Conv2D(rng.standard_normal((3, 3, 3, 4)))).add("up", Upsample(2))
    with pytest.raises(BadValue, match="tile"):
        net.image_gradient(rng.standard_normal((1, 12, 12, 3)), score("up", 1), tile=8)


def test_errors(rng):
    with pytest.raises(BadValue, match="must be below the stride"):
        transposed(rng, {"output_padding": 1})
    with pytest.raises(BadValue, match='"same" does not determine'):
        transposed(rng, {"padding": "same"})
    with pytest.raises(BadValue, match=r"b must be \(6,\)"):
        ConvTranspose2D(np.ones((1, 1, 6, 4)), np.ones(4))
    with pytest.raises(BadValue, match="nothing is left"):
        transposed(rng, {"padding": 5}).output_shape((1, 2, 2, 4))
    with pytest.raises(BadValue, match="factor must be at least 1"):
        Upsample(0)
