"""Inverting codes: the image comes back where the code has it all, and its code everywhere."""

import numpy as np
import pytest
from commandline import scene

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.methods.synthesis.invert import invert, invert_layers, layers_of, relative_errors, settings_at
from minivis.methods.synthesis.invert_stages import priors
from minivis.methods.synthesis.settings import InvertSettings
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.optimize.watch import Watch


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


def test_the_first_layer_gives_the_image_back(net):
    """conv1_1 has twice as many numbers as the image, and is linear: nothing is lost."""
    result = invert(net, scene(), "conv1_1", steps=60, parameterization="spectrum")
    assert result.errors[0] < 0.02 and result.psnr[0] > 30
    assert result.said[0].split()[0] == result.said[1].split()[0]
    assert result.numbers["ssim"][0] > 0.95


@pytest.mark.parametrize("layer", ["pool1", "conv2_1", "fc7"])
def test_the_code_comes_back_from_any_layer(net, layer):
    result = invert(net, scene(), layer, steps=20, tv=1e-4)
    assert result.run.loss < 0.1 * result.run.first_loss
    x = net.preprocess(result.run.pixels.astype(np.float32))
    wanted = net.forward(result.subject.input(net))[layer]
    assert result.errors[0] == pytest.approx(relative_errors(net.forward(x)[layer], wanted)[0], rel=1e-3)
    assert result.errors[0] < 0.3


def test_from_coarse_to_fine_takes_fewer_wrong_turns(net):
    """After equally many steps; 1.6 % and 4.9 %."""
    at_once = invert(net, scene(), "conv1_2", coarse=(), smooth=(), steps=120)
    grown = invert(net, scene(), "conv1_2", coarse=[(2.0, 50), (1.0, 30)], smooth=(), steps=40)
    assert grown.run.steps == at_once.run.steps == 120
    assert grown.errors[0] < 0.5 * at_once.errors[0] and grown.psnr[0] > at_once.psnr[0] + 3
    assert grown.run.first_loss > 100 * grown.run.loss


def test_fewer_steps_are_fewer_in_each_stage(net):
    preset, how = settings_at(net, "pool1", given={"steps": 20})
    assert preset == "minivis" and how.coarse == ((2.0, 20), (1.0, 10)) and how.smooth == (40.0, 3.0, 300)
    assert how.through == 40 and how.rounds == (10, 20) and how.by_depth == ()
    assert settings_at(net, "pool1")[1].smooth == (40.0, 3.0, 3000)


def test_settings_of_one_s_own_hold_in_place_of_a_preset(net):
    own = InvertSettings(steps=30, tv=0.5, coarse=((2.0, 60),), by_depth=((0.5, {"noise": 3.0}), (1.0, {"noise": 4.0})))
    name, how = settings_at(net, "pool1", settings=own, given={"steps": 10, "tv": 0.25})
    assert name is None and (how.tv, how.noise, how.coarse) == (0.25, 3.0, ((2.0, 20),))
    assert settings_at(net, "fc8", settings=own)[1].noise == 4.0
    assert settings_at(net, "fc8", settings=own, given={"by_depth": [(1.0, {"noise": 9.0})]})[1].noise == 9.0
    done = invert(net, scene(), "pool1", settings=InvertSettings(steps=2), tv=0.125)
    assert done.settings["preset"] is None and done.settings["tv"] == 0.125 and done.settings["steps"] == 2
    still = InvertSettings(steps=0, coarse=((2.0, 60),))                # no proportion: the stages stay as they are
    assert settings_at(net, "pool1", settings=still, given={"steps": 10})[1].coarse == ((2.0, 60),)
    with pytest.raises(BadValue, match="a preset or settings, not both"):
        invert(net, scene(), "pool1", preset="minivis", settings=own)


def test_a_callback_ends_all_stages(net):
    seen = []
    watch = Watch(lambda preview: seen.append(preview.step) or len(seen) == 4, every=1)
    result = invert(net, scene(), "conv1_2", coarse=[(2.0, 6), (1.0, 4)], smooth=(), steps=5, watch=watch)
    assert result.stopped == "stopped by the callback" and seen == [1, 2, 3, 4]


def test_several_starts_share_the_code_and_not_the_pixels(net):
    result = invert(net, scene(), "pool2", starts=2, steps=80, tv=1e-6)
    assert (result.errors < 0.25).all()
    a, b = result.pictures.astype(float)
    assert np.sqrt(((a - b) ** 2).mean()) > 5, "pool2 does not fix the pixels"


