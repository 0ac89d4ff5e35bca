"""A net and a data set small enough to train in a test."""

import numpy as np

from minivis.images.preprocessing import Preprocessing
from minivis.models.embedded import small_vgg


class Corners:
    """Four classes: which corner of a grey, noisy picture is bright."""

    classes = 4

    def batch(self, first, count):
        images, labels = np.empty((count, 16, 16, 1), np.uint8), np.arange(first, first + count) * 7 % 4
        for k, label in enumerate(labels):
            picture = np.random.default_rng((5, first + k)).integers(0, 120, (16, 16))
            picture[8 * (label // 2) :, 8 * (label % 2) :][:8, :8] += 60
            images[k, ..., 0] = picture
        return images, labels


def little_net(seed=0):
    preprocessing = Preprocessing("grey", (75.0,), (60.0,), size=(16, 16))
    return small_vgg(((6,), (8,)), 4, (16, 16), preprocessing, hidden=(16, 12), seed=seed)


def params(net):
    return {(name, key): p.copy() for name, layer in net.layers.items() for key, p in layer.params.items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=str(key))
