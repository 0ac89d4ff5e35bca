"""Objectives: values by definition, seeds by finite differences, sums, and what is refused."""

import numpy as np
import pytest

from minivis.engine.image_gradient import by_tiles, losses_by_tiles
from minivis.engine.network import Activations
from minivis.engine.units import Unit, parse_unit
from minivis.errors import BadValue
from minivis.objectives import activations as o
from minivis.objectives.base import as_objective
from minivis.objectives.priors import alpha_norm, l2, tv
from minivis.objectives.style import gram, style_distance


@pytest.fixture
def x(vgg, rng):
    return rng.standard_normal((3, 16, 16, 3))


@pytest.mark.parametrize("channel, said", [
    (3, "fc8:3"), ([3], "fc8:3"), ([0, 2], "fc8:2 units"), (np.array([0, 2, 4]), "fc8:3 units"),
])  # fmt: skip
def test_an_objective_names_one_unit_or_says_how_many(channel, said):
    assert said in str(o.score("fc8", channel)) and said in str(o.log_probability("fc8", channel))


def numerical_seed(net, acts, objective, layer, rng, step=1e-6):
    """(by seeds, by central differences) of the loss along a random direction of one layer's output."""
    d = rng.standard_normal(acts[layer].shape)
    losses = []
    for t in (step, -step):
        moved = Activations(net, acts.mode)
        moved.update(acts)
        moved.shapes.update(acts.shapes)
        moved[layer] = acts[layer] + t * d
        losses.append(objective(moved)[0])
    return float((objective(acts)[1][layer] * d).sum()), (losses[0] - losses[1]) / (2 * step)


def waves(shape):
    return np.sin(np.arange(np.prod(shape))).reshape(shape)


ALL = {
    "score": lambda acts: o.score("fc8", 3),
    "score of each": lambda acts: o.score("fc8", [0, 2, 4]),
    "channel": lambda acts: o.channel("conv2_1", 5),
    "neuron": lambda acts: o.neuron("conv2_1", 5, (1, 3)),
    "strongest": lambda acts: o.neuron("conv2_1", [1, 2, 3], "max"),
    "log value": lambda acts: o.log_value(parse_unit(acts.net, "conv2_1:5"), 0.3),
    "log value of each": lambda acts: o.log_value([parse_unit(acts.net, f"fc8:{i}") for i in (0, 2, 4)], 0.2),
    "log value at a place": lambda acts: o.log_value(parse_unit(acts.net, "conv2_1:5@1,3"), 50.0),
    "probability": lambda acts: o.probability("prob", 1),
    "log p": lambda acts: o.log_probability("fc8", [1, 0, 2]),
    "interpolation": lambda acts: o.interpolation("relu2_1", 1, 6),
    "direction": lambda acts: o.direction("conv2_1", np.linspace(-1, 1, 8)),
    "direction at each position": lambda acts: o.direction("conv2_1", waves(acts.shapes["conv2_1"][1:])),
    "direction of maps": lambda acts: o.direction("fc7", np.linspace(-1, 1, 7)),
    "energy": lambda acts: o.energy("conv2_1"),
    "code": lambda acts: o.code_distance("conv2_1", acts["conv2_1"][:1] * 0.5 + 0.1),
    "codes": lambda acts: o.code_distance("fc7", acts["fc7"] + 0.3),
    "style": lambda acts: style_distance("conv2_1", gram(acts["conv2_1"][1:2])),
    "diversity": lambda acts: o.diversity("relu2_1"),
    "diversity of codes": lambda acts: o.diversity("fc7"),
    "diversity beside others": lambda acts: o.diversity("relu2_1", acts["relu2_1"][:1] + 1),
    "diversity of codes beside others": lambda acts: o.diversity("fc7", acts["fc7"][:1] + 1),
    "l2": lambda acts: l2(),
    "tv": lambda acts: tv(),
    "tv of beta 1": lambda acts: tv(1),
    "tv of beta 3": lambda acts: tv(3),
    "log sigmoid": lambda acts: o.log_sigmoid("fc8", 1),
    "alpha norm": lambda acts: 1e-9 * alpha_norm(6),
    "alpha norm of 1.5": lambda acts: alpha_norm(1.5),
    "sum": lambda acts: -2 * o.score("fc8", 3) + 0.5 * o.energy("conv2_1") + 1e-3 * tv(),
}


