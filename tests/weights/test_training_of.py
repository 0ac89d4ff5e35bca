"""Whose training a recognised net has: its licence, its classes and its preprocessing follow from that."""

from types import SimpleNamespace

import numpy as np
import pytest
from vgg_nets import narrow_vgg

from minivis.errors import BadFile
from minivis.models.tiny import tiny_branches
from minivis.weights import oxford, training_of
from minivis.weights.containers.open import Contents
from minivis.weights.training_of import finish, oxford_times


def known(name="VGG19", program="torchvision"):
    return SimpleNamespace(name=name, program=program)


def oxford_vgg(name="VGG19", *, factor=1.0, classes=9):
    """Narrow, but with Oxford's numbers in conv1_1."""
    net = narrow_vgg(name, widths=(64, 5, 6, 7, 8), classes=classes)
    w, b = (p.copy() for p in net.layers["conv1_1"].params.values())
    for index, value in oxford.KERNELS[name].items():
        w[index] = value * factor
    b[:8] = oxford.BIASES[name]
    net.layers["conv1_1"].set_params(w=w, b=b)
    return net


def test_oxfords_own_net_has_oxfords_licence_and_another_none(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(oxford, "whose", lambda first, name, layers: (f"Oxford {first} in {name}", "CC BY 4.0"))
        about = finish(oxford_vgg(), known(), Contents({}, "safetensors")).about
    assert (about["training"], about["licence"]) == ("Oxford VGG19 in VGG19", "CC BY 4.0")
    assert about["architecture"] == "VGG19 (torchvision's)" and about["format"] == "safetensors"
    assert "Oxford" in about["origin"]
    about = finish(oxford_vgg("VGG16"), known("VGG16"), Contents({}, "safetensors")).about      # narrow: not whole
    assert about["licence"] == "unknown" and about["training"] == "conv1_1 is Oxford VGG16's, the rest is not"
    about = finish(narrow_vgg(), known("VGG16"), Contents({}, "safetensors")).about
    assert (about["training"], about["licence"]) == ("unknown", "unknown") and "origin" not in about
    assert about["preprocessing"].startswith("torchvision's for VGG: assumed")
    about = finish(tiny_branches(), known("Tiny"), Contents({}, "safetensors")).about
    assert about["licence"] == "unknown" and about["preprocessing"].startswith("torchvision's for Tiny: assumed")


def test_normalised_weights_are_oxfords_times_a_factor_and_have_no_licence():
    net = finish(oxford_vgg(factor=1 / 3), known(), Contents({}, "safetensors"))
    assert net.about["training"] == "Oxford VGG19, normalised (fingerprint: proportional)"
    assert net.about["licence"] == "unknown" and net.preprocessing.channel_order == "BGR"
    w = oxford_vgg().layers["conv1_1"].params["w"]
    assert oxford_times(w) == "VGG19" and oxford_times(-w) is None and oxford_times(w[:2]) is None
    w = w.copy()
    w[1, 1, 0, 0] += 0.01
    assert oxford_times(w) is None


def test_colours_in_rgb_order_are_turned_to_bgr():
    net = oxford_vgg()
    w, b = net.layers["conv1_1"].params.values()
    net.layers["conv1_1"].set_params(w=w[:, :, ::-1].copy(), b=b)
    found = finish(net, known(), Contents({}, "safetensors"))
    np.testing.assert_array_equal(found.layers["conv1_1"].params["w"], w)


def test_swapped_rows_and_columns_are_refused():
    net = oxford_vgg("VGG16")                           # of VGG19's, only numbers on the diagonal are known
    w, b = net.layers["conv1_1"].params.values()
    net.layers["conv1_1"].set_params(w=w.transpose(1, 0, 2, 3).copy(), b=b)
    with pytest.raises(BadFile, match="rows and columns are swapped"):
        finish(net, known("VGG16"), Contents({}, "safetensors"))


@pytest.mark.parametrize("container, program, order", [
    ("MatConvNet .mat", "Caffe", "RGB"), (".npz", "Caffe", "RGB"), (".npz", "torchvision", "BGR"),
    ("Caffe .caffemodel", "Caffe", "BGR"),
])  # fmt: skip
def test_matconvnets_nets_of_our_names_take_rgb(container, program, order):
    net = finish(narrow_vgg(), known("VGG16", program), Contents({}, container))
    assert net.preprocessing.channel_order == order and net.input_size == (64, 64)


def test_class_names_are_the_files_and_else_imagenets_for_a_thousand(monkeypatch):
    names = tuple(f"class {i}" for i in range(1000))
    monkeypatch.setattr(training_of, "imagenet_classes", lambda: (names, {"tench": 0}))
    own = tuple("abcdefghi")
    assert finish(narrow_vgg(), known(), Contents({}, "a", class_names=own)).class_names == own
    assert finish(narrow_vgg(), known(), Contents({}, "a", class_names=own[:8])).class_names == ()
    net = finish(narrow_vgg(classes=1000), known(), Contents({}, "a"))
    assert net.class_names == names and net.class_aliases == {"tench": 0}
    net = finish(narrow_vgg(classes=1000), known(), Contents({}, "a", class_names=names[::-1]))
    assert net.class_names[0] == "class 999" and net.class_aliases == {}
    assert finish(narrow_vgg(classes=999), known(), Contents({}, "a")).class_names == ()
