"""What a net prints of itself fits a screen, whatever its depth."""

import numpy as np

from minivis.engine.network import Network
from minivis.layers import Conv2D, ReLU
from minivis.models.tiny import tiny_vgg


def test_a_net_prints_a_table():
    net = tiny_vgg()
    head, _, columns, first, *_ = repr(net).split("\n")
    assert head.startswith(f"Network of {len(net.nodes)} layers, {net.parameter_count:,} parameters; input 16 x 16, 3 ")
    assert columns.split() == ["layer", "type", "output", "parameters"]
    w = net.layers["conv1_1"].params["w"]
    assert first.split() == ["conv1_1", "Conv2D", "16", "x", "16", "x", str(w.shape[3]), f"{w.size + w.shape[3]:,}"]


def test_a_deep_net_fits_a_screen():
    net = Network()
    for k in range(100):
        net.add(f"relu{k}", ReLU())
    lines = repr(net).split("\n")
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    assert "relu0 " in lines[3] and "relu99 " in lines[-1] and "more layers" in repr(net)
    acts = net.forward(np.zeros((1, 4, 4, 3), np.float32))
    assert len(repr(acts).split("\n")) <= 40 and "1 x 4 x 4 x 3" in repr(acts)


def test_a_net_that_fits_no_picture_still_prints():
    net = Network()
    assert repr(net) == "Network without layers"
    net.add("conv", Conv2D(np.zeros((3, 3, 5, 2), np.float32), np.zeros(2, np.float32)))
    net.add("next", Conv2D(np.zeros((3, 3, 7, 2), np.float32), np.zeros(2, np.float32)))
    assert "conv   Conv2D" in repr(net)
