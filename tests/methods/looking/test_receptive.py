"""Receptive fields that can be worked out by hand."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, MaxPool2D
from minivis.methods.looking import receptive
from minivis.methods.looking.receptive import effective_receptive_field, effective_size
from minivis.models.tiny import tiny_vgg


def stack(*layers):
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (2.0,)))
    for k, layer in enumerate(layers):
        net.add(f"layer{k}", layer)
    return net


def ones(size):
    return Conv2D(np.ones((size, size, 1, 1)), None, padding=size // 2)


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (2, 21, 25, 1), np.uint8)


def test_linear_nets_by_hand(pictures):
    found = effective_receptive_field(stack(ones(3), ones(3)), images=pictures)
    np.testing.assert_allclose(found.energy[0][9:12, 11:14], np.full((3, 3), 0.25))      # (1 / scale)^2 at nine pixels
    assert found.energy[0].sum() == pytest.approx(9 * 0.25)
    row = np.array([1.0, 2, 3, 2, 1]) / 2                                                # two boxes of three, convolved
    np.testing.assert_allclose(found.energy[1][8:13, 10:15], (np.outer(row, row) * 2) ** 2)
    assert [field.size for field in found.fields] == [(3, 3), (5, 5)] and found.sizes[0] == 3
    assert found.seen[1] == (8, 10, 13, 15) and found.centres[1] == (10, 12)


def test_the_sum_over_channels_is_taken_by_chance():
    w = np.array([3, 1, -2, 0.5]).reshape(1, 1, 1, 4)
    net = stack(Conv2D(w, None))
    found = effective_receptive_field(net, images=np.zeros((4000, 1, 1, 1), np.uint8), seed=1)
    assert found.energy[0][0, 0] == pytest.approx((9 + 1 + 4 + 0.25) / 4, rel=0.05)      # and not 2.5^2 / 4


def test_a_pool_looks_at_one_pixel_of_each_window(pictures):
    found = effective_receptive_field(stack(MaxPool2D(3)), images=pictures)
    top, left, bottom, right = found.seen[0]
    assert found.energy[0][top:bottom, left:right].sum() == found.energy[0].sum() == pytest.approx(0.25)
    assert np.count_nonzero(found.energy[0]) <= 2                       # one in each of the two pictures
    assert found.fields[0].size == (3, 3) and found.sizes[0] <= 3


def test_effective_size_by_hand():
    energy = np.zeros((9, 9))
    energy[4, 4], energy[4, 6], energy[0, 0] = 90, 5, 5
    assert effective_size(energy, (4, 4)) == 5                          # 90 % in 1, 95 % in 5, all in 9
    energy[4, 6] = 4.9
    assert effective_size(energy, (4, 4)) == 9
    assert effective_size(np.ones((2, 2)), (0.5, 0.5)) == 2 and effective_size(np.zeros((3, 3)), (1, 1)) == 0


@pytest.mark.parametrize("layers, charts", [(1, 0), (2, 1)])
def test_a_chart_compares_the_layers_if_there_are_several(pictures, monkeypatch, layers, charts):
    made, chart = [], receptive.line_chart

    def line_chart(curves, **settings):
        made.append(curves)
        return chart(curves, **settings)

    monkeypatch.setattr(receptive, "line_chart", line_chart)
    figure = effective_receptive_field(stack(*[ones(3)] * layers), images=pictures).picture()
    assert len(made) == charts and (figure.shape[0] > 300) == bool(charts)
    for curves in made:
        assert curves["theoretical"][1] == [3, 5] and curves["the picture"][1] == [25, 25]


def test_a_layer_without_energy_is_a_black_tile_of_the_picture_s_shape():
    tile = receptive._tile(np.zeros((21, 25)), (8, 10, 13, 15), (10, 12), 0)
    assert tile.shape == (84, 100, 3)                       # four pixels for each of the picture's
    assert (tile[:32] == 0).all() and (tile[:, :40] == 0).all() and (tile[32, 40:60] == 255).all()


@pytest.mark.parametrize("size, drawn", [((500, 250), (224, 112)), ((250, 500), (112, 224)), ((21, 150), (21, 150)),
                                         ((40, 30), (120, 90)), ((30, 40), (90, 120))])  # fmt: skip
def test_a_tile_is_about_as_large_for_any_picture(size, drawn):
    """Small ones enlarged by whole numbers, about to 112 pixels, large ones shrunk to 224."""
    assert receptive._tile(np.ones(size), (0, 0, *size), (5, 5), 3).shape == (*drawn, 3)


@pytest.mark.parametrize("size", [(16, 24), (24, 16)])
def test_the_chart_compares_both_sizes_with_the_longer_side_of_the_picture(branches, calls_of, size):
    charts = calls_of("minivis.methods.looking.receptive.line_chart")
    found = effective_receptive_field(branches, pictures=1, size=size)
    found.picture()
    ((lines,), how), = charts
    shown = [found.layers.index(name) for name in found.drawn]
    assert how["low"] == 0 and list(lines["the picture"][1]) == [24] * len(shown)
    assert list(lines["theoretical"][1]) == [max(found.fields[k].size) for k in shown]
    assert list(lines["effective, 95 %"][1]) == [found.sizes[k] for k in shown]
    assert all(list(x) == list(range(1, len(shown) + 1)) for x, _ in lines.values())


def test_every_layer_of_a_net(vgg, branches, rng):
    found = effective_receptive_field(vgg, images=rng.integers(0, 256, (3, 16, 16, 3), np.uint8))
    assert found.layers == tuple(vgg.nodes) and "relu1_1" not in found.drawn and "fc6" in found.drawn
    for field, size, energy, (top, left, bottom, right) in zip(found.fields, found.sizes, found.energy, found.seen):
        outside = np.ones((16, 16), bool)
        outside[top:bottom, left:right] = False
        assert not energy[outside].any() and 0 <= size <= max(field.size)
    assert found.numbers["layers"][0] == {"name": "conv1_1", "theoretical": [3, 3], "effective": 3,
                                          "visible": [7, 7, 10, 10]}
    assert found.picture().shape[2] == 3 and len(str(found).splitlines()) == len(vgg.nodes) + 1
    assert effective_receptive_field(branches, pictures=2, size=40).energy[0].shape == (40, 40)
    assert effective_receptive_field(branches, pictures=1, size=(32, 40)).energy[0].shape == (32, 40)
    assert effective_receptive_field(tiny_vgg(channels=1), pictures=2).picture().shape[2] == 3
    with pytest.raises(BadValue, match="pictures must be a whole number of at least 1"):
        effective_receptive_field(vgg, pictures=0)


def test_the_frame_of_the_effective_field_is_as_large_as_the_field():
    """Five pixels around the pixel (10, 12) of 21 x 25, each drawn as four: rows 32 to 51, columns 40 to 59."""
    energy = np.zeros((21, 25))
    energy[10, 12] = 1.0
    blue = (receptive._tile(energy, (0, 0, 21, 25), (10, 12), 5) == receptive.BLUE).all(axis=2)
    rows, columns = np.nonzero(blue)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (32, 51, 40, 59)
