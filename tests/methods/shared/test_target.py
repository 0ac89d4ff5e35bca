"""Which unit a method is asked about."""

import numpy as np
import pytest
from ended_nets import ENDS, ended
from linear_nets import PICTURE, linear

from minivis.engine.ending import answering
from minivis.errors import BadValue, MinivisError
from minivis.methods.attribution.occlusion import occlusion
from minivis.methods.attribution.saliency import saliency
from minivis.methods.looking.classify import classify
from minivis.methods.shared.target import aim, asked, last_of, units_of


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_a_net_without_classes_asks_for_a_unit(vgg, picture):
    from dataclasses import replace

    headless = replace(vgg, roles={**vgg.roles, "logits": None, "prob": None}, class_names=())
    with pytest.raises(MinivisError, match="no classes: name a unit of one of its layers, such as 'relu2_1:0@max'"):
        occlusion(headless, picture)
    assert occlusion(headless, picture, "relu2_1:1").settings["measure"] == "score"


def test_an_answer_that_is_no_number_is_refused(vgg, picture):
    huge = vgg.map_params(lambda p: p * 1e200)
    for method in (classify, saliency):
        with pytest.raises(BadValue, match="infinite or NaN"), np.errstate(all="ignore"):
            method(huge, picture)


def test_each_picture_has_a_unit_of_its_own():
    """The scores of a by hand: (pixels - 100) / scale times the weights; b is always 0."""
    net, other = linear(), np.full_like(PICTURE, 110)
    target = aim(net, net.preprocess(np.stack([PICTURE, other, other])), ["a", "b", "a"])
    scores = [99 * 5 / 20 + 2 * 154 / 40 + 3 * 30 / 20 + 4 * 93 / 40, 0, 1 - 2.5 + 0.5 + 1.5 - 1]
    np.testing.assert_allclose(target.values, scores, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(target.seeds()["fc"], [[1, 0], [0, 1], [1, 0]])
    odds = np.exp(-0.5)                                                 # of a against b, for the other picture
    np.testing.assert_allclose(target.probs[1:], [1 / (1 + odds), odds / (1 + odds)], rtol=1e-9)


def test_the_default_is_what_the_net_puts_first_in_each_picture():
    net, dark = linear(), np.array([[[0, 100, 100], [100, 100, 100]]], np.uint8)        # a has -10 there
    target = aim(net, net.preprocess(np.stack([PICTURE, dark])))
    assert [unit.channel for unit in target.units] == [0, 1] and (target.probs > 0.99).all()
    assert [target.name(i) for i in (0, 1)] == ["a", "b"] and target.title(1) == "b >99.9 %"
    assert target.describe(1) == {"unit": "fc:1", "name": "b", "value": 0.0, "probability": float(target.probs[1])}


def test_a_unit_that_is_no_class_has_a_value_and_no_probability():
    net = linear(scale=(10.0, 10.0, 10.0))
    target = aim(net, net.preprocess(PICTURE[None]), "flatten:2")
    assert target.probs is None and target.title(0) == "flatten:2 = 15.4"           # (254 - 100) / 10
    assert target.describe(0) == {"unit": "flatten:2", "name": "flatten:2", "value": pytest.approx(15.4)}


def test_a_pass_goes_no_farther_than_it_must(vgg):
    assert last_of(vgg, ["fc8", "input", "conv1_1"]) == "fc8" and last_of(vgg, ["conv1_1", "input"]) == "conv1_1"
    acts = aim(vgg, np.zeros((1, 16, 16, 3)), "conv1_2:0@max", also=("conv1_1",)).acts
    assert "conv1_1" in acts and "conv1_2" in acts and "fc8" not in acts


def test_units_for_pictures(vgg):
    cat, owl = units_of(vgg, ["cat", "owl"], 2)
    assert (cat.channel, owl.channel) == tuple(vgg.class_names.index(name) for name in ("cat", "owl"))
    assert units_of(vgg, None, 3) == () and units_of(vgg, "cat", 3) == (cat,) * 3 == units_of(vgg, (cat,), 3)
    with pytest.raises(BadValue, match="2 units for 3 pictures"):
        units_of(vgg, ["cat", "owl"], 3)
    with pytest.raises(BadValue, match="units are in several layers"):
        units_of(vgg, ["cat", "conv1_1:0"], 2)
    assert [asked(unit) for unit in (None, cat, [cat, "owl"])] == [None, "fc8:cat", ["fc8:cat", "owl"]]


@pytest.mark.parametrize("end", ENDS)
def test_classes_of_every_end_have_a_name_a_probability_and_a_gradient(end, picture):
    net = ended(end, names=["cat"] if end.startswith("one") else ["cat", "dog", "owl"], dtype=np.float64)
    full, x = answering(net), net.preprocess(picture).astype(float)
    last = "not cat" if end.startswith("one") else "owl"
    target = aim(full, x, last)
    assert target.name(0) == last and 0 < target.probs[0] < 1 and f"{last} " in target.title(0)
    wanted = {row["class"]: row["probability"] for row in classify(net, picture).numbers["top"]}
    assert target.probs[0] == pytest.approx(wanted[last])
    direction = np.random.default_rng(1).standard_normal(x.shape)
    slope = (full.backward(target.acts, target.seeds())[0]["input"] * direction).sum()
    ends = [aim(full, x + step * direction, last).values[0] for step in (1e-6, -1e-6)]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4)
