"""What `fool` hands back: it says when it failed, and its numbers are plain."""

import numpy as np
from linear_nets import PICTURE, linear

from minivis.methods.adversarial import fool_result
from minivis.methods.adversarial.fool import fool
from minivis.methods.adversarial.fool_result import Fooling
from minivis.methods.shared.result import Subject


def test_failure_is_said(net, picture):
    result = fool(net, picture, "owl", eps=1, steps=2)
    assert not result.ok and result.stopped == "not fooled" and not result.numbers["fooled"]
    assert str(result).startswith("NOT FOOLED, the goal was owl: ") and result.picture().std() > 10
    assert str(result).endswith("Try a larger eps, more steps or another method")
    sure = fool(net, picture, "owl", sure=0.9999, eps=4)
    assert not sure.ok and "the goal was owl with p = 0.9999" in str(sure)


def test_numbers_are_json(net, picture):
    import json

    json.dumps({"numbers": fool(net, picture, eps=3, steps=2).numbers,
                "settings": fool(net, to=1, start=(1, 2, 3), steps=2).settings})


def two_fooled():
    """Of 1 x 2 pixels: one picture that is fooled by 3 levels in one pixel and 4 in the other, one that is not."""
    start = np.stack([PICTURE, PICTURE])
    made = start.copy()
    made[0, 0, 0, 1] += 3
    made[0, 0, 1, 2] -= 4
    made[1, 0, 0, 0] -= 1
    return Fooling(
        subject=Subject.of(linear(), start), made=made, seen=made, fooled=np.array([True, False]),
        label=np.array([0, 0]), target=None, before=np.array([[0.9, 0.1], [0.8, 0.2]]),
        after=np.array([[0.25, 0.75], [0.6, 0.4]]), eps=(4, None), names=("a", "b"),
        settings={"start": None, "method": "pgd", "sure": None})


def test_what_was_changed_by_hand():
    told = two_fooled().numbers["images"]
    assert [(one["linf"], one["l0"]) for one in told] == [(4, 2), (1, 1)]
    assert [one["l2"] for one in told] == [5, 1]                                        # of 3 and 4
    assert [(one["answer"], one["label"], one["fooled"], one["eps"]) for one in told] == [
        ("b", "a", True, 4), ("a", "a", False, None)]
    assert told[0]["after"] == [{"class": "b", "number": 1, "probability": 0.75},
                                {"class": "a", "number": 0, "probability": 0.25}]


def test_a_sentence_for_each_picture():
    result = two_fooled()
    first, second = str(result).splitlines()
    assert first.startswith("a 90.0 % -> b 75.0 %; largest change 4 of 255 (Linf), L2 5.0, 2 of 2 pixels (L0)")
    assert second.startswith("NOT FOOLED, the goal was another class: a 80.0 % -> a 60.0 %; largest change 1 of 255")
    assert second.endswith("Try more steps or another method")          # of a method that has no eps
    assert not result.ok and len(result) == 2
    assert result.parts == {}                                           # of a single picture alone


def test_the_difference_is_drawn_as_strong_as_fits(monkeypatch):
    """4 levels fit 31.75 times into 127, and 1 level 127 times: the colour bar ends at the largest change."""
    drawn, real = [], fool_result.panels
    monkeypatch.setattr(fool_result, "panels", lambda images, titles, *rest: drawn.append(titles[2]) or real(
        images, titles, *rest))
    two_fooled().picture()
    assert drawn == ["the difference\n31.8 times as strong", "the difference\n127 times as strong"]


def test_a_changed_pixel_is_framed_on_all_four_sides():
    picture, where = np.full((9, 9, 3), 90, np.uint8), np.zeros((9, 9), bool)
    where[4, 3] = True
    sheet = fool_result.marked(picture, where, 90)                      # each pixel ten times as large
    rows, columns = np.nonzero((sheet == fool_result.FRAME).all(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (37, 52, 27, 42)
    inside = (sheet == fool_result.FRAME).all(axis=2)[37:53, 27:43]
    assert inside[:2].all() and inside[-2:].all() and inside[:, :2].all() and inside[:, -2:].all()
    assert not inside[2:-2, 2:-2].any()
