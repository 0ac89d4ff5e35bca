"""Receptive fields against published numbers and against brute force; shapes, parameters and multiplications."""

from dataclasses import replace

import numpy as np
import pytest
from channel_nets import channel_net, channel_picture

import minivis as mv
from minivis.engine import geometry
from minivis.engine.geometry import first_channels, preprocessing_of
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import CAFFE_VGG, Preprocessing
from minivis.layers import (
    LRN,
    Add,
    AvgPool2D,
    Concat,
    Conv2D,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    ReLU,
    Softmax,
)
from minivis.models.tiny import tiny_branches, tiny_vgg


def zeros(*shape):
    """An array of this shape that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


@pytest.fixture(scope="module")
def vgg16():
    net, channels = Network(preprocessing=replace(CAFFE_VGG, size=(224, 224))), 3
    for block, (convs, filters) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        for i in range(1, convs + 1):
            net.add(f"conv{block}_{i}", Conv2D(zeros(3, 3, channels, filters), zeros(filters), padding=1))
            net.add(f"relu{block}_{i}", ReLU())
            channels = filters
        net.add(f"pool{block}", MaxPool2D(2))
    net.add("flatten", Flatten())
    for name, inside, out in (("6", 25088, 4096), ("7", 4096, 4096), ("8", 4096, 1000)):
        net.add(f"fc{name}", FullyConnected(zeros(inside, out), zeros(out)))
        net.add(f"relu{name}" if name != "8" else "prob", ReLU() if name != "8" else Softmax())
    return net


@pytest.mark.parametrize("name, size, stride", [
    ("input", 1, 1), ("conv1_1", 3, 1), ("relu1_1", 3, 1), ("conv1_2", 5, 1), ("pool1", 6, 2), ("conv2_2", 14, 2),
    ("pool2", 16, 4), ("conv3_3", 40, 4), ("pool3", 44, 8), ("conv4_3", 92, 8), ("pool4", 100, 16),
    ("conv5_3", 196, 16), ("pool5", 212, 32),
])  # fmt: skip
def test_receptive_fields_of_vgg16(vgg16, name, size, stride):
    field = vgg16.receptive_field(name)
    assert field.size == (size, size) and field.stride == (stride, stride)
    assert field.start == (-((size - stride) // 2),) * 2            # its windows stand centred on their strides


def test_the_fully_connected_part_of_vgg16_sees_everything(vgg16):
    for name in ("flatten", "fc6", "relu7", "fc8", "prob"):
        field = vgg16.receptive_field(name)
        assert field.stride == (0, 0) and field.size == (212 + 6 * 32,) * 2
        assert field.box(0, 0, (224, 224)) == (0, 0, 224, 224)


def test_size_and_work_of_vgg16(vgg16):
    assert vgg16.parameter_count == 138_357_544
    rows = {row.name: row for row in geometry.layer_table(vgg16)}
    assert list(rows) == list(vgg16.nodes)
    assert rows["conv1_1"] == geometry.Row(
        "conv1_1", "Conv2D", ("input",), (224, 224, 64), ((3, 3), (1, 1), (-1, -1)), 1_792, 86_704_128
    )
    assert rows["fc6"][-2:] == (102_764_544, 102_760_448) and rows["pool5"].shape == (7, 7, 512)
    assert sum(row.multiply_adds for row in rows.values()) == 15_470_264_320
    assert sum(row.parameters for row in rows.values()) == vgg16.parameter_count
    assert rows["relu1_1"].multiply_adds == rows["pool1"].parameters == 0


# --- brute force: change one pixel, see who notices ---

def odd_net():
    """Strides 2 and 3, one-sided padding, dilation, ceil pooling, and branches of different reach."""
    net = Network()
    net.add("conv", Conv2D(np.ones((3, 2, 3, 2)), stride=(2, 1), padding=((2, 0), (0, 1))))
    net.add("norm", LRN(3)).add("relu", ReLU())
    net.add("far", Conv2D(np.ones((3, 2, 2, 2)), padding=((2, 2), (0, 2)), dilation=2), "relu")
    net.add("near", MaxPool2D(3, stride=1, padding=1), "relu")
    net.add("both", Concat(), "far", "near").add("self", Conv2D(np.ones((1, 1, 4, 4))))
    net.add("sum", Add(), "self", "both")
    net.add("pool", AvgPool2D((2, 3), stride=(3, 2), padding=((1, 0), (0, 2)), ceil=True))
    return net.add("same", Conv2D(np.ones((2, 4, 4, 1)), stride=2, padding="same"))


def positive(net):
    """The same net with weights that let every change through."""
    return net.astype(np.float64).map_params(lambda p: abs(p) + 0.1)


NETS = {
    "odd": (odd_net(), (42, 31)),
    "vgg": (positive(tiny_vgg()), (16, 16)),
    "branches": (positive(tiny_branches()), (45, 34)),
}


@pytest.mark.parametrize("net, size", NETS.values(), ids=NETS)
def test_receptive_fields_by_brute_force(net, size):
    """Nothing outside its box changes an output; and where the box lies inside the picture, all of its edges do."""
    still = np.full((1, *size, 3), 1e-3)
    net.nodes.pop("prob", None)                         # which may round to 1 both times
    before, tight = net.forward(still), 0
    for axis in (0, 1):                                 # rows, columns
        moved = np.repeat(still, size[axis], axis=0)
        for n in range(size[axis]):
            np.moveaxis(moved[n], axis, 0)[n] = 1000    # so much that it wins every maximum
        after = net.forward(moved)
        for name, field in geometry.receptive_fields(net, still.shape).items():
            changed = (abs(after[name] - before[name]) > 1e-9).any(axis=-1)         # more than rounding
            if changed.ndim == 3:                       # (size, OH, OW): one line of positions is enough
                changed = changed.any(axis=2 - axis)
            for i, seen in enumerate(changed.reshape(size[axis], -1).T):
                lines = seen.nonzero()[0]
                begin = field.start[axis] + i * field.stride[axis]
                box = field.box(i, i, size)[axis::2]
                assert not len(lines) or (box[0] <= lines[0] and lines[-1] < box[1]), (name, i)
                if begin >= 0 and begin + field.size[axis] <= size[axis]:
                    assert (lines[0], lines[-1] + 1) == box, (name, i)
                    tight += name != "input"
    assert tight > 100


def test_fields_may_depend_on_the_size():
    """"same" padding does, with a stride."""
    net = Network().add("conv", Conv2D(np.ones((3, 3, 3, 1)), stride=2, padding="same"))
    assert net.receptive_field("conv", (1, 8, 9, 3)).start == (0, -1)
    net = Network().add("gap", GlobalAvgPool())
    assert net.receptive_field("gap", (1, 8, 9, 3)) == ((8, 9), (0, 0), (0, 0))


def test_shapes(vgg):
    assert geometry.default_shape(vgg) == (1, 16, 16, 3) and geometry.default_shape(Network()) == (1, 224, 224, 3)
    assert list(vgg.shapes()) == ["input", *vgg.nodes]
    assert vgg.shapes((5, 16, 16, 3))["conv2_1"] == (5, 8, 8, 8)


@pytest.mark.parametrize("shape, message", [
    ((1, 20, 16, 3), r"^fc6: FullyConnected expects an input of 2 axes ending in 128, got \(1, 160\); from fc6 on "
                     "this net is made for pictures of 16 x 16 pixels, and this one has 16 x 20: use that size, or a "
                     "layer below fc6$"),
    ((1, 16, 16, 1), r"^conv1_1: Conv2D expects an input of 4 axes ending in 3, got \(1, 16, 16, 1\)$"),
    ((1, 1, 1, 3), "^pool1: a window of 2 does not fit into an input of 1 with 0 of padding; the picture has 1 x 1 "
                   "pixels, and this net needs at least 4 x 4$"),
    ((1, 1, 90, 3), "the picture has 90 x 1 pixels, and this net needs at least 4 x 4$"),
])  # fmt: skip
def test_a_layer_that_does_not_fit_is_named(vgg, shape, message):
    for question in (vgg.shapes, lambda s: vgg.receptive_field("fc8", s), lambda s: geometry.layer_table(vgg, s)):
        with pytest.raises(BadValue, match=message):
            question(shape)


def test_a_wrong_name(vgg):
    with pytest.raises(UnknownName, match="no layer named 'conv3_1'"):
        vgg.receptive_field("conv3_1")


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_a_net_without_preprocessing_takes_pictures_of_the_channels_that_it_reads(channels):
    net = channel_net(channels)
    net.preprocessing = Preprocessing(size=(16, 16))
    assert first_channels(net) == channels and preprocessing_of(net).mean == (0.0,) * channels
    picture = channel_picture(channels)
    fitted = net.fit(picture).image
    np.testing.assert_array_equal(net.preprocess(fitted)[0], fitted)
    np.testing.assert_array_equal(net.deprocess(net.preprocess(fitted))[0], fitted)
    assert net.shown(fitted).shape == (16, 16, 3 if channels > 1 else 1)
    found = mv.saliency(net, picture, "dog")
    assert found.maps.shape == (1, 16, 16) and found.picture().shape[2] == 3
    assert mv.maximize(net, "owl", steps=1, tv=1e-6).pictures.shape[3] == channels
