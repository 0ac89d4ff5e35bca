"""A sheet of patches by layer: which units, the same patches as one layer alone, and what nine of them share."""

import numpy as np
import pytest

import minivis as mv
from minivis.data.samples import Samples
from minivis.errors import BadFile, BadValue
from minivis.images.collection import Pictures
from minivis.images.files import write_image
from minivis.methods.looking.patches import top_patches
from minivis.methods.looking.patches_by_layer import kinds_of, most_alike, patches_by_layer, to_tile
from minivis.models.tiny import tiny_vgg


def test_patches_of_deeper_layers_show_one_class_more_often():
    """What demo 03_layers, its README and the figure claim."""
    families = Samples("families")
    layers = ["relu1_1", "relu4_1", "fc7"]
    found = patches_by_layer(mv.load("emoji-vgg"), families.images, layers, labels=families.names, channels=1, maps=())
    alike = [row.alike for row in found.rows]           # measured: 2.6, 3.4, 4.7 with three BLAS kernels; chance 2.0
    assert 1.9 < found.chance < 2.2 < alike[0] < 2.9 < alike[1] < 3.9 < 4.3 < alike[2] < 5.2


def test_the_patches_are_those_of_the_layer_alone(rng):
    net, pictures = tiny_vgg(), list(rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8))
    found = patches_by_layer(net, pictures, ["relu1_1", "fc7"], channels=2, k=4)
    for row in found.rows:
        alone = top_patches(net, pictures, row.layer, row.units, k=4)
        assert [[(p.picture, p.row, p.column, p.box) for p in unit] for unit in row.patches] == [
            [(p.picture, p.row, p.column, p.box) for p in unit] for unit in alone.patches]
        for kind, tiles in alone.tiles.items():
            for unit, same in zip(tiles, row.tiles[kind]):
                assert all(np.array_equal(a, b) for a, b in zip(unit, same))
        assert row.alike is None
    assert found.chance is None and found.numbers["layers"]["relu1_1"]["sees"] == [3, 3]
    figure = found.picture()
    for margin in (figure[:16], figure[-16:], figure[:, :16], figure[:, -16:]):
        assert (margin == 255).all()
    assert figure.std() > 5 and "of one class" not in str(found)


def test_units_are_spread_over_those_that_are_active(rng):
    net, pictures = tiny_vgg(), list(rng.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
    values = net.forward(net.preprocess(np.stack(pictures)))["relu2_1"].max(axis=(1, 2))
    active = np.flatnonzero((np.sort(values, axis=0)[-2:] > 0).all(axis=0)).tolist()
    assert len(active) > 4
    for channels, units in ((1, (0,)), (2, (0, -1)), (3, (0, round((len(active) - 1) / 2), -1))):
        (row,) = patches_by_layer(net, pictures, ["relu2_1"], channels=channels, k=2, maps=()).rows
        assert row.units == tuple(active[i] for i in units)
    (row,) = patches_by_layer(net, pictures, ["relu2_1"], channels=99, k=2, maps=()).rows
    assert row.units == tuple(active)


def test_how_many_are_of_one_class(rng):
    assert most_alike(np.array([0, 3, 3, 1, 3])) == 3
    pictures = list(rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    found = patches_by_layer(tiny_vgg(), pictures, ["relu1_1"], labels="aaaa", channels=1, k=3, maps=())
    assert found.rows[0].alike == found.chance == 3


@pytest.mark.parametrize("names, kinds", [
    (("cat_0.png", "cat_1.png", "dog.png"), [0, 0, 1]), (("cat/a.png", "cat/b.png", "ant/a.png"), [1, 1, 0]),
    (("a.png", "b.png", "c.png"), None), (("a/1.png", "b/1.png", "c/1.png"), None),        # no two are of one kind
])  # fmt: skip
def test_names_of_files_or_folders_say_what_pictures_show(names, kinds):
    found = kinds_of(Pictures("/", names), None)
    assert found is None if kinds is None else found.tolist() == kinds
    assert kinds_of(Pictures("/", names), [7, "7", 5]).tolist() == [1, 1, 0]             # what is given goes first
    assert kinds_of(Pictures(None, (np.zeros((1, 1, 3)),) * 3), None) is None


def test_pictures_that_cannot_be_read_are_left_out(rng, tmp_path):
    for i in range(3):
        write_image(tmp_path / f"cat_{i}.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    (tmp_path / "dog.png").write_text("none")
    found = patches_by_layer(tiny_vgg(), str(tmp_path), ["relu1_1", "fc7"], channels=1, k=3, maps=())
    assert found.pictures == 3 and found.rows[0].alike == 3 and "of 3 pictures" in str(found)
    assert found.chance == pytest.approx((3 + 3 * 2) / 4, abs=0.1)     # without the dog 3, else 2; of 400 draws: 0.02
    assert [row.sees for row in found.rows] == [(3, 3), (16, 16)]
    for i in range(3):
        (tmp_path / f"cat_{i}.png").write_text("none")
    with pytest.raises(BadFile, match="none of the 4 pictures can be read"):
        patches_by_layer(tiny_vgg(), str(tmp_path), ["relu1_1"], k=3)


@pytest.mark.parametrize("size, drawn", [((11, 22), (22, 44)), ((22, 11), (44, 22)), ((88, 44), (44, 22)),
                                         ((44, 88), (22, 44)), ((44, 44), (44, 44)), ((1, 200), (1, 44))])  # fmt: skip
def test_a_tile_is_44_pixels_on_its_longer_side(size, drawn):
    """Small ones keep hard edges, large ones are averaged."""
    tile = np.zeros((*size, 3), np.uint8)
    tile[:, ::2] = 200
    found = to_tile(tile)
    assert found.shape == (*drawn, 3)
    assert set(np.unique(found)) <= ({0, 200} if max(size) <= 44 else set(range(70, 130)))


def test_refusals(rng):
    pictures = list(rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    with pytest.raises(BadValue, match="9 patches, each of another picture, need 9 pictures; these are 4"):
        patches_by_layer(tiny_vgg(), pictures)
    with pytest.raises(BadValue, match="3 labels for 4 pictures"):
        patches_by_layer(tiny_vgg(), pictures, labels="abc", k=2)
    with pytest.raises(BadValue, match="name at least one layer"):
        patches_by_layer(tiny_vgg(), pictures, [], k=2)
    with pytest.raises(BadValue, match="not 'normal'"):
        patches_by_layer(tiny_vgg(), pictures, maps=["normal"], k=2)
