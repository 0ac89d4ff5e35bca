"""The one list of rules."""

import numpy as np
import pytest

from minivis.errors import UnknownName
from minivis.layers import RELU_RULES, RULES
from minivis.layers.relevance import RELEVANCE_RULES, Gamma, everywhere
from minivis.layers.rules import rule_named


def test_the_list_has_those_of_the_relu_and_those_of_lrp():
    assert list(RULES) == [*RELU_RULES, *RELEVANCE_RULES]
    assert [rule.relevance for rule in RULES.values()] == [name.startswith("lrp") for name in RULES]


def test_a_rule_by_its_name_or_as_it_is():
    own = everywhere("mine", "", "", "", "", Gamma(2.0))
    assert rule_named("guided") is RELU_RULES["guided"] and rule_named(own) is own


@pytest.mark.parametrize("wrong", ["gided", None, 3])
def test_a_wrong_name_gets_the_closest(wrong):
    with pytest.raises(UnknownName, match=f"no rule named {wrong!r}"):
        rule_named(wrong)


def test_a_new_rule_is_one_entry(vgg, rng, monkeypatch):
    own = everywhere("mine", "LRP, mine", "gamma 2", "", "", Gamma(2.0))
    monkeypatch.setitem(RULES, "mine", own)
    x = rng.standard_normal((1, 16, 16, 3)).astype(vgg.dtype)
    acts = vgg.forward(x)
    logits = vgg.roles["logits"]
    by_name, by_rule = (vgg.backward(acts, {logits: acts[logits]}, rule=rule)[0]["input"] for rule in ("mine", own))
    np.testing.assert_array_equal(by_name, by_rule)