def test_mahendran(net):
    """Momentum in stages, rates times sigma^2; the start has sigma's norm."""
    result = invert(net, scene(), "conv1_1", preset="mahendran")
    assert result.run.steps == 400 and result.run.loss < 0.3 * result.run.first_loss
    how = InvertSettings(tv=2.0, tv_beta=2, alpha=4.0)
    x = np.zeros((1, 16, 16, 3), np.float32)
    x[0, 3, 3, 0] = 1                                           # 60 levels
    acts = net.forward(x, until="conv1_1")
    sigma2 = 68.9**2 * 16 * 16 * 3
    assert priors(x.shape, how)(acts)[0] == pytest.approx((4 * 3600 + 2 * 60.0**6) / sigma2, rel=1e-5)
    assert pytest.approx(27098.1, rel=1e-3) == 68.9 * (227 * 227 * 3) ** 0.5


def test_a_caricature_goes_further_from_grey(net):
    same, more = (invert(net, scene(), "conv2_1", exaggerate=k, steps=40, tv=1e-4) for k in (1.0, 1.6))
    grey = net.forward(np.zeros((1, 16, 16, 3), np.float32))["conv2_1"]

    def far(result):
        x = net.preprocess(result.run.pixels.astype(np.float32))
        return np.linalg.norm(net.forward(x)["conv2_1"] - grey)

    assert far(more) > 1.15 * far(same)


def test_all_layers(net):
    assert layers_of(net) == ["conv1_1", "conv1_2", "pool1", "conv2_1", "pool2", "fc6", "fc7", "fc8"]
    result = invert_layers(net, scene(), steps=5)
    assert [one.layer for one in result.inversions] == layers_of(net) and result.picture().std() > 10
    assert result.inversions[0].psnr[0] > result.inversions[-1].psnr[0]
    assert set(result.numbers) == set(layers_of(net)) and "conv2_1: code" in str(result)


def test_other_nets():
    assert invert(tiny_branches(), scene(), "sum", steps=5).run.steps == 5
    grey = invert(tiny_vgg(channels=1), scene(), "conv1_1", steps=30)
    assert grey.errors[0] < 0.1 and grey.pictures.shape == (1, 16, 16, 1)
    net = tiny_vgg()
    net.roles.update(logits=None, prob=None)
    assert invert(net, scene(), "pool1", steps=2).said == ()


def test_no_steps_give_the_start(net):
    result = invert(net, scene(), "pool1", steps=0, noise=0.0)
    np.testing.assert_array_equal(result.pictures, np.full((1, 16, 16, 3), 120))
    loud = invert(net, scene(), "pool1", steps=0, noise=500.0).pictures
    assert (loud.min(), loud.max()) == (0, 255)


@pytest.mark.parametrize("settings, kind, sentence", [
    ({"layer": "conv9"}, UnknownName, "no layer named"), ({"preset": "mahendra"}, UnknownName, "'mahendran'"),
    ({"stepz": 2}, UnknownName, "'steps'"), ({"starts": 0}, BadValue, "at least 1"),
    ({"exaggerate": float("nan")}, BadValue, "exaggerate must be a number, not nan"),
    ({"method": "gradient"}, BadValue, "need rates"),
    ({"exaggerate": 0.0, "layer": "input"}, BadValue, "zero everywhere"),
])
def test_mistakes(net, settings, kind, sentence):
    with pytest.raises(kind, match=sentence):
        invert(net, scene(), **{"layer": "pool1", "steps": 2, **settings})


@pytest.mark.slow(seconds=150)
def test_figures_on_emoji_vgg():
    """How far the code is off, at each layer; pixels get lost with depth; the class stays."""
    net, goose = mv.load("emoji-vgg"), mv.read_image(mv.load.__globals__["__file__"].replace(
        "weights/catalogue.py", "data/goose.png"))
    layers = ["conv1_1", "pool1", "conv2_1", "conv2_2", "pool2", "pool3", "fc6", "fc8"]      # all of them: five minutes
    result = invert_layers(net, goose, layers)
    errors = {one.layer: one.errors[0] for one in result.inversions}
    psnr = [one.psnr[0] for one in result.inversions if one.layer in ("conv1_1", "pool1", "pool2", "pool3", "fc6")]
    print(result)
    assert errors["conv1_1"] < 1e-4 and max(errors["pool1"], errors["conv2_1"], errors["conv2_2"]) < 0.01
    assert errors["pool2"] < 0.012                                                      # 0.0084 measured
    assert errors["fc6"] < 0.15 and psnr == sorted(psnr, reverse=True)
    assert all(one.said[1].startswith("goose") for one in result.inversions)
