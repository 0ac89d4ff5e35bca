"""What would make a net's answers fit: each suspect is recognised by answers that were made with it."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.images.preprocessing import IDENTITY, PREPROCESSINGS
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU
from minivis.weights import suspects
from minivis.weights.expect import Answers, compare

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 255, (2, 4, 5, 3))


def net(turn=False, rows=None):
    rng = np.random.default_rng(1)
    w, fc = rng.standard_normal((3, 3, 3, 4)).astype("f4"), rng.standard_normal((24, 5)).astype("f4")
    made = Network(preprocessing=IDENTITY).add("conv", Conv2D(w[::-1, ::-1].copy() if turn else w))
    fc = fc if rows is None else fc[rows]
    return made.add("relu", ReLU()).add("flatten", Flatten()).add("drop", ReLU()).add("fc", FullyConnected(fc))


def answer(net, x):
    return net.forward(np.ascontiguousarray(x, "f4"), grad=None)["fc"].astype(float)


def softmax(y):
    e = np.exp(y - y.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


CHW = np.arange(24).reshape(4, 2, 3).transpose(1, 2, 0).reshape(-1)         # 2 x 3 maps of 4 channels
CASES = {
    "the channels of x were in reverse order (RGB, BGR): save as x": lambda: answer(net(), X[..., ::-1]),
    "x were divided by 255": lambda: answer(net(), X / 255),
    "x were divided by 127.5, minus 1": lambda: answer(net(), X / 127.5 - 1),
    "x were pixels prepared as by --preprocess torch": lambda: answer(
        net(), (X / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
    "ImageNet's mean and deviation were taken from x, as from pixels in 0..1": lambda: answer(
        net(), (X - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
    "the channels of x were in reverse order (RGB, BGR) and x were pixels prepared as by --preprocess caffe": lambda: (
        answer(net(), X[..., ::-1] - np.array(PREPROCESSINGS["caffe"].mean))),
    "every kernel were turned by 180 degrees: ": lambda: answer(net(turn=True), X),
    "the rows of 'fc' were counted in the order C, H, W": lambda: answer(net(rows=CHW), X),
    "the rows of 'fc' were counted in the order H, W, C": lambda: answer(net(rows=np.argsort(CHW)), X),
    "the net ended in a Softmax and x were divided by 255": lambda: softmax(answer(net(), X / 255)),
    "every kernel were turned by 180 degrees and x were divided by 255": lambda: answer(net(turn=True), X / 255),
}  # fmt: skip


@pytest.mark.parametrize("said", CASES)
def test_what_was_changed_is_found(said):
    found = suspects.search(net(), Answers("x.npy", [X], {"y": (["fc"], CASES[said]())}), compare, 1e-4)
    assert said in found and found.startswith("it would fit, off by ")


def test_nothing_fits_what_is_random():
    answers = Answers("x.npy", [X], {"y": (["fc"], RNG.standard_normal((2, 5)))})
    found = suspects.search(net(), answers, compare, 1e-4)
    assert found.startswith("none of the usual suspects") and "kernels turned" in found


def test_one_channel_has_no_mean_of_imagenet():
    grey = Network(preprocessing=PREPROCESSINGS["none"].__class__("grey", (0.0,), (1.0,)))
    assert not any("torch" in said or "caffe" in said for said, _ in suspects.values(grey))


def test_whose_maps_a_row_consists_of():
    assert suspects.flattened_maps(net(), "drop", X.shape) == (2, 3, 4)
    assert suspects.flattened_maps(net(), "fc", X.shape) is None
    assert suspects.flattened_maps(net(), "relu", X.shape) is None
