"""What is worked out of one picture: any layer of any net, and numbers as bytes."""

import json
import tracemalloc
from functools import partial

import numpy as np
import pytest
from commandline import scene
from ended_nets import ENDS, ended

from minivis.engine.network import Network
from minivis.engine.units import one_hot
from minivis.errors import BadValue, UnknownName
from minivis.layers import Conv2D
from minivis.live import messages
from minivis.live.microscope import Microscope, View, where_it_looks
from minivis.live.stages import small_pictures
from minivis.live.switched_off import switched_off
from minivis.models.tiny import tiny_branches, tiny_vgg


@pytest.mark.parametrize("make", [tiny_branches, lambda: tiny_vgg(channels=1), *(partial(ended, end) for end in ENDS)])
def test_any_net_any_layer(make):
    net = make()
    scope = Microscope(net)
    json.loads(messages.as_json(scope.describe()))
    for layer in ["input", *scope.net.nodes]:
        view = scope.changed(scope.first_view(), layer=layer, unit=f"{layer}:0", rule="deconv")
        head, arrays = messages.opened(scope.look(scene(16, 16), view))
        assert arrays["limits"].shape == (head["shape"][-1],)
        assert head["unit"]["channel"] == 0 and arrays["gradient"].ndim == 3
        assert head["unit"]["shape"] == list(arrays["map"].shape)


def test_a_net_without_classes_has_no_top():
    net = tiny_vgg()
    net.roles.update(logits=None, prob=None)
    scope = Microscope(net)
    head, _ = messages.opened(scope.look(scene(), scope.first_view()))
    assert head["top"] == [] and scope.describe()["net"]["classes"] == []


def test_classes_beyond_the_names_are_called_by_their_numbers():
    scope = Microscope(tiny_vgg())
    scope.net.class_names = scope.net.class_names[:2]
    assert scope.describe()["net"]["classes"] == [*scope.net.class_names, "class 2", "class 3", "class 4"]


def test_a_net_with_one_output_has_two_answers():
    scope = Microscope(ended("one logit", names=["cat"]))
    head, _ = messages.opened(scope.look(scene(), scope.first_view()))
    assert {name for _, name, _ in head["top"]} == {"cat", "not cat"}
    assert sum(p for *_, p in head["top"]) == pytest.approx(1)
    assert scope.describe()["net"]["classes"] == ["cat", "not cat"]


