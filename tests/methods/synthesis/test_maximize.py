"""Class and neuron maximisation: the score rises by a stated amount, on every net, and looks like the class."""

from dataclasses import replace

import numpy as np
import pytest
from commandline import scene
from ended_nets import ENDS, ended

import minivis as mv
from minivis.engine.memory import PROGRAM
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.figures.compose import contact_sheet
from minivis.methods.synthesis.goals import spread
from minivis.methods.synthesis.maximize import maximize, preset_for, stretched
from minivis.methods.synthesis.presets import MAXIMIZE
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.optimize import transforms

# A net of random weights knows no object that could be moved, and its scores are small.
CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "zoom": 1, "rotate": 0}


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


def score_at(net, pixels, unit):
    acts = net.forward(net.preprocess(pixels))
    return mv.unit_values(acts, unit)


@pytest.mark.parametrize("preset", MAXIMIZE)
def test_every_preset_raises_the_score(net, preset):
    grey = np.full((1, 16, 16, 3), 120.0)
    calm = CALM if preset in ("minivis", "natural", "lucid") else {}
    result = maximize(net, "goose", preset=preset, steps=60, **calm)
    assert result.pictures.shape == (1, 16, 16, 3) and result.pictures.dtype == np.uint8
    before = score_at(net, grey, "goose")[0]
    assert result.values[0] == pytest.approx(score_at(net, result.pictures, "goose")[0], rel=1e-5)
    assert result.values[0] > before + 0.2
    assert result.run.loss < result.run.first_loss and result.settings["preset"] == preset


def roughness(pictures):
    """The mean difference of neighbouring pixels, in levels."""
    p = pictures.astype(float)
    return np.hypot(p[:, :-1, 1:] - p[:, :-1, :-1], p[:, 1:, :-1] - p[:, :-1, :-1]).mean()


def scaled(factor):
    """The tiny net with scores that are larger by a factor; without biases a score grows as the picture's contrast."""
    net = tiny_vgg(size=32)
    bare = {name: {"w": layer.params["w"] * (factor if name == "fc8" else 1), "b": 0 * layer.params["b"]}
            for name, layer in net.layers.items() if layer.params}
    for name, params in bare.items():
        net.layers[name].set_params(**params)
    return net


def test_natural_settles_at_the_contrast_asked_for_whatever_the_scores_and_the_size():
    found = {}
    for factor, contrast in ((1, 12), (1000, 12), (1, 24)):
        net = scaled(factor)
        made = maximize(net, "goose", preset="natural", contrast=contrast, steps=80, finest=0, scale=0, zoom=1,
                        rotate=0, jitter=1)
        found[factor, contrast] = roughness(made.pictures)
        assert made.settings["goal"] == "log-score" and ((made.pictures % 255) == 0).mean() < 0.1
    assert found[1000, 12] == pytest.approx(found[1, 12], rel=0.05)
    assert 6 < found[1, 12] < 24 and 1.4 < found[1, 24] / found[1, 12] < 2.6


def test_a_small_image_has_the_contrast_asked_for_as_the_net_sees_it():
    net, found = scaled(1), []
    for size in (32, 16):
        made = maximize(net, "goose", preset="natural", contrast=12, steps=80, scale=0, zoom=1, rotate=0, jitter=1,
                        size=size)
        found.append(roughness(transforms.resize(32, 32)(None, made.pictures.shape).forward(made.pictures / 1.0)))
    assert found[1] == pytest.approx(found[0], rel=0.2)        # 16.5 and 15.2


def test_images_of_some_presets_are_drawn_stretched_as_their_authors_did(net):
    made = maximize(net, ["goose", "owl"], preset="simonyan", rate=30, steps=5)
    (mean,) = {float(value) for value in net.preprocessing.mean}
    before, after = (abs(p.astype(float) - mean).max(axis=(1, 2, 3)) for p in (made.pictures, made.drawn()))
    assert (before < 60).all() and (after > 110).all()
    one, other = (pictures[0].astype(float).ravel() - mean for pictures in (made.pictures, made.drawn()))
    assert np.corrcoef(one, other)[0, 1] > 0.99
    plain = maximize(net, "goose", preset="cs231n", steps=1)
    assert plain.drawn() is plain.pictures


