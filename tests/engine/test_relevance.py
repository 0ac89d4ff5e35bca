"""Relevance through whole nets: nothing lost without biases, the picture's own rule, and layers that have none."""

from dataclasses import replace

import numpy as np
import pytest

import minivis as mv
from minivis.engine.network import Network
from minivis.engine.relevance import first_weighed, limits_of
from minivis.errors import BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import (
    RULES,
    Add,
    AvgPool2D,
    Concat,
    Conv2D,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    Layer,
    MaxPool2D,
    Pad2D,
    ReLU,
    Sigmoid,
    Softmax,
)
from minivis.layers.relevance import RELEVANCE_RULES, AlphaBeta, Box, Epsilon, Flat, Gamma, RelevanceRule, everywhere

EXACT = [replace(rule, maps=replace(rule.maps, epsilon=0) if isinstance(rule.maps, Epsilon) else rule.maps,
                 rows=replace(rule.rows, epsilon=0) if isinstance(rule.rows, Epsilon) else rule.rows,
                 first=replace(rule.first, epsilon=0) if isinstance(rule.first, Epsilon) else rule.first)
         for rule in RELEVANCE_RULES.values()]


def unbiased(rng, channels=3):
    """A net with a branch, a sum and both pools, without any bias."""
    net = Network(preprocessing=Preprocessing(mean=(100.0,) * channels, scale=(50.0,) * channels))
    w = rng.standard_normal
    net.add("conv1", Conv2D(w((3, 3, channels, 6)), padding=1)).add("relu1", ReLU())
    net.add("a", Conv2D(w((1, 1, 6, 4))), "relu1").add("b", Conv2D(w((3, 3, 6, 4)), padding=1), "relu1")
    net.add("sum", Add(), "a", "b").add("relu2", ReLU()).add("concat", Concat(), "relu2", "relu1")
    net.add("pool", MaxPool2D(2)).add("mean", AvgPool2D(2)).add("flatten", Flatten())
    return net.add("fc", FullyConnected(w((10 * 2 * 2, 3))))


@pytest.mark.parametrize("rule", EXACT, ids=RELEVANCE_RULES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_score_without_biases_is_shared_out_exactly(rule, channels, rng):
    net = unbiased(rng, channels)
    x = net.preprocess(rng.integers(0, 256, (2, 8, 8, channels)).astype(float))
    x = x.astype(np.float64)
    acts = net.forward(x, keep=["fc"])
    seed = np.where(acts["fc"] == acts["fc"].max(axis=1, keepdims=True), acts["fc"], 0)
    found = net.backward(acts, {"fc": seed}, rule=rule, keep="all")[0]
    for name, R in found.items():
        if name in ("input", "conv1", "concat", "mean", "fc"):              # all paths go through these
            np.testing.assert_allclose(R.reshape(2, -1).sum(axis=1), seed.sum(axis=1), rtol=1e-8, err_msg=name)


def test_what_biases_keep_is_what_is_missing(rng):
    """By hand: the score 2 * (3 * 5 + 1) - 4 = 28 gives 32 to the hidden unit, of which the bias keeps 2."""
    net = Network(preprocessing=Preprocessing(mean=(0.0,), scale=(1.0,)))
    net.add("flatten", Flatten()).add("fc1", FullyConnected(np.array([[3.0]]), np.array([1.0]))).add("relu", ReLU())
    net.add("fc2", FullyConnected(np.array([[2.0]]), np.array([-4.0])))
    acts = net.forward(np.full((1, 1, 1, 1), 5.0))
    assert acts["fc2"][0, 0] == 28
    dacts = net.backward(acts, {"fc2": acts["fc2"]}, rule=everywhere("", "", "", "", "", Epsilon(0)), keep="all")[0]
    assert (dacts["relu"].item(), dacts["input"].item()) == (32, 30)


def test_epsilon_without_end_is_gradient_times_input_in_a_net_of_relus(rng):
    net = unbiased(rng)
    x = rng.standard_normal((1, 8, 8, 3))
    acts = net.forward(x)
    seed = np.zeros_like(acts["fc"])
    seed[0, 1] = 1
    gradient = net.backward(acts, {"fc": seed})[0]["input"]
    rule = everywhere("", "", "", "", "", Epsilon(0))
    found = net.backward(acts, {"fc": seed * acts["fc"]}, rule=rule)[0]["input"]
    np.testing.assert_allclose(found, gradient * x, rtol=1e-6, atol=1e-9)


def test_a_composite_takes_its_rule_by_layer(rng):
    """conv1 by the first, a by that for maps, fc by that for rows: as when each layer is done by hand."""
    net = unbiased(rng)
    x = rng.standard_normal((1, 8, 8, 3))
    parts = (Gamma(0.4), Epsilon(0.1), Flat())
    rule = RelevanceRule("", "", "", "", "", *parts)
    whole = net.backward(net.forward(x), seeds_of(net, x), rule=rule, keep="all")[0]
    for part, above, below in ((parts[1], "fc", "flatten"), (parts[0], "mean", "pool"), (parts[2], "conv1", "input")):
        acts = net.forward(x)
        only = everywhere("", "", "", "", "", part)
        got = net.backward(acts, {above: whole[above]}, rule=only, keep=[below])[0][below]
        np.testing.assert_allclose(got, whole[below], rtol=1e-9)


def seeds_of(net, x):
    return {"fc": net.forward(x)["fc"]}


def test_kept_or_fused_or_not_the_shares_are_the_same(vgg, rng):
    x = rng.standard_normal((2, 16, 16, 3)).astype(vgg.dtype)
    logits = vgg.roles["logits"]
    plain = vgg.forward(x, fuse=False)
    short = vgg.forward(x, keep=[logits], workspace=vgg.workspace())
    for acts in (vgg.forward(x, keep=[logits]), vgg.forward(x), short):
        for rule in RELEVANCE_RULES:
            got, wanted = (vgg.backward(one, {logits: plain[logits]}, rule=rule)[0]["input"] for one in (acts, plain))
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6)


