"""The strongest places, against a search by hand; and their checkpoint."""

import numpy as np
import pytest

from minivis.engine.geometry import ReceptiveField
from minivis.errors import BadFile
from minivis.images.collection import Pictures
from minivis.models.tiny import tiny_vgg
from minivis.sweeps.tally import BatchResult, Tally
from minivis.sweeps.tops import Checkpoint, Tops, close, strongest

FIELD = ReceptiveField(size=(4, 8), stride=(1, 2), start=(0, 0))
SETTINGS = {"units": [0, 2], "k": 3}


def test_one_place_a_picture_is_its_maximum(rng):
    maps = rng.standard_normal((5, 3, 4, 6))
    values, pictures, row, column = strongest(maps, (4, 1), 3, 1, FIELD)
    for n, unit in enumerate((4, 1)):
        best = maps[..., unit].reshape(5, -1).max(axis=1)
        np.testing.assert_array_equal(pictures[n], np.argsort(-best)[:3])
        np.testing.assert_array_equal(values[n], maps[pictures[n], row[n], column[n], unit])
        np.testing.assert_array_equal(values[n], np.sort(best)[::-1][:3])


def test_several_places_of_a_picture_are_half_a_field_apart(rng):
    """In rows (2 places) or in columns (2 places): a field is 4 rows of stride 1, and 8 columns of stride 2."""
    maps = rng.standard_normal((1, 9, 7, 1))
    values, _, row, column = (part[0] for part in strongest(maps, (0,), 4, 4, FIELD))
    taken = np.full((9, 7), True)
    for n in range(4):
        free = np.where(taken, maps[0, ..., 0], -np.inf)
        assert values[n] == free.max() and (row[n], column[n]) == np.unravel_index(free.argmax(), free.shape)
        rows, columns = np.mgrid[:9, :7]
        taken &= (abs(rows - row[n]) >= 2) | (abs(columns - column[n]) >= 2)


def test_close_by_hand():
    assert close(6, np.array([[2]]), FIELD, 0)[0, :, 0].tolist() == [False, True, True, True, False, False]
    wide = ReceptiveField(size=(1, 12), stride=(1, 2), start=(0, 0))
    assert close(6, np.array([[2]]), wide, 1)[0, :, 0].tolist() == [True] * 5 + [False]


def test_codes_are_maps_of_one_place(rng):
    codes = rng.standard_normal((4, 3))
    values, pictures, row, column = strongest(codes, (0, 2), 2, 5, FIELD)
    np.testing.assert_array_equal(values, -np.sort(-codes[:, [0, 2]], axis=0)[:2].T)
    np.testing.assert_array_equal(pictures, np.argsort(-codes[:, [0, 2]], axis=0)[:2].T)
    assert not row.any() and not column.any()


def test_batches_merge_to_the_strongest_of_all_and_the_first_among_equals():
    def batch(values, read):
        places = np.arange(len(values))[None]
        return BatchResult((np.array([values], float), places, 10 * places, 20 * places), read, [], [])

    tops = Tops.none(1, 3).merged(batch([5, 4], [0, 2]), 100).merged(batch([5, 4.5, 1], [1, 2, 3]), 200)
    assert tops.values.tolist() == [[5, 5, 4.5]] and tops.pictures.tolist() == [[100, 201, 202]]
    assert tops.row.tolist() == [[0, 0, 10]] and tops.column.tolist() == [[0, 0, 20]]
    assert Tops.none(1, 3).merged(batch([7], [0]), 0).values.tolist() == [[7, -np.inf, -np.inf]]


@pytest.fixture
def saved(tmp_path, rng):
    images = list(rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))
    tally, pictures = Tally(), Pictures.of(images)
    hashes = [pictures.hash(0), pictures.hash(1)]
    tally.add(pictures, 0, BatchResult(None, [0, 1], hashes, [(1, "picture 1 is odd", False)]))
    tops = Tops(rng.standard_normal((2, 3)), *(rng.integers(0, 9, (2, 3)) for _ in range(3)))
    state = Checkpoint(tmp_path / "a", tiny_vgg(), SETTINGS)
    state.save(tops, tally)
    return state, tops, tally, images


def test_a_checkpoint_comes_back_as_it_was(saved):
    state, tops, tally, images = saved
    found, how_far = state.load(Pictures.of(images))
    for a, b in zip(found.parts, tops.parts, strict=True):
        np.testing.assert_array_equal(a, b)
    assert vars(how_far) == vars(tally) and how_far.done == 2


def test_a_checkpoint_of_something_else(saved):
    state, _, _, images = saved
    path, pictures = state.path, Pictures.of(images)
    for other, shown, what in (
        (Checkpoint(path, tiny_vgg(seed=1), SETTINGS), pictures, "another net"),
        (Checkpoint(path, tiny_vgg(), {**SETTINGS, "k": 4}), pictures, "other settings"),
        (Checkpoint(path, tiny_vgg(), {**SETTINGS, "units": [0, 1]}), pictures, "other settings"),
        (state, Pictures.of(images[::-1]), "other pictures"), (state, Pictures.of(images[:1]), "other pictures"),
    ):
        with pytest.raises(BadFile, match=f"is of {what}: --force starts over"):
            other.load(shown)


def test_nothing_is_kept_before_there_is_something(tmp_path):
    state = Checkpoint(tmp_path / "a", tiny_vgg(), SETTINGS)
    state.save(Tops.none(2, 3), Tally())
    state.save(Tops.none(2, 3), Tally(1, "", [("a.png", "it is broken")]))
    Checkpoint(None, tiny_vgg(), SETTINGS).save(Tops.none(2, 3), Tally(1))
    assert not list(tmp_path.iterdir())
    for path in (None, tmp_path / "a"):
        with pytest.raises(BadFile, match="there is no checkpoint"):
            Checkpoint(path, tiny_vgg(), SETTINGS).load(Pictures.of([np.zeros((2, 2, 3), np.uint8)]))


def test_saves_sometimes(tmp_path, monkeypatch):
    monkeypatch.setattr("minivis.sweeps.tops.EVERY", 1e9)
    state = Checkpoint(tmp_path / "a", tiny_vgg(), SETTINGS)
    state.save_sometimes(Tops.none(2, 3), Tally(1))
    assert not (tmp_path / "a").exists()
    monkeypatch.setattr("minivis.sweeps.tops.EVERY", -1)
    state.save_sometimes(Tops.none(2, 3), Tally(1))
    assert (tmp_path / "a").exists()
