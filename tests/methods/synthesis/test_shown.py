"""How the net sees the images that maximize makes."""

from importlib import import_module

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, TooLarge
from minivis.methods.synthesis.maximize import maximize
from minivis.methods.synthesis.shown import closest, for_image, resized, shown_at, transforms_of
from minivis.models.tiny import tiny_vgg
from minivis.optimize import transforms
from minivis.optimize.transforms import compose

CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "zoom": 1, "rotate": 0}


def test_an_image_of_a_class_is_shown_to_the_net_at_its_own_size():
    net = tiny_vgg(size=32)
    made = maximize(net, ["goose", "owl"], preset="natural", steps=3, size=16, **CALM)
    assert made.pictures.shape == (2, 16, 16, 3) and made.settings["own_size"]
    seen = transforms.resize(32, 32)(None, made.pictures.shape).forward(net.preprocess(made.pictures))
    acts = net.forward(seen)
    for i, unit in enumerate(made.units):
        assert made.values[i] == pytest.approx(acts["fc8"][i, unit.channel], rel=1e-5)
        assert made.probs[i] == pytest.approx(acts["prob"][i, unit.channel], rel=1e-5)
    for unit, how in (("fc6:1", {}), ("goose", {"own_size": False})):
        with pytest.raises(BadValue, match="made for pictures of 32 x 32"):
            maximize(net, unit, preset="natural", steps=1, size=16, **how)


@pytest.mark.parametrize("size, expected", [
    ((16, 16), (32, 32)), ((8, 16), (16, 32)), ((12, 5), (32, 13)), ((32, 32), (32, 32)),       # one side fills
    ((64, 64), (32, 32)), ((64, 40), (51, 32)), ((48, 96), (32, 64)),                           # one side fits
    ((31, 31), (32, 32)), ((33, 33), (32, 32)), ((31, 16), (32, 17)), ((33, 44), (32, 43)),
    ((16, 40), (16, 40)), ((32, 64), (32, 64)), ((40, 32), (40, 32)), ((32, 16), (32, 16)),     # as it is
    ((24, 40), (24, 40)), ((40, 24), (40, 24)), ((32, 24), (32, 24)), ((24, 32), (24, 32)), ((31, 33), (31, 33)),
])
def test_an_image_is_shown_at_the_net_s_size_in_its_own_proportions(size, expected):
    net, how = tiny_vgg(size=32), mv.MaximizeSettings(own_size=True)
    shape = (2, *size, 3)
    assert shown_at(net, [mv.parse_unit(net, "goose")], how, shape) == (2, *expected, 3)
    assert shown_at(net, [mv.parse_unit(net, "relu2_1:3")], how, shape) == shape
    assert shown_at(net, [mv.parse_unit(net, "goose")], how.but(own_size=False), shape) == shape
    assert len(resized(shape, (2, *expected, 3))) == (size != expected)


def test_a_larger_image_is_shown_shrunk():
    net = tiny_vgg(size=32)
    made = maximize(net, "goose", preset="natural", steps=3, size=64)
    seen = transforms.resize(32, 32)(None, made.pictures.shape).forward(net.preprocess(made.pictures))
    assert made.pictures.shape == (1, 64, 64, 3) and made.settings["jitter"] == 12      # as it was given
    assert made.probs[0] == pytest.approx(net.forward(seen)["prob"][0, net.class_names.index("goose")], rel=1e-5)
    with pytest.raises(BadValue, match="made for pictures of 32 x 32"):
        maximize(net, "goose", preset="natural", steps=1, size=64, own_size=False)


def test_settings_are_in_pixels_of_the_image():
    how = mv.MaximizeSettings(jitter=5, shift=1.0, transform_blur=0.5, finest=4, zoom=2, rate=0.9, normalize="rms")
    larger = for_image(how, (1, 96, 96, 3), (1, 32, 32, 3))
    assert (larger.jitter, larger.shift, larger.transform_blur) == (15, 3, 1.5)
    assert larger.rate == pytest.approx(0.3) and larger.finest == 6          # 4 pixels of the net's input, seen closest
    assert for_image(how, (1, 48, 48, 3), (1, 32, 32, 3)).finest == 4        # as no shorter wave has pixels enough
    assert for_image(how.but(finest=0), (1, 96, 96, 3), (1, 32, 32, 3)).finest == 3             # of 2 pixels there
    assert for_image(how.but(normalize="l2"), (1, 96, 96, 3), (1, 32, 32, 3)).rate == 0.9
    assert for_image(how.but(scale=0.5, zoom=1), (1, 96, 96, 3), (1, 32, 32, 3)).finest == 8
    assert for_image(how, (1, 24, 24, 3), (1, 32, 32, 3)) == how.but(finest=3, zoom=1.5)
    assert for_image(how, (1, 8, 8, 3), (1, 32, 32, 3)) == how.but(finest=1, zoom=1)
    assert for_image(how, (1, 32, 32, 3), (1, 32, 32, 3)) == how