def test_nothing_runs_again_below_what_is_asked_for(vgg, rng, monkeypatch):
    x = rng.standard_normal((1, 16, 16, 3))
    acts, whole = vgg.forward(x, keep={"fc7", "fc8"}), vgg.forward(x)
    ran, forward = [], Conv2D.forward

    def noting(self, *inputs, mode):
        ran.append(mode.grad)
        return forward(self, *inputs, mode=mode)

    monkeypatch.setattr(Conv2D, "forward", noting)
    seeds = {"fc8": acts["fc8"]}
    found = vgg.backward(acts, seeds, rule="lrp-epsilon", keep=("fc6",))[0]
    assert "image" not in ran                   # only to begin the last segments, without a gradient
    np.testing.assert_allclose(found["fc6"], vgg.backward(whole, seeds, rule="lrp-epsilon", keep=("fc6",))[0]["fc6"])


def test_what_a_layer_reads_is_computed_again_where_only_its_output_was_kept(vgg, rng):
    x, names = rng.standard_normal((1, 16, 16, 3)), list(vgg.nodes)
    first = vgg.nodes["fc7"].inputs[0]
    acts = vgg.forward(x, keep=set(names[names.index("fc7"):]), fuse=False)
    whole = vgg.forward(x)
    assert first not in acts
    found, wanted = (vgg.backward(one, {"fc8": whole["fc8"]}, rule="lrp", keep=(first,))[0][first]
                     for one in (acts, whole))
    np.testing.assert_allclose(found, wanted)


def test_one_picture_of_a_batch_does_not_feel_the_others(rng):
    net = unbiased(rng)
    x = rng.standard_normal((3, 8, 8, 3)) * np.array([1, 10, 0.1])[:, None, None, None]
    for rule in RELEVANCE_RULES:
        together = net.backward(net.forward(x), seeds_of(net, x), rule=rule)[0]["input"]
        for i in range(3):
            alone = net.backward(net.forward(x[i : i + 1]), seeds_of(net, x[i : i + 1]), rule=rule)[0]["input"]
            np.testing.assert_allclose(together[i : i + 1], alone, rtol=1e-7, atol=1e-12)


def test_a_layer_without_a_rule_is_named(rng):
    net = unbiased(rng).add("prob", Softmax())
    acts = net.forward(rng.standard_normal((1, 8, 8, 3)))
    with pytest.raises(BadValue, match=r"prob \(Softmax\) has no LRP rule"):
        net.backward(acts, {"prob": acts["prob"]}, rule="lrp")
    net.backward(acts, {"fc": acts["fc"]}, rule="lrp")                      # below it all is well

    class Own(Layer):
        def forward(self, x, *, mode):
            return 2 * x, None

    net = Network().add("conv", Conv2D(np.ones((1, 1, 3, 2)))).add("mine", Own())
    acts = net.forward(np.ones((1, 2, 2, 3)))
    with pytest.raises(BadValue, match=r"mine \(Own\) has no LRP rule"):
        net.backward(acts, {"mine": acts["mine"]}, rule="lrp")


