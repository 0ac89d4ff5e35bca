"""The preprocessing that an ONNX file leaves open."""

from types import SimpleNamespace

import numpy as np
import pytest

from minivis.images.preprocessing import TORCH
from minivis.models.tiny import tiny_vgg
from minivis.weights.onnx.roles import choose_preprocessing


def chosen(scale=1.0, shift=0.0, *, pixels=False, producer="tf2onnx", preprocess=None):
    net = tiny_vgg()
    graph = SimpleNamespace(scale=np.full(3, scale), shift=np.full(3, shift), reads_pixels=lambda: pixels)
    choose_preprocessing(net, SimpleNamespace(producer_name=producer), graph, preprocess)
    assert net.input_size == (16, 16)
    return net.preprocessing, net.about["preprocessing"]


def test_pytorchs_nets_take_torchvisions_and_others_pixels_in_0_to_1():
    found, said = chosen(producer="PyTorch")
    assert (found.mean, found.scale) == (TORCH.mean, TORCH.scale) and "torchvision's: assumed" in said
    found, said = chosen()
    assert (found.mean, found.scale) == ((0,) * 3, (255,) * 3) and said.endswith("--preprocess tells otherwise")
    found, said = chosen(preprocess=TORCH)
    assert found.mean == TORCH.mean and said == "as asked for"


@pytest.mark.parametrize("pixels, base", [(True, 1), (False, 255)])
def test_what_the_graph_does_first_comes_on_top(pixels, base):
    found, _ = chosen(0.5, -3.0, pixels=pixels, producer="pytorch")
    for pixel in (0.0, 100.0, 255.0):                   # all of it in powers of two, and 3 and 255
        assert (pixel - found.mean[0]) / found.scale[0] == pytest.approx(0.5 * pixel / base - 3.0, rel=1e-12)
