"""A VGG's convolutions in Keras' layout: read back by our reader, and refused where Keras' layout would mislead."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import TORCH
from minivis.layers import Conv2D, MaxPool2D, ReLU
from minivis.weights import oxford
from minivis.weights.keras import writer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notop.h5"


def renamed(net):
    """The net under other names, as an ONNX file has them."""
    new = replace(net, nodes={}, roles=dict.fromkeys(net.roles))
    for name, (layer, inputs) in net.nodes.items():
        new.add(f"model/{name}_1", layer, *("input" if source == "input" else f"model/{source}_1" for source in inputs))
    return new


@pytest.mark.parametrize("name", ["VGG11", "VGG16", "VGG19"])
def test_what_is_written_is_read_back_as_that_vgg_without_its_classifier(path, name):
    net = narrow_vgg(name)
    assert writer.save(renamed(net), path) == name
    got = mv.load(path)
    assert got.about["architecture"].startswith(name) and list(got.nodes)[-1] == "pool5"
    for layer in got.layers:
        for key, array in got.layers[layer].params.items():
            np.testing.assert_array_equal(array, net.layers[layer].params[key])


def test_the_file_has_what_keras_looks_for(path):
    writer.save(narrow_vgg("VGG11"), path)
    with h5py.File(path) as file:
        layers = [name.decode() for name in file.attrs["layer_names"]]
        assert layers[:4] == ["input_1", "block1_conv1", "block1_pool", "block2_conv1"] and layers[-1] == "block5_pool"
        assert file.attrs["keras_version"] == "2.0.0" and file.attrs["backend"] == "tensorflow"
        group = file["block3_conv2"]
        weights = [name.decode() for name in group.attrs["weight_names"]]
        assert weights == ["block3_conv2/kernel:0", "block3_conv2/bias:0"] and group[weights[0]].shape[:2] == (3, 3)
        assert len(file["block5_pool"].attrs["weight_names"]) == 0


def test_oxfords_numbers_are_written_as_bgr_whatever_the_file_they_came_from_said(path):
    net = narrow_vgg("VGG16", widths=(64, 5, 6, 7, 8))
    w, b = (p.copy() for p in net.layers["conv1_1"].params.values())
    for index, value in oxford.KERNELS["VGG16"].items():
        w[index] = value
    b[:8] = oxford.BIASES["VGG16"]
    net.layers["conv1_1"].set_params(w=w[:, :, ::-1].copy(), b=b)
    net.preprocessing = TORCH                               # a user's net that was fed with other pixels
    writer.save(net, path)
    np.testing.assert_array_equal(mv.load(path).layers["conv1_1"].params["w"], w)


def test_a_net_that_reads_other_pixels_is_refused_as_keras_layout_cannot_say_so(path):
    net = narrow_vgg("VGG16")
    net.preprocessing = TORCH
    with pytest.raises(BadValue, match=r"Keras' layout is for nets that read BGR minus .*; this one reads RGB, mean"):
        writer.save(net, path)
    assert not path.exists()


def chain(*layers):
    net = Network()
    for number, layer in enumerate(layers):
        net.add(f"layer{number}", layer)
    return net


def conv(size=3, channels=3, **settings):
    return Conv2D(np.zeros((size, size, channels, 3), np.float32), np.zeros(3, np.float32), **{"padding": 1} | settings)


@pytest.mark.parametrize("net", [
    chain(conv(), ReLU(), MaxPool2D(2)), chain(conv(5, padding=2), ReLU()), chain(conv(stride=2), ReLU()),
    chain(conv(), conv()), chain(conv(), ReLU(max_value=6)), chain(conv(), ReLU(), MaxPool2D(3, stride=2, padding=1)),
    chain(conv(), ReLU(), conv(), ReLU(), MaxPool2D(2), conv(dilation=2, padding=2), ReLU()),
])  # fmt: skip
def test_what_is_no_vgg_is_refused(path, net):
    with pytest.raises(BadValue, match=r"does not begin with the convolutions of a VGG .*2 \+ 2 \+ 3 \+ 3 \+ 3"):
        writer.save(net, path)
    assert not path.exists()
