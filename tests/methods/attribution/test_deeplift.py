"""DeepLIFT's rescale rule by hand, and that its parts sum to what the score rose by, in nets of any kind."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import (
    LAYER_TYPES,
    Add,
    BatchNorm,
    Concat,
    Conv2D,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    Multiply,
    ReLU,
    SiLU,
    Softmax,
)
from minivis.layers.base import ForwardMode
from minivis.methods.attribution.deeplift import multipliers, through_layer
from minivis.methods.attribution.saliency import saliency


def test_by_hand():
    """relu(2 x1 - x2 - 1) from x0 = (0, 0) to x = (2, 1): -1 becomes 2, so the relu's slope is 2 / 3, not 1."""
    net = Network(preprocessing=Preprocessing(mean=(0.0,), scale=(1.0,)))
    net.add("flat", Flatten()).add("fc", FullyConnected(np.array([[2.0], [-1.0]]), np.array([-1.0]))).add("r", ReLU())
    x, x0 = np.array([2.0, 1.0]).reshape(1, 1, 2, 1), np.zeros((1, 1, 2, 1))
    acts, base = (net.forward(one) for one in (x, x0))
    m = multipliers(net, acts, base, {"r": np.ones((1, 1))})["input"]
    np.testing.assert_allclose((m * (x - x0)).ravel(), [2 * 2 * 2 / 3, -1 * 2 / 3])


def mixed(rng, channels):
    """Branches, a gate, batch norm, a smooth activation, both kinds of merge and of pool."""
    w = rng.standard_normal
    net = Network(preprocessing=Preprocessing(mean=(120.0,) * channels, scale=(60.0,) * channels, size=(10, 10)))
    net.add("c1", Conv2D(w((3, 3, channels, 4)), w(4), padding=1))
    net.add("bn", BatchNorm(*w((3, 4)), np.ones(4))).add("r1", ReLU()).add("pool", MaxPool2D(2))
    net.add("a", Conv2D(w((1, 1, 4, 4)), w(4)), "pool").add("s", SiLU()).add("both", Add(), "s", "pool")
    net.add("cat", Concat(), "both", "a").add("gate", Conv2D(w((1, 1, 8, 8)), w(8))).add("g", SiLU())
    net.add("times", Multiply(), "cat", "g").add("mean", GlobalAvgPool()).add("fc", FullyConnected(w((8, 3)), w(3)))
    net.roles.update(logits="fc")
    return net


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("baseline", ["grey", "blur"])
def test_the_parts_sum_to_the_rise_of_the_score(channels, baseline, rng):
    net = mixed(rng, channels)
    pictures = rng.integers(0, 256, (2, 10, 10, channels), np.uint8)
    found = saliency(net, pictures, "fc:1", kind="deeplift", baseline=baseline)
    assert found.gaps.max() < 1e-9 and found.maps.shape == (2, 10, 10)
    assert found.numbers["images"][0]["sum"] == pytest.approx(found.maps[0].sum())


def test_the_baseline_alone_is_worth_nothing(rng):
    net = mixed(rng, 3)
    found = saliency(net, np.full((10, 10, 3), 128, np.uint8), "fc:1", kind="deeplift")
    assert not found.maps.any() and "zero everywhere" in str(found)


@pytest.mark.parametrize("kind", sorted(name for name, cls in LAYER_TYPES.items() if cls.relevance))
def test_every_layer_keeps_the_sum(kind, rng):
    if kind == "LRN":
        return                                      # its outputs depend on neighbours: only near enough, see below
    for layer, shapes in LAYER_TYPES[kind].examples(rng):
        x, x0 = ([rng.standard_normal(shape) for shape in shapes] for _ in range(2))
        (out, cache), (out0, cache0) = (layer.forward(*some, mode=ForwardMode()) for some in (x, x0))
        m = rng.standard_normal(out.shape)
        back = through_layer(layer, x, x0, out, out0, cache, cache0, m)
        got = sum(((a - b) * part).sum() for a, b, part in zip(x, x0, back, strict=True))
        assert got == pytest.approx((m * (out - out0)).sum(), rel=1e-8, abs=1e-9), layer


def test_where_two_pictures_agree_the_slope_is_the_derivative(rng):
    x = rng.uniform(0.1, 1, (1, 5))
    layer = SiLU()
    out, cache = layer.forward(x, mode=ForwardMode())
    (back,) = through_layer(layer, [x], [x], out, out, cache, cache, np.ones((1, 5)))
    np.testing.assert_allclose(back, layer.derivative(x))


def test_a_softmax_is_named(rng):
    net = mixed(rng, 3).add("prob", Softmax())
    with pytest.raises(BadValue, match=r"prob \(Softmax\) has no rule of DeepLIFT"):
        saliency(net, rng.integers(0, 256, (10, 10, 3), np.uint8), "prob:1", kind="deeplift")
