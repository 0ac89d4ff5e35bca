"""Saliency: max over channels of |gradient|, at the pixels, of the score before the softmax."""

from dataclasses import replace

import numpy as np
import pytest
from linear_scores import linear

import minivis as mv
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU, Softmax
from minivis.methods.attribution.backprop import backprop
from minivis.methods.attribution.integrated_gradients import integrated_gradients
from minivis.methods.attribution.saliency import KINDS, SIGNED, saliency, saliency_kinds
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import Subject
from minivis.methods.shared.target import aim
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_by_hand():
    w = np.array([[[1, -5, 2], [0, 0, 0]], [[3, 3, 3], [-1, 0, -9]]], float)
    result = saliency(linear(w), np.full((2, 2, 3), 7, np.uint8), "a")
    np.testing.assert_allclose(result.maps, [[[0.5, 0], [0.3, 0.9]]])           # class b plays no part
    assert (result.numbers["row"], result.numbers["column"]) == (1, 1)
    assert result.numbers["max"] == pytest.approx(0.9) and result.numbers["unit"] == "fc:a"


def test_is_the_slope_of_the_score(vgg, picture):
    maps = saliency(vgg, picture).maps[0]
    best = vgg.forward(vgg.preprocess(picture))["fc8"][0].argmax()

    def score(pixels):
        return vgg.forward(vgg.preprocess(pixels))["fc8"][0, best]

    for row, column in [(0, 0), (7, 9), (15, 3)]:
        slopes = []
        for c in range(3):
            step = np.zeros(picture.shape)
            step[row, column, c] = 1e-4
            slopes.append((score(picture + step) - score(picture - step)) / 2e-4)
        assert maps[row, column] == pytest.approx(max(map(abs, slopes)), rel=1e-5, abs=1e-12)


def test_smoothgrad_of_a_linear_net_is_its_gradient():
    w = np.arange(12.0).reshape(2, 2, 3) - 6
    picture = np.arange(0, 120, 10, np.uint8).reshape(2, 2, 3)
    net = linear(w)
    smooth = saliency(net, picture, "a", kind="smoothgrad", samples=5)
    np.testing.assert_allclose(smooth.maps, saliency(net, picture, "a").maps, rtol=1e-9)


def test_smoothgrad_averages_before_the_absolute_value(vgg, picture):
    result = saliency(vgg, picture, "cat", kind="smoothgrad", samples=3, noise=0.2, seed=4)
    rng = np.random.default_rng(4)
    sigma = 0.2 * (float(picture.max()) - float(picture.min()))
    gradient = np.zeros((1, 16, 16, 3))
    for _ in range(3):
        acts = vgg.forward(vgg.preprocess(picture[None] + sigma * rng.standard_normal((1, 16, 16, 3))))
        seed = np.zeros_like(acts["fc8"])
        seed[0, 1] = 1
        gradient += vgg.preprocess_adjoint(vgg.backward(acts, {"fc8": seed})[0]["input"]) / 3
    np.testing.assert_allclose(result.maps, abs(gradient).max(axis=3), rtol=1e-9)
    assert (saliency(vgg, picture, "cat", kind="smoothgrad", samples=3, noise=0.2, seed=5).maps != result.maps).any()


