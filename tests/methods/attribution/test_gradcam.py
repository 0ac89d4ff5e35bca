"""Grad-CAM: two maps by hand, and which layer it takes."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU, Softmax
from minivis.methods.attribution import gradcam as module
from minivis.methods.attribution.gradcam import spread
from minivis.methods.attribution.saliency import saliency


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


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
    with pytest.raises(BadValue, match="b_conv has none"):
        saliency(branches, large, "a:1", kind="gradcam", layer="b_conv")        # a branch beside, not below


def test_what_speaks_against_is_gone_before_the_map_is_spread(monkeypatch):
    """As in the case above, whose map is -16, 0, 40 and -20 in its four places; bicubic would smear what is below 0."""
    coarse = []
    monkeypatch.setattr(module, "spread", lambda one, size: coarse.append(one) or one)
    saliency(two_maps(), np.array([[1, 5], [20, 0]], np.uint8)[:, :, None], kind="gradcam")
    np.testing.assert_allclose(coarse, [[[0, 0], [40, 0]]])


def test_a_coarse_map_is_spread_as_rows_and_columns():
    wide = spread(np.array([[0.0, 0, 1]]), (2, 9))
    assert wide.shape == (2, 9) and wide.argmax(axis=1).tolist() == [8, 8] and wide.min() == 0      # bicubic goes below
