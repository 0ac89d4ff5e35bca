"""A net held to what its own framework made of an input: files, names, orders of axes, and the first that differs."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.images.preprocessing import IDENTITY
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU, Softmax
from minivis.weights import expect

X = np.random.default_rng(0).standard_normal((2, 4, 5, 3))


@pytest.fixture
def net():
    rng = np.random.default_rng(1)
    w, fc = rng.standard_normal((3, 3, 3, 4)).astype("f4"), rng.standard_normal((24, 5)).astype("f4")
    net = Network(preprocessing=IDENTITY).add("conv/1", Conv2D(w)).add("relu", ReLU()).add("flatten", Flatten())
    net.add("fc", FullyConnected(fc)).add("prob", Softmax())
    net.roles.update(logits="fc", prob="prob")
    return net


@pytest.fixture
def save(tmp_path, net):
    acts = net.forward(X.astype("f4"), grad=None)
    arrays = {"x": X, "first": X.transpose(0, 3, 1, 2), "y": acts["fc"], "prob": acts["prob"],
              "conv": acts["conv/1"].transpose(0, 3, 1, 2), "flat": acts["relu"].transpose(0, 3, 1, 2).reshape(2, -1),
              "wrong": acts["conv/1"] * 1.01, "single": X[0], "of_single": acts["fc"][0]}  # fmt: skip
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "both.npz", x=X, y=acts["fc"])
    np.savez(tmp_path / "named.npz", **{"fc": acts["fc"], "conv/1": acts["conv/1"], "output": acts["prob"]})
    return lambda *words: [word.partition("=")[0] + f"={tmp_path / word.partition('=')[2]}" if "=" in word
                           else str(tmp_path / word) for word in words]  # fmt: skip


@pytest.mark.parametrize("words, layers", [
    (("x.npy", "y.npy"), ["fc"]), (("first.npy", "y.npy"), ["fc"]), (("x.npy", "prob.npy"), ["prob"]),
    (("both.npz",), ["fc"]), (("x.npy", "named.npz"), ["conv/1", "fc", "prob"]),
    (("x.npy", "y.npy", "flatten=flat.npy", "CONV.1=conv.npy"), ["conv/1", "flatten", "fc"]),
    (("x.npy", "relu=flat.npy"), ["relu"]), (("single.npy", "of_single.npy"), ["fc"]),
])  # fmt: skip
def test_what_fits_is_told_in_the_nets_order(net, save, words, layers):
    found = expect.check(net, expect.read_answers(save(*words), net), "a.pth")
    assert [one.layer for one in found] == layers and all(one.error < 1e-5 for one in found)


def test_the_first_that_differs_is_named(net, save):
    answers = expect.read_answers(save("x.npy", "y.npy", "conv/1=wrong.npy"), net)
    with pytest.raises(BadFile, match=r"a.pth does not .* of 2 outputs, 'conv/1' is the first that differs, off by "
                                      r"0\.9\d+ % of its largest value \(fc fit\); none of the usual suspects"):
        expect.check(net, answers, "a.pth")


def test_one_output_that_differs(net, save, tmp_path):
    np.save(tmp_path / "y.npy", np.load(tmp_path / "y.npy")[:, ::-1])
    with pytest.raises(BadFile, match=r"a.pth does not give what y.npy holds: 'fc' is off by"):
        expect.check(net, expect.read_answers(save("x.npy", "y.npy"), net), "a.pth")


def test_what_the_file_itself_does_to_a_picture_first(net, save, tmp_path):
    inside = IDENTITY.__class__("RGB", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    np.save(tmp_path / "x.npy", X * [4, 5, 6] + [1, 2, 3])
    answers = expect.read_answers(save("x.npy", "y.npy"), net)
    assert expect.worst(expect.check(net, answers, "a.pth", lambda: inside)) < 1e-5
    with pytest.raises(BadFile, match="does not give"):
        expect.check(net, answers, "a.pth")


def test_names_of_the_file_and_of_outputs(net, save):
    net.about["outputs"] = {"score": "fc", "class": "prob"}
    names = {"features.0": "conv/1", "features.2": None, "gone": "dropped"}
    words = save("x.npy", "features.0=conv.npy", "score=y.npy", "class=prob.npy")
    found = expect.check(net, expect.read_answers(words, net, names), "a.pth")
    assert [(one.called, one.layer) for one in found] == [("features.0", "conv/1"), ("score", "fc"), ("class", "prob")]
    with pytest.raises(BadValue, match=r"'features\.2' and its batch norm are one layer here: save what comes out of"):
        expect.read_answers(save("x.npy", "features.2=conv.npy"), net, names)
    with pytest.raises(UnknownName, match="no layer named 'gone'"):
        expect.read_answers(save("x.npy", "gone=conv.npy"), net, names)


@pytest.mark.parametrize("channels, shape, read", [
    (3, (2, 4, 5, 3), [(2, 4, 5, 3)]), (3, (2, 3, 4, 5), [(2, 4, 5, 3)]), (3, (4, 5, 3), [(1, 4, 5, 3)]),
    (3, (3, 4, 5), [(1, 4, 5, 3)]), (3, (2, 3, 5, 3), [(2, 3, 5, 3), (2, 5, 3, 3)]), (3, (3, 2, 4, 5), []),
    (3, (3, 5), []), (3, (2, 4, 5), []), (3, (1, 2, 4, 5, 3), []),
    (1, (4, 5), [(1, 4, 5, 1)]), (1, (2, 4, 5), [(2, 4, 5, 1)]), (1, (1, 4, 5), [(1, 4, 5, 1)]),
    (1, (4, 5, 1), [(1, 4, 5, 1)]), (1, (2, 1, 4, 5), [(2, 4, 5, 1)]),
])  # fmt: skip
def test_an_input_is_read_in_each_order_that_its_channels_allow(channels, shape, read):
    x, net = np.arange(np.prod(shape)).reshape(shape), Network(preprocessing=IDENTITY.of_channels(channels))
    net.add("relu", ReLU())
    if not read:
        with pytest.raises(BadValue, match="the net reads"):
            expect.readings(x, net, "x.npy")
        return
    found = expect.readings(x, net, "x.npy")
    assert [one.shape for one in found] == read
    assert found[0][0, 0, 1, 0] == (channels if shape[-1] == channels else 1)       # the second column


def test_the_error_is_a_share_of_the_largest_value():
    ours = np.array([[1.0, 2.0], [4.0, 0.0]])
    assert expect.off(ours, np.array([[1.0, 2.0], [4.0, 1.0]]), None) == 0.25
    assert expect.off(ours, np.array([1.0, 2, 4, 0]), None) == 0
    maps = np.arange(12.0).reshape(1, 2, 3, 2)
    assert expect.off(maps, maps.transpose(0, 3, 1, 2), None) == 0
    assert expect.off(maps.reshape(1, -1), maps.transpose(0, 3, 1, 2).reshape(1, -1), (2, 3, 2)) == 0
    assert expect.off(maps.reshape(1, -1), maps.transpose(0, 3, 1, 2).reshape(1, -1), None) > 0.4


@pytest.mark.parametrize("words, error, said", [
    (("x.npy",), BadValue, "is only an input: give what the framework made of it too"),
    (("x.npy", "gone.npy"), BadFile, "there is no file"),
    (("x.npy", "text.npy"), BadFile, r"is not a .npy or .npz of numbers"),
    (("x.npy", "objects.npy"), BadFile, r"is not a .npy or .npz of numbers"),
    (("x.npy", "words.npy"), BadFile, r"not numbers"),
    (("x.npy", "nan.npy"), BadFile, "NaN or infinity"),
    (("x.npy", "conv9=y.npy"), UnknownName, "no layer named 'conv9'"),
    (("x.npy", "conv/1=y.npy"), BadValue, r"holds \(2, 5\), but the output of 'conv/1' is \(2, 2, 3, 4\)"),
    (("x.npy", "fc=named.npz"), BadValue, "leave fc= out"),
    (("y.npy", "x.npy"), BadValue, r"is \(2, 5\); the net reads \(N, height, width, 3\) or \(N, 3, height, width\)"),
    (("named.npz", "y.npy"), BadFile, "the input should be called x"),
])  # fmt: skip
def test_what_cannot_be_compared(net, save, tmp_path, words, error, said):
    (tmp_path / "text.npy").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.save(tmp_path / "nan.npy", np.full((2, 5), np.nan))
    with pytest.raises(error, match=said) as caught:
        expect.read_answers(save(*words), net)
    assert "\n" not in str(caught.value)


def test_a_net_of_one_size_says_which(net, save, tmp_path):
    net.preprocessing = replace(net.preprocessing, size=(4, 5))
    np.save(tmp_path / "large.npy", np.zeros((2, 8, 8, 3)))
    with pytest.raises(BadValue, match="of 4 x 5 pixels"):
        expect.read_answers(save("large.npy", "y.npy"), net)