def test_noise_does_not_change_the_question(rng):
    net, picture = tiny_vgg(seed=3, dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    name = net.class_names[net.forward(net.preprocess(picture))["fc8"][0].argmax()]
    settings = {"kind": "smoothgrad", "samples": 8, "noise": 1.0, "seed": 1}
    asked = saliency(net, picture, name, **settings)
    np.testing.assert_array_equal(saliency(net, picture, **settings).maps, asked.maps)


def test_batches_grey_and_any_size(vgg, branches, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    together = saliency(vgg, pictures)
    for i, picture in enumerate(pictures):
        np.testing.assert_allclose(together.maps[i], saliency(vgg, picture).maps[0], rtol=1e-9, atol=1e-15)
    assert len(together.numbers["images"]) == 3
    large = rng.integers(0, 256, (40, 30, 3), np.uint8)
    assert saliency(tiny_vgg(channels=1), large).picture().shape[2] == 3
    assert saliency(branches, large[:, :, :1]).maps.shape == (1, 40, 30)


@pytest.mark.parametrize("settings, message", [
    ({"kind": "smoothgrad", "samples": 0}, "samples is at least 1 and noise from 0 to 1"),
    ({"kind": "smoothgrad", "noise": 1.5}, "samples is at least 1 and noise from 0 to 1"),
    ({"kind": "integrated", "steps": 0}, "steps is at least 1"),
    ({"kind": "integrated", "baseline": "gray"}, "did you mean 'grey'"),
    ({"kind": "gradcam", "layer": "fc6"}, "needs feature maps that fc8 is made from"),
    ({"kind": "gradcam", "unit": "conv1_1:0"}, "there are none below conv1_1"),
    ({"kind": "grad-cam"}, "did you mean 'gradcam'"),
])  # fmt: skip
def test_mistakes(vgg, picture, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        saliency(vgg, picture, **settings)
    with pytest.raises(UnknownName, match="no setting of saliency named 'sample'; did you mean 'samples'"):
        saliency_kinds(vgg, picture, sample=3)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_takes_a_batch_grey_nets_and_any_size(kind, vgg, branches, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    few = {"samples": 4, "steps": 1} if kind in ("smoothgrad", "integrated") else {}
    together = saliency(vgg, pictures, "cat", kind=kind, **few)
    assert together.maps.shape == (3, 16, 16) and (kind in SIGNED or together.maps.min() >= 0)
    for i, picture in enumerate(pictures):
        alone = saliency(vgg, picture, "cat", kind=kind, **few)
        if kind != "integrated" or alone.settings["steps"] == together.settings["steps"]:
            np.testing.assert_allclose(together.maps[i], alone.maps[0], rtol=1e-5, atol=1e-6 * abs(alone.maps).max())
    large = rng.integers(0, 256, (40, 30, 3), np.uint8)
    for net in (tiny_vgg(channels=1), branches):
        found = saliency(net, large, kind=kind, **few)
        assert found.maps.shape[1:] == found.subject.seen.shape[1:3] and found.picture().shape[2] == 3
        assert str(found) and found.numbers["max"] == found.maps.max()


def test_kinds_side_by_side_are_the_kinds(vgg, picture):
    found = saliency_kinds(vgg, picture, "cat", samples=3)
    assert list(found.kinds) == list(KINDS) and len(str(found).splitlines()) == len(KINDS)
    for kind, one in found.kinds.items():
        np.testing.assert_array_equal(one.maps, saliency(vgg, picture, "cat", kind=kind, samples=3).maps)
        assert found.numbers["kinds"][kind]["max"] == one.numbers["max"]
    assert found.picture().shape[0] > 3 * 200


def test_rules_are_those_of_backprop(vgg, picture):
    for rule in ("deconv", "guided"):
        expected = abs(backprop(vgg, picture, "owl", rules=rule).gradients[rule]).max(axis=3)
        np.testing.assert_array_equal(saliency(vgg, picture, "owl", kind=rule).maps, expected)


# ---- what each pixel adds ----

def test_gradient_x_input_by_hand():
    w = np.array([[[1, -5, 2], [0, 0, 0]], [[3, 3, 3], [-1, 0, -9]]], float)
    picture = np.array([[[10, 20, 30], [9, 9, 9]], [[40, 0, 10], [100, 50, 0]]], np.uint8)
    found = saliency(linear(w), picture, "a", kind="input")
    np.testing.assert_allclose(found.maps[0], [[-3, 0], [15, -10]])             # sum of w * pixels / 10, a pixel each
    assert found.numbers["value"] == pytest.approx(2)


def test_integrated_gradients_of_a_linear_net_are_exact_at_once():
    w = np.arange(12.0).reshape(2, 2, 3) - 6
    picture = np.arange(0, 120, 10, np.uint8).reshape(2, 2, 3)
    found = saliency(linear(w), picture, "a", kind="integrated", steps=1, baseline=(20, 30, 40))
    np.testing.assert_allclose(found.maps[0], (w * (picture - np.array([20.0, 30, 40])) / 10).sum(axis=2), atol=1e-9)
    assert found.numbers["gap"] < 1e-9 and found.settings["steps"] == 2


@pytest.mark.parametrize("unit", ["cat", "relu2_1:3@max", "fc6:2", "prob:owl"])
@pytest.mark.parametrize("baseline", ["grey", "blur", "mean", "noise"])
def test_integrated_gradients_are_complete(vgg, picture, unit, baseline):
    found = saliency(vgg, picture, unit, kind="integrated", baseline=baseline, seed=3)
    ends = [mv.unit_values(vgg.forward(vgg.preprocess(image)), unit)[0]
            for image in (picture, filled(picture[None], baseline, (16, 16), 3)[0])]
    rise = ends[0] - ends[1]
    assert abs(found.maps[0].sum() - rise) <= 0.01 * max(abs(rise), 1e-3) or found.settings["steps"] == 1024
    assert found.numbers["sum"] == pytest.approx(found.maps[0].sum())
    assert found.numbers["gap"] == pytest.approx(abs(found.maps[0].sum() - rise) / abs(rise), rel=1e-6, abs=1e-9)


def test_the_trapezoid_rule_takes_every_step_once(vgg, picture):
    x = vgg.preprocess(picture)
    if x.ndim == 3:
        x = x[None]
    x0 = np.full_like(x, (128 - 120) / 60)
    weights, gradients = np.r_[0.5, np.ones(7), 0.5] / 8, []
    for a in np.linspace(0, 1, 9):
        acts = vgg.forward(x0 + a * (x - x0))
        gradients.append(vgg.backward(acts, mv.one_hot(acts, "cat"))[0]["input"])
    mean = sum(w * g for w, g in zip(weights, gradients))
    subject = Subject.of(vgg, picture)
    maps, _, steps = integrated_gradients(vgg, subject, aim(vgg, subject.input(vgg), "cat"), steps=8, tolerance=1e9)
    assert steps == 8
    np.testing.assert_allclose(maps, ((x - x0) * mean).sum(axis=3), rtol=1e-9, atol=1e-12)


# ---- Grad-CAM ----

def two_maps():
    """Two maps of the picture, itself and its negative, and a score that likes the first and dislikes the second."""
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,), size=(2, 2)), class_names=("only",))
    net.roles.update(logits="score", prob="prob")
    net.add("conv", Conv2D(np.array([1.0, -1.0]).reshape(1, 1, 1, 2), np.array([0.0, 10.0]))).add("relu", ReLU())
    net.add("flatten", Flatten())
    w = np.array([[4, 1], [0, 1], [8, 1], [-4, -11]], float).reshape(8, 1)      # rows: position by position, map by map
    return net.add("score", FullyConnected(w, np.zeros(1))).add("prob", Softmax())


def test_gradcam_by_hand():
    picture = np.array([[1, 5], [20, 0]], np.uint8)[:, :, None]
    first, second = np.array([[1, 5], [20, 0]]), np.array([[9, 5], [0, 10]])    # the two maps, after the ReLU
    alpha = (4 + 0 + 8 - 4) / 4, (1 + 1 + 1 - 11) / 4                           # means of the gradient: 2 and -2
    expected = np.maximum(0, alpha[0] * first + alpha[1] * second)
    found = saliency(two_maps(), picture, kind="gradcam")
    assert found.settings["layer"] == "relu"
    np.testing.assert_allclose(found.maps[0], expected)
    guided = saliency(two_maps(), picture, kind="guided-gradcam")
    slope = saliency(two_maps(), picture, kind="guided").maps[0]
    np.testing.assert_allclose(guided.maps[0], expected * slope)


def test_gradcam_takes_the_last_maps_and_any_that_are_named(vgg, branches, picture, rng):
    assert saliency(vgg, picture, kind="gradcam").settings["layer"] == "relu2_1"
    assert saliency(vgg, picture, "relu2_1:1@max", kind="gradcam").settings["layer"] == "relu1_2"
    assert saliency(vgg, picture, kind="gradcam", layer="conv1_2").settings["layer"] == "conv1_2"
    large = rng.integers(0, 256, (40, 30, 3), np.uint8)
    assert saliency(branches, large, kind="gradcam").settings["layer"] == "sum"
    with pytest.raises(BadValue, match="b_conv gives none"):
        saliency(branches, large, "a:1", kind="gradcam", layer="b_conv")        # a branch beside, not below


def test_a_map_says_when_nothing_arrives(vgg, picture):
    maps = vgg.forward(vgg.preprocess(picture))["relu1_1"][0]
    row, column, channel = np.argwhere(maps == 0)[0]
    assert saliency(vgg, picture, f"relu1_1:{channel}@{row},{column}").picture().std() > 0


def test_a_map_that_is_zero_everywhere_points_at_no_pixel(vgg):
    found = saliency(vgg, np.full((16, 16, 3), 128, np.uint8))
    lines = str(replace(found, maps=np.zeros_like(found.maps))).splitlines()
    assert len(lines) == 1 and "the map is zero everywhere" in lines[0] and "row 0" not in lines[0]
    assert "the pixel at row" in str(found)
    assert replace(found, maps=np.zeros_like(found.maps)).describe(0)["row"] is None
