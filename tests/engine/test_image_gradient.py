"""The gradient tile by tile equals the gradient of the whole, at borders, strides, pools and branches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import nets

from minivis.engine import tiles
from minivis.engine.image_gradient import losses_by_tiles, per_position
from minivis.engine.network import Network
from minivis.engine.surgery import trunk
from minivis.errors import BadValue, UnknownName
from minivis.layers import AvgPool2D, MaxPool2D, ReLU
from minivis.models.tiny import Weights, tiny_vgg
from minivis.objectives.activations import direction


def energy(*layers):
    """sum of a^2 / 2: DeepDream's."""

    @per_position(*layers)
    def energy(acts):
        return sum(float((acts[n] ** 2).sum()) / 2 for n in layers), {n: acts[n] for n in layers}

    return energy


def distance(layer, target):
    """Mean of (a - target)^2: the place and the number of positions matter."""

    @per_position(layer)
    def distance(acts):
        apart, size = acts[layer] - acts.cut(layer, target), np.prod(acts.shapes[layer])
        return float((apart**2).sum()) / size, {layer: 2 / size * apart}

    return distance


class Style:
    """|G - target|^2 of one layer, G = f^T f / positions."""

    def __init__(self, layer, target):
        self.layers, self.target = (layer,), target

    def sums(self, acts):
        rows = acts[self.layers[0]].reshape(-1, self.target.shape[0])
        return {"gram": rows.T @ rows}

    def from_sums(self, acts, sums):
        a, size = acts[self.layers[0]], float(np.prod(acts.shapes[self.layers[0]][:3]))
        apart = sums["gram"] / size - self.target
        return float((apart**2).sum()), {self.layers[0]: 4 / size * (a @ apart)}

    def __call__(self, acts):
        return self.from_sums(acts, self.sums(acts))


class Sum:
    def __init__(self, *terms):
        self.parts, self.layers = terms, tuple({name for term in terms for name in term.layers})

    def __call__(self, acts):
        loss, seeds = 0, {}
        for term in self.parts:
            share, found = term(acts)
            loss += share
            for name, seed in found.items():
                seeds[name] = seeds.get(name, 0) + seed
        return loss, seeds


def roughness(acts):
    """Squared differences of neighbouring rows: over positions, but no sum of what each gives alone."""
    d = acts["input"][:, 1:] - acts["input"][:, :-1]
    seed = np.zeros_like(acts["input"])
    seed[:, 1:] += 2 * d
    seed[:, :-1] -= 2 * d
    return float((d**2).sum()), {"input": seed}


roughness.layers = ("input",)


def both(net, x, objective, tile, **how):
    whole = net.image_gradient(x, objective, **how)
    tiled = net.image_gradient(x, objective, tile=tile, **how)
    assert tiled[1].shape == x.shape and tiled[1].dtype == x.dtype
    return whole, tiled


def check_equal(whole, tiled, bound=1e-10):
    assert abs(tiled[0] - whole[0]) <= bound * max(1, abs(whole[0]))
    assert np.abs(tiled[1] - whole[1]).max() <= bound * np.abs(whole[1]).max()


def test_a_direction_in_every_position_in_tiles(vgg, rng):
    """One vector for each position: a tile takes its own."""
    x = rng.standard_normal((1, 40, 36, 3))
    net = trunk(vgg, ["conv2_1"])
    towards = direction("conv2_1", rng.standard_normal(net.shapes(x.shape)["conv2_1"][1:]))
    check_equal(*both(net, x, towards, (20, 16)))


