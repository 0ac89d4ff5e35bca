"""SmoothGrad: the mean of gradients of noisy copies, by a plain loop."""

import numpy as np
import pytest
from linear_scores import linear

from minivis.methods.attribution.saliency import saliency
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
