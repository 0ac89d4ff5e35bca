"""What a run takes of memory, and what gives way where that is too much."""

import tracemalloc

import numpy as np
import pytest

from minivis.engine.memory import PROGRAM, TILE
from minivis.engine.network import Network
from minivis.errors import TooLarge
from minivis.layers import Conv2D
from minivis.models.tiny import tiny_vgg
from minivis.objectives.priors import l2, tv
from minivis.optimize.budget import beside, lean, needed, smaller, tile_of
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import LBFGS, Adam, Gradient


@pytest.mark.parametrize("method, steps", [(LBFGS(3), 6), (LBFGS(12), 15), (Adam(1.0), 3), (Gradient(1.0), 3)], ids=str)
def test_a_run_takes_about_the_memory_that_it_says(method, steps):
    """Once a history is full."""
    net = tiny_vgg()
    made = Problem(net, l2() + 1e-3 * tv(), pixels(net, (1, 64, 96, 3)))
    z = made.parameterization.start(np.random.default_rng(0).uniform(0, 255, (64, 96, 3)))
    optimize(made, z, method=method, steps=1)                           # what is imported once
    tracemalloc.start()
    run = optimize(made, z, method=method, steps=steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * run.memory < peak < run.memory, peak / run.memory


def one_layer():
    return Network().add("conv", Conv2D(np.ones((3, 3, 3, 8), np.float32), padding=1))


def fit(net, free, method, **settings):
    """Of two pictures of 40 x 50 pixels; free: the bytes beside the program and its weights."""
    limit = PROGRAM + 4 * net.parameter_count + free
    return lean(net, (2, 40, 50, 3), ["conv"], method, limit=limit, **settings)


def test_each_array_and_each_target_counts_once():
    net, shape = one_layer(), (2, 40, 50, 3)
    least = needed(net, shape, ["conv"], 0)
    assert needed(net, shape, ["conv"], 5) - least == 5 * 4 * 2 * 40 * 50 * 3
    assert needed(net, shape, ["conv"], 0, targets=["conv"]) - least == 4 * 2 * 40 * 50 * 8
    seen = (2, 13, 13, 3)                                                       # a tile, and the 3 pixels that one sees
    assert needed(net, shape, ["conv"], 0, tile=10) == needed(net, seen, ["conv"], 0)


@pytest.mark.parametrize("seen", [(2, 20, 25, 3), (2, 80, 100, 3)])
def test_a_pass_is_of_the_size_that_the_net_sees_and_arrays_are_of_the_larger_one(seen):
    net, shape = one_layer(), (2, 40, 50, 3)
    alone = needed(net, shape, ["conv"], 0, targets=["conv"], seen=lambda _: seen)
    assert alone == needed(net, seen, ["conv"], 0, targets=["conv"])
    arrays = needed(net, shape, ["conv"], 5, targets=["conv"], seen=lambda _: seen) - alone
    assert arrays == 5 * 4 * max(2 * 40 * 50 * 3, 2 * seen[1] * seen[2] * 3)


def test_the_history_gives_way_first_and_then_lbfgs():
    net, shape = one_layer(), (2, 40, 50, 3)
    needs = {m: needed(net, shape, ["conv"], LBFGS(m).vectors) for m in (20, 10, 5, 3)}
    for free, history in ((needs[20], 20), (needs[20] - 1, 10), (needs[10] - 1, 5), (needs[5] - 1, 3)):
        found = fit(net, free, LBFGS(20), in_tiles=False)
        assert found.method == LBFGS(history) and found.needs == needs[history] and found.tile is None
        assert ("history of" in found.note) == (history < 20)
    found = fit(net, needs[3] - 1, LBFGS(20), in_tiles=False, adam=0.5)
    assert found.method == Adam(0.5) and "by Adam instead of L-BFGS" in found.note
    with pytest.raises(TooLarge, match=r"make fewer at once or make the longer side .* or less"):
        fit(net, 1000, LBFGS(20), in_tiles=False)


def test_tiles_are_for_pictures_larger_than_one():
    net = one_layer()
    assert tile_of(net, (1, TILE, TILE + 1, 3), ["conv"]) == TILE and tile_of(net, (1, TILE, TILE, 3), ["conv"]) is None


def test_tiles_give_way_before_the_method_and_only_where_the_loss_can_be_had_in_them():
    net, shape, method = one_layer(), (1, 600, 700, 3), Adam(1.0)
    needs = needed(net, shape, ["conv"], method.vectors)
    limit = PROGRAM + 4 * net.parameter_count + needs
    assert lean(net, shape, ["conv"], method, limit=limit).tile is None
    found = lean(net, shape, ["conv"], method, limit=limit - 1)
    assert found.tile == TILE and found.method is method and "in tiles of" in found.note
    assert found.needs == needed(net, shape, ["conv"], method.vectors, TILE) < needs
    assert lean(net, shape, ["conv"], method, limit=limit - 1, tile=100).tile == 100            # as was asked for
    with pytest.raises(TooLarge):
        lean(net, shape, ["conv"], method, limit=limit - 1, in_tiles=False)


@pytest.mark.parametrize("H, W", [(50, 100), (100, 50)])
def test_a_smaller_side_keeps_the_shape_of_the_picture(H, W):
    """Each try is 0.95 times the last: 100, 95, 90 ... 51, 48."""
    assert smaller(lambda shape: shape[1] * shape[2], (1, H, W, 3), 24 * 48) == "make the longer side 48 or less"
    assert smaller(lambda shape: shape[0] * shape[1], (4, H, W, 3), 10**9).startswith("make fewer at once or")


def test_a_short_run_leaves_a_part_of_the_history_untouched():
    net, number = one_layer(), 4 * 2 * 40 * 50 * 3
    full, short = (fit(net, 1e9, LBFGS(20), steps=steps) for steps in (200, 2))
    assert full.in_all - short.in_all == pytest.approx(2 * 2 * 18 * number, abs=1e6)    # float64; the program may grow
    assert full.needs == short.needs and full.in_all > full.needs


def test_a_gradient_in_tiles_holds_fewer_arrays_of_the_pictures_size():
    """Measured at 2000 and 3840 pixels: four of the ten."""
    whole, tiled = (Problem(tiny_vgg(), l2(), pixels(tiny_vgg(), (1, 900, 900, 3)), tile=tile) for tile in (None, 32))
    assert beside(whole.vectors, None) == whole.vectors and beside(tiled.vectors, 32) == tiled.vectors - 6
    assert beside(0, 32) == 0
