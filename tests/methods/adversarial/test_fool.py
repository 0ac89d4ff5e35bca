"""fool: the picture in the file is what counts; it says when it failed; it refuses what makes no sense."""

import numpy as np
import pytest
from ended_nets import ENDS, ended

import minivis as mv
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.metrics import l2, linf, ssim
from minivis.methods.adversarial.attacks import answers, as_pixels, logits_of, pgd
from minivis.methods.adversarial.fool import blank, fool
from minivis.models.tiny import tiny_vgg


def said(net, picture):
    return net.class_names[answers(net, as_pixels(net, picture))[0]]


@pytest.mark.parametrize("settings", [
    {"to": "owl", "steps": 10}, {}, {"method": "fgsm"}, {"method": "bim", "steps": 5}, {"method": "deepfool"},
    {"norm": "L2", "steps": 8},
    {"to": "owl", "method": "deepfool"}, {"method": "szegedy", "steps": 4}, {"to": 3, "eps": 40},
], ids=str)  # fmt: skip
def test_every_way(net, picture, settings):
    result = fool(net, picture, **settings)
    made, numbers = result.made[0], result.numbers
    assert result.ok and numbers["fooled"] and result.stopped == "fooled"
    assert made.dtype == np.uint8 and made.shape == picture.shape
    assert said(net, made) == numbers["answer"] == numbers["after"][0]["class"]
    assert numbers["label"] == said(net, picture) == numbers["before"][0]["class"] != numbers["answer"]
    assert numbers["target"] == ("owl" if "to" in settings else None)
    assert numbers["answer"] == "owl" if "to" in settings else True
    assert numbers["linf"] == linf(picture, made) > 0 and numbers["ssim"] == ssim(picture, made)
    if numbers["eps"] is not None:
        measure = l2 if settings.get("norm") == "L2" else linf
        assert measure(picture, made) <= numbers["eps"] + 1e-9
    assert result.picture().shape[2] == 3 and numbers["answer"] in str(result) and "NOT" not in str(result)


def test_the_smallest_eps(net, picture):
    """No smaller one does, of those that the search tried: one level less fails."""
    result = fool(net, picture, "cat", steps=8)
    eps = result.eps[0]
    assert eps % 2 and result.numbers["linf"] <= eps            # 13: a search that left out every second would miss it
    assert not fool(net, picture, "cat", eps=eps - 1, steps=8).ok and fool(net, picture, "cat", eps=eps, steps=8).ok


def test_a_net_without_gradient_is_not_fooled_and_the_picture_stays(picture):
    net = tiny_vgg()
    for name in ("conv1_1", "conv2_1"):
        layer = net.layers[name]
        layer.set_params(b=np.full_like(layer.params["b"], -1e6))           # every ReLU is off
    for method in ("fgsm", "bim", "deepfool"):
        result = fool(net, picture, method=method, eps=9 if method != "deepfool" else None)
        assert not result.ok and "NOT FOOLED" in str(result)
        np.testing.assert_array_equal(result.made[0], picture)


@pytest.mark.parametrize("start", ["noise", "grey", (200, 30, 30)])
def test_from_nothing(net, start):
    result = fool(net, to="cat", start=start, sure=0.4, steps=16)
    assert result.ok and result.numbers["after"][0]["class"] == "cat" and result.after[0].max() >= 0.4
    np.testing.assert_array_equal(result.subject.fitted[0], blank(net, start, 0))
    assert result.numbers["label"] == said(net, blank(net, start, 0)) and result.picture().std() > 10
    assert result.numbers["maximised"][0]["class"] == said(net, result.free[0]) == "cat"        # and it goes far:
    assert l2(result.subject.fitted[0], result.free[0]) > 2 * result.numbers["l2"]


def test_blank():
    grey, color, any_size = tiny_vgg(channels=1), tiny_vgg(), Network()
    assert (blank(color, (1, 2, 3), 0) == [1, 2, 3]).all() and (blank(grey, "black", 0) == 0).all()
    assert blank(any_size, "white", 0).shape == (64, 64, 3) and blank(grey, "noise", 0).shape == (16, 16, 1)
    noise = blank(color, "noise", 4)
    assert noise.std() > 60 and (noise == blank(color, "noise", 4)).all() and (noise != blank(color, "noise", 5)).any()