def test_the_smallest_and_the_largest_number_of_each_map_are_told(rng):
    net = tiny_vgg()
    for layer in ("conv1_1", "fc8", "prob"):
        head, arrays = messages.opened(Microscope(net).look(scene(16, 16), View(layer, f"{layer}:3")))
        value = net.forward(net.preprocess(net.fit(scene(16, 16))))[layer][0].reshape(-1, len(arrays["low"]))
        np.testing.assert_allclose(arrays["low"], value.min(axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(arrays["high"], value.max(axis=0), rtol=1e-4, atol=1e-6)
        if layer != "conv1_1":
            assert head["unit"]["value"] == pytest.approx(float(arrays["high"][3]), rel=1e-4)
            assert head["unit"]["limit"] == pytest.approx(float(abs(value).max()), rel=1e-4)


def test_a_view_names_only_what_the_net_has():
    scope = Microscope(tiny_vgg())
    view = scope.first_view()
    assert (view.layer, view.unit, view.rule) == ("relu1_1", None, "normal")
    seen = scope.changed(view, unit="conv1_1:1@15,15")
    assert seen.unit == "conv1_1:1@15,15" and scope.changed(seen, unit="").unit is None
    for wrong in ("conv1_1:1@16,0", "conv1_1:1@0,16", "fc8:1@0,0"):
        with pytest.raises(BadValue):
            scope.changed(view, unit=wrong)


def test_an_answer_may_leave_out_what_takes_long():
    scope = Microscope(tiny_vgg())
    view = scope.changed(scope.first_view(), unit="relu2_1:1@max")
    head, arrays = messages.opened(scope.look(scene(), view, parts=()))
    assert "gradient" not in arrays and "strip" not in arrays and "looks" not in head["unit"]
    whole, more = messages.opened(scope.look(scene(), view))
    assert len(more["strip"]) == len(scope.stages) and whole["top"] == head["top"]
    np.testing.assert_array_equal(more["map"], arrays["map"])


def test_the_signal_back_from_a_unit_is_shown_for_a_whole_layer():
    net = tiny_vgg()
    scope = Microscope(net)
    view = scope.changed(scope.first_view(), layer="relu1_2", unit="fc8:2", rule="guided", show="back")
    head, arrays = messages.opened(scope.look(scene(), view))
    acts = net.forward(net.preprocess(net.fit(scene())))
    dacts, _ = net.backward(acts, one_hot(acts, "fc8:2"), rule="guided", keep="all")
    assert head["show"] == "back"
    np.testing.assert_allclose(arrays["high"], dacts["relu1_2"][0].max(axis=(0, 1)), rtol=1e-4, atol=1e-9)
    above = scope.changed(view, layer="prob")           # the signal does not come by there
    assert messages.opened(scope.look(scene(), above))[0]["show"] == "activations"
    with pytest.raises(UnknownName, match="no thing to show"):
        scope.changed(view, show="nothing")


def test_units_that_are_switched_off_change_the_answers():
    net = tiny_vgg()
    scope = Microscope(net)
    view = scope.changed(scope.first_view(), off=("relu2_1:0", "relu2_1:1@max", "relu2_1:0"))
    assert view.off == (("relu2_1", 0), ("relu2_1", 1))
    head, _ = messages.opened(scope.look(scene(), view))
    without = switched_off(net, view.off)
    probs = without.forward(net.preprocess(net.fit(scene())))["prob"][0]
    assert head["top"][0][2] == pytest.approx(float(probs.max()), rel=1e-5)
    for k in range(10):                                 # nets with other units off are forgotten
        scope.without((("relu1_1", k % 4),))
    assert len(scope.switched) <= 4 and () in scope.switched


def test_a_unit_looks_where_most_of_its_gradient_lies():
    gradient = np.zeros((20, 20, 3))
    gradient[5:9, 10:12] = 1
    assert where_it_looks(gradient) == [5, 10, 9, 12]
    gradient[0, 0] = 0.01                               # a faint point far away is none of it
    assert where_it_looks(gradient) == [5, 10, 9, 12]
    assert where_it_looks(np.zeros((4, 4, 3))) is None


def test_a_twentieth_of_the_energy_may_lie_on_each_side():
    """Of 100 rows of one energy the first five and the last five; 100 and 20 columns differ."""
    gradient = np.ones((100, 20, 3))
    assert where_it_looks(gradient)[::2] in ([4, 95], [4, 96], [5, 95], [5, 96])       # as 5 of 100 is rounded
    assert where_it_looks(gradient)[1::2] in ([0, 19], [0, 20], [1, 19], [1, 20])
    gradient[:4], gradient[-4:] = 0, 0
    gradient[0] = np.sqrt(92 * 0.04 / 0.96)                                            # 4 %
    assert where_it_looks(gradient)[0] > 3
    gradient[0] = np.sqrt(92 * 0.06 / 0.94)                                            # 6 %
    assert where_it_looks(gradient)[0] == 0


def test_the_strip_is_made_without_keeping_all_that_it_shows(rng):
    net = Network()
    for k in range(16):
        net.add(f"conv{k}", Conv2D(rng.standard_normal((1, 1, 3, 3)).astype(np.float32)))
    scope = Microscope(net, "chain")
    x, _, _ = scope.input(rng.integers(0, 256, (64, 64, 3), np.uint8))
    shown = [stage["shows"] for stage in scope.stages]

    def at_once():
        return small_pictures([net.forward(x, keep=shown, grad=None)], scope.stages)

    peaks, strips = [], []
    for make in (at_once, partial(scope.strip, net, x)):
        make()                                              # the weights are prepared by then
        tracemalloc.start()
        strips.append(make())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    np.testing.assert_array_equal(*strips)
    assert peaks[1] < peaks[0] / 2


@pytest.mark.parametrize("size, side", [(16, 128), (160, 200), (None, 224)])
def test_a_picture_is_sent_a_quarter_larger_than_the_net_takes_it(size, side):
    net = tiny_branches() if size is None else tiny_vgg(size=size)
    assert Microscope(net).describe()["side"] == side