def test_the_log_of_a_value_is_straight_below_its_scale_and_as_steep_in_a_net_of_larger_scores(vgg):
    for factor in (1, 1000):
        acts = {"fc8": factor * np.array([[8.0, 0], [2.0, 0], [-3.0, 0]])}
        found = o.log_value(Unit("fc8", 0), 2.0 * factor).evaluate(acts)
        np.testing.assert_allclose(found.losses, [np.log(4), 0, -2.5])
        np.testing.assert_allclose(found.seeds["fc8"] * factor, [[1 / 8, 0], [1 / 2, 0], [1 / 2, 0]])


@pytest.mark.parametrize("name", ALL)
def test_seeds_are_the_gradient(vgg, x, rng, name):
    acts = vgg.forward(x)
    objective = ALL[name](acts)
    for layer in objective.layers:
        got, expected = numerical_seed(vgg, acts, objective, layer, rng)
        assert got == pytest.approx(expected, rel=2e-6, abs=1e-9) and abs(expected) > 1e-12
    assert set(objective(acts)[1]) == set(objective.layers)


@pytest.mark.parametrize("name", ALL)
def test_seeds_go_down_the_net(vgg, x, rng, name):
    """The loss at the image itself, along one direction."""
    objective = ALL[name](vgg.forward(x))
    acts = vgg.forward(x, keep={"input", *objective.layers})
    loss, seeds = objective(acts)
    dx = vgg.backward(acts, seeds)[0]["input"]
    d = rng.standard_normal(x.shape)
    ends = [objective(vgg.forward(x + t * d))[0] for t in (1e-6, -1e-6)]
    assert float((dx * d).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-8)
    assert isinstance(loss, float)


@pytest.mark.parametrize("name", sorted({name for name in ALL if "diversity" not in name} - {"interpolation", "style"}))
def test_images_of_a_batch_do_not_know_of_each_other(vgg, x, name):
    acts = vgg.forward(x)
    objective = ALL[name](acts)
    losses = objective.evaluate(acts).losses
    assert losses.shape == (3,) and losses.dtype == np.float64
    assert losses.sum() == pytest.approx(objective(acts)[0], rel=1e-12)
    other = x.copy()
    other[1] *= 1.5
    changed = objective.evaluate(vgg.forward(other)).losses
    np.testing.assert_allclose(changed[[0, 2]], losses[[0, 2]], rtol=1e-9)
    assert changed[1] != losses[1]


def test_values_by_definition(vgg, x):
    acts = vgg.forward(x)
    a, s = acts["conv2_1"], acts["fc8"]
    assert o.channel("conv2_1", 5)(acts)[0] == pytest.approx(a[..., 5].sum())
    assert o.neuron("conv2_1", 5, "max")(acts)[0] == pytest.approx(a[..., 5].max(axis=(1, 2)).sum())
    assert o.neuron("conv2_1", 5, (1, 3))(acts)[0] == pytest.approx(a[:, 1, 3, 5].sum())
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    assert o.log_probability("fc8", 2)(acts)[0] == pytest.approx(np.log(p[:, 2]).sum())
    assert o.probability("prob", 2)(acts)[0] == pytest.approx(p[:, 2].sum())
    np.testing.assert_allclose(o.interpolation("fc8", 0, 1).evaluate(acts).losses,
                               [s[0, 0], (s[1, 0] + s[1, 1]) / 2, s[2, 1]])
    g = np.einsum("nijc,nijd->ncd", a, a) / (8 * 8 * 8)
    np.testing.assert_allclose([gram(a[i : i + 1]) for i in range(3)], g)
    assert style_distance("conv2_1", g.mean(axis=0))(acts)[0] == pytest.approx(0, abs=1e-12)
    v = g.reshape(3, -1)
    cos = (v @ v.T) / np.linalg.norm(v, axis=1) / np.linalg.norm(v, axis=1)[:, None]
    np.testing.assert_allclose(o.diversity("conv2_1").evaluate(acts).losses, (cos.sum(axis=1) - 1) / 2)
    assert o.diversity("fc7")(vgg.forward(x[:1]))[0] == 0
    for layer in ("conv2_1", "fc7"):                        # beside images that stand: the third of three
        whole, alone = o.diversity(layer).evaluate(acts), vgg.forward(x[2:])
        found = o.diversity(layer, acts[layer][:2]).evaluate(alone)
        np.testing.assert_allclose(found.losses, whole.losses[2:])
        np.testing.assert_allclose(found.seeds[layer], whole.seeds[layer][2:] / 2)      # the others do not move
    assert o.code_distance("fc7", 2 * acts["fc7"]).evaluate(acts).losses == pytest.approx([0.25] * 3)


