"""The sums behind one activation, held against numbers worked out by hand."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import LRN, AvgPool2D, Conv2D, Flatten, FullyConnected, GlobalAvgPool, MaxPool2D, Softmax
from minivis.live.forward_sums import concat_source, forward, reads


def test_an_output_reads_its_window_and_knows_what_lies_outside():
    geometry = {"stride": (2, 1), "padding": ((1, 2), (0, 3)), "dilation": (1, 1)}
    rows, inside = reads(2, 3, 5, geometry, 0)                 # 2 * 2 - 1 = row 3 on, and row 5 is not there
    assert rows.tolist() == [3, 4, 4] and inside.tolist() == [True, True, False]
    columns, inside = reads(2, 3, 5, geometry, 1)
    assert columns.tolist() == [2, 3, 4] and inside.all()
    rows, inside = reads(0, 3, 5, {**geometry, "dilation": (2, 1)}, 0)
    assert rows.tolist() == [0, 1, 3] and inside.tolist() == [False, True, True]


def test_a_channel_of_a_concat_belongs_to_the_layer_it_came_from():
    acts = {"a": np.zeros((1, 2, 2, 6)), "b": np.zeros((1, 2, 2, 4))}
    assert concat_source(acts, ("a", "b"), 5) == ("a", 5)
    assert concat_source(acts, ("a", "b"), 6) == ("b", 0)
    assert concat_source(acts, ("a", "b"), 9) == ("b", 3)
    with pytest.raises(BadValue):
        concat_source(acts, ("a", "b"), 10)


def test_a_fully_connected_sum_lists_its_largest_products_first():
    net = Network().add("flat", Flatten())
    net.add("fc", FullyConnected(np.array([[1.0, 2], [3, 4], [-5, 6]]), np.array([10.0, 20])))
    acts = net.forward(np.array([2.0, -1, 3]).reshape(1, 1, 1, 3))
    found = forward(net, acts, "fc", (1,))                     # 2 * 2 - 1 * 4 + 3 * 6 + 20
    assert found["total"] == 38 and found["bias"] == 20 and found["kind"] == "FullyConnected"
    assert [(g["label"], g["sum"]) for g in found["groups"]] == [
        ("input:2@0,0", 18), ("input:0@0,0", 4), ("input:1@0,0", -4),
    ]  # fmt: skip
    assert found["more"] == {"count": 0, "sum": 0}


@pytest.mark.parametrize("pool, more, total", [(MaxPool2D, {"winner": [1, 1]}, 21), (AvgPool2D, {}, 13.5)])
def test_a_pool_shows_its_window_and_max_pool_the_place_of_the_largest(pool, more, total):
    x = 3 * np.arange(12.0).reshape(1, 3, 4, 1) + [0, 1, 2]
    net = Network().add("pool", pool(2))
    found = forward(net, net.forward(x), "pool", (0, 1, 0))
    shown = {"label": "input:0", "unit": "input:0@1,3", "x": [[6, 9], [18, 21]], **more}
    assert found["groups"] == [shown] and found["total"] == total


def test_the_mean_of_a_map_lists_its_largest_places_by_name_so_that_one_can_follow_them():
    x = np.zeros((1, 3, 4, 3))
    x[0, ..., 1] = np.arange(12.0).reshape(3, 4)
    net = Network().add("pool", GlobalAvgPool())
    found = forward(net, net.forward(x), "pool", (1,))
    assert found["steps"] == [*([f"input:1@{k // 4},{k % 4}", k] for k in range(11, 3, -1)),
                              ["4 more places", 6], ["Σ over the map of input:1", 66], ["n", 12]]
    assert found["total"] == 5.5


def test_local_response_normalisation_sums_the_neighbours_that_exist():
    net = Network().add("norm", LRN(3, 0.5, 0.75, 1.0))
    acts = net.forward(np.array([1.0, 2, 3]).reshape(1, 1, 1, 3))
    sums = [forward(net, acts, "norm", (0, 0, c))["steps"][1] for c in range(3)]
    assert sums == [["Σ x² over channels 0 to 1", 5], ["Σ x² over channels 0 to 2", 14],
                    ["Σ x² over channels 1 to 2", 13]]  # fmt: skip


def test_a_window_leads_to_the_input_with_its_largest_product():
    x = np.zeros((1, 4, 4, 2))
    x[0, 1, 2] = 5, -7
    net = Network().add("conv", Conv2D(np.ones((3, 3, 2, 1)), np.zeros(1), padding=1))
    found = forward(net, net.forward(x), "conv", (1, 1, 0))
    assert [group["unit"] for group in found["groups"]] == ["input:1@1,2", "input:0@1,2"]


def test_a_filter_of_one_channel_names_it():
    net = Network().add("conv", Conv2D(np.ones((2, 2, 1, 3)), np.zeros(3), groups=3))
    found = forward(net, net.forward(np.ones((1, 3, 3, 3))), "conv", (0, 1, 2))
    assert found["reads"] == "a window of 2 x 2 at row 0, column 1, in channel 2 of input"


W = np.random.default_rng(1).standard_normal((2, 3, 2, 6))


@pytest.mark.parametrize("layer", [
    MaxPool2D((2, 3), stride=(1, 2), padding=((1, 0), (0, 2))),
    AvgPool2D((3, 2), stride=(2, 1), padding=((0, 2), (1, 0))),
    Conv2D(W, np.arange(6.0), stride=(1, 2), padding=((1, 0), (0, 2)), dilation=(2, 1), groups=2),
    Conv2D(W.swapaxes(0, 1), stride=(2, 1), padding=((0, 2), (1, 0)), dilation=(1, 2)),
])  # fmt: skip
def test_every_window_sums_to_what_the_layer_computes(rng, layer):
    """Nothing has the same height as width, and nothing the same before as after."""
    net = Network().add("layer", layer)
    acts = net.forward(rng.standard_normal((1, 5, 6, layer.channels or 3)))
    for at in np.ndindex(acts["layer"].shape[1:]):
        found = forward(net, acts, "layer", at)
        assert found["total"] == pytest.approx(acts["layer"][0][at], abs=1e-12)
        if isinstance(layer, Conv2D):
            top, left = (i * step - before for i, step, (before, _) in zip(at, layer.stride, layer.padding))
            assert f" at row {top}, column {left}, in " in found["reads"]


def test_a_softmax_shows_the_exponentials_below_the_largest_and_their_sum():
    net = Network().add("flat", Flatten()).add("prob", Softmax())
    acts = net.forward(np.log([1.0, 2, 5]).reshape(1, 1, 1, 3))
    found = forward(net, acts, "prob", (1,))
    assert [value for _, value in found["steps"]] == pytest.approx([np.log(2), 2 / 5, 8 / 5])
    assert found["total"] == pytest.approx(2 / 8) and found["steps"][2][0] == "Σ over the 3 classes"
