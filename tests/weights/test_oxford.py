"""Oxford's fingerprints."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from minivis.models.vgg import conv_names
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


def test_the_numbers_are_those_that_were_compared_with_oxfords_own():
    """No file of Oxford's is here to compare with: this digest stands for the comparison."""
    numbers = repr((oxford.KERNELS, oxford.BIASES, oxford.DEEPER)).encode()
    assert hashlib.sha256(numbers).hexdigest() == (
        "c9f639d7ab9dd238235aa0604a482c39e84464a64a65dfc904112cbdb64afb18")


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


def layers_of(name="VGG16", *, widths=(64, 128, 256, 512, 512), classes=None):
    """Layers of a VGG as `whose` asks them: biases, and zeros but for Oxford's deeper numbers."""
    layers = {}
    for conv in conv_names(name):
        layers[conv] = SimpleNamespace(params={"b": np.zeros(widths[int(conv[4]) - 1], np.float32)})
    for (layer, key, index), value in oxford.DEEPER[name].items() if widths[-1] == 512 else ():
        array = layers[layer].params.setdefault(key, np.zeros([i + 1 for i in index], np.float32))
        array[index] = value
    if classes:
        layers["fc8"] = SimpleNamespace(params={"b": np.zeros(classes, np.float32)})
    return layers


@pytest.mark.parametrize("first, name, settings, training, licence", [
    ("VGG16", "VGG16", {}, "Oxford VGG16 (fingerprint)", "CC BY 4.0"),
    ("VGG16", "VGG16", {"classes": 1000}, "Oxford VGG16 (fingerprint)", "CC BY 4.0"),
    ("VGG16", "VGG16", {"classes": 4}, "convolutions of Oxford VGG16 (fingerprint), another's classifier",
     "unknown (CC BY 4.0 without fc8)"),
    ("VGG19", "VGG16", {}, "conv1_1 is Oxford VGG19's, the rest is not", "unknown"),
    ("VGG16", "VGG16", {"widths": (64, 5, 6, 7, 8)}, "conv1_1 is Oxford VGG16's, the rest is not", "unknown"),
    ("VGG19", "VGG19", {"widths": (64, 5, 6, 7, 8)}, "conv1_1 is Oxford VGG19's, the rest is not", "unknown"),
])  # fmt: skip
def test_what_is_said_of_the_rest(first, name, settings, training, licence):
    assert oxford.whose(first, name, layers_of(name, **settings)) == (training, licence)


def test_one_deeper_number_that_is_another_makes_the_rest_another_net():
    layers = layers_of()
    layers["conv5_3"].params["w"][0, 2, 0, 400] += 0.01
    assert oxford.whose("VGG16", "VGG16", layers) == ("conv1_1 is Oxford VGG16's, the rest is not", "unknown")


def test_vgg19_of_which_only_conv1_1_is_known_is_never_called_whole():
    training, licence = oxford.whose("VGG19", "VGG19", layers_of("VGG19"))
    assert training == "conv1_1 is Oxford VGG19's (fingerprint); of the other layers no number is known to compare"
    assert licence == "CC BY 4.0, if the other layers are Oxford's too"