def test_batches_and_the_mask(net, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    mask = np.zeros((16, 16, 1))
    mask[4:] = 1
    result = fool(net, pictures, method="bim", mask=mask)
    assert len(result.numbers["images"]) == 3 and result.parts == {}
    np.testing.assert_array_equal(result.made[:, :4], pictures[:, :4])
    alone = fool(net, pictures[1], method="bim", mask=mask)
    np.testing.assert_array_equal(alone.made[0], result.made[1])
    np.testing.assert_array_equal(alone.parts["picture"], alone.made[0])


def test_grey_nets_color_pictures_and_larger_ones(picture, rng):
    grey = tiny_vgg(channels=1)
    result = fool(grey, rng.integers(0, 256, (40, 30, 3), np.uint8))
    assert result.made.shape == (1, 16, 16, 3) and result.ok and result.seen.shape == (1, 16, 16, 1)
    result = fool(tiny_vgg(seed=5), picture[..., :1])
    assert result.made.shape == (1, 16, 16, 1) and result.picture().std() > 10


# ---- mistakes ----

@pytest.mark.parametrize("settings, message", [
    ({"to": "present"}, "the net says .* already: name another class"), ({"to": "gose"}, "did you mean 'goose'"),
    ({"label": "other"}, "so there is nothing to fool"), ({"method": "pdg"}, "mean 'pgd'"),
    ({"eps": 0}, "above 0"), ({"eps": -3}, "eps must be a number of at least 0"), ({"eps": 0.5}, "holds whole levels"),
    ({"method": "szegedy", "eps": 3}, "searches for the smallest L2"), ({"method": "fgsm", "steps": 3}, "is one step"),
    ({"method": "fgsm", "norm": "L2"}, "for Linf"), ({"sure": 1}, "sure must be a number of at least 0 and below 1"),
    ({"start": "noise"}, "not both"), ({"norm": "L3"}, "no norm"), ({"steps": 0}, "steps must be"),
], ids=str)  # fmt: skip
def test_mistakes(net, picture, settings, message):
    own = said(net, picture)
    stand_ins = {"present": own, "other": next(name for name in net.class_names if name != own)}
    settings = {key: stand_ins.get(value, value) for key, value in settings.items()}
    with pytest.raises((BadValue, UnknownName), match=message):
        fool(net, picture, **settings)


@pytest.mark.parametrize("settings, message", [
    ({"start": "noise"}, "say which class to reach"), ({"start": "nose", "to": "cat"}, "did you mean 'noise'"),
    ({"start": (1, 2), "to": "cat"}, "colour to start from"), ({"start": 256, "to": "cat"}, "the colour"), ({}, "give"),
    ({"start": (0, -1, 9), "to": "cat"}, "the colour"), ({"start": (0, 256, 9), "to": "cat"}, "the colour"),
])
def test_mistakes_from_nothing(net, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        fool(net, **settings)


# ---- the net that comes with it ----

def test_emoji_vgg():
    net, goose = mv.load("emoji-vgg"), mv.read_image("minivis/data/goose.png")
    result = fool(net, goose, "owl", eps=5, steps=10)
    assert result.ok and result.numbers["ssim"] > 0.95
    noise = fool(net, to="goose", start="noise", eps=8, steps=10)
    assert noise.ok and noise.after[0].max() > 0.99 and noise.numbers["ssim"] > 0.95


@pytest.mark.slow(seconds=80)
def test_most_emoji_reach_a_random_target_at_16_levels():
    net = mv.load("emoji-vgg")
    with np.load("tests/data/emoji.npz") as held:
        pictures, labels = held["images"], held["labels"]
    right = logits_of(net, as_pixels(net, pictures)).argmax(axis=1) == labels
    pictures, labels = pictures[right], labels[right]
    target = (labels + np.random.default_rng(0).integers(1, 125, len(labels))) % 125
    found = np.rint(pgd(net, pictures, target, eps=16))
    assert (answers(net, as_pixels(net, found)) == target).mean() >= 0.9


@pytest.mark.parametrize("end", ENDS)
def test_every_end(end, picture):
    """A class is reached, and of several sigmoids it is the class asked for that is spoken of."""
    names = ["cat"] if end.startswith("one") else ["cat", "dog", "owl"]
    net = ended(end, names=names)
    chances = {row["class"]: row["probability"] for row in mv.classify(net, picture).numbers["top"]}
    alone = end in ("sigmoids", "one logit", "one sigmoid")
    no = [name for name in chances if (chances[name] < 0.5 if alone else name != next(iter(chances)))]
    to = max(no, key=chances.get)
    result = fool(net, picture, to, eps=40)
    numbers = result.numbers
    assert result.ok and numbers["target"] == numbers["answer"] == to and f"{to} " in str(result).split(" -> ")[1]
    now = {row["class"]: row["probability"] for row in mv.classify(net, result.made[0]).numbers["top"]}
    assert now[to] > 0.5 if alone else now[to] == max(now.values())
    assert numbers["after"][0]["probability"] == pytest.approx(max(now.values()), rel=1e-5)
    with pytest.raises(BadValue, match="already: name another class"):
        fool(net, result.made[0], to)
    if end == "sigmoids":
        assert str(result).startswith(to)
        with pytest.raises(BadValue, match=f"does not see {to} in this picture, so there is nothing"):
            fool(net, picture, label=to)


def test_of_sigmoids_that_all_say_no_there_is_nothing_to_leave(picture):
    net = ended("sigmoids")
    fc = net.layers["fc8"]
    net.nodes["fc8"] = net.nodes["fc8"]._replace(layer=fc.with_params(w=fc.params["w"], b=fc.params["b"] - 100))
    with pytest.raises(BadValue, match="says none of its classes of this, not even class"):
        fool(net, picture)