def test_priors_are_in_levels(vgg):
    """scale 60: a step of 1 in the net's input is 60 levels."""
    x = np.zeros((1, 16, 16, 3))
    x[0, 2, 3, 1] = 1.0
    acts = vgg.forward(x, until="conv1_1")
    assert l2()(acts)[0] == pytest.approx(60**2)
    assert alpha_norm(6)(acts)[0] == pytest.approx(60**6)
    assert tv()(acts)[0] == pytest.approx(4 * 60**2)                # right of it, below, left, above
    assert tv(1)(acts)[0] == pytest.approx(60 * (2 + 2**0.5), rel=1e-2)     # one pixel has both differences
    x[0, 2, 3, 1] = 0
    x[0, 15, 15, 0] = 1                                             # in the corner: only left and above
    assert tv()(vgg.forward(x, until="conv1_1"))[0] == pytest.approx(2 * 60**2)
    assert tv(1)(vgg.forward(np.ones_like(x), until="conv1_1"))[0] == 0


def test_sums_scale_and_name_their_terms(vgg, x):
    acts = vgg.forward(x)
    a, b = o.score("fc8", 1), l2()
    both = -1 * a + 1e-3 * b
    assert both(acts)[0] == pytest.approx(-a(acts)[0] + 1e-3 * b(acts)[0])
    assert both.terms(acts) == pytest.approx({"fc8:1": -a(acts)[0], "l2": 1e-3 * b(acts)[0]})
    assert str(both) == "-1 fc8:1 + 0.001 l2" and both.layers == ("fc8", "input")
    assert (2 * both)(acts)[0] == pytest.approx(2 * both(acts)[0]) and (-both)(acts)[0] == -both(acts)[0]
    assert (a - b)(acts)[0] == pytest.approx(a(acts)[0] - b(acts)[0])
    assert sum([a, b, a]).layers == ("fc8", "input")
    assert (0 * a).parts == () and (0 * a + b).parts == b.parts
    np.testing.assert_allclose((a + a)(acts)[1]["fc8"], 2 * a(acts)[1]["fc8"])


def test_losses_are_summed_in_float64(rng):
    """A float32 sum of 2^24 ones and some more loses the rest."""
    assert o.row_sums(np.ones((1, 2**24 + 3), np.float32))[0] == 2**24 + 3


def test_a_function_of_your_own(vgg, x):
    def mine(acts):
        return acts["fc7"].sum(), {"fc7": np.ones_like(acts["fc7"])}

    acts = vgg.forward(x)
    both = o.score("fc8", 0) + mine
    assert both.layers is None and both(acts)[0] == pytest.approx(acts["fc8"][:, 0].sum() + acts["fc7"].sum())
    assert (mine + o.score("fc8", 0)).terms(acts)["mine"] == pytest.approx(acts["fc7"].sum())
    with pytest.raises(BadValue, match="returns \\(loss, seeds\\)"):
        as_objective(3)
    with pytest.raises(BadValue, match="returns \\(loss, seeds\\)"):
        3 + o.score("fc8", 0)                                           # sum() begins with 0, and with nothing else


def test_units(vgg, x):
    acts = vgg.forward(x)
    assert o.unit_value(parse_unit(vgg, "goose"))(acts)[0] == pytest.approx(acts["fc8"][:, 0].sum())
    three = [parse_unit(vgg, name) for name in ("bus", "owl", "cat")]
    np.testing.assert_allclose(o.unit_value(three).evaluate(acts).losses, acts["fc8"][[0, 1, 2], [2, 3, 1]])
    assert o.unit_value(parse_unit(vgg, "conv2_1:3@1,2"))(acts)[0] == pytest.approx(acts["conv2_1"][:, 1, 2, 3].sum())
    assert o.neuron("conv2_1", 3, (0, 0))(acts)[0] == pytest.approx(acts["conv2_1"][:, 0, 0, 3].sum())


