"""What each input of a layer gets of its relevance, by the sums of the papers, and that nothing is lost on the way."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.layers import (
    LAYER_TYPES,
    Add,
    AvgPool2D,
    BatchNorm,
    Concat,
    Conv2D,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    Multiply,
    ReLU,
    Softmax,
)
from minivis.layers.base import ForwardMode
from minivis.layers.opposites import Opposites
from minivis.layers.relevance import RELEVANCE_RULES, AlphaBeta, Box, Epsilon, Flat, Gamma, shared_out, summed_to
from tests import reference

SHARES = [("epsilon", Epsilon(0.3)), ("gamma", Gamma(0.7)), ("alpha-beta", AlphaBeta(1.5)), ("flat", Flat()),
          ("box", Box())]


def back(layer, inputs, share, R=None, rng=None, **how):
    """(the output, its relevance, that of the inputs)."""
    out, cache = layer.forward(*inputs, mode=ForwardMode())
    R = rng.uniform(0.5, 2, out.shape) if R is None else R
    return out, R, shared_out(layer, inputs, out, cache, R, share, **how)


@pytest.mark.parametrize("name, share", SHARES)
@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_shares_as_the_sums_say(name, share, groups, rng):
    x, w, b = (rng.standard_normal(s) for s in [(2, 5, 4, 4), (3, 2, 4 // groups, 6), (6,)])
    layer = Conv2D(w, b, stride=(2, 1), padding=1, groups=groups)
    low, high = x - rng.uniform(0, 1, x.shape), x + rng.uniform(0, 1, x.shape)
    out, R, (found,) = back(layer, [x], share, rng=rng, limits=(low, high))
    pads = ((1, 1), (1, 1))
    wanted = np.zeros(x.shape)
    for n in range(2):                                                  # epsilon is a part of each picture's own size
        terms = reference.conv_terms((1, *x.shape[1:]), w.shape, (2, 1), pads, (1, 1), groups)
        size = np.sqrt((out[n] ** 2).mean())
        wanted[n : n + 1] = reference.relevance(
            terms, x[n : n + 1], w, b, R[n : n + 1], name, low[n : n + 1], high[n : n + 1], epsilon=0.3 * size,
            gamma=0.7, alpha=1.5)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name, share", SHARES)
def test_an_fc_layer_shares_as_the_sums_say(name, share, rng):
    x, w, b = (rng.standard_normal(s) for s in [(1, 5), (5, 4), (4,)])
    out, R, (found,) = back(FullyConnected(w, b), [x], share, rng=rng, limits=(x - 1, x + 2))
    terms = [((0, j), (0, i), (i, j)) for i in range(5) for j in range(4)]
    wanted = reference.relevance(terms, x, w, b, R, name, x - 1, x + 2, epsilon=0.3 * np.sqrt((out**2).mean()),
                                 gamma=0.7, alpha=1.5)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize("share", [Epsilon(0), Gamma(), AlphaBeta(), AlphaBeta(1.0)])
@pytest.mark.parametrize("kind", sorted(name for name, cls in LAYER_TYPES.items() if cls.relevance))
def test_without_a_bias_nothing_is_lost_in_any_layer(kind, share, rng):
    for layer, shapes in LAYER_TYPES[kind].examples(rng):
        if "b" in layer.params and layer.relevance == "weighs":
            layer = layer.with_params(w=layer.params["w"])
        inputs = [rng.uniform(0.1, 1, shape) for shape in shapes]
        if kind in ("Slice", "Crop2D", "Pad2D"):                        # what is cut off or added has no relevance
            continue
        out, R, parts = back(layer, inputs, share, rng=rng)
        R = np.where(out == 0, 0, R)                                    # nobody made it: nobody can have it
        if isinstance(share, AlphaBeta) and layer.relevance == "weighs" and share.alpha == 1.0:
            R = np.where(out > 0, R, 0)                                 # negative contributions alone have none by z+
            inputs = [abs(x) for x in inputs]
        out, cache = layer.forward(*inputs, mode=ForwardMode())
        parts = shared_out(layer, inputs, out, cache, R, share)
        assert [part.shape for part in parts] == [x.shape for x in inputs]
        assert sum(part.sum() for part in parts) == pytest.approx(R.sum(), rel=1e-8), (layer, share)


def test_what_a_bias_keeps_is_its_part(rng):
    x, w, b = rng.uniform(0, 1, (1, 6)), rng.standard_normal((6, 3)), rng.standard_normal(3)
    z, R, (found,) = back(FullyConnected(w, b), [x], Epsilon(0), rng=rng)
    assert found.sum() == pytest.approx(R.sum() - (R * b / z).sum())


def test_merges_share_by_what_each_brought():
    a, b = np.array([[1.0, 6]]), np.array([[3.0, -2]])
    R = np.array([[8.0, 4]])
    _, _, (to_a, to_b) = back(Add(), [a, b], Epsilon(0), R)
    np.testing.assert_allclose([to_a[0], to_b[0]], [[2, 6], [6, -2]])
    _, _, (to_a, to_b) = back(Add(), [a, b], AlphaBeta(), R)            # 3 + (-1) parts of the first, as 2 R and -R
    np.testing.assert_allclose([to_a[0], to_b[0]], [[2, 8], [6, -4]])
    _, _, (to_a, to_b) = back(Concat(), [a, b], Gamma(), np.array([[1.0, 2, 3, 4]]))
    np.testing.assert_array_equal([to_a[0], to_b[0]], [[1, 2], [3, 4]])


def test_what_was_spread_over_an_axis_comes_back_as_its_sum():
    a = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(summed_to(a, (2, 1, 3)), [[[3, 5, 7]], [[15, 17, 19]]])
    np.testing.assert_array_equal(summed_to(a, (1, 2, 1)), [[[24], [42]]])
    np.testing.assert_array_equal(summed_to(a, (2, 2, 3)), a)


def test_pools_share_by_the_mean_or_give_all_to_the_winner():
    x = np.array([1.0, 3, 4, 0]).reshape(1, 2, 2, 1)
    R = np.full((1, 1, 1, 1), 16.0)
    for layer, wanted, r in ((MaxPool2D(2), [0, 0, 16, 0], R), (AvgPool2D(2), [2, 6, 8, 0], R),
                             (GlobalAvgPool(), [2, 6, 8, 0], R[0, 0])):
        np.testing.assert_allclose(back(layer, [x], Epsilon(0), r)[2][0].ravel(), wanted)


def test_what_has_one_input_passes_everything_on(rng):
    x, R = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    norm = BatchNorm(*rng.standard_normal((3, 3)), np.ones(3))
    for layer in (ReLU(), norm):
        np.testing.assert_array_equal(back(layer, [x], Gamma(), R)[2][0], R)


def test_a_gate_gets_nothing_and_two_maps_get_halves(rng):
    maps, gate, R = rng.standard_normal((1, 2, 2, 3)), rng.uniform(size=(1, 1, 1, 3)), rng.uniform(size=(1, 2, 2, 3))
    to_maps, to_gate = back(Multiply(), [maps, gate], Gamma(), R)[2]
    np.testing.assert_array_equal(to_maps, R)
    assert not to_gate.any() and to_gate.shape == gate.shape
    for part in back(Multiply(), [maps, maps], Gamma(), R)[2]:
        np.testing.assert_allclose(part, R / 2)


def test_both_answers_of_one_output_give_it_their_score():
    z = np.array([[-2.0]])
    for R in ([[5.0, 0]], [[0, 5.0]]):
        assert back(Opposites(), [z], Gamma(), np.array(R))[2][0] == 5


def test_contributions_of_one_sign_share_all_of_it():
    """Without a negative contribution alpha R would be more than there is."""
    x, w, R = np.array([[1.0, 3]]), np.array([[1.0, -1], [1, -1]]), np.array([[4.0, 8]])
    found = back(FullyConnected(w), [x], AlphaBeta(2.0), R)[2][0]
    np.testing.assert_allclose(found, [[1 + 2, 3 + 6]])


def test_a_dead_output_divides_nothing_by_zero():
    x, w = np.zeros((1, 2)), np.ones((2, 1))
    for _, share in SHARES:
        (found,) = back(FullyConnected(w), [x], share, np.ones((1, 1)), limits=(x, x))[2]
        assert np.isfinite(found).all()


def test_a_softmax_has_no_rule():
    assert Softmax.relevance is None
    with pytest.raises(BadValue, match="Softmax has no LRP rule"):
        back(Softmax(), [np.ones((1, 3))], Epsilon(), np.ones((1, 3)))


def test_every_rule_says_what_it_is():
    for name, rule in RELEVANCE_RULES.items():
        assert rule.name == name and rule.title.startswith("LRP") and rule.meaning and rule.formula and rule.source
