"""Where the numbers of a value stand in our layers, by hand."""

import numpy as np
import pytest
from limits import last_taken

from minivis.errors import BadFile
from minivis.weights import layout


def test_maps_say_where_c_h_w_stand_in_h_w_c(rng):
    ours = rng.standard_normal((2, 3, 4, 5))
    theirs = ours.transpose(0, 3, 1, 2)
    places = layout.maps(3, 4, 5)
    for n in range(2):
        np.testing.assert_array_equal(ours[n].reshape(-1)[places], theirs[n])
    assert layout.standard((2, 7)).tolist() == list(range(7)) and layout.same(layout.standard((1, 3, 4, 5)), places)


def test_rows_are_scattered_to_our_order(rng):
    x, w = rng.standard_normal((3, 4, 5)), rng.standard_normal((60, 2))
    places = layout.maps(3, 4, 5).reshape(-1)
    np.testing.assert_allclose(x.reshape(-1) @ layout.scattered(w, places), x.transpose(2, 0, 1).reshape(-1) @ w)


def test_a_constant_is_one_number_a_channel():
    places = layout.maps(2, 2, 3)
    found = layout.per_channel(np.arange(3.0).reshape(1, 3, 1, 1), places, (1, 2, 2, 3), "f4")
    assert found.tolist() == [0, 1, 2] and found.dtype == np.float32
    rows = layout.per_channel(np.arange(12.0), places.reshape(-1), (1, 12), "f8")
    assert rows[places.reshape(-1)].tolist() == list(range(12))
    with pytest.raises(BadFile, match="differs from position to position"):
        layout.per_channel(np.arange(12.0).reshape(3, 2, 2), places, (1, 2, 2, 3), "f4")
    with pytest.raises(BadFile, match="does not go with"):
        layout.per_channel(np.arange(5.0), places, (1, 2, 2, 3), "f4")


@pytest.mark.parametrize("shape", [(6, 5), (2, 3), (3, 2)])
def test_a_transposition_is_found(shape):
    order = np.arange(shape[0] * shape[1]).reshape(shape).T.reshape(-1)
    assert layout.transposition(order) == (shape, (1, 0))


@pytest.mark.parametrize("order", [[0], [0, 1, 2], [1, 0], [0, 2, 1, 4, 3, 5], [0, 3, 1, 2]])
def test_no_transposition(order):
    assert layout.transposition(np.array(order)) is None


def test_join_follows_the_channels(rng):
    shapes = [(1, 2, 3, 4), (1, 2, 3, 2)]
    first, second = (rng.standard_normal(shape) for shape in shapes)
    ours = np.concatenate([first, second], axis=3)
    theirs = np.concatenate([first.transpose(0, 3, 1, 2), second.transpose(0, 3, 1, 2)], axis=1)
    places = layout.join([layout.standard(shape) for shape in shapes], shapes, 1)
    np.testing.assert_array_equal(ours.reshape(-1)[places], theirs[0])


def test_memory_is_not_given_to_whoever_asks():
    with pytest.raises(BadFile, match="more than the"):
        layout.maps(2**15, 2**15, 3)


def test_a_limit_is_the_last_number_that_is_taken(monkeypatch):
    last_taken(monkeypatch, "weights.layout.MOST", 24, lambda: layout.maps.__wrapped__(2, 3, 4))