@settings(max_examples=25)
@given(nets(), st.sampled_from(["normal", "normal", "guided"]), st.data())
def test_any_net_any_tile(made, rule, data):
    net, x = made
    try:
        shapes = net.shapes(x.shape)
    except BadValue:                                                    # a window that does not fit
        return
    names = list(net.nodes)
    some = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    target = np.random.default_rng(1).standard_normal(shapes[names[-1]])
    loss = Sum(energy(*some), distance(names[-1], target), Style(some[0], np.eye(shapes[some[0]][3])), roughness)
    halo = np.max([net.receptive_field(name, x.shape).size for name in [*some, names[-1]]], axis=0) // 2
    least = np.maximum(halo, np.array(x.shape[1:3]) // 5)               # some 36 tiles at most: each is a pass
    tile = tuple(int(max(1, h)) + data.draw(st.integers(0, 12)) for h in least)
    check_equal(*both(net, x, loss, tile, relu_rule=rule))


def test_the_losses_alone_are_those_of_the_gradient(vgg, rng):
    """Of a part on the picture itself, one that follows from sums, and one over positions."""
    x, net = rng.standard_normal((1, 40, 36, 3)), trunk(vgg, ["conv2_1"])
    parts = (roughness, Style("conv1_2", np.eye(net.shapes(x.shape)["conv1_2"][3])), energy("conv2_1"))
    alone = losses_by_tiles(net, x, parts, (20, 16))
    np.testing.assert_allclose(alone, [net.image_gradient(x, part)[0] for part in parts], rtol=1e-10)


def test_every_kind_of_layer_and_every_rule(branches, rng):
    x, loss = rng.standard_normal((2, 91, 75, 3)), Sum(energy("mean", "b_conv"), Style("sum", np.eye(10)))
    for rule in ("normal", "guided", "deconv"):
        check_equal(*both(branches, x, loss, (29, 23), relu_rule=rule))


@pytest.mark.parametrize("pool", [AvgPool2D, MaxPool2D])
def test_the_last_window_of_a_ceil_pool_sticks_out(rng, pool):
    """What is beyond the padding does not count in a mean."""
    net = Network().add("conv", Weights(0, np.float64).conv(3, 3, 3, 4, padding=1))
    net.add("pool", pool(4, stride=3, padding=((1, 1), (0, 2)), ceil=True))
    for size in range(30, 34):
        check_equal(*both(net, rng.standard_normal((1, size, 63 - size, 3)), energy("pool"), 12))


def test_tiles_that_lie_in_the_padding(rng):
    net = Network().add("conv", Weights(0, np.float64).conv(1, 1, 3, 4, padding=((5, 3), (4, 6)))).add("relu", ReLU())
    check_equal(*both(net, rng.standard_normal((1, 12, 9, 3)), energy("relu"), (2, 3)))


def test_float32_through_the_same_signs(rng):
    net = tiny_vgg(seed=3)
    x = rng.standard_normal((1, 83, 70, 3)).astype("f4")
    exact = net.astype("f8").forward(x.astype("f8"), until="relu2_1")
    closest = min(np.abs(exact[name]).min() for name in ("conv1_1", "conv1_2", "conv2_1"))
    assert closest > 2e-6                                               # rounding flips no sign here
    check_equal(*both(net, x, Sum(energy("relu2_1"), Style("relu1_1", np.eye(6, dtype="f4"))), 20), bound=1e-5)


def test_each_position_is_in_one_tile(vgg):
    cut = tiles.tiles(vgg, (1, 61, 47, 3), ["relu1_2", "pool2", "input"], (20, 13))
    assert len(cut) == 4 * 4
    for name in ("relu1_2", "pool2", "input"):
        count = np.zeros(cut[0].shapes[name], int)
        for tile in cut:
            count[tiles.index(tile.own[name])] += 1
        assert (count == 1).all()
    assert max(t.need["input"][0][1] - t.need["input"][0][0] for t in cut) <= 20 + 12    # pool2 sees 6 to each side


def test_a_tile_takes_weights_that_are_transformed_once(rng):
    weights = Weights(0)
    net = Network().add("a", weights.conv(3, 3, 3, 16, padding=1)).add("b", weights.conv(3, 3, 16, 16, padding=1))
    net.image_gradient(rng.standard_normal((1, 64, 64, 3)).astype("f4"), energy("b"), tile=32)
    assert {key[:2] for key in net.layers["b"].derived} == {("winograd4", "forward"), ("winograd4", "input")}


def test_without_layers_the_whole_net_is_seen(vgg, rng):
    x = rng.standard_normal((1, 16, 16, 3))
    loss, dx = vgg.image_gradient(x, lambda acts: (float(acts["fc8"][0, 2]), {"fc8": np.eye(5)[2:3]}))
    acts = vgg.forward(x)
    assert loss == acts["fc8"][0, 2]
    np.testing.assert_array_equal(dx, vgg.backward(acts, {"fc8": np.eye(5)[2:3]})[0]["input"])


@pytest.mark.parametrize(
    "objective, tile, error, sentence",
    [
        (energy("pool2"), 3, BadValue, "3 x 3 pixels is smaller than the halo of pool2, which sees 6 rows and 6 col"),
        (energy("fc8"), 64, BadValue, "fc8 sees the whole picture from every position"),
        (lambda acts: (0.0, {}), 64, BadValue, "<lambda> does not: mark a sum over positions"),
        (energy("pool3"), 64, UnknownName, "no layer named 'pool3'"),
        (energy("pool2"), 0, BadValue, "tile must be at least 1"),
        (energy("pool2"), "big", BadValue, "tile must be an int or a pair of ints"),
    ],
)
def test_mistakes(vgg, objective, tile, error, sentence):
    with pytest.raises(error, match=sentence):
        vgg.image_gradient(np.zeros((1, 16, 16, 3)), objective, tile=tile)
