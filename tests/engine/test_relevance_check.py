"""The check of the rules of LRP finds what is wrong, and what it writes down is what the papers say."""

import numpy as np
import pytest

from minivis.engine import relevance_check
from minivis.engine.relevance_check import by_definition, share_errors
from minivis.layers import LAYER_TYPES, Add, AvgPool2D, Conv2D, FullyConnected, ReLU
from minivis.layers import relevance as lrp
from minivis.layers.base import ForwardMode
from minivis.layers.relevance import RELEVANCE_RULES, Gamma

SHARING = sorted(name for name, cls in LAYER_TYPES.items() if cls.relevance in ("weighs", "adds"))


@pytest.mark.parametrize("kind", SHARING)
def test_every_layer_that_shares_does_as_the_formulas_say(kind, rng):
    for layer, shapes in LAYER_TYPES[kind].examples(rng):
        errors = share_errors(layer, [rng.standard_normal(shape) for shape in shapes], rng)
        assert set(errors) == set(RELEVANCE_RULES) and max(errors.values()) < 1e-9


def test_a_wrong_rule_is_found(rng, monkeypatch):
    monkeypatch.setattr(lrp, "divided", lambda a, b: 1.001 * a / np.where(b == 0, 1, b))
    errors = share_errors(Conv2D(rng.standard_normal((3, 3, 2, 4))), [rng.standard_normal((2, 5, 6, 2))], rng)
    assert min(errors.values()) > 5e-4


def test_maps_and_rows_are_checked_by_the_share_that_they_have_in_a_net(rng, monkeypatch):
    """And a layer that weighs by that of a first layer, too."""
    seen = []
    monkeypatch.setattr(relevance_check, "share_error", lambda *given: seen.append(given[-1]) or 0.0)
    maps, rows = rng.standard_normal((2, 4, 4, 3)), rng.standard_normal((2, 3))
    for layer, inputs, wanted in (
        (Conv2D(rng.standard_normal((2, 2, 3, 2))), [maps], lambda rule: {rule.maps, rule.first}),
        (FullyConnected(rng.standard_normal((3, 2))), [rows], lambda rule: {rule.rows, rule.first}),
        (AvgPool2D(2), [maps], lambda rule: {rule.maps}), (Add(), [rows, rows], lambda rule: {rule.rows}),
    ):  # fmt: skip
        seen.clear()
        share_errors(layer, inputs, rng)
        assert set(seen) == set().union(*map(wanted, RELEVANCE_RULES.values()))
        assert len(seen) == sum(len(wanted(rule)) for rule in RELEVANCE_RULES.values())


def test_what_shares_nothing_is_not_checked(rng):
    assert share_errors(ReLU(), [rng.standard_normal((2, 3))], rng) == {}


def test_one_output_by_hand():
    """Contributions 2 and -1 and the bias 1: z = 2, so gamma 1 gives (2 + 2) / (2 + 3) and -1 / (2 + 3)."""
    layer = FullyConnected(np.array([[2.0], [1.0]]), np.array([1.0]))
    x = [np.array([[1.0, -1.0]])]
    out, cache = layer.forward(*x, mode=ForwardMode())
    found = by_definition(layer, x, out, cache, np.array([[10.0]]), Gamma(1.0), (None, None))
    np.testing.assert_allclose(found[0], [[8, -2]])
