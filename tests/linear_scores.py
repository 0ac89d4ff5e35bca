"""A net whose only score is linear in the pixels."""

import numpy as np

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, Softmax


def linear(w):
    """A net whose only score is sum(x * w), for pictures of 2 x 2 pixels, values = pixels / 10."""
    net = Network(preprocessing=Preprocessing("RGB", (0.0,) * 3, (10.0,) * 3, size=(2, 2)), class_names=("a", "b"))
    net.roles.update(logits="fc", prob="prob")
    net.add("conv", Conv2D(np.eye(3).reshape(1, 1, 3, 3), np.zeros(3))).add("flatten", Flatten())
    both = np.stack([w.ravel(), np.full(12, 100.0)], axis=1)
    return net.add("fc", FullyConnected(both, np.zeros(2))).add("prob", Softmax())
