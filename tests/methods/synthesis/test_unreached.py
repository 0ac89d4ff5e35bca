"""Sentences about what `maximize` did not reach."""


import numpy as np
from ended_nets import ended

from minivis.engine.units import parse_unit
from minivis.methods.synthesis.maximize import maximize
from minivis.methods.synthesis.unreached import unreached
from minivis.models.tiny import tiny_vgg

CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "rotate": 0}


def test_a_unit_that_no_gradient_reaches_is_said_to_be_so():
    net = tiny_vgg()
    conv = net.layers["conv2_1"].params
    net.layers["conv2_1"].set_params(w=conv["w"], b=conv["b"] - 1000)
    made = maximize(net, ["relu2_1:3", "relu2_1:3", "relu2_1:4"], steps=2, **CALM)
    assert [note for note in made.notes if "ReLU" in note] == [
        f"relu2_1:{i} is 0 in the image, and where a ReLU gives 0 no gradient passes: maximize conv2_1:{i} instead, "
        "the same unit before its ReLU" for i in (3, 4)]
    assert str(made).endswith(made.notes[-1]) and made.notes[-1] in made.numbers["notes"]
    assert not any("ReLU" in note for note in maximize(net, "conv2_1:3", steps=2, **CALM).notes)


def test_a_class_that_its_own_image_does_not_show_is_said_to_be_so():
    net = tiny_vgg()
    names = net.class_names
    best, least = names.index("goose"), names.index("owl")
    answers = np.full((3, len(names)), 0.01)
    answers[:, best] = 0.5
    units = [parse_unit(net, net.class_names[k]) for k in (best, least, best)]
    lines = unreached(net, units, np.ones(3), answers)
    assert len(lines) == 1                              # half a chance is enough
    assert lines[0].startswith("owl has a probability of only 1.0 % in its own image, where the net sees goose with 50")
    net.class_names, answers[0, best] = [], 0.4
    assert unreached(net, units, np.ones(3), answers)[0].startswith(f"class {best} has")


def test_a_net_whose_classes_do_not_exclude_each_other_names_no_other_class():
    net = ended("sigmoids")
    lines = unreached(net, [parse_unit(net, 0)], np.ones(1), np.array([[0.1, 0.9, 0.2]]))
    assert len(lines) == 1 and "10.0 % in its own image:" in lines[0]


def test_the_result_says_so():
    grey = maximize(tiny_vgg(), "goose", steps=0)
    assert any("goose has a probability of only" in note for note in grey.notes) and grey.notes[0] in str(grey)
    assert not maximize(tiny_vgg(), "conv2_1:3", steps=0).unreached