@pytest.mark.parametrize("of", [o.unit_value, lambda units: o.log_value(units, [0.1, 2.0, 0.3][: len(units)])])
def test_units_of_several_layers_are_each_their_own_images(vgg, x, of):
    acts = vgg.forward(x)
    units = [parse_unit(vgg, name) for name in ("bus", "conv2_1:3@1,2", "conv2_1:3@max")]
    losses, seeds, _ = of(units).evaluate(acts)
    scales = [0.1, 2.0, 0.3]
    for i, unit in enumerate(units):
        alone = o.unit_value(unit) if of is o.unit_value else o.log_value(unit, scales[i])
        here = {layer: acts[layer][i : i + 1] for layer in ("fc8", "conv2_1")}
        loss, own = alone(here)
        assert losses[i] == pytest.approx(loss) and loss != 0
        for layer, seed in seeds.items():
            np.testing.assert_allclose(seed[i], own[layer][0] if layer in own else 0 * seed[i], rtol=1e-6)
    assert set(seeds) == {"fc8", "conv2_1"}


@pytest.mark.parametrize("make, sentence", [
    (lambda: o.neuron("fc8", 1, "max"), "has no positions"),
    (lambda: o.neuron("conv2_1", 1, (8, 0)), "outside maps of 8 rows and 8 columns"),
    (lambda: o.direction("conv2_1", np.ones(7)), r"must have the shape \(8,\) or \(8, 8, 8\), not \(7,\)"),
    (lambda: o.code_distance("fc7", np.zeros((1, 7))), "zero everywhere"),
    (lambda: o.code_distance("fc7", np.ones((2, 7))), r"shape \(3, 7\), not \(2, 7\)"),
    (lambda: float("nan") * l2(), "finite number"),
    (lambda: alpha_norm(0.5), "at least 1"),
    (lambda: tv(0), "above 0"),
])
def test_mistakes(vgg, x, make, sentence):
    with pytest.raises(BadValue, match=sentence):
        make()(vgg.forward(x))


@pytest.mark.parametrize("name", ALL)
def test_tiles(vgg, rng, name):
    """In tiles: the same loss of each image and the same gradient, or a sentence that says why not."""
    x = rng.standard_normal((3, 32, 36, 3))
    layers = ALL[name](vgg.forward(np.zeros((3, 16, 16, 3)))).layers
    if set(layers) & {"fc7", "fc8", "prob"}:
        return
    acts = vgg.forward(x, until="relu2_1")
    objective = ALL[name](acts)
    if name in ("neuron", "strongest", "log value at a place"):
        with pytest.raises(BadValue, match=r"conv2_1:.* does not: mark a sum over positions"):
            vgg.image_gradient(x, objective, tile=12)
        return
    shares, dx = by_tiles(vgg, x, objective.parts, (9, 12))
    wanted = objective.evaluate(acts)
    for share, alone in zip(shares, losses_by_tiles(vgg, x, objective.parts, (9, 12)), strict=True):
        np.testing.assert_allclose(alone, share, rtol=1e-10, atol=1e-20)
    found = objective.evaluation(shares, {}, 3)
    np.testing.assert_allclose(found.losses, wanted.losses, rtol=1e-10, atol=1e-20)
    assert found.terms == pytest.approx(wanted.terms, rel=1e-10, abs=1e-20)
    expected = vgg.backward(acts, wanted.seeds)[0]["input"]
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


class Scores(dict):
    """Activations of one layer, without a net."""

    def __init__(self, scores):
        super().__init__(fc8=np.asarray(scores))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_probability_of_scores_far_apart(dtype):
    """Scores 0, 200, 3 and 0, -200, 3: neither exponential may overflow, and the gradient does not fade."""
    scores = np.array([[0, 200, 3], [0, -200, 3], [1e4, 0, 3]], dtype)
    found = o.log_probability("fc8", [0, 1, 1]).evaluate(Scores(scores))
    np.testing.assert_allclose(found.losses, [-200, -200 - np.log(1 + np.exp(3)), -1e4], rtol=1e-6)
    rare = np.exp(-3) / (1 + np.exp(-3))
    np.testing.assert_allclose(found.seeds["fc8"], [[1, -1, 0], [-rare, 1, rare - 1], [-1, 1, 0]], rtol=1e-5,
                               atol=1e-30)
    np.testing.assert_allclose(o.log_probability("fc8", 1).evaluate(Scores(scores[:1])).losses, [0], atol=1e-30)