def test_a_smaller_image_is_moved_after_it_was_enlarged_and_a_larger_one_before_it_is_shrunk():
    net = tiny_vgg(size=32)
    how = mv.MaximizeSettings(transform_blur=1, jitter=3, scale=0.25, zoom=2, rotate=5, transform_noise=2)
    moves = ["blur 0..1", "jitter 3", "warp 0.75..2, 5 degrees, 0 px"]
    for side, expected in ((16, ["resize 32 x 32", *moves]), (64, [*moves, "resize 32 x 32"]), (32, moves)):
        found = [str(move) for move in transforms_of(net, how, (1, side, side, 3), (1, 32, 32, 3))]
        assert found[:-1] == expected and found[-1].startswith("noise")
    for plain in ({"zoom": 1.5}, {"scale": 0.5}, {"rotate": 1}, {"shift": 1}):
        (only,) = transforms_of(net, mv.MaximizeSettings(**plain), (1, 32, 32, 3), (1, 32, 32, 3))
        assert str(only).startswith("warp")
    assert [closest(how.but(zoom=zoom)) for zoom in (1, 1.25, 1.5)] == [1.25, 1.25, 1.5]
    assert transforms_of(net, mv.MaximizeSettings(), (1, 32, 32, 3), (1, 32, 32, 3)) == ()


def test_noise_is_added_in_levels_whatever_the_net_reads():
    net, shape = tiny_vgg(size=32), (1, 32, 32, 3)
    (move,) = transforms_of(net, mv.MaximizeSettings(transform_noise=30), shape, shape)
    drawn = compose([move], np.random.default_rng(0), (1, 40, 40, 3)).forward(np.zeros((1, 40, 40, 3)))
    assert (drawn * np.asarray(net.preprocessing.scale)).std() == pytest.approx(30, rel=0.1)
    assert net.preprocessing.scale[0] != 1 and transforms_of(net, mv.MaximizeSettings(), shape, shape) == ()


@pytest.mark.parametrize("make", [
    lambda net, **how: maximize(net, "goose", **how),
    lambda net, **how: mv.walk(net, ["goose", "owl"], frames=1, **how),
])
def test_variables_moves_and_steps_are_those_of_the_larger_image(make, monkeypatch):
    """What is changed in an image of 64 pixels that a net of 32 sees: jitter of 6 for 3, a rate of 0.2 for 0.4."""
    made = []

    def stopped(problem, z, *, method, **_):
        made.append((problem, method))
        raise InterruptedError

    for module in ("maximize", "walk"):
        monkeypatch.setattr(import_module(f"minivis.methods.synthesis.{module}"), "optimize", stopped)
    with pytest.raises(InterruptedError):
        make(tiny_vgg(size=32), preset="natural", size=64, jitter=3, rate=0.4, finest=4, steps=1)
    ((problem, method),) = made
    assert str(problem.transforms[0]) == "jitter 6" and method.rate == 0.2
    assert problem.parameterization.stages[0].finest == 4              # seen twice as large, as short as in 32 pixels
    made.clear()
    with pytest.raises(InterruptedError):
        make(tiny_vgg(size=32), preset="natural", size=64, finest=4, steps=1, zoom=1, scale=0)
    assert made[0][0].parameterization.stages[0].finest == 8


def test_an_image_for_which_there_is_no_memory_is_named_by_its_own_size():
    with pytest.raises(TooLarge, match=r"^30000 x 30000 pixels need about .* make the longer side \d+ or less"):
        maximize(tiny_vgg(size=32), "goose", preset="natural", size=30_000, memory=2e9)


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
    seen = transforms.resize(32, 32)(None, (1, 16, 16, 3)).forward(net.preprocess(walk.frames[-1]))
    assert walk.frames.shape == (3, 16, 16, 3)
    assert walk.probs[1] == pytest.approx(net.forward(seen)["prob"][0, net.class_names.index("owl")], rel=1e-5)
    assert not np.array_equal(walk.frames[0], walk.frames[1])
