"""DeepFool: it goes to the nearest boundary, not to the second class, and comes back to the boundary."""

import numpy as np
from linear_nets import MIDDLE, SLOPE, linear, score

from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Flatten, FullyConnected
from minivis.methods.adversarial.attacks import as_pixels
from minivis.methods.adversarial.deepfool import deepfool, shortened


def test_deepfool_looks_at_more_than_one_class():
    """Class b comes second but hardly moves with the pixels; c comes third and moves fast: 2 levels away."""
    w = np.zeros((3, 3))
    w[:, 1], w[:, 2] = 1e-3, [0, 1, 0]
    net = Network(preprocessing=Preprocessing("RGB", (100.0,) * 3, (1.0,) * 3, size=(1, 1)))
    net.roles.update(logits="fc")
    net.add("flatten", Flatten()).add("fc", FullyConnected(w, np.array([0.0, -1, -2])))
    picture = np.full((1, 1, 3), 100, np.uint8)
    np.testing.assert_allclose(deepfool(net, picture, candidates=2)[0, 0, 0], [100, 102, 100], atol=0.01)
    one = deepfool(net, picture, candidates=1)
    np.testing.assert_allclose(one, 102.1, atol=0.1)                            # towards b, all levels rise alike


def test_shortened_goes_back_to_the_boundary_and_not_beyond():
    net, pixels = linear(), as_pixels(linear(), np.stack([MIDDLE, MIDDLE]))
    twice = MIDDLE - 2 * score(MIDDLE) * SLOPE / (SLOPE**2).sum()
    far = np.stack([twice, MIDDLE + 1.0])                                       # the second is still a's
    found = shortened(net, pixels, far, np.array([0, 0]), 1)
    assert 0 >= score(found[0]) > -0.005 * score(MIDDLE)
    np.testing.assert_array_equal(found[1], far[1])
