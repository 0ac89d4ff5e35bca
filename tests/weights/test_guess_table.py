"""A layer table guessed from names and shapes: what is certain, what is assumed and says so; and it reads the file."""

import json

import numpy as np
import pytest
from foreign_files import write_safetensors
from torch_files import linear, small_resnet, state_dict

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.containers.open import Contents
from minivis.weights.containers.tensor import Tensor
from minivis.weights.guess_table import as_text, guess_table, table_of_file


def contents(shapes, axes="OIHW"):
    """Of modules: four numbers are a convolution, two a Linear, one a batch norm."""
    found = {}
    for prefix, shape in shapes.items():
        suffixes = ("weight", "bias", "running_mean", "running_var") if len(shape) == 1 else ("weight", "bias")
        bias = shape[:1] if axes == "OIHW" else shape[-1:]
        for suffix in suffixes:
            found[f"{prefix}.{suffix}"] = Tensor.of(np.zeros(shape if suffix == "weight" else bias, "f4"))
    return Contents(found, "safetensors", axes)


def rows(shapes):
    return guess_table(contents(shapes), "a.pth")["layers"]


def types(shapes):
    short = {"Conv2D": "conv", "ReLU": "relu", "MaxPool2D": "pool", "FullyConnected": "fc", "BatchNorm": "bn",
             "Flatten": "flat", "GlobalAvgPool": "gap", "ConvTranspose2D": "up"}  # fmt: skip
    return " ".join(short.get(row["type"], row["type"]) for row in rows(shapes))


@pytest.mark.parametrize("shapes, wanted", [
    ({"c1": (8, 3, 3, 3), "c2": (16, 8, 3, 3), "f1": (32, 256), "f2": (4, 32)},
     "conv relu pool conv relu pool flat fc relu fc"),
    ({"net.0": (8, 3, 3, 3), "net.2": (8, 8, 3, 3), "net.5": (8, 8, 3, 3), "f": (2, 8)},
     "conv relu conv relu pool conv relu pool gap fc"),
    ({"net.0": (8, 3, 3, 3), "net.1": (8,), "net.4": (8, 8, 1, 1)}, "conv bn relu pool conv"),
    ({"net.0": (8, 3, 3, 3), "net.1": (8,), "net.3": (8, 8, 1, 1)}, "conv bn relu conv"),
    ({"a.conv1": (8, 3, 3, 3), "a.conv2": (8, 8, 3, 3)}, "conv relu conv"),             # inside a block: no pool
    ({"f.0": (9, 49), "f.2": (3, 9)}, "flat fc relu fc"),
])  # fmt: skip
def test_what_stands_between_modules_is_guessed_from_their_numbers(shapes, wanted):
    assert types(shapes) == wanted


def test_what_is_certain_is_not_marked_and_what_is_assumed_is():
    found = {row["name"]: row for row in rows({"c1": (8, 3, 5, 5), "f": (4, 8 * 9)})}
    assert found["c1"] == {"name": "c1", "type": "Conv2D", "weights": "c1", "padding": 2,
                           "guessed": "stride 1, padding 2, which keeps the size"}  # fmt: skip
    assert "other activations look the same" in found["c1_relu"]["guessed"] and "Dropout" in found["c1_pool"]["guessed"]
    assert "guessed" not in found["f"] and "guessed" not in found["flatten"]


def test_groups_skips_and_concats_follow_from_channels():
    found = {row["name"]: row for row in rows({"a": (8, 3, 1, 1), "depthwise": (8, 1, 3, 3), "grouped": (6, 4, 1, 1)})}
    assert found["depthwise"]["groups"] == 8 and found["grouped"]["groups"] == 2
    found = {row["name"]: row for row in rows({"a": (8, 3, 1, 1), "b": (5, 8, 1, 1), "c": (4, 13, 1, 1)})}
    assert found["concat_b_pool"]["inputs"] == ["a_pool", "b_pool"]
    assert "in this order or the other" in found["concat_b_pool"]["guessed"]
    found = {row["name"]: row for row in rows({"a": (8, 3, 1, 1), "b": (5, 8, 1, 1), "skip": (4, 8, 1, 1)})}
    assert found["skip"]["inputs"] == ["a_pool"] and "the last layer before it that gives 8" in found["skip"]["guessed"]


def test_the_first_fc_layer_tells_the_size_of_the_pictures():
    table = guess_table(contents({"c1": (8, 3, 3, 3), "c2": (16, 8, 3, 3), "f1": (32, 16 * 64)}), "a.pth")
    assert table["input"] == [32, 32]
    assert any("16 maps of 8 x 8: with the 2 pools and the padding assumed here" in note for note in table["notes"])
    for channels, order in ((1, "grey"), (4, "as given")):
        pixels = guess_table(contents({"c1": (8, channels, 3, 3)}), "a.pth")["preprocessing"]
        assert pixels == {"channel_order": order, "mean": [0.0] * channels, "scale": [1.0] * channels}


