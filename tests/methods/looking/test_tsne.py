"""The map of pictures: the assignment is the best there is, and what lies together belongs together."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.data.emoji.classes import CLASSES
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.images.files import write_image
from minivis.methods.looking.codes import codes, write_codes
from minivis.methods.looking.tsne import TsneGrid, embed, grid, snap, spread, tsne_grid
from minivis.models.tiny import tiny_vgg

EMOJI = Path(__file__).parents[2] / "data" / "emoji.npz"


def test_snap_moves_everything_least(rng):
    places = rng.random((6, 2))
    cells = snap(places)
    assert len({tuple(cell) for cell in cells}) == 6 and cells.min() == 0 and cells.max(axis=0).tolist() == [1, 2]

    def way(order):
        centres = np.array([((column + 0.5) / 3, (row + 0.5) / 2) for row, column in order])
        return ((places - centres) ** 2).sum()

    every = [(row, column) for row in range(2) for column in range(3)]
    assert way(cells) == pytest.approx(min(way(order) for order in permutations(every)))


def test_a_grid_snaps_to_itself():
    row, column = np.divmod(np.arange(25), 5)
    shuffled = np.random.default_rng(0).permutation(25)
    places = np.column_stack([column, row])[shuffled] / 5 + 0.1
    np.testing.assert_array_equal(snap(places), np.column_stack([row, column])[shuffled])


@pytest.mark.parametrize("empty", range(6))
def test_a_grid_with_an_empty_cell_snaps_to_itself(empty):
    cells = np.delete(np.column_stack(np.divmod(np.arange(6), 3)), empty, axis=0)       # 2 rows of 3
    places = np.column_stack([(cells[:, 1] + 0.5) / 3, (cells[:, 0] + 0.5) / 2])
    np.testing.assert_array_equal(snap(places), cells)


def test_two_heaps_stay_two_heaps(rng):
    heap = np.repeat([0, 1], 30)
    codes = rng.standard_normal((60, 80)) + 20 * heap[:, None]
    places, used, _ = embed(codes)
    assert used == 19 and places.min() >= 0 and places.max() <= 1                # 50 is too many for 60
    middles = np.stack([places[heap == k].mean(axis=0) for k in (0, 1)])
    nearer = np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearer == heap).all()
    again, _, _ = embed(codes)
    np.testing.assert_array_equal(again, places)


def neighbours_share(places, labels, k=5):
    """The part of the k nearest that have the same label, over all."""
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :k]
    return labels[nearest] == labels[:, None]


def test_on_emoji_neighbours_share_a_category():
    """Of the 5 nearest in the plane 47 to 51 % are of the same category; by chance it would be 25 %, and with pixels
    for codes it is 25 %.

    Rounding decides where t-SNE ends. Measured with OpenBLAS' Haswell, Sandybridge and Nehalem kernels, and with noise
    of 1e-6 multiplied into the codes one to eight times: faces of animals 61 to 71 % (by chance 14 %), vehicles 17 to
    40 % (6 %), food 40 to 52 % (23 %), on the grid 43 to 50 %. SkylakeX's kernels, earlier: 68, 30 and 51 %.
    """
    with np.load(EMOJI) as file:
        images, labels = file["images"], file["labels"]
    category = np.array([CLASSES[label].category for label in labels])
    chance = np.mean([(category == c).sum() - 1 for c in category]) / (len(category) - 1)
    places, used, _ = embed(codes(mv.load("emoji-vgg"), list(images)).values)
    share = neighbours_share(places, category)
    assert used == 50 and chance == pytest.approx(0.248, abs=0.001)
    assert share.mean() > 0.42
    for name, least in (("animal face", 0.5), ("vehicle", 0.12), ("food", 0.35)):
        mine = category == name
        assert share[mine].mean() > least > 1.5 * (mine.sum() - 1) / (len(category) - 1)
    assert neighbours_share(snap(places).astype(float), category, 4).mean() > 0.38
    plain, _, _ = embed(images.reshape(len(images), -1))
    assert neighbours_share(plain, category).mean() < 0.29


@pytest.fixture
def written(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for i in range(12):
        write_image(f"pictures/{i:02d}.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) // 4 + 16 * i)
    write_codes(tiny_vgg(), "pictures", "codes.h5")
    return tmp_path


def test_every_picture_is_on_the_map(written):
    found = tsne_grid("codes.h5", layout="both", side=256)
    assert found.settings["perplexity"] == 3 and found.notes == ("perplexity lowered from 50 to 3, for 12 pictures",)
    picture = found.picture()
    assert picture.shape[1:] == (2 * (256 + 32), 3) and found.numbers["grid"] == [3, 4]
    alone = tsne_grid("codes.h5", side=256).picture()
    grid = alone[-192 - 16:-16, 16:-16]                         # below its title
    assert alone[:-192 - 16].min() < 100 and grid.shape == (192, 256, 3)
    for number, (row, column) in zip(found.rows, found.cells):
        tile = mv.read_image(f"pictures/{number:02d}.png").repeat(4, axis=0).repeat(4, axis=1)
        np.testing.assert_array_equal(grid[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64], tile)


def test_what_a_map_says():
    cells = np.array([[0, 0], [1, 2], [0, 1]])
    found = TsneGrid(np.zeros((3, 2)), cells, np.arange(3), (), 40, 0.125, ("one was left out",),
                     settings={"perplexity": 1.5, "layout": "grid"})
    assert str(found) == ("3 pictures on a grid of 2 x 3; Kullback-Leibler divergence 0.125 at perplexity 1.5\n"
                          "one was left out")
    assert found.numbers == {"pictures": 3, "divergence": 0.125, "perplexity": 1.5, "grid": [2, 3],
                             "notes": ["one was left out"]}


def test_on_the_grid_each_picture_stands_in_the_middle_of_its_cell():
    tiles = (np.full((4, 16, 3), 1, np.uint8), np.full((12, 4, 3), 2, np.uint8))
    found = TsneGrid(np.zeros((2, 2)), np.array([[0, 0], [1, 1]]), np.arange(2), tiles, 40, 0.0,
                     settings={"layout": "grid"})
    wanted = np.full((40, 40, 3), 255)
    wanted[8:12, 2:18], wanted[24:36, 28:32] = 1, 2             # cells of 20 x 20
    np.testing.assert_array_equal(grid(found), wanted)


def test_on_the_plane_each_picture_lies_at_its_place():
    """At 0 at the left or upper edge, at 1 at the other; three pictures of 4 x 8 pixels, each 0.7 of its share."""
    places = np.array([[0.0, 0.25], [1.0, 1.0], [0.5, 0.0]])
    tiles = [np.full((4, 8, 3), k, np.uint8) for k in (1, 2, 3)]
    side = 100
    found = TsneGrid(places, np.array([[0, 0], [0, 1], [1, 0]]), np.arange(3), tuple(tiles), side, 0.0,
                     settings={"layout": "plane"}).picture()
    h, w = 20, 40                                               # 0.7 * 100 / sqrt(3) = 40
    wanted = np.full((side, side, 3), 255)
    for k, (x, y) in enumerate(places, start=1):
        top, left = round(y * (side - h)), round(x * (side - w))
        wanted[top:top + h, left:left + w] = k
    np.testing.assert_array_equal(found[-side - 16:-16, 16:-16], wanted)
    assert found[:-side - 16].min() < 100                       # a title


def test_of_too_many_some_are_taken(written):
    chosen, notes = spread(100, 5)
    assert chosen.tolist() == [0, 24, 49, 74, 99] and notes == ["5 of 100 pictures, evenly spread"]
    found = tsne_grid("codes.h5", most=6, side=128)
    assert len(found.places) == 6 and "6 of 12 pictures, evenly spread" in found.notes


def test_refuses(written):
    with pytest.raises(BadValue, match="needs at least 4 pictures, and there are 3"):
        spread(3, 10)
    with pytest.raises(BadValue, match="perplexity must be a number above 0, not 0"):
        tsne_grid("codes.h5", perplexity=0)
    with pytest.raises(UnknownName, match="no layout named 'gird'; did you mean 'grid'"):
        tsne_grid("codes.h5", layout="gird")
    with pytest.raises(BadValue, match="all these codes are the same"):
        embed(np.ones((8, 5)))
    with pytest.raises(BadFile, match="there is no file nowhere"):
        tsne_grid("nowhere.h5")
