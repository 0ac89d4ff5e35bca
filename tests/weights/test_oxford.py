"""Oxford's fingerprints."""

import numpy as np
import pytest

from minivis.weights import oxford


def test_deeper_fingerprints():
    class Hollow:
        def __init__(self, **params):
            self.params = params

    layers = {}
    for (layer, key, index), value in oxford.DEEPER["VGG16"].items():
        array = np.zeros([i + 1 for i in index], np.float32)
        array[index] = value
        layers[layer] = Hollow(**{key: array})
    assert oxford.is_whole("VGG16", layers)
    layers["conv5_3"].params["w"][0, 2, 0, 400] += 0.01
    assert not oxford.is_whole("VGG16", layers)


def conv1_1(net="VGG16"):
    w, b = np.zeros((3, 3, 3, 64), np.float32), np.zeros(64, np.float32)
    for index, value in oxford.KERNELS[net].items():
        w[index] = value
    b[:8] = oxford.BIASES[net]
    return w, b


@pytest.mark.parametrize("net", ["VGG16", "VGG19"])
@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("rgb", [False, True])
def test_conv1_1_tells_whose_it_is_and_how_it_is_stored(net, rotated, rgb):
    w, b = conv1_1(net)
    stored = np.zeros_like(w)
    for row, column, channel in np.ndindex(3, 3, 3):
        stored[2 - row if rotated else row, 2 - column if rotated else column, 2 - channel if rgb else channel] = (
            w[row, column, channel])  # fmt: skip
    assert oxford.recognise(stored, b) == (net, rotated, rgb)
    np.testing.assert_array_equal(oxford.oriented(stored, rotated=rotated, rgb=rgb), w)


def test_what_a_half_rounds_off_is_no_other_training_and_two_thousandths_are():
    w, b = conv1_1()
    assert oxford.recognise(w.astype(np.float16), b.astype(np.float16)).net == "VGG16"
    w[1, 2, 0, 0] += 0.002
    assert oxford.recognise(w, b) == (None, False, False)
    w, b = conv1_1()
    b[7] -= 0.002
    assert oxford.recognise(w, b).net is None and oxford.recognise(w[..., :63], b).net is None


def test_an_index_beyond_the_array_is_no_agreement():
    assert oxford.agrees(np.ones((2, 2)), {(1, 1): 1.0})
    assert not oxford.agrees(np.ones((2, 2)), {(1, 2): 1.0}) and not oxford.agrees(np.ones((2, 2)), {(1, 1): 1.002})
