"""Saliency: max over channels of |gradient|, at the pixels, of the score before the softmax."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.layers import Conv2D, Flatten, FullyConnected, Softmax
from minivis.methods.saliency import saliency
from minivis.models.tiny import tiny_vgg
from minivis.network import Network
from minivis.preprocessing import Preprocessing


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def linear(w):
    """A net whose only score is sum(x * w), for pictures of 2 x 2 pixels, values = pixels / 10."""
    net = Network(preprocessing=Preprocessing("RGB", (0.0,) * 3, (10.0,) * 3, size=(2, 2)), class_names=("a", "b"))
    net.roles.update(logits="fc", prob="prob")
    net.add("conv", Conv2D(np.eye(3).reshape(1, 1, 3, 3), np.zeros(3))).add("flatten", Flatten())
    both = np.stack([w.ravel(), np.full(12, 100.0)], axis=1)
    return net.add("fc", FullyConnected(both, np.zeros(2))).add("prob", Softmax())


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
    np.testing.assert_allclose(saliency(net, picture, "a", samples=5).maps, saliency(net, picture, "a").maps, rtol=1e-9)


def test_smoothgrad_averages_before_the_absolute_value(vgg, picture):
    result = saliency(vgg, picture, "cat", samples=3, noise=0.2, seed=4)
    rng = np.random.default_rng(4)
    sigma = 0.2 * (float(picture.max()) - float(picture.min()))
    gradient = np.zeros((1, 16, 16, 3))
    for _ in range(3):
        acts = vgg.forward(vgg.preprocess(picture[None] + sigma * rng.standard_normal((1, 16, 16, 3))))
        seed = np.zeros_like(acts["fc8"])
        seed[0, 1] = 1
        gradient += vgg.preprocess_adjoint(vgg.backward(acts, {"fc8": seed})[0]["input"]) / 3
    np.testing.assert_allclose(result.maps, abs(gradient).max(axis=3), rtol=1e-9)
    assert (saliency(vgg, picture, "cat", samples=3, noise=0.2, seed=5).maps != result.maps).any()


def test_noise_does_not_change_the_question(rng):
    net, picture = tiny_vgg(seed=3, dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    name = net.class_names[net.forward(net.preprocess(picture))["fc8"][0].argmax()]
    settings = {"samples": 8, "noise": 1.0, "seed": 1}
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


@pytest.mark.parametrize("settings", [{"samples": 0}, {"noise": 1.5}, {"noise": -0.1}])
def test_mistakes(vgg, picture, settings):
    with pytest.raises(BadValue, match="samples is at least 1 and noise from 0 to 1"):
        saliency(vgg, picture, **settings)
