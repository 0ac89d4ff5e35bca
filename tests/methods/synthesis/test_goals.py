"""What maximize minimises, for units and for objectives in words."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.synthesis.dream import dream
from minivis.methods.synthesis.goals import goal_of
from minivis.methods.synthesis.maximize import maximize
from minivis.models.tiny import tiny_vgg
from minivis.objectives.activations import score


def test_one_unit_in_words_is_that_unit(vgg):
    for preset in ("simonyan", "natural"):
        for unit, text in (("fc8:1", "fc8:1"), ("relu2_1:3@2,2", "relu2_1:3@2,2")):
            by_unit, by_text = (maximize(vgg, preset=preset, steps=3, **how) for how in (
                {"unit": unit}, {"objective": text}))
            np.testing.assert_array_equal(by_unit.pictures, by_text.pictures)
            np.testing.assert_allclose(by_unit.values, by_text.values)


def test_a_sum_grows(vgg):
    found = maximize(vgg, objective="fc8:1 + 0.5*relu2_1:3 - fc8:2", preset="simonyan", steps=5, count=2)
    acts = vgg.forward(vgg.preprocess(found.pictures))
    values = acts["fc8"][:, 1] + 0.5 * acts["relu2_1"][..., 3].sum(axis=(1, 2)) - acts["fc8"][:, 2]
    np.testing.assert_allclose(found.values, values)
    assert found.run.loss < found.run.first_loss and found.probs is None
    assert found.settings["unit"] == ["fc8:1 + 0.5*relu2_1:3 - fc8:2"] * 2 and found.picture().ndim == 3


def test_images_are_kept_apart_in_the_content_layer_or_else_in_their_unit_s():
    for content in ("relu2_1", None):
        net = tiny_vgg()
        net.roles["content"] = content
        units = [mv.parse_unit(net, "conv1_1:2")] * 2
        goal = goal_of(net, units, mv.MaximizeSettings(diversity=1.0), (2, 16, 16, 3))
        assert set(goal.layers) - {"input"} == {"conv1_1", content or "conv1_1"}


def test_an_objective_of_one_s_own(vgg):
    by_text, own = (maximize(vgg, objective=one, preset="simonyan", steps=2) for one in (
        "fc8:1 - fc8:2", score("fc8", 1) - score("fc8", 2)))
    np.testing.assert_array_equal(by_text.pictures, own.pictures)


@pytest.mark.parametrize("how, message", [
    ({"objective": "relu2_1"}, "relu2_1 is a whole layer"), ({"objective": "fc8:1", "unit": "fc8:2"}, "are two goals"),
    ({"objective": "relu2_1:1", "goal": "probability"}, "is not a class"), ({"objective": 7}, "must be a function"),
])
def test_what_is_no_goal(vgg, how, message):
    with pytest.raises(BadValue, match=message):
        maximize(vgg, preset="simonyan", steps=1, **how)


def test_a_dream_of_a_sum(vgg, rng):
    image = rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)
    shared = {"octaves": 1, "steps": 2, "jitter": 2}
    by_layers = dream(vgg, image, {"relu2_1": 1.0, "relu1_1:3": 0.5}, **shared)
    by_text = dream(vgg, image, objective="relu2_1 + 0.5*relu1_1:3", **shared)
    np.testing.assert_array_equal(by_layers.pixels, by_text.pixels)
    less = dream(vgg, image, objective="-relu1_1:3", **shared)
    assert less.settings["layers"] == {"relu1_1:3": -1.0} and less.losses[0][1] < less.losses[0][0]
    with pytest.raises(BadValue, match="are two goals"):
        dream(vgg, image, "relu2_1", objective="relu1_1", **shared)
