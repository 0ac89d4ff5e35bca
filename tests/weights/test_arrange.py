"""From the order of another program's file to ours, by hand."""

from contextlib import nullcontext

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadFile
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten
from minivis.weights.arrange import arrange, channels_of, check_end, order_of, reordered, transposed
from minivis.weights.containers.tensor import Tensor

CONV = {"name": "conv", "type": "Conv2D", "inputs": ["input"]}
FLAT = {"name": "flat", "type": "Flatten", "inputs": ["conv"]}
ROWS = {"conv": CONV, "flat": FLAT}
ARRAYS = {"conv": {"w": np.zeros((1, 1, 3, 2))}, "flat": {}, "input": {"w": np.empty((0, 3))}}


def test_a_kernel_moves_its_axes_and_turns_nothing():
    stored = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype("f4")              # out, in, KH, KW
    w = arrange(CONV, "w", Tensor.of(stored), "OIHW", ROWS, ARRAYS, np.float32)
    assert w.shape == (4, 5, 3, 2) and w.flags.c_contiguous
    for out, channel, row, column in np.ndindex(2, 3, 4, 5):
        assert w[row, column, channel, out] == stored[out, channel, row, column]
    ours = arrange(CONV, "w", Tensor.of(stored), "HWIO", ROWS, ARRAYS, np.float32)
    np.testing.assert_array_equal(ours, stored)
    with pytest.raises(BadFile, match="not a kernel of four axes"):
        arrange(CONV, "w", Tensor.of(stored[0]), "OIHW", ROWS, ARRAYS, np.float32)


@pytest.mark.parametrize("source, rows", [("flat", [0, 3, 1, 4, 2, 5]), ("conv", [0, 1, 2, 3, 4, 5])])
def test_rows_behind_a_flatten_of_two_channels_are_interleaved(source, rows):
    stored = np.arange(12, dtype="f4").reshape(2, 6)                                # out, in: 2 channels of 3 places
    fc = {"name": "fc", "type": "FullyConnected", "inputs": [source]}
    w = arrange(fc, "w", Tensor.of(stored), "OIHW", ROWS, ARRAYS, np.float32)
    assert w.tolist() == [[row, row + 6] for row in rows]
    ours = arrange(fc, "w", Tensor.of(stored.T), "HWIO", ROWS, ARRAYS, np.float32)
    assert ours.tolist() == stored.T.tolist()


def test_maps_that_do_not_fill_the_rows_are_refused():
    with pytest.raises(BadFile, match="and 4 channels come in"):
        transposed(Tensor.of(np.zeros((2, 6), "f4")), 2, 4, np.float32)
    with pytest.raises(BadFile, match="has 6 rows for flattened maps of 4 channels"):
        reordered(np.arange(6), [(4, None)])
    with pytest.raises(BadFile, match="several flattened maps"):
        reordered(np.arange(6), [(2, None), (1, None)])


def test_a_concat_is_counted_part_by_part():
    rows = {**ROWS, "fc": {"name": "fc", "type": "FullyConnected", "inputs": ["flat"]},
            "both": {"name": "both", "type": "Concat", "inputs": ["fc", "flat"]}}  # fmt: skip
    arrays = {**ARRAYS, "fc": {"w": np.zeros((6, 3))}}
    assert order_of("both", rows, arrays) == [(1, 3), (2, None)] and order_of("fc", rows, arrays) is None
    assert channels_of("both", rows, arrays) == 3 + 2
    expected = [0, 1, 2, 3, 6, 4, 7, 5, 8]
    assert reordered(np.arange(9), order_of("both", rows, arrays)).tolist() == expected
    head, scale = ({"name": "next", "type": kind, "inputs": ["both"]} for kind in ("FullyConnected", "Scale"))
    stored = np.arange(18, dtype="f4").reshape(2, 9)                                # out, in
    w = arrange(head, "w", Tensor.of(stored), "OIHW", rows, arrays, np.float32)
    assert w.tolist() == [[row, row + 9] for row in expected] and w.flags.c_contiguous
    for axes, found in (("OIHW", expected), ("HWIO", [*range(9)])):
        assert arrange(scale, "w", Tensor.of(stored[0]), axes, rows, arrays, np.float32).tolist() == found


def test_a_transposed_convolution_moves_its_axes_and_gives_its_second():
    stored = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype("f4")              # PyTorch's in, out, KH, KW
    row = {"name": "up", "type": "ConvTranspose2D", "inputs": ["conv"]}
    w = arrange(row, "w", Tensor.of(stored), "OIHW", {**ROWS, "up": row}, ARRAYS, np.float32)
    assert w.shape == (4, 5, 3, 2) and w[1, 2, 0, 1] == stored[1, 0, 1, 2]
    assert channels_of("up", {**ROWS, "up": row}, {**ARRAYS, "up": {"w": w}}) == 3


def test_one_slope_for_all_channels_is_repeated():
    row = {"name": "act", "type": "PReLU", "inputs": ["conv"]}
    slopes = arrange(row, "w", Tensor.of(np.array([0.25], "f4")), "OIHW", {**ROWS, "act": row}, ARRAYS, np.float32)
    assert slopes.tolist() == [0.25, 0.25]


@pytest.mark.parametrize("H, C, refused", [(1, 4, False), (2, 1, False), (1, 1, False), (2, 4, True)])
def test_a_row_of_maps_at_the_end_is_in_one_order_if_they_are_of_one_place_or_one_channel(H, C, refused):
    w = np.zeros((1, 1, 3, C), "f4")
    net = Network(preprocessing=Preprocessing(size=(H, 1))).add("conv", Conv2D(w, np.zeros(C, "f4")))
    net.add("flat", Flatten())
    with pytest.raises(BadFile, match=r'"shape": \[2, 4\]') if refused else nullcontext():
        check_end(net, ROWS, {**ARRAYS, "conv": {"w": w}}, "a.pt")
