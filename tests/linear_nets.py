"""Nets whose score is linear in the pixels, so that every answer is known."""

import numpy as np

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Flatten, FullyConnected, ReLU, Softmax

W = np.array([[[1.0, -5, 2], [0, 3, -4]]])              # of class a, at pixels (1, 2, 3) in RGB; class b always has 0

PICTURE = np.array([[[100, 1, 254], [120, 130, 7]]], np.uint8)
MIDDLE = np.array([[[140, 90, 120], [100, 130, 110]]], np.uint8)

SLOPE = W / np.array([10.0, 20, 40])                    # of the score of a, at the pixels of `linear`


def score(picture):
    """Of class a, at the pixels of `linear`."""
    return ((picture - 100.0) * SLOPE).sum()


def linear(w=W, order="RGB", scale=(10.0, 20.0, 40.0), relu=False, dtype=np.float64):
    """Classes a and b over 1 x 2 pixels: the score of a is w . values, where values = (pixels - 100) / scale."""
    H, width, C = w.shape
    net = Network(preprocessing=Preprocessing(order, (100.0,) * C, scale, size=(H, width)), class_names=("a", "b"))
    net.roles.update(logits="fc", prob="prob")
    both = np.stack([(w[..., ::-1] if order == "BGR" else w).ravel(), np.zeros(w.size)], axis=1).astype(dtype)
    net.add("flatten", Flatten())
    if relu:
        net.add("relu", ReLU())
    return net.add("fc", FullyConnected(both, np.zeros(2, dtype))).add("prob", Softmax())
