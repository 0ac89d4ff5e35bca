"""Two images of a unit: one where it is high, and one where it is low."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.synthesis.extremes import extremes
from minivis.models.tiny import tiny_vgg
from minivis.optimize.watch import Watch

CALM = {"tv": 0, "jitter": 0, "scale": 0, "rotate": 0}


def test_one_image_raises_the_unit_and_the_other_lowers_it():
    net = tiny_vgg()
    made = extremes(net, ["goose", "conv2_1:3@2,1"], steps=30, **CALM)
    assert made.array.shape == (2, 2, 16, 16, 3)
    grey = np.full((1, 16, 16, 3), 120, np.uint8)
    for unit, pair, found in zip(("goose", "conv2_1:3@2,1"), made.array, made.numbers["units"]):
        high, low, before = mv.unit_values(net.forward(net.preprocess(np.concatenate([pair, grey]))), unit)
        assert high > before + 0.2 and low < before - 0.2
        assert (found["most"], found["least"]) == pytest.approx((high, low), rel=1e-4)
    np.testing.assert_array_equal(made.array[0, 0], mv.maximize(net, "goose", steps=30, **CALM).pictures[0])
    assert made.picture().shape[2] == 3 and "at least" in str(made)
    found = made.numbers["units"][0]                        # the same quantity below both, so that they can be compared
    assert str(made).splitlines()[:2] == [
        f"{one['name']}: {one['most']:.3g} at most, {one['least']:.3g} at least" for one in made.numbers["units"]]
    assert list(made.labels())[:2] == [f"most goose\n{found['most']:.3g}", f"least goose\n{found['least']:.3g}"]


def test_a_unit_of_a_relu_is_that_before_it():
    made = extremes(tiny_vgg(), "relu2_1:3", steps=1, **CALM)
    assert made.settings["unit"] == ["conv2_1:3"] and made.numbers["units"][0]["name"] == "conv2_1:3"


def test_two_images_have_no_checkpoint(tmp_path):
    with pytest.raises(BadValue, match="no checkpoint"):
        extremes(tiny_vgg(), "goose", watch=Watch(checkpoint=str(tmp_path / "c")))
