"""A sheet of what excites channels of each layer."""

import pytest

from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet
from minivis.methods.synthesis.maximize_layers import down_the_layers
from minivis.models.tiny import tiny_vgg

CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "rotate": 0}


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


def test_down_the_layers(net):
    result = down_the_layers(net, channels=3, steps=15, **CALM)
    assert result.layers == ("conv1_1", "conv1_2", "conv2_1", "fc8")
    assert [len(row.pictures) for row in result.rows] == [3] * 4
    assert all(row.run.loss < row.run.first_loss for row in result.rows)
    assert set(result.numbers) == set(result.layers) and result.picture().std() > 10


@pytest.mark.parametrize("size", [(64, 16), (16, 64)])
def test_the_longer_side_of_an_image_is_drawn_with_128_pixels(net, monkeypatch, size):
    seen = {}
    monkeypatch.setattr("minivis.methods.synthesis.maximize_layers.contact_sheet",
                        lambda images, **how: seen.update(how) or contact_sheet(images, **how))
    down_the_layers(net, ["conv1_1"], channels=3, steps=0, size=size).picture()
    assert seen["scale"] == 2 and seen["columns"] == len(seen["labels"]) == 3


def test_classes_are_called_by_their_names(net, monkeypatch):
    seen = {}
    monkeypatch.setattr("minivis.methods.synthesis.maximize_layers.contact_sheet",
                        lambda images, **how: seen.update(how) or contact_sheet(images, **how))
    down_the_layers(net, ["conv1_1", "fc8"], channels=2, steps=0).picture()
    last = net.shapes()["conv1_1"][-1] - 1
    assert seen["labels"] == ["conv1_1:0", f"conv1_1:{last}", f"fc8:{net.class_names[0]}", f"fc8:{net.class_names[-1]}"]


def test_channels_are_spread_over_a_layer_and_must_be_one_at_least(net):
    result = down_the_layers(net, ["conv1_1"], channels=2, steps=1, **CALM)
    assert [unit.channel for unit in result.rows[0].units] == [0, net.shapes()["conv1_1"][-1] - 1]
    with pytest.raises(BadValue, match="channels must be at least 1"):
        down_the_layers(net, channels=0)
