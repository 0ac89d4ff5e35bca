"""The small random nets that other tests use."""

import numpy as np

from minivis.models.tiny import Weights, tiny_branches, tiny_vgg


def test_kernels_have_the_spread_of_he_and_biases_a_tenth():
    layer = Weights(seed=3, dtype=np.float64).conv(3, 3, 8, 4000, groups=2)
    assert layer.params["w"].shape == (3, 3, 4, 4000)
    assert abs(layer.params["w"].std() / (2 / 36) ** 0.5 - 1) < 0.02        # of 144,000 draws: 10 standard errors
    assert abs(layer.params["b"].std() / 0.1 - 1) < 0.12                    # of 4,000: the same


def test_a_seed_says_everything():
    first, again, other = tiny_vgg(1), tiny_vgg(1), tiny_vgg(2)
    for name, layer in first.layers.items():
        for key, array in layer.params.items():
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, again.layers[name].params[key])
            assert not np.array_equal(array, other.layers[name].params[key])


def test_tiny_vggs_shapes_follow_its_settings():
    net = tiny_vgg(channels=1, size=20, classes=4)
    shapes = net.shapes()
    assert shapes["conv1_1"] == (1, 20, 20, 6) and shapes["pool2"] == (1, 5, 5, 8)
    assert shapes["flatten"] == (1, 200) and shapes["prob"] == (1, 4)
    assert net.class_names == ("goose", "cat", "bus", "owl") and net.class_aliases == {}
    assert tiny_vgg().class_aliases == {"goldfish": 4} and tiny_vgg().class_names[4] == "tropical fish"


def test_tiny_branches_meet_in_a_concat_and_an_add():
    net = tiny_branches()
    assert net.nodes["concat"].inputs == ("a", "b_conv") and net.nodes["sum"].inputs == ("depthwise", "relu")
    shapes = net.shapes((2, 12, 10, 3))
    assert shapes["stem"] == (2, 6, 9, 8)           # (12 + 3 - 5) // 2 + 1 rows, 10 + 1 - 3 + 1 columns
    assert shapes["pool"] == (2, 3, 4, 10) and shapes["mean"] == (2, 2, 3, 10)      # rounded up, of 3 + 2 and 4 + 2
    assert shapes["concat"] == (2, 6, 9, 10) and shapes["prob"] == (2, 4)
