"""The CPPN: pictures and mutations by hand, and a graph that never has a circle."""

import math

import numpy as np
import pytest

from minivis.methods.adversarial import cppn as cppns
from minivis.methods.adversarial.cppn import Cppn, first_cppn, mutated, render, with_link, with_node


def test_a_picture_by_hand():
    """Two nodes: a gaussian of 2y + 0.5, then half of it and x through a sigmoid."""
    net = Cppn(1, ("sigmoid", "gaussian"), (1.0, 0.5), ((1, 5, 2.0), (3, 5, 0.5), (5, 4, 0.5), (0, 4, 1.0)))
    picture = render(net, 3, 5)
    for i, y in enumerate((-1, 0, 1)):
        for j, x in enumerate((-1, -0.5, 0, 0.5, 1)):
            middle = 2 * math.exp(-((2 * y + 0.5) ** 2)) - 1
            out = math.tanh((0.5 * middle + x) / 2)
            assert abs(int(picture[i, j, 0]) - (out + 1) * 127.5) <= 0.51


@pytest.mark.parametrize("function, value", [
    ("sine", math.sin(1.5)), ("sigmoid", 2 / (1 + math.exp(-1.5)) - 1), ("gaussian", 2 * math.exp(-2.25) - 1),
    ("linear", 1.0),
])  # fmt: skip
def test_functions(function, value):
    net = Cppn(1, (function,), (1.0,), ((3, 4, 1.5),))          # the bias alone; linear: 1.5, clipped to white
    np.testing.assert_array_equal(render(net, 2, 2), np.full((2, 2, 1), round((value + 1) * 127.5)))


def test_the_radius_is_round():
    picture = render(Cppn(1, ("sine",), (1.0,), ((2, 4, 4.0),)), 9, 9)
    for same in (picture[::-1], picture[:, ::-1], picture.swapaxes(0, 1)):
        np.testing.assert_array_equal(picture, same)
    assert picture.std() > 30


def test_a_new_node_of_a_linear_function_changes_nothing(rng):
    net = first_cppn(3, rng)
    longer = with_node(net, 2, "linear")
    np.testing.assert_array_equal(render(longer, 8, 8), render(net, 8, 8))
    assert longer.count == net.count + 1 and longer.depths[-1] == 0.5 and len(longer.links) == len(net.links) + 1


def test_mutation_never_makes_a_circle(rng):
    net = first_cppn(3, rng)
    for _ in range(200):
        before, net = net, mutated(net, rng)
        assert before != net
        pairs = [link[:2] for link in net.links]
        assert len(set(pairs)) == len(pairs) and all(net.depth(a) < net.depth(b) for a, b in pairs)
    assert len(net.functions) > 10 and len(net.links) > 30
    assert render(net, 6, 4).shape == (6, 4, 3)


def test_a_child_keeps_most(rng, monkeypatch):
    """Without new parts one weight moves at least, and of many about PERTURBED + one in the count."""
    for name in ("ADD_LINK", "ADD_NODE", "NEW_FUNCTION"):
        monkeypatch.setattr(cppns, name, 0)
    net = first_cppn(3, rng)                                    # 12 links
    moved = [sum(a != b for a, b in zip(net.links, mutated(net, rng).links)) for _ in range(300)]
    assert min(moved) == 1 and np.mean(moved) == pytest.approx(12 * 0.3 + 0.7, abs=0.4)


def test_links_are_added_where_there_is_none(rng):
    net = Cppn(1, ("sine",), (1.0,), ((0, 4, 1.0),))
    for _ in range(100):
        net = with_link(net, rng)
    assert sorted(link[:2] for link in net.links) == [(0, 4), (1, 4), (2, 4), (3, 4)]
