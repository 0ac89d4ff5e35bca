"""Ten random graphs against what PyTorch made of them (tests/golden/make_graphs.py): no framework is needed here."""

import json
from pathlib import Path

import numpy as np
import pytest

from minivis.engine import layer_table

# HOG's layers are in hog.npz; those of imported nets are held to onnx's evaluator, in tests/weights/onnx
KINDS = {"Add", "AvgPool2D", "BatchNorm", "Concat", "Conv2D", "Dropout", "Flatten", "FullyConnected", "GlobalAvgPool",
         "LRN", "MaxPool2D", "ReLU", "Softmax"}  # fmt: skip
GRAPHS = sorted((Path(__file__).parents[1] / "golden").glob("graph*.npz"))


def load(path):
    """The net, and every array of the file by its name."""
    with np.load(path) as file:
        arrays = dict(file)
    params = {}
    for key, array in arrays.items():
        kind, *rest = key.split(" ")
        if kind == "param":
            params.setdefault(rest[0], {})[rest[1]] = array
    net = layer_table.build(json.loads(str(arrays["net"])), lambda name: params.get(name, {}), path)
    return net, arrays


def part(arrays, kind):
    return {key.removeprefix(kind + " "): a for key, a in arrays.items() if key.startswith(kind + " ")}


def assert_close(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * max(abs(expected).max(), 1e-3))


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_equals_pytorch(path):
    net, arrays = load(path)
    acts = net.forward(arrays["x"], grad="params", training=bool(arrays["training"]))
    outputs, grads = part(arrays, "out"), part(arrays, "d")
    assert set(outputs) == set(net.nodes)
    for name, out in outputs.items():
        assert_close(acts[name], out, 1e-9)
    rules = part(arrays, "dinput")
    assert set(rules) >= {"normal", "deconv", "guided"}
    for rule in rules:
        dacts, dparams = net.backward(acts, part(arrays, "seed"), relu_rule=rule, param_grads=True)
        assert_close(dacts["input"], rules[rule], 1e-9)
        if rule == "normal":
            assert {f"{name} {key}" for name, some in dparams.items() for key in some} == set(grads)
            for key, grad in grads.items():
                name, param = key.split(" ")
                assert_close(dparams[name][param], grad, 1e-9)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_float32_is_close(path):
    """Forward alone: a gradient would have to go through the same signs (benchmarks/parity.py)."""
    net, arrays = load(path)
    acts = net.astype(np.float32).forward(arrays["x"].astype(np.float32), training=bool(arrays["training"]))
    for name, out in part(arrays, "out").items():
        assert acts[name].dtype == np.float32
        assert_close(acts[name], out, 1e-4)


def test_they_hold_every_kind_of_layer_of_the_nets_and_both_modes():
    nets = [load(path) for path in GRAPHS]
    kinds = {type(layer).__name__ for net, _ in nets for layer in net.layers.values()}
    assert len(nets) == 10 and kinds == KINDS
    assert {bool(arrays["training"]) for _, arrays in nets} == {True, False}
    assert sum(path.stat().st_size for path in GRAPHS) < 1e6
