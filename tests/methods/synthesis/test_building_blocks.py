"""Building blocks ask a layer for what it saw, stand at their places, and are as large as the layer's response."""

import numpy as np
import pytest
from channel_nets import channel_net, channel_picture

from minivis.engine.finite_differences import relative_error
from minivis.errors import BadValue, UnknownName
from minivis.methods.synthesis.building_blocks import (
    activation_atlas,
    building_blocks,
    likeness,
    pooled,
    ratios,
    side_of,
    sized_grid,
)

FEW = {"steps": 6, "side": 16}


def test_r_is_1_where_an_image_says_what_the_vector_does(rng):
    a = rng.standard_normal((2, 3, 4, 5))
    means = a.mean(axis=(1, 2))
    np.testing.assert_allclose(ratios(a, means), 1)
    np.testing.assert_allclose(ratios(2 * a, means), 2)
    np.testing.assert_array_equal(ratios(a, np.zeros((2, 5))), 0)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_the_loss_and_its_gradient_agree(factor, rng):
    """Below r = 1 and above it, by central differences."""
    a = rng.standard_normal((2, 3, 4, 5))
    vectors = a.mean(axis=(1, 2)) / factor

    loss, d = likeness("layer", vectors), rng.standard_normal(a.shape)
    _, seeds = loss({"layer": a})
    ends = [loss({"layer": a + t * d})[0] for t in (1e-6, -1e-6)]
    slope = (np.sum(ends[0]) - np.sum(ends[1])) / 2e-6
    assert relative_error(np.array([(seeds["layer"] * d).sum()]), np.array([slope])) < 1e-6


def test_blocks_say_more_than_grey_pictures_do(vgg, rng):
    picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
    found = building_blocks(vgg, picture, "relu2_1", cells=2, steps=40, side=16)
    assert found.blocks[0].shape == (2, 2, 16, 16, 3) and found.blocks[0].dtype == np.uint8
    grey = vgg.forward(vgg.preprocess(np.full((1, 16, 16, 3), 128, np.uint8)))["relu2_1"]
    acts = vgg.forward(vgg.preprocess(picture))["relu2_1"][0]
    before = ratios(grey.repeat(4, axis=0), pooled(acts, 2).reshape(4, -1))
    assert (found.reached[0].ravel() > before).all()
    assert found.draw(0).ndim == 3 and found.numbers["grid"] == [2, 2] and "2 x 2 places" in str(found)


@pytest.mark.parametrize("channels", [1, 4])
def test_nets_of_other_channels(channels):
    net, picture = channel_net(channels), channel_picture(channels, 16, 16)
    layer = next(name for name, shape in net.shapes().items() if name != "input" and len(shape) == 4)
    found = building_blocks(net, picture, layer, cells=2, **FEW)
    assert found.blocks[0].shape[-1] == channels and found.picture().shape[2] == 3
    atlas = activation_atlas(net, [channel_picture(channels, 16, 16, seed=k) for k in range(3)], layer, cells=3, **FEW)
    assert atlas.blocks.shape[-1] == channels and atlas.picture().shape[2] == 3


def test_an_atlas_has_a_block_for_each_cell_with_enough_places(vgg, rng):
    pictures = list(rng.integers(0, 256, (4, 16, 16, 3), np.uint8))
    found = activation_atlas(vgg, pictures, "relu2_1", cells=3, per_picture=6, fewest=2, **FEW)
    assert len(found.blocks) == len(found.places) == len(found.counts) and found.counts.min() >= 2
    assert found.places.min() >= 0 and found.places.max() < 3 and found.settings["vectors"] <= 24
    assert found.picture().ndim == 3 and found.numbers["pictures"] == 4
    again = activation_atlas(vgg, pictures, "relu2_1", cells=3, per_picture=6, fewest=2, **FEW)
    np.testing.assert_array_equal(found.blocks, again.blocks)


def test_an_atlas_stops_at_its_most_and_names_what_it_cannot_read(vgg, rng, tmp_path):
    from minivis.images.files import write_image

    for k in range(4):
        write_image(tmp_path / f"{k}.png", rng.integers(0, 256, (16, 16, 3), np.uint8))
    (tmp_path / "0.png").write_bytes(b"no picture")
    found = activation_atlas(vgg, tmp_path, "relu2_1", cells=2, per_picture=4, most=8, fewest=1, **FEW)
    assert found.settings["pictures"] == 2 and any("0.png" in note for note in found.notes)
    assert any(note.startswith("the first 2 of 4") for note in found.notes)
    said = f"{len(found.blocks)} cells of 8 places of relu2_1 in 2 pictures"
    assert str(found).splitlines() == [said, *found.notes] and found.numbers["notes"] == list(found.notes)
    one = activation_atlas(vgg, tmp_path, "relu2_1", cells=2, per_picture=4, most=4, fewest=1, **FEW)
    assert str(one).splitlines()[0] == f"{len(one.blocks)} cells of 4 places of relu2_1 in 1 picture"


def test_a_layer_without_places_is_refused(vgg, rng):
    picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
    with pytest.raises(BadValue, match="fc6 has no places"):
        building_blocks(vgg, picture, "fc6")
    with pytest.raises(UnknownName, match="no layer named"):
        building_blocks(vgg, picture, "relu9")


def test_places_are_averaged_where_there_are_more():
    maps = np.arange(12.0).reshape(3, 4, 1)
    np.testing.assert_allclose(pooled(maps, 2)[..., 0], [[2.5, 4.5], [8.5, 10.5]])
    np.testing.assert_array_equal(pooled(maps, 9), maps)


def test_areas_are_in_proportion():
    white = np.zeros((8, 8, 3), np.uint8)
    sheet = sized_grid([white, white, None, white], np.array([[4.0, 1.0], [0.0, 4.0]]), 42)
    dark = [(sheet[42 * r : 42 * r + 42, 42 * c : 42 * c + 42] == 0).all(axis=2).sum() for r in (0, 1) for c in (0, 1)]
    assert dark == [1600, 400, 0, 1600]
    np.testing.assert_array_equal(sheet[11:31, 53:73], 0)               # the small one, in the middle of its cell


def test_sides_go_with_the_stride(vgg):
    assert side_of(vgg, "relu1_1") == 48 <= side_of(vgg, "relu2_1")


def test_each_picture_of_a_batch_has_its_own_blocks(vgg, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    found = building_blocks(vgg, pictures, "relu2_1", cells=2, steps=1, side=16)
    assert [b.shape[:2] for b in found.blocks] == [r.shape for r in found.reached] == [(2, 2)] * 3
    acts = vgg.forward(vgg.preprocess(pictures))["relu2_1"]
    for norms, one in zip(found.norms, acts):
        np.testing.assert_allclose(norms, np.linalg.norm(pooled(one, 2), axis=2))
    assert [found.draw(i).ndim for i in range(3)] == [3, 3, 3]
