"""How the net sees the images that maximize makes."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.synthesis.maximize import maximize
from minivis.methods.synthesis.shown import enlarged, shown_at
from minivis.models.tiny import tiny_vgg
from minivis.optimize import transforms

CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "rotate": 0}


def test_an_image_of_a_class_is_shown_to_the_net_at_its_own_size():
    net = tiny_vgg(size=32)
    made = maximize(net, ["goose", "owl"], preset="natural", steps=3, size=16, **CALM)
    assert made.pictures.shape == (2, 16, 16, 3) and made.settings["enlarge"]
    seen = transforms.enlarge(32, 32)(None, made.pictures.shape).forward(net.preprocess(made.pictures))
    acts = net.forward(seen)
    for i, unit in enumerate(made.units):
        assert made.values[i] == pytest.approx(acts["fc8"][i, unit.channel], rel=1e-5)
        assert made.probs[i] == pytest.approx(acts["prob"][i, unit.channel], rel=1e-5)
    for unit, how in (("fc6:1", {}), ("goose", {"enlarge": False})):
        with pytest.raises(BadValue, match="made for pictures of 32 x 32"):
            maximize(net, unit, preset="natural", steps=1, size=16, **how)


@pytest.mark.parametrize("size, expected", [((16, 16), (32, 32)), ((8, 16), (16, 32)), ((12, 5), (32, 13)),
                                            ((32, 32), (32, 32)), ((16, 40), (16, 40))])
def test_a_smaller_image_keeps_its_proportions_and_a_larger_one_its_size(size, expected):
    net, how = tiny_vgg(size=32), mv.MaximizeSettings(enlarge=True)
    shape = (2, *size, 3)
    assert shown_at(net, [mv.parse_unit(net, "goose")], how, shape) == (2, *expected, 3)
    assert shown_at(net, [mv.parse_unit(net, "relu2_1:3")], how, shape) == shape
    assert shown_at(net, [mv.parse_unit(net, "goose")], how.but(enlarge=False), shape) == shape
    assert len(enlarged(shape, (2, *expected, 3))) == (size != expected)


def test_waves_are_as_long_as_the_net_sees_them():
    """Of an image half as large as the net's input, waves of 8 pixels of the input are 4 pixels long."""
    net = tiny_vgg(size=32)
    for size, length in ((32, 8), (16, 4)):
        made = maximize(net, "goose", preset="natural", steps=2, size=size, finest=8, noise=1.0, contrast=0, **CALM)
        waves = abs(np.fft.fft2(mv.parameterize.Squash().inverse(np.clip(made.run.pixels, 1, 254))[0, :, :, 0]))
        cycles = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
        shorter, just_longer = waves[cycles * length > 1.001], waves[(cycles * length > 0.6) & (cycles * length <= 1)]
        assert shorter.max() < 0.1 * just_longer.max()


def test_a_walk_is_seen_at_the_net_s_own_size():
    net = tiny_vgg(size=32)
    walk = mv.walk(net, ["goose", "owl"], frames=2, preset="natural", steps=2, size=16, **CALM)
    seen = transforms.enlarge(32, 32)(None, (1, 16, 16, 3)).forward(net.preprocess(walk.frames[-1]))
    assert walk.frames.shape == (3, 16, 16, 3)
    assert walk.probs[1] == pytest.approx(net.forward(seen)["prob"][0, net.class_names.index("owl")], rel=1e-5)
    assert not np.array_equal(walk.frames[0], walk.frames[1])
