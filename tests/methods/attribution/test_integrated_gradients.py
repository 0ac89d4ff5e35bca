"""What each pixel adds: by hand on a linear net, complete on others, and the trapezoid rule."""

import linear_nets
import numpy as np
import pytest
from linear_scores import linear

import minivis as mv
from minivis.methods.attribution.integrated_gradients import integrated_gradients
from minivis.methods.attribution.saliency import saliency
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import Subject
from minivis.methods.shared.target import aim


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_gradient_x_input_by_hand():
    w = np.array([[[1, -5, 2], [0, 0, 0]], [[3, 3, 3], [-1, 0, -9]]], float)
    picture = np.array([[[10, 20, 30], [9, 9, 9]], [[40, 0, 10], [100, 50, 0]]], np.uint8)
    found = saliency(linear(w), picture, "a", kind="input")
    np.testing.assert_allclose(found.maps[0], [[-3, 0], [15, -10]])             # sum of w * pixels / 10, a pixel each
    assert found.numbers["value"] == pytest.approx(2)


@pytest.mark.parametrize("shape", [(8, 20), (20, 8)])
def test_a_blurred_baseline_has_no_details(calls_of, shape):
    """By a quarter of the longer side."""
    covers = calls_of("minivis.methods.attribution.integrated_gradients.filled")
    net = linear_nets.linear(np.ones((*shape, 3)))
    saliency(net, np.zeros((*shape, 3), np.uint8), "a", kind="integrated", baseline="blur")
    assert [call[1:3] for call, _ in covers] == [("blur", (20, 20))]


def test_integrated_gradients_of_a_linear_net_are_exact_at_once():
    w = np.arange(12.0).reshape(2, 2, 3) - 6
    picture = np.arange(0, 120, 10, np.uint8).reshape(2, 2, 3)
    found = saliency(linear(w), picture, "a", kind="integrated", steps=1, baseline=(20, 30, 40))
    np.testing.assert_allclose(found.maps[0], (w * (picture - np.array([20.0, 30, 40])) / 10).sum(axis=2), atol=1e-9)
    assert found.numbers["gap"] < 1e-9 and found.settings["steps"] == 2


@pytest.mark.parametrize("H, W", [(12, 4), (4, 12)])
def test_a_blurred_baseline_is_blurred_by_the_longer_side(rng, H, W):
    w, picture = rng.standard_normal((H, W, 3)), rng.integers(0, 256, (H, W, 3), np.uint8)
    found = saliency(linear_nets.linear(w), picture, "a", kind="integrated", steps=1, baseline="blur")
    baseline = filled(picture[None], "blur", (12, 12), 0)[0].astype(float)
    np.testing.assert_allclose(found.maps[0], (w * (picture - baseline) / [10, 20, 40]).sum(axis=2), atol=1e-9)


@pytest.mark.parametrize("unit, baseline", [
    ("cat", "grey"), ("relu2_1:3@max", "blur"), ("fc6:2", "mean"), ("prob:owl", "noise"), ("cat", "blur"),
    ("prob:owl", "grey"), ("relu2_1:3@max", "noise"),
])
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
