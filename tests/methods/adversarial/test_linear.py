"""Linear classifiers: the lecture's numbers to the last, the smallest nudge in closed form, any table of numbers."""

import re

import numpy as np
import pytest
from scipy.optimize import linprog

from minivis.cli import main
from minivis.data.rows import rows
from minivis.errors import BadValue, UnknownName
from minivis.methods.adversarial import linear
from minivis.methods.adversarial.fool import fool
from minivis.methods.adversarial.linear import linear_fool, mix, smallest_nudge, train_linear
from minivis.models.tiny import tiny_vgg


def test_the_smallest_nudge_in_closed_form(rng):
    x, w, b = rng.standard_normal((20, 7)), rng.standard_normal((7, 4)), rng.standard_normal(4)
    s = x @ w + b
    labels = s.argmax(axis=1)
    nudges, moved = smallest_nudge(x, labels, w, b)
    for i in range(20):
        y = labels[i]
        expected = min((s[i, y] - s[i, k]) / abs(w[:, k] - w[:, y]).sum() for k in range(4) if k != y)
        assert nudges[i] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(abs(moved - x).max(axis=1), nudges, rtol=1e-9)
    assert ((moved @ w + b).argmax(axis=1) != labels).all()
    less = x + (1 - 1e-6) * (moved - x)
    assert ((less @ w + b).argmax(axis=1) == labels).all()


def test_the_smallest_nudge_within_bounds_is_that_of_a_linear_program(rng):
    x, w, b = rng.uniform(0, 1, (6, 5)), rng.standard_normal((5, 3)), np.zeros(3)
    labels = (x @ w).argmax(axis=1)
    nudges, moved = smallest_nudge(x, labels, w, b, bounds=(0, 1))
    assert moved.min() >= 0 and moved.max() <= 1
    for i in range(6):
        found = []
        for k in {0, 1, 2} - {labels[i]}:               # minimise t over (r, t): |r| <= t, bounds, s_k >= s_y
            d = w[:, k] - w[:, labels[i]]
            eye, one = np.eye(5), np.ones((5, 1))
            limits = np.block([[eye, -one], [-eye, -one], [-d[None], np.zeros((1, 1))]])
            ranges = [*((-v, 1 - v) for v in x[i]), (0, 1)]
            answer = linprog([0] * 5 + [1], limits, [0] * 10 + [d @ x[i]], bounds=ranges)
            found += [answer.fun] if answer.status == 0 else []
        assert nudges[i] == pytest.approx(min(found), abs=1e-5) if found else nudges[i] == np.inf


def test_mixing_reaches_the_class_and_no_farther_than_need_be(rng):
    x, w, b = rng.uniform(0, 255, (10, 30)), 0.05 * rng.standard_normal((30, 4)), np.zeros(4)
    amounts, mixed = mix(x, w, b, 2)
    p = np.exp(mixed @ w - (mixed @ w).max(axis=1, keepdims=True))
    p = (p / p.sum(axis=1, keepdims=True))[:, 2]
    np.testing.assert_allclose(p[amounts > 1e-3], 0.99, atol=1e-4)
    np.testing.assert_allclose(abs(mixed - x).max(axis=1), amounts, rtol=1e-9)
    np.testing.assert_allclose(np.corrcoef(mixed[0] - x[0], w[:, 2] - w.mean(axis=1))[0, 1], 1)


@pytest.mark.parametrize("bounds", [None, (0, 255)])
def test_a_flat_picture_is_mixed_too(bounds):
    """Two scores that are two of the numbers: t less in one and t more in the other make p = 1 / (1 + exp(-2 t))."""
    amounts, mixed = mix(np.full((1, 3), 50.0), np.eye(3, 2), np.zeros(2), 1, bounds)
    t = np.log(99) / 2
    np.testing.assert_allclose(amounts, t, rtol=1e-5)
    np.testing.assert_allclose(mixed, [[50 - t, 50 + t, 50]], rtol=1e-5)
    amounts, mixed = mix(np.full((1, 3), 50.0), np.eye(3, 2), np.zeros(2), 1, (50, 51))     # one more is too little
    assert np.isnan(amounts).all() and mixed.tolist() == [[50, 51, 50]]


