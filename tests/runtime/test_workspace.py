"""Memory that is used again, but never while somebody holds it."""

import numpy as np
import pytest

from minivis.runtime.workspace import Workspace, aligned


@pytest.mark.parametrize("shape, dtype", [((7, 5), "f4"), ((3,), "f8"), ((0, 3), "f8"), ((1, 2, 3), np.uint8)])
def test_memory_begins_with_a_cache_line(shape, dtype):
    for array in (aligned(shape, dtype), Workspace().empty(shape, dtype)):
        assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
        assert array.size == 0 or array.ctypes.data % 64 == 0


def test_what_was_dropped_is_handed_out_again():
    space = Workspace()
    first = space.empty((4, 6), "f4")
    place = first.ctypes.data
    del first
    again = space.empty((3, 4), "f8")                                   # as many bytes
    assert again.ctypes.data == place
    assert space.empty((4, 6), "f4").ctypes.data != place               # that is held


def test_a_view_holds_the_memory_too():
    space = Workspace()
    array = space.empty((4, 6), "f4")
    array[...] = 1
    view = array[1:3, ::2]
    del array
    other = space.empty((4, 6), "f4")
    other[...] = 2
    assert not np.shares_memory(view, other) and (view == 1).all()


def test_what_is_free_can_be_let_go_and_what_is_lent_goes_when_it_is_dropped():
    space = Workspace()
    lent, free = space.empty((4, 6), "f4"), space.empty((3, 6), "f4")
    del free
    assert sum(map(len, space.free.values())) == 1
    space.clear()
    lent[...] = 1                                                       # is still there
    del lent
    assert not space.free
