"""`minivis inspect` and `minivis gradcheck`."""

import json

import pytest

from minivis.commands.nets import aligned, sides, values
from minivis.images.preprocessing import Preprocessing
from minivis.models.tiny import tiny_vgg
from minivis.weights.native import save


def test_inspect(run):
    code, out, _ = run("inspect", "tiny.h5")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert code == 0 and rows["conv2_1"][:2] == ["conv2_1", "Conv2D"] and "8 x 8 x 8" in out
    assert rows["conv2_1"][-4:] == ["10", "2", "440", "27,648"]           # sees, every, parameters, multiply-adds
    assert rows["total"][1] == f"{tiny_vgg().parameter_count:,}"
    said = json.loads(run("inspect", "tiny.h5", "--json")[1])
    layer = next(row for row in said["numbers"]["layers"] if row["name"] == "conv2_1")
    assert layer["shape"] == [8, 8, 8] and layer["receptive_field"]["size"] == [10, 10]
    assert said["numbers"]["parameters"] == sum(row["parameters"] for row in said["numbers"]["layers"])
    assert said["numbers"]["multiply_adds"] == sum(row["multiply_adds"] for row in said["numbers"]["layers"])


def test_inspect_says_what_a_net_is_and_what_looks_wrong(run, here):
    for part in ("RGB, (pixel - ", "minivis HDF5: ", "licence: ", "nothing looks wrong"):
        assert part in run("inspect", "tiny.h5")[1]
    net = tiny_vgg()
    w = net.layers["conv1_1"].params["w"].copy()
    w[..., 2] = 0
    net.layers["conv1_1"].set_params(w=w)
    save(net, here / "dead.h5")
    assert "conv1_1: 1 of " in run("inspect", "dead.h5")[1]
    assert json.loads(run("inspect", "dead.h5", "--json")[1])["numbers"]["warnings"]


def test_inspect_at_another_size(run, refused):
    said = json.loads(run("inspect", "branches.h5", "--size", "50x70", "--json")[1])
    assert said["settings"]["input_shape"] == [50, 70, 3]
    assert "fc6" in refused("inspect", "tiny.h5", "--size", "20")


def test_gradcheck(run, monkeypatch):
    code, out, _ = run("gradcheck", "--net", "tiny.h5")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and [line[1] for line in lines if line[:1] == ["ok"]][:3] == ["conv1_1", "relu1_1", "conv1_2"]
    said = json.loads(run("gradcheck", "--net", "tiny.h5", "--json")[1])
    assert said["numbers"]["ok"] is True and said["numbers"]["nets"]["tiny.h5"][0]["layer"] == "conv1_1"

    from minivis.layers import relu

    monkeypatch.setitem(relu.RELU_RULES, "normal", lambda dout, passing: 1.001 * dout * passing)
    code, out, err = run("gradcheck", "--net", "tiny.h5")
    assert code == 1 and "FAIL  relu1_1" in out and "ok    conv1_1" in out and err == ""
    assert run("gradcheck", "--net", "tiny.h5", "--json")[0] == 1


@pytest.mark.parametrize("order, mean, scale, words", [
    ("RGB", (128.0,) * 3, (64.0,) * 3, "RGB, (pixel - 128) / 64"),
    ("BGR", (104.0, 117.0, 124.0), (1.0,) * 3, "BGR, pixel - (104, 117, 124)"),
    ("RGB", (0.0,) * 3, (255.0,) * 3, "RGB, pixel / 255"),
    ("RGB", (0.0,) * 3, (1.0,) * 3, "RGB, pixel"),
])  # fmt: skip
def test_preprocessing_is_one_phrase(order, mean, scale, words):
    assert values(Preprocessing(order, mean, scale)) == words


def test_columns_are_straight_and_numbers_end_together():
    assert sides((7, 7)) == "7" and sides((7, 5)) == "7 x 5"
    assert aligned([("a", "1", "x"), ("long", "1,000", "")], right=(1,)) == ["a         1  x", "long  1,000"]
