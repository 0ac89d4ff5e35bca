"""Whether a pass fits into memory: estimates by hand, and a sentence before the run."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minivis.engine import geometry
from minivis.engine.memory import PROGRAM, batch_that_fits, check_fits, largest_output, needed, room, small_batches
from minivis.engine.network import Network
from minivis.errors import BadValue, TooLarge
from minivis.layers import Conv2D, ReLU


def test_memory_is_checked_before(branches, monkeypatch):
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: needed(branches, (1, 100, 100, 3)))
    check_fits(branches, (1, 100, 100, 3))
    for H, W in ((2000, 1000), (1000, 2000)):
        with pytest.raises(TooLarge, match=rf"^{W} x {H} pixels need .* the longer side 13. pixels or less"):
            check_fits(branches, (1, H, W, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 110, 110, 3))
    monkeypatch.undo()
    check_fits(branches, (1, 64, 64, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 500_000, 500_000, 3))


def two_layers():
    """1 x 1 filters from 3 channels to 8, and a ReLU: of 4 x 5 pixels 60, 160 and 160 numbers."""
    return Network().add("conv", Conv2D(np.ones((1, 1, 3, 8), np.float32))).add("relu", ReLU())


def test_the_bytes_of_a_pass_by_hand():
    net = two_layers()
    sizes = [math.prod(shape) for shape in geometry.shapes(net, (1, 4, 5, 3), None).values()]
    assert sizes[-2:] == [160, 160]
    assert needed(net, (1, 4, 5, 3)) == sum(sizes) + 4 * 4 * 160              # a byte for each, 4 of the largest
    assert needed(net, (1, 4, 5, 3), keep=("relu",)) == needed(net, (1, 4, 5, 3)) + 4 * 2 * 160
    assert needed(net, (3, 4, 5, 3)) == 3 * needed(net, (1, 4, 5, 3))


def test_a_batch_is_as_large_as_its_largest_output_allows():
    net = two_layers()
    assert largest_output(net, (4, 5, 3)) == 160 * 4
    assert batch_that_fits(net, (4, 5, 3), limit=3 * 640) == 3
    assert batch_that_fits(net, (4, 5, 3), limit=3 * 640 - 1) == 2
    assert batch_that_fits(net, (4, 5, 3), limit=1) == 1 and batch_that_fits(net, (4, 5, 3)) == 64
    assert batch_that_fits(net, (4, 5, 3), most=7) == 7


def test_batches_are_small_inside_and_in_one_thread_alone():
    net, shape = two_layers(), (4, 5, 3)
    with ThreadPoolExecutor(1) as other, small_batches(3 * 640):
        assert batch_that_fits(net, shape) == 3 and batch_that_fits(net, shape, most=2) == 2
        with small_batches(640):
            assert batch_that_fits(net, shape) == 1
        assert other.submit(batch_that_fits, net, shape).result() == 64
        assert batch_that_fits(net, shape) == 3
    assert batch_that_fits(net, shape) == 64


def test_a_limit_leaves_what_the_program_and_the_weights_do_not_take(monkeypatch):
    net = two_layers()
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: 1000)
    weights = 4 * net.parameter_count
    assert room(net) == 1000 and room(net, PROGRAM + weights + 300) == 300
    assert room(net, PROGRAM) == 0 and room(net, 1e12) == 1000
    for limit in (0, -1, True, "4e9", float("nan")):
        with pytest.raises(BadValue, match="memory must be a number of bytes above 0"):
            room(net, limit)