@pytest.mark.parametrize("mean, room", [(100.0, 100), (200.0, 55)])
def test_all_but_one_in_two_hundred_are_stretched_to_the_nearer_end(mean, room):
    """Of distances 0 to 20 from the mean in steps of a tenth, 19.9 reaches the end of the levels."""
    apart = np.arange(201).reshape(1, 201, 1, 1) / 10 * np.resize([1, -1], (201, 1, 1))
    found = stretched(mean + apart, mv.Preprocessing("grey", (mean,), (1.0,)))
    np.testing.assert_allclose(found, np.clip(mean + apart * room / 19.9, 0, 255), atol=0.51)


def test_the_preset_is_that_of_the_net_where_none_is_named():
    assert preset_for(tiny_vgg()) == "minivis"
    large = tiny_vgg()
    large.preprocessing = replace(large.preprocessing, size=(96, 64))
    assert preset_for(large) == "minivis"
    large.preprocessing = replace(large.preprocessing, size=(97, 64))
    assert preset_for(large) == "natural"
    large.preprocessing = replace(large.preprocessing, size=None)
    assert preset_for(large) == "natural"
    assert maximize(large, "conv1_1:2", size=16, steps=1).settings["preset"] == "natural"


@pytest.mark.parametrize("count, columns, side", [(3, 3, 288), (5, 4, 192), (13, 10, 128)])
def test_many_images_are_drawn_smaller_in_more_columns(net, monkeypatch, count, columns, side):
    seen = {}
    monkeypatch.setattr("minivis.methods.synthesis.maximize.contact_sheet",
                        lambda images, **how: seen.update(how) or contact_sheet(images, **how))
    maximize(net, "goose", count=count, steps=0, size=16).picture()
    assert (seen["columns"], seen["scale"]) == (columns, side // 16) and len(seen["labels"]) == count


@pytest.mark.parametrize("method", ["gradient", "adam", "lbfgs"])
@pytest.mark.parametrize("unit", ["conv1_1:2", "conv2_1:3@2,1", "fc7:4"])
def test_any_unit_by_any_method(net, method, unit):
    rate = {"gradient": 200.0, "adam": 4.0, "lbfgs": 1.0}[method]
    result = maximize(net, unit, preset="simonyan", method=method, rate=rate, l2=1e-9, steps=30)
    start = score_at(net, np.full((1, 16, 16, 3), 120.0), unit)[0]
    assert result.values[0] > start + 0.5 and result.probs is None and "probability" not in str(result.numbers)


def test_several_units_and_several_of_each(net):
    result = maximize(net, ["goose", "cat"], count=2, steps=40, **CALM)
    assert result.names == ("goose", "goose", "cat", "cat") and len(result.pictures) == 4
    assert not np.array_equal(result.pictures[0], result.pictures[1])
    scores = np.stack([score_at(net, result.pictures, unit) for unit in ("goose", "cat")])
    assert (scores[0, :2] > scores[0, 2:]).all() and (scores[1, 2:] > scores[1, :2]).all()
    assert result.picture().shape[2] == 3 and result.numbers["images"][2]["name"] == "cat"


def test_diversity_keeps_images_apart(net):
    from minivis.objectives.activations import diversity

    alike = []
    for weight in (0.0, 20.0):
        result = maximize(net, "goose", count=3, diversity=weight, steps=40, preset="lucid")
        alike.append(diversity("relu2_1")(net.forward(net.preprocess(result.pictures)))[0])
    assert alike[1] < alike[0] - 0.1


def test_from_a_picture(net):
    from minivis.methods.shared.result import Subject

    seen = Subject.of(net, scene()).seen[0]
    nothing = maximize(net, "cat", start=scene(), preset="simonyan", steps=0)
    np.testing.assert_array_equal(nothing.pictures[0], seen)
    little = maximize(net, "cat", start=scene(), preset="simonyan", steps=5, l2=0)
    difference = little.pictures[0].astype(int) - seen
    assert 0 < abs(difference).mean() < 20
    assert little.values[0] > nothing.values[0] + 0.2


def test_goals(net):
    for goal in ("probability", "log-probability"):
        result = maximize(net, "owl", preset="simonyan", goal=goal, method="adam", rate=4.0, steps=40)
        assert result.probs[0] > 0.6
    with pytest.raises(BadValue, match="not a class"):
        maximize(net, "conv1_1:0", goal="probability")


@pytest.mark.parametrize("size", [None, 20, (12, 18)])
def test_nets_of_any_size_and_grey_nets(size):
    net = tiny_branches()
    result = maximize(net, "sum:3", size=size, steps=3)
    assert result.pictures.shape[1:3] == {None: (128, 128), 20: (20, 20), (12, 18): (12, 18)}[size]
    assert result.settings["size"] == list(result.pictures.shape[1:3])
    grey = maximize(tiny_vgg(channels=1), "goose", steps=20, **CALM)
    assert grey.pictures.shape == (1, 16, 16, 1) and grey.run.loss < grey.run.first_loss
    net = tiny_vgg()
    net.roles.update(logits=None, prob=None)
    assert maximize(net, steps=2).names == ("relu2_1:0",)


def test_the_seed_decides(net):
    one, again, other = (maximize(net, "goose", steps=5, seed=s).pictures for s in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("settings, kind, sentence", [
    ({"preset": "yosinski"}, UnknownName, "did you mean 'yosinski-"),
    ({"stepz": 3}, UnknownName, "did you mean 'steps'"),
    ({"method": "sgd"}, UnknownName, "Choose from: gradient, adam, lbfgs"),
    ({"count": 0}, BadValue, "at least 1"),
    ({"scale": 1.5}, BadValue, "below 1"),
    ({"unit": "geese"}, UnknownName, "did you mean 'goose'"),
    ({"size": 20, "own_size": False}, BadValue, "fc6"),
    ({"method": "lbfgs"}, BadValue, "L-BFGS compares"),
])
def test_mistakes(net, settings, kind, sentence):
    with pytest.raises(kind, match=sentence):
        maximize(net, **{"unit": "goose", "steps": 2, **settings})


@pytest.mark.slow(seconds=100)
@pytest.mark.parametrize("name", ["emoji-vgg", "emoji-vgg-robust"])
def test_classes_are_recognisable(name):
    """The figures of the recipe: what the net says, under moves it was not made for, and a judge that took no part."""
    net, judge = mv.load(name), mv.load("emoji-alexnet")
    classes = np.arange(2, len(net.class_names), 5)             # all of them take six minutes a net
    pictures = maximize(net, [f"fc8:{k}" for k in classes]).pictures
    rows, x, rng = np.arange(len(classes)), net.preprocess(pictures), np.random.default_rng(123)
    sure = net.forward(x, grad=None)["prob"][rows, classes]
    named = judge.forward(judge.preprocess(pictures), grad=None)["prob"].argmax(axis=1) == classes
    robust = np.zeros(len(classes))
    for _ in range(8):
        moved = transforms.compose([transforms.warp((1, 1), 8, 4), transforms.blur(0.3, 0.8)], rng, x.shape)
        robust += net.forward(moved.forward(x), grad=None)["prob"][rows, classes] / 8
    print(f"p > 0.99: {(sure > 0.99).mean():.3f}, moved: {robust.mean():.3f}, named by the judge: {named.mean():.3f}")
    assert (sure > 0.99).mean() >= 0.9 and robust.mean() > 0.9 and named.mean() > 0.9


@pytest.mark.parametrize("settings", [{}, {"preset": "simonyan", "method": "lbfgs"}, {"diversity": 1.0, "count": 2}],
                         ids=["minivis", "lbfgs", "diversity"])
def test_without_memory_it_goes_to_tiles(net, monkeypatch, settings):
    """The same picture, but for rounding, and values that are those of the whole picture."""
    monkeypatch.setattr("minivis.optimize.budget.TILE", 32)
    how = {"unit": "conv2_1:3", "size": (50, 70), "steps": 4, "rate": 0.05, **settings}
    whole = maximize(net, **how)
    tiled = maximize(net, memory=PROGRAM + 4 * net.parameter_count + whole.run.memory - 1, **how)
    assert "70 x 50 pixels in tiles of 32 pixels, as memory is short" in str(tiled) and "tiles" not in str(whole)
    assert tiled.run.memory < whole.run.memory and tiled.numbers["notes"] == [tiled.note]
    np.testing.assert_allclose(tiled.run.pixels, whole.run.pixels, atol=0.1)
    np.testing.assert_allclose(tiled.values, whole.values, rtol=1e-4)
    assert tiled.run.loss == pytest.approx(whole.run.loss, rel=1e-4)


def test_without_memory_for_lbfgs_adam_takes_over(net):
    how = {"unit": "conv2_1:3", "size": (50, 70), "steps": 4, "preset": "simonyan", "method": "lbfgs"}
    whole = maximize(net, **how)
    lean = maximize(net, memory=PROGRAM + 4 * net.parameter_count + 0.4 * whole.run.memory, **how)
    assert "by Adam instead of L-BFGS" in lean.note and lean.run.loss < lean.run.first_loss


@pytest.mark.parametrize("unit, size", [("goose", None), ("conv2_1:3@1,1", 90), ("conv2_1:3", 90)])
def test_what_fits_in_no_way_is_refused(net, unit, size):
    with pytest.raises(TooLarge, match=r"need about .* GB are left for it: (use|make) "):
        maximize(net, unit, size=size, memory=PROGRAM + 4 * net.parameter_count + 1)


@pytest.mark.parametrize("goal", ["score", "probability", "log-probability"])
@pytest.mark.parametrize("end", ENDS)
def test_every_end_and_goal(end, goal):
    net = ended(end, names=["cat"] if end.startswith("one") else ["cat", "dog", "owl"])
    unit = "not cat" if end.startswith("one") else "dog"
    start = np.full((16, 16, 3), 120, np.uint8)
    before = {row["class"]: row["probability"] for row in mv.classify(net, start).numbers["top"]}[unit]
    result = maximize(net, unit, goal=goal, preset="simonyan", method="adam", rate=4.0, l2=0, steps=20)
    after = {row["class"]: row["probability"] for row in mv.classify(net, result.pictures[0]).numbers["top"]}[unit]
    assert result.probs[0] == pytest.approx(after, rel=1e-5) and after > before + 0.05
    assert result.names == (unit,) and unit in str(result)


def test_a_channel_summed_over_positions_spreads_as_many_times_as_it_has_positions():
    """conv1_1 keeps the 16 x 16 pixels of the net."""
    net = tiny_vgg()
    at_one, summed = (spread(net, mv.parse_unit(net, unit), (1, 16, 16, 3)) for unit in ("conv1_1:2@max", "conv1_1:2"))
    assert summed == pytest.approx(16 * 16 * at_one, rel=1e-6) and at_one > 0


def test_a_mask_keeps_the_rest_of_the_start(vgg, rng):
    start = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    found = maximize(vgg, "fc8:1", start=start, mask=(4, 2, 12, 10), steps=3, noise=20.0).pictures[0]
    beyond = np.ones((16, 16), bool)
    beyond[2:10, 4:12] = False
    np.testing.assert_array_equal(found[beyond], start[beyond])
    assert (found != start)[2:10, 4:12].mean() > 0.5


@pytest.mark.parametrize("goal, rate", [("score", 400.0), ("log-score", 10_000.0)])
def test_units_of_several_layers_get_an_image_each(vgg, goal, rate):
    settings = mv.MaximizeSettings(method="gradient", rate=rate, steps=2, goal=goal)
    together = mv.maximize(vgg, ["bus", "owl", "conv2_1:3"], settings=settings)
    for i, unit in enumerate(["bus", "owl", "conv2_1:3"]):
        alone = mv.maximize(vgg, unit, settings=settings)
        np.testing.assert_allclose(together.pictures[i].astype(int), alone.pictures[0].astype(int), atol=1)
        assert np.ptp(alone.pictures[0].astype(int)) >= 3               # levels: something has changed
        assert together.values[i] == pytest.approx(alone.values[0], rel=1e-4)
    assert together.names == ("bus", "owl", "conv2_1:3") and together.probs is None
    with pytest.raises(BadValue, match="conv2_1:3 is not a class"):
        mv.maximize(vgg, ["bus", "conv2_1:3"], goal="probability", steps=1)
    assert mv.maximize(vgg, ["bus", "conv2_1:3"], preset="natural", steps=1).pictures.shape[0] == 2
