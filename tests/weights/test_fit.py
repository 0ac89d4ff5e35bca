"""What a file's shapes change in an architecture's table: size, channels, stem, groups; and that it stays as it was."""

import copy

import numpy as np
import pytest
from torch_files import small_resnet, state_dict

from minivis.engine import layer_table
from minivis.models.known import Known, blank_vgg, vgg_names
from minivis.weights.containers.tensor import Tensor
from minivis.weights.fit import table_of
from minivis.weights.recognise import Match


def match(arrays, known, **more):
    return Match(known, {name: Tensor.of(array) for name, array in arrays.items()}, **more)


def table(arrays, known=None, **more):
    found, _ = table_of(match(arrays, known or small_resnet(), **more))
    return found, {row["name"]: row for row in found["layers"]}


ARRAYS = state_dict(small_resnet())


def test_an_architectures_own_table_is_left_as_it_is():
    known = small_resnet()
    before = copy.deepcopy(layer_table.describe(known.net))
    arrays = ARRAYS | {"conv1.weight": np.zeros((4, 1, 3, 3), "f4")}
    table(arrays, known, aside=("criterion.weight",))
    assert layer_table.describe(known.net) == before
    assert table(ARRAYS, known)[0] == before


@pytest.mark.parametrize("count, said", [(6, "a, b, c, d, e, f"), (7, "a, b, c, d, e, f, ... (7 in all)")])
def test_what_the_net_does_not_need_is_named_and_counted_where_not_all_of_it_is(count, said):
    found, _ = table(ARRAYS, aside=tuple("abcdefg"[:count]))
    assert found["about"]["aside"] == f"arrays that the net does not need: {said}"


def test_a_small_stem_takes_the_pool_out_and_those_that_read_it_read_on():
    found, rows = table(ARRAYS | {"conv1.weight": np.zeros((4, 3, 3, 3), "f4")})
    assert "pool1" not in rows and rows["conv1"]["stride"] == rows["conv1"]["padding"] == 1
    assert rows["res2a_branch2a"]["inputs"] == ["conv1_relu"] and "conv1_relu" in rows["res2a"]["inputs"]
    assert found["preprocessing"]["size"] == [32, 32]


@pytest.mark.parametrize("positions, oihw, size", [(49, True, 224), (4, True, 64), (1, True, 32), (9, False, 96)])
def test_vggs_first_fc_layer_tells_the_size_of_the_pictures(positions, oihw, size):
    known = Known("VGG11", "torchvision", lambda: blank_vgg("VGG11"), vgg_names("VGG11"))
    arrays = {name: np.broadcast_to(np.float32(0), shape) for name, (_, _, shape) in known.arrays.items()}
    if oihw:
        axes = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
        arrays = {name: array.transpose(axes[array.ndim]) for name, array in arrays.items()}
    rows = 512 * positions
    arrays["classifier.0.weight"] = np.broadcast_to(np.float32(0), (4096, rows) if oihw else (rows, 4096))
    assert table(arrays, known, oihw=oihw)[0]["preprocessing"]["size"] == (size, size)


def test_pictures_of_one_channel_are_grey():
    found, _ = table(ARRAYS | {"conv1.weight": np.zeros((4, 1, 7, 7), "f4")})
    assert found["preprocessing"]["channel_order"] == "grey" and len(found["preprocessing"]["mean"]) == 1
    assert found["about"]["channels"].startswith("the first convolution reads 1 channel and not 3: the mean of")


@pytest.mark.parametrize("channels", [2, 4, 13])
def test_pictures_of_other_channels_are_read_as_given(channels):
    found, _ = table(ARRAYS | {"conv1.weight": np.zeros((4, channels, 7, 7), "f4")})
    assert found["preprocessing"]["channel_order"] == "as given"
    assert found["preprocessing"]["mean"] == [0.449 * 255] * channels
