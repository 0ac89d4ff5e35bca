"""VGG of any width: names, roles, sizes and multiply-adds against the paper's, and what may be missing."""

import numpy as np
import pytest
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.engine import geometry
from minivis.errors import BadValue, UnknownName
from minivis.models.vgg import BLOCKS, conv_names, input_size, vgg


def test_layers_of_vgg16_in_order():
    assert " ".join(narrow_vgg("VGG16").layers) == (
        "conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 relu2_1 conv2_2 relu2_2 pool2 conv3_1 relu3_1 conv3_2 relu3_2 "
        "conv3_3 relu3_3 pool3 conv4_1 relu4_1 conv4_2 relu4_2 conv4_3 relu4_3 pool4 conv5_1 relu5_1 conv5_2 relu5_2 "
        "conv5_3 relu5_3 pool5 flatten fc6 relu6 fc7 relu7 fc8 prob"
    )


@pytest.mark.parametrize("name, convs", [("VGG11", 8), ("VGG13", 10), ("VGG16", 13), ("VGG19", 16)])
def test_depths_and_roles(name, convs):
    net = narrow_vgg(name)
    assert len(conv_names(name)) == convs == int(name[3:]) - 3
    assert net.roles == {
        "logits": "fc8", "prob": "prob", "code": "fc7", "content": "relu4_2", "dream": "relu5_1",
        "style": ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"],
    }  # fmt: skip
    assert set(net.roles["style"]) <= set(net.layers)
    shapes = net.shapes()
    assert shapes["pool5"] == (1, 2, 2, 8)
    assert shapes["prob"] == (1, 9)


def test_without_classifier_it_ends_at_pool5_and_takes_any_size():
    net = narrow_vgg("VGG19", top=False)
    assert list(net.layers)[-1] == "pool5"
    assert [net.roles[role] for role in ("logits", "prob", "code")] == [None] * 3
    assert net.forward(np.zeros((1, 33, 70, 3), np.float32))["pool5"].shape == (1, 1, 2, 8)
    with pytest.raises(UnknownName, match="no layer for the role 'logits'"):
        net.role("logits")


def test_parameters_and_multiply_adds_are_the_papers():
    """138 million parameters; 15.5 billion multiply-adds, as every later paper counts them. No array is allocated."""
    def hollow(*shape):
        return np.broadcast_to(np.float32(0), shape)

    convs, channels = [], 3
    for count, width in zip(BLOCKS["VGG16"], (64, 128, 256, 512, 512)):
        for _ in range(count):
            convs.append((hollow(3, 3, channels, width), hollow(width)))
            channels = width
    fc = [(hollow(25088, 4096), hollow(4096)), (hollow(4096, 4096), hollow(4096)), (hollow(4096, 1000), hollow(1000))]
    net = vgg("VGG16", convs, fc)
    assert net.parameter_count == 138_357_544
    table = geometry.layer_table(net)
    assert sum(row.multiply_adds for row in table) == 15_470_264_320
    assert net.receptive_field("pool5")[:2] == ((212, 212), (32, 32))


@pytest.mark.parametrize("positions, expected", [(49, (224, 224)), (4, (64, 64)), (1, (32, 32)), (6, None)])
def test_input_size_from_the_positions_that_fc6_reads(positions, expected):
    assert input_size(positions) == expected


def test_a_missing_array_is_named():
    net = narrow_vgg("VGG16")
    arrays = [tuple(layer.params.values()) for layer in net.layers.values() if layer.params]
    with pytest.raises(BadValue, match="VGG19 has 16 convolutions and 3 FC layers, or none; got 13 and 3"):
        vgg("VGG19", arrays[:13], arrays[13:])
    with pytest.raises(BadValue, match="got 13 and 2"):
        vgg("VGG16", arrays[:13], arrays[13:15])


def test_gradients_reach_the_image_through_the_whole_net():
    net = narrow_vgg("VGG11", dtype=np.float64)
    rng = np.random.default_rng(0)
    x, along = rng.standard_normal((2, 1, 64, 64, 3))
    acts = net.forward(x)
    dacts, _ = net.backward(acts, mv.one_hot(acts, "fc8:3"))
    step = 1e-6
    up, down = (net.forward(x + s * along, keep=["fc8"])["fc8"][0, 3] for s in (step, -step))
    np.testing.assert_allclose((dacts["input"] * along).sum(), (up - down) / (2 * step), rtol=1e-5)