def test_parameters_and_training_passes_have_none(vgg, rng):
    x = rng.standard_normal((1, 16, 16, 3)).astype(vgg.dtype)
    logits = vgg.roles["logits"]
    acts = vgg.forward(x, grad="params")
    with pytest.raises(BadValue, match="parameters have no relevance"):
        vgg.backward(acts, {logits: acts[logits]}, rule="lrp", param_grads=True)
    acts = vgg.forward(x, training=True, rng=rng)
    with pytest.raises(BadValue, match="not through a training pass"):
        vgg.backward(acts, {logits: acts[logits]}, rule="lrp")


def test_a_pass_that_starts_above_the_picture(rng):
    net = unbiased(rng)
    maps = rng.uniform(0, 1, (1, 8, 8, 6))
    acts = net.forward(maps, start_after="relu1")
    found = net.backward(acts, {"fc": acts["fc"]}, rule="lrp", keep=["relu1"])[0]
    assert set(found) == {"fc", "relu1"} or set(found) == {"relu1"}
    assert found["relu1"].shape == maps.shape and first_weighed(net, acts) == set()


def test_the_first_weights_are_found_behind_what_has_none(rng):
    net = Network(preprocessing=Preprocessing("RGB", (0.0,) * 3, (1.0,) * 3))
    net.add("pad", Pad2D(1)).add("one", Conv2D(rng.standard_normal((3, 3, 3, 2))))
    net.add("two", Conv2D(rng.standard_normal((3, 3, 3, 2))), "pad").add("both", Concat(), "one", "two")
    net.add("three", Conv2D(rng.standard_normal((1, 1, 4, 2)))).add("mean", GlobalAvgPool())
    acts = net.forward(rng.uniform(0, 255, (1, 6, 6, 3)))
    assert first_weighed(net, acts) == {"one", "two"}
    low, high = limits_of(acts, "pad")
    assert low[0, 3, 3, 0] == 0 and high[0, 3, 3, 0] == 255 and high[0, 0, 0, 0] == low[0, 0, 0, 0] == 0
    assert net.backward(acts, {"mean": acts["mean"]}, rule="lrp")[0]["input"].shape == (1, 6, 6, 3)


def test_limits_are_those_of_pixels_or_of_this_picture(rng):
    net = unbiased(rng)
    x = np.zeros((2, 8, 8, 3))
    x[1, 0, 0, 2] = 9
    low, high = limits_of(net.forward(x), "input")
    np.testing.assert_allclose(low, -2)                                     # (0 - 100) / 50
    np.testing.assert_allclose(high[0], 3.1)
    np.testing.assert_allclose(high[1, ..., 2], 9)


def test_units_that_are_off_for_nobody(rng):
    """A net of sigmoids: shares are finite, and all of the score arrives but for what epsilon and biases keep."""
    net = Network().add("conv", Conv2D(rng.standard_normal((3, 3, 3, 4)))).add("s", Sigmoid())
    net.add("mean", GlobalAvgPool()).add("fc", FullyConnected(rng.standard_normal((4, 2))))
    acts = net.forward(rng.standard_normal((1, 6, 6, 3)))
    for rule in (Gamma(), AlphaBeta(), Flat()):
        rule = RelevanceRule("", "", "", "", "", Gamma(), Epsilon(0), rule)
        found = net.backward(acts, {"fc": acts["fc"]}, rule=rule)[0]["input"]
        assert found.sum() == pytest.approx(acts["fc"].sum(), rel=1e-9)


def test_box_needs_no_limits_from_the_caller():
    assert isinstance(RULES["lrp"].first, Box)
    assert mv.layers.RULES is RULES


def test_the_former_name_of_the_keyword(vgg, rng):
    x = rng.standard_normal((1, 16, 16, 3)).astype(vgg.dtype)
    logits = vgg.roles["logits"]
    acts = vgg.forward(x)
    a, b = (vgg.backward(acts, {logits: acts[logits]}, **{key: "lrp"})[0]["input"] for key in ("rule", "relu_rule"))
    np.testing.assert_array_equal(a, b)
