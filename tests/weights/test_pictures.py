"""The preprocessing that an ONNX file leaves open."""

from types import SimpleNamespace

import numpy as np
import pytest

from minivis.images.preprocessing import TORCH
from minivis.models.tiny import tiny_vgg
from minivis.weights.pictures import choose_preprocessing


def chosen(scale=1.0, shift=0.0, *, pixels=False, usual=None, preprocess=None, flipped=False):
    net = tiny_vgg()
    scale, shift = np.broadcast_to(scale, 3), np.broadcast_to(shift, 3)
    graph = SimpleNamespace(scale=scale, shift=shift, reads_pixels=lambda: pixels, flipped=flipped)
    choose_preprocessing(net, graph, preprocess, usual)
    assert net.input_size == (16, 16)
    return net.preprocessing, net.about["preprocessing"]


TORCHVISIONS = (TORCH, "torchvision's: assumed, the file does not say")


def test_a_file_takes_what_is_usual_for_its_program_and_else_pixels_in_0_to_1():
    found, said = chosen(usual=TORCHVISIONS)
    assert (found.mean, found.scale) == (TORCH.mean, TORCH.scale) and "torchvision's: assumed" in said
    found, said = chosen()
    assert (found.mean, found.scale) == ((0,) * 3, (255,) * 3) and said.endswith("--preprocess tells otherwise")
    found, said = chosen(preprocess=TORCH)
    assert found.mean == TORCH.mean and said == "as asked for"


@pytest.mark.parametrize("pixels, base", [(True, 1), (False, 255)])
def test_what_the_graph_does_first_comes_on_top(pixels, base):
    found, _ = chosen(0.5, -3.0, pixels=pixels, usual=TORCHVISIONS)
    for pixel in (0.0, 100.0, 255.0):                   # all of it in powers of two, and 3 and 255
        assert (pixel - found.mean[0]) / found.scale[0] == pytest.approx(0.5 * pixel / base - 3.0, rel=1e-12)


def test_a_graph_that_turns_the_channels_round_takes_bgr():
    found, said = chosen(1.0, np.array([-1.0, -2.0, -3.0]), pixels=True, flipped=True)
    assert (found.channel_order, found.mean, found.scale) == ("BGR", (1, 2, 3), (1, 1, 1)) and "in the graph" in said
    found, _ = chosen(flipped=True, preprocess=TORCH)
    assert (found.channel_order, found.mean) == ("BGR", TORCH.mean[::-1])
