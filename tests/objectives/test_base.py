"""The algebra of objectives: sums and weights by hand, on activations of two numbers."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.objectives.base import Objective, as_objective, objective

ACTS = {"a": np.array([[1.0], [2.0]]), "b": np.array([[10.0], [20.0]])}         # two images


def of(layer):
    """The values of one layer, of each image; the seed is 1."""
    return objective(layer, (layer,), lambda acts: (acts[layer][:, 0], {layer: np.ones_like(acts[layer])}))


def test_a_weighted_sum_by_hand():
    found = (2 * of("a") - of("b") + of("a") * 0.5).evaluate(ACTS)
    np.testing.assert_array_equal(found.losses, [2.5 - 10, 5 - 20])
    assert found.loss == -22.5 and found.terms == {"a": 7.5, "b": -30.0}
    np.testing.assert_array_equal(found.seeds["a"], [[2.5], [2.5]])             # seeds of one layer add up
    np.testing.assert_array_equal(found.seeds["b"], [[-1], [-1]])
    loss, seeds = (-of("b"))(ACTS)
    assert loss == -30 and seeds["b"].tolist() == [[-1], [-1]]


def test_layers_are_named_once_and_unknown_where_a_function_reads_any():
    assert (of("b") + of("a") + of("b")).layers == ("b", "a")
    assert (of("a") + as_objective(lambda acts: (0.0, {}))).layers is None
    assert as_objective(of("a")).layers == ("a",)


def test_a_weight_of_zero_takes_its_term_out_and_none_is_infinite():
    assert (0 * of("a") + of("b")).layers == ("b",) and not (0 * of("a")).parts
    for weight in (float("inf"), float("nan")):
        with pytest.raises(BadValue, match="the weight of an objective must be a finite number"):
            weight * of("a")


def test_one_number_for_a_batch_is_shared_by_its_images():
    both = objective("both", ("a",), lambda acts: (acts["a"].sum(), {}))
    np.testing.assert_array_equal((4 * both).evaluate(ACTS).losses, [6, 6])     # 4 * 3, for two images


def test_objectives_say_what_they_are():
    assert str(of("a") + 0.5 * of("b")) == "a + 0.5 b" and str(Objective()) == "nothing"
    assert str(sum([of("a"), of("b")])) == "a + b"