def test_training_ends_where_the_gradient_is_zero(rng):
    x = rng.standard_normal((60, 3)) * [1, 10, 0.1] + [5, 0, 1]
    labels = (x[:, 1] > 0).astype(int) + (x[:, 0] > 6)
    w, b = train_linear(x, labels, 3, l2=0.1, steps=500)
    z, v = (x - x.mean(axis=0)) / x.std(axis=0), w * x.std(axis=0)[:, None]
    p = np.exp(x @ w + b)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(60), labels] -= 1
    np.testing.assert_allclose(z.T @ p / 60 + 0.1 * v, 0, atol=1e-4)
    np.testing.assert_allclose(p.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("held_out, counts", [(0.01, (1, 19)), (0.3, (6, 14)), (0.9, (18, 2)), (0.99, (19, 1))])
def test_so_many_rows_are_held_out(monkeypatch, held_out, counts):
    trained = []
    exact = np.eye(2), np.zeros(2)
    monkeypatch.setattr(linear, "train_linear", lambda x, labels, K, **how: trained.append(x) or exact)
    labels = np.arange(20) % 2
    found = linear_fool(np.eye(2)[labels], labels, held_out=held_out)
    assert (len(found.x), len(trained[0])) == counts and found.accuracy == {"trained on": 1, "held out": 1}


def test_digits_as_pictures_and_wine_as_numbers(monkeypatch):
    digits = linear_fool(**rows("digits"), steps=40)
    labels, real = [], linear.contact_sheet
    monkeypatch.setattr(linear, "contact_sheet", lambda *tiles, **how: labels.extend(how["labels"]) or real(*tiles,
                                                                                                            **how))
    assert digits.accuracy["held out"] > 0.93 and np.isfinite(digits.amounts).mean() > 0.95
    assert digits.nudged.min() >= 0 and digits.nudged.max() <= 255 and digits.picture().std() > 10
    assert all(re.fullmatch(r"\d: >?[\d.]+ %", label.replace("\u202f", " ")) for label in labels[10:])
    assert (digits.probs(digits.nudged).argmax(axis=1) != digits.labels).mean() > 0.99
    wine = linear_fool(**rows("wine"), target="cultivar 1")
    assert wine.accuracy["held out"] > 0.9 and wine.target == 0 and wine.picture().std() > 10
    assert "13 numbers each in 3 classes" in str(wine)


def test_a_convnet_beside_it(rng, monkeypatch):
    """The table: the same pictures, linear and convnet; the convnet's are whole levels, each the smallest that does."""
    monkeypatch.setattr("minivis.methods.adversarial.linear.CONVNET", 2)
    net = tiny_vgg(seed=5)
    pictures, labels = rng.integers(0, 256, (40, 16, 16, 3)), np.arange(40) % 2
    pictures[labels == 1, :8] //= 2                             # dark above: what the linear classifier learns
    result = linear_fool(pictures.reshape(40, -1), labels, bounds=(0, 255), shape=(16, 16, 3), net=net)
    for row, eps in zip(result.x, result.convnet):
        picture = row.reshape(16, 16, 3).astype(np.uint8)
        assert fool(net, picture, eps=eps).ok and (eps == 1 or not fool(net, picture, eps=eps - 1).ok)
    told = result.numbers["convnet"]
    assert told["pictures"] == 2 and told["largest"] == max(result.convnet) and told["linear_largest"] > 0
    heading, linear, convnet = str(result).splitlines()[-3:]
    assert heading.endswith("median  largest   of 2 pictures")
    assert linear.split() == ["linear", f"{told['linear_median']:.2f}", f"{told['linear_largest']:.2f}"]
    assert convnet.split()[-2:] == [f"{told['median']:.2f}", f"{told['largest']:.2f}"]


@pytest.mark.parametrize("x, labels, settings, message", [
    (np.zeros((5, 2, 2)), np.arange(5), {}, "x must be"), (np.zeros((5, 2)), np.arange(4), {}, "x must be"),
    (np.full((5, 2), np.nan), np.arange(5), {}, "finite"), (np.zeros((5, 2)), np.zeros(5), {}, "whole numbers"),
    (np.zeros((5, 2)), np.zeros(5, int), {}, "two classes"), (np.eye(5), np.arange(5), {"target": 5}, "the target"),
    (np.eye(5), np.arange(5), {"names": "ab"}, "2 names for 5"), (np.eye(5), np.arange(5), {"held_out": 1}, "held_out"),
])
def test_mistakes(x, labels, settings, message):
    with pytest.raises(BadValue, match=message):
        linear_fool(x, labels, **settings)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["linear"]) == 0
    out = capsys.readouterr().out
    assert "score" not in out and "p(class 1) = 0.8808" in out and out.endswith("wrote lecture-linear.png\n")
    assert main(["linear", "--on", "wine", "--json"]) == 0 and (tmp_path / "wine-linear.png").is_file()
    assert main(["rerun", "wine-linear.png"]) == 0
    capsys.readouterr()
    for words, message in ((["--on", "digits", "--to", "11"], "the target must be one of the classes 0, 1"),
                           (["--to", "1"], "name a data set with --on"), (["--on", "digit"], "'digit' is not one of"),
                           (["--data", "x"], "use it with --on fashion"),
                           (["--on", "fashion", "--data", "x"], "x")):
        assert main(["linear", *words, "-o", "no.png"]) == 2 and message in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()
    with pytest.raises(UnknownName, match="did you mean 'wine'"):
        rows("wines")
