"""Objectives in words: the grammar, the values, and what is wrong in a text."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, MinivisError, UnknownName
from minivis.models.tiny import tiny_vgg
from minivis.objectives.words import Sought, parse_objective, parse_terms

NAMES = ["goose", "owl", "black-and-tan coonhound", "black", "flag: Japan"]


@pytest.fixture(scope="module")
def net():
    net = tiny_vgg(dtype=np.float64)
    net.class_names = tuple(NAMES)
    return net


@pytest.mark.parametrize("text, terms", [
    ("goose", [("fc8:0", 1)]), ("fc8:goose + 0.5*relu2_1:3", [("fc8:0", 1), ("relu2_1:3", 0.5)]),
    ("goose+0.5*relu2_1:3-owl", [("fc8:0", 1), ("relu2_1:3", 0.5), ("fc8:1", -1)]),
    ("-goose - 1e-2 * owl", [("fc8:0", -1), ("fc8:1", -0.01)]), ("goose*2 + owl * .5", [("fc8:0", 2), ("fc8:1", 0.5)]),
    ("black-and-tan coonhound - black", [("fc8:2", 1), ("fc8:3", -1)]),
    ("flag: Japan+black", [("fc8:4", 1), ("fc8:3", 1)]),
    ("relu2_1:1@max - relu2_1:1@0,2", [("relu2_1:1@max", 1), ("relu2_1:1@0,2", -1)]),
    ("relu2_1 + 2*relu1_1", [("relu2_1", 1), ("relu1_1", 2)]), ("goose + 2*goose", [("fc8:0", 3)]),
    ("+ goose", [("fc8:0", 1)]), ("fc8:1 - 3", [("fc8:1", 1), ("fc8:3", -1)]),
])
def test_the_grammar(net, text, terms):
    assert [(term.name, term.weight) for term in parse_terms(net, text)] == terms


def test_the_value_is_the_weighted_sum(net, rng):
    acts = net.forward(rng.standard_normal((2, 16, 16, 3)))
    value, seeds = parse_objective(net, "fc8:goose + 0.5*relu2_1:3 - 2*owl")(acts)
    expected = acts["fc8"][:, 0] + 0.5 * acts["relu2_1"][..., 3].sum(axis=(1, 2)) - 2 * acts["fc8"][:, 1]
    assert value == pytest.approx(expected.sum())
    np.testing.assert_array_equal(seeds["fc8"][:, :3], [[1, -2, 0]] * 2)
    assert mv.parse_objective is parse_objective


@pytest.mark.parametrize("text, kind, message", [
    ("gose + owl", UnknownName, "no class named 'gose'"), ("goose + relu9:1", UnknownName, "no layer named 'relu9'"),
    ("goose + fc8:99", BadValue, "fc8"), ("", BadValue, "a unit is missing; write a sum"),
    ("goose +", BadValue, "a unit is missing"), ("goose ++ owl", BadValue, "a unit is missing"),
    ("goose -", BadValue, "a unit is missing at the end"), ("goose + 0.5*", BadValue, "a unit is missing at the end"),
    ("0*goose", BadValue, "all weights are 0"), ("goose - goose", BadValue, "all weights are 0"),
    ("2 goose", UnknownName, "no class named '2 goose'"), ("2*3*goose", MinivisError, "goose"),
    ("1e999*goose", BadValue, "too large"), ("goose" + " + owl" * 900, BadValue, "at most 2000 characters"),
    ("relu2_1:1@top", BadValue, "the @ must be followed by"),
])
def test_what_is_wrong_in_a_text(net, text, kind, message):
    with pytest.raises(kind, match=message.replace("*", r"\*")):
        parse_terms(net, text)


def test_many_signs_take_no_long_time(net):
    with pytest.raises(MinivisError):
        parse_terms(net, "a-" * 199 + "b")


def test_as_text_again(net):
    sought = Sought.of(net, "-goose+.5*relu2_1:3-2*black-and-tan coonhound")
    assert str(sought) == "-fc8:goose + 0.5*relu2_1:3 - 2*fc8:black-and-tan coonhound"
    assert [term.name for term in parse_terms(net, str(sought))] == [term.name for term in sought.terms]