@pytest.mark.parametrize("shapes, size, padding, pools", [
    ({"c1": (6, 1, 5, 5), "c2": (16, 6, 5, 5), "f": (9, 16 * 25)}, 32, 0, 2),           # LeNet
    ({"c1": (32, 1, 3, 3), "c2": (64, 32, 3, 3), "f": (9, 64 * 144)}, 28, 0, 1),        # PyTorch's example of MNIST
    ({"c1": (8, 3, 3, 3), "c2": (16, 8, 3, 3), "f": (9, 16 * 64)}, 32, 1, 2),
    ({"n.0": (8, 3, 3, 3), "n.3": (16, 8, 3, 3), "n.7": (9, 16 * 64)}, 32, 1, 2),       # ReLU, pool, Flatten
    ({"n.0": (8, 3, 3, 3), "n.2": (4, 8, 3, 3), "n.5": (9, 4 * 1024)}, 32, 1, 0),       # ReLU, Flatten
])  # fmt: skip
def test_the_way_by_which_pictures_have_a_usual_size_is_taken(shapes, size, padding, pools):
    table = guess_table(contents(shapes), "a.pth")
    assert table["input"] == [size, size]
    assert {row["padding"] for row in table["layers"] if row["type"] == "Conv2D"} == {padding}
    assert sum(row["type"] == "MaxPool2D" for row in table["layers"]) == pools


@pytest.mark.parametrize("size", [28, 32, 64, 84, 96, 112, 128, 160, 192, 224, 227, 256, 299, 384, 512])
def test_each_usual_size_is_recognised(size):
    """By the second way, without padding; by the first, pictures would be two pixels smaller, as none are."""
    table = guess_table(contents({"n.0": (2, 3, 3, 3), "n.3": (1, 2 * (size - 2) ** 2)}), "a.pth")
    assert table["input"] == [size, size] and table["layers"][0]["padding"] == 0


@pytest.mark.parametrize("side", [100, 511, 513])
def test_of_unusual_sizes_the_first_is_taken(side):
    table = guess_table(contents({"n.0": (2, 3, 3, 3), "n.3": (1, 2 * side**2)}), "a.pth")
    assert table["input"] == [side, side] and table["layers"][0]["padding"] == 1


def test_without_an_fc_layer_pictures_are_imagenets():
    assert guess_table(contents({"c": (8, 3, 3, 3)}), "a.pth")["input"] == [224, 224]


def test_a_name_that_is_taken_gets_a_number():
    names = [row["name"] for row in rows({"a": (8, 3, 3, 3), "a_relu": (8, 8, 3, 3), "a_relu_2": (8, 8, 1, 1)})]
    assert names == ["a", "a_relu", "a_pool", "a_relu_2", "a_relu_relu", "a_relu_pool", "a_relu_2_2"]


def test_no_more_than_twenty_notes():
    found = contents({"c": (8, 3, 3, 3)})
    found.tensors.update({f"odd{i:02}.thing": Tensor.of(np.zeros(2)) for i in range(30)})
    notes = guess_table(found, "a.pth")["notes"]
    assert len(notes) == 20 and notes[0].startswith("odd00 ") and notes[-1].startswith("odd19 ")


@pytest.mark.parametrize("reads, channels, size", [(784, 1, 28), (3072, 3, 32)])
def test_a_net_of_fc_layers_alone_reads_pictures_as_rows(reads, channels, size):
    table = guess_table(contents({"f1": (9, reads), "f2": (3, 9)}), "a.pth")
    assert table["input"] == [size, size] and ("preprocessing" in table) == (channels == 1)


def test_what_no_table_has_is_named():
    found = contents({"c": (8, 3, 3, 3), "block.shortcut.0": (8, 8, 1, 1)})
    found.tensors.update({"norm.weight": Tensor.of(np.zeros(8)), "norm.bias": Tensor.of(np.zeros(8))})
    notes = guess_table(found, "a.pth")["notes"]
    assert any(note.startswith("norm (weight [8], bias [8]) is of no kind") for note in notes)
    assert any("block.shortcut.0 suggests that outputs are added" in note for note in notes)
    with pytest.raises(BadFile, match="holds no kernel and no matrix"):
        guess_table(contents({"norm": (8,)}), "a.pth")


def test_kernels_that_end_with_their_outputs():
    found = contents({"c": (3, 3, 3, 8)}, "HWIO")
    assert guess_table(found, "a.npz")["layers"][0]["padding"] == 1


def test_a_known_net_has_its_own_table_which_reads_the_file_as_well(tmp_path):
    arrays = state_dict(small_resnet(), body_only=True) | linear("fc.1", 6, 7) | linear("fc.4", 7, 5)
    path = write_safetensors(tmp_path / "a.safetensors", arrays)
    table, guessed = table_of_file(path, Contents({n: Tensor.of(a) for n, a in arrays.items()}, "safetensors"))
    assert not guessed and "ReLU is assumed" in table["notes"][0]
    (tmp_path / "t.json").write_text(as_text(table))
    assert json.loads(as_text(table)) == json.loads(json.dumps(table))
    x = np.random.default_rng(0).standard_normal((1, 64, 64, 3), dtype=np.float32)
    by_table = mv.load(path, arch=str(tmp_path / "t.json"))
    np.testing.assert_array_equal(by_table.forward(x)["fc.4"], mv.load(path).forward(x)["fc.4"])
    assert by_table.roles == mv.load(path).roles
