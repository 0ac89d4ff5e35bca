"""SmoothGrad: the mean of gradients of noisy copies, by a plain loop."""

import numpy as np
import pytest
from linear_scores import linear

from minivis.methods.attribution import smoothgrad as module
from minivis.methods.attribution.saliency import saliency
from minivis.methods.attribution.smoothgrad import smoothgrad
from minivis.methods.shared.result import Subject, input_of
from minivis.methods.shared.target import aim
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


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


def test_noise_is_a_part_of_each_picture_s_own_range(vgg, monkeypatch):
    """Ranges of 40 and 160 levels: the same noise, four times as strong in the second picture."""
    pictures, seen = np.full((2, 16, 16, 3), 100, np.uint8), []
    pictures[0, 0, 0, 0], pictures[1, 5, 5, 2], pictures[1, 6, 6, 0] = 140, 60, 220
    subject = Subject.of(vgg, pictures)
    monkeypatch.setattr(module, "input_of", lambda net, pixels: seen.append(pixels - pictures) or input_of(net, pixels))
    smoothgrad(vgg, subject, aim(vgg, subject.input(vgg), "cat"), samples=1, noise=0.25)
    np.testing.assert_allclose(seen[-1][1], 4 * seen[-1][0], rtol=0, atol=1e-12 * 255)      # levels, rounded in float64
    expected = 0.25 * 40 * np.random.default_rng(0).standard_normal((1, 16, 16, 3))
    np.testing.assert_allclose(seen[-1][:1], expected, rtol=0, atol=1e-12 * 255)
