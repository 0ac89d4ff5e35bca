"""Accuracy over eps: nets on which the answer is known, and emoji-vgg-robust, which stands more and not everything."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.adversarial.robustness import Robustness, robustness

EMOJI = Path(__file__).parents[2] / "data" / "emoji.npz"


def test_the_robust_net_stands_more_and_is_fooled_anew():
    with np.load(EMOJI) as data:
        images, labels = data["images"][::20], data["labels"][::20]
    nets = {name: mv.load(name) for name in ("emoji-vgg", "emoji-vgg-robust")}
    found = robustness(nets, images, labels, eps=(0, 4, 24), steps=4)
    plain, robust = found.accuracy.values()
    assert plain[0] >= 0.95 and robust[0] >= 0.85                       # of 10
    assert robust[1] > plain[1] + 0.25 and max(plain[2], robust[2]) <= 0.1
    eps, before, after, label, says = found.fooled["emoji-vgg"]
    assert 0 < eps <= found.fooled["emoji-vgg-robust"][0] and label != says
    assert 0 < abs(after.astype(int) - before).max() <= eps
    assert found.numbers["accuracy"]["emoji-vgg"] == plain.tolist() and "eps, levels" in str(found)
    assert found.picture().std() > 10


def test_the_chart_goes_from_none_right_to_all_right(calls_of):
    charts = calls_of("minivis.methods.adversarial.robustness.line_chart")
    Robustness((0, 4), {"a": np.array([0.6, 0.3]), "b": np.array([0.5, 0.4])}, {}, 10).picture()
    ((lines,), how), = charts
    assert (how["low"], how["high"]) == (0, 1)
    assert {name: (x.tolist(), y.tolist()) for name, (x, y) in lines.items()} == {
        "a: 60.0 % clean": ([0, 4], [0.6, 0.3]), "b: 50.0 % clean": ([0, 4], [0.5, 0.4])}


@pytest.mark.parametrize("change, message", [
    ({"nets": {}}, "nets must be nets by their names"), ({"labels": np.zeros(3, int)}, r"\(3,\)"),
    ({"eps": (8, 4)}, "small to large"),
    ({"eps": (4,)}, "at least two bounds"), ({"eps": (-1, 4)}, "at least 0"),
])
def test_refuses(change, message):
    settings = {"nets": {"a": mv.load("digits-net")}, "images": np.zeros((2, 8, 8, 1), np.uint8),
                "labels": np.zeros(2, int), **change}
    with pytest.raises(BadValue, match=message):
        robustness(**settings)
