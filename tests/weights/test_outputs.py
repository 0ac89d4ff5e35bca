"""One output of several, and what its scores mean."""

import numpy as np
import pytest
from ended_nets import ENDS, ended

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.models.tiny import tiny_vgg
from minivis.weights.outputs import choose_output, tell_outputs, with_answers

PICTURE = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)


def two_headed():
    net = ended("softmax", names=["cat", "dog", "owl"])
    net.add("age", mv.layers.FullyConnected(np.ones((7, 2), "f4")), "relu7")
    tell_outputs(net, {"kind": "end", "years": "age"})
    return net


def test_the_first_output_is_the_answer_and_the_others_are_named():
    net = two_headed()
    assert net.about["output"] == "'kind'; the file also has 'years': --output names another"
    assert net.about["outputs"] == {"kind": "end", "years": "age"}
    alone = tiny_vgg()
    tell_outputs(alone, {"prob": "prob"})
    assert "output" not in alone.about


@pytest.mark.parametrize("name", ["years", "age"])
def test_another_output_is_chosen_by_its_name_or_its_layers(name):
    net = two_headed()
    choose_output(net, name)
    assert net.roles["logits"] == "age" and net.roles["prob"] is None and net.class_names == ()
    assert net.about["output"] == f"{name!r}, as asked for"
    assert len(mv.classify(net, PICTURE).numbers["top"]) == 2
    choose_output(net, "kind")
    assert net.roles["logits"] == "fc8" and net.roles["prob"] == "end"


def test_a_wrong_output_is_told_which_there_are(tmp_path):
    with pytest.raises(UnknownName, match=r"no output named 'yeers'.*'years'"):
        choose_output(two_headed(), "yeers")
    mv.save(two_headed(), tmp_path / "a.h5")
    net = mv.load(tmp_path / "a.h5", output="years", classes=["young", "old"])
    assert net.roles["logits"] == "age" and net.class_names == ("young", "old")


@pytest.mark.parametrize("end", [end for end in ENDS if not end.startswith("one")])
@pytest.mark.parametrize("kind", ["one", "several"])
def test_what_the_scores_mean(end, kind, tmp_path):
    net = with_answers(ended(end, dtype=np.float64), kind)
    z = net.forward(net.preprocess(PICTURE), grad=None)["fc8"][0]
    p = np.exp(z) / np.exp(z).sum() if kind == "one" else 1 / (1 + np.exp(-z))
    rows = mv.classify(net, PICTURE).numbers["top"]
    np.testing.assert_allclose([row["probability"] for row in rows], np.sort(p)[::-1], rtol=1e-9)
    mv.save(net, tmp_path / "a.h5")
    assert mv.load(tmp_path / "a.h5").roles == net.roles


def test_answers_need_classes():
    with pytest.raises(BadValue, match="one output, whose answers are yes and no"):
        with_answers(ended("one logit"), "several")
    with pytest.raises(UnknownName, match="no kind of answers named 'sum'"):
        with_answers(tiny_vgg(), "sum")
    net = tiny_vgg()
    net.roles.update(logits=None)
    with pytest.raises(BadValue, match="no classes"):
        with_answers(net, "one")
