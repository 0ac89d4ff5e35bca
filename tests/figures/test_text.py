"""Text stays whole, within its width, and readable."""

import re
from pathlib import Path

import numpy as np
import pytest

from minivis.figures import text
from minivis.figures.text import INK, chance, percent, size_in_words, text_picture


def ink(picture):
    return 255 - picture[..., 0].astype(int)


@pytest.mark.parametrize("size", [10, 13, 15, 24])
def test_nothing_is_cut(size):
    tight = text_picture("|gjpqy@W_Qfj|", size=size)
    wide = text_picture("|gjpqy@W_Qfj|", 600, size=size, align="center")
    assert tight.dtype == np.uint8 and tight.shape[1] < 600 and tight.shape[0] == wide.shape[0]
    assert abs(ink(tight).sum() / ink(wide).sum() - 1) < 0.02
    assert ink(wide)[0].max() < 20 and ink(wide)[-1].max() < 20         # room above and below the letters
    assert ink(text_picture("HHH", size=size)).max() > 180 and tight.min() >= INK[0]


@pytest.mark.parametrize("align, side", [("left", 0), ("center", 1), ("right", 2)])
def test_alignment(align, side):
    columns = np.nonzero(ink(text_picture("word", 300, align=align)).max(axis=0) > 60)[0]
    left, right = columns[0], 299 - columns[-1]
    assert [left < 4, abs(left - right) <= 2, right < 4][side] and columns[-1] - columns[0] < 50


def lines(picture):
    """How many rows of letters: runs of rows that hold ink."""
    rows = (ink(picture).max(axis=1) > 60).astype(int)
    return (np.diff(np.concatenate([[0], rows])) == 1).sum()


def test_wraps_at_spaces_and_line_breaks():
    assert lines(text_picture("one two", 200)) == 1 and lines(text_picture("one two", 40)) == 2
    assert lines(text_picture("one\ntwo\nten")) == 3
    one = text_picture("one", 40)
    np.testing.assert_array_equal(text_picture("one two", 40)[:len(one)], one)


def test_shrinks_before_it_cuts():
    text = "a title that is just too long"
    needed = text_picture(text, size=15).shape[1]
    smaller = text_picture(text, needed - 20, size=15, max_lines=1)
    assert smaller.shape[1] == needed - 20 and 10 * 1.3 <= smaller.shape[0] < 15 * 1.3
    assert lines(smaller) == 1


def test_ellipsis_at_last():
    text = "farther than the narrow place goes, at any size"
    cut = text_picture(text, 60, max_lines=1)
    assert cut.shape == (round(10 * 1.35), 60, 3)
    starts = [n for n in range(len(text)) if np.array_equal(cut, text_picture(text[:n] + "…", 60, size=10))]
    assert starts and starts[0] > 6


def test_long_words_break_after_slash_or_underscore():
    name = text_picture("inception_4a/3x3_reduce", 80, size=10)
    assert lines(name) == 2
    np.testing.assert_array_equal(name[-len(name) // 2:], text_picture("3x3_reduce", 80, size=10))


@pytest.fixture
def even(monkeypatch):
    """Letters one pixel wide, whatever their size."""
    monkeypatch.setattr(text, "_length", lambda line, size: len(line))


@pytest.mark.parametrize("words, width, lines, broken", [
    ("a bc", 4, ["a bc"], False), ("a bc", 3, ["a", "bc"], False), ("ab/cd", 3, ["ab/", "cd"], True),
    ("a/bcd", 3, ["a/", "bcd"], True),
    ("ab/cde", 3, ["ab/", "cde"], True), ("ab/cdef", 3, ["ab/", "cde", "f"], True), ("abcd e", 4, ["abcd", "e"], False),
])  # fmt: skip
def test_a_line_may_be_just_as_wide_as_its_room(even, words, width, lines, broken):
    assert text._wrap(words, width, 12) == (lines, broken)


def test_an_ellipsis_may_end_just_at_the_edge(even):
    assert text._fit(["abcd efgh"], 5, 12, 1)[1] == ["abcd…"] and text._fit(["abcd efgh"], 4, 12, 1)[1] == ["abc…"]
    assert text._fit(["abcd efgh"], 4, 12, 2)[1] == ["abcd", "efgh"]


@pytest.mark.parametrize("given, shown", [("piñata", "pinata"), ("2 × 3 − 1", "2 x 3 - 1"), ("鵞 🪿", "? ?"),
                                          ("a → b", "a -> b"), ("ﬁn", "fin")])
def test_letters_that_the_font_lacks(given, shown):
    np.testing.assert_array_equal(text_picture(given), text_picture(shown))


@pytest.mark.parametrize("text, width", [("", 5), ("", None), ("wide", 2), ("x y z", 1)])
def test_hardly_any_room(text, width):
    assert text_picture(text, width, max_lines=2).shape[1] == (width or 1)


@pytest.mark.parametrize("p, text", [
    (1, "100.0 %"), (0.99999, ">99.9 %"), (0.99996, ">99.9 %"), (0.9995, ">99.9 %"), (0.9994, "99.9 %"),
    (0.98234, "98.2 %"), (0.408, "40.8 %"), (0.0001, "<0.1 %"), (1e-5, "<0.1 %"), (0, "0.0 %"), (1.5, "150.0 %"),
    (-0.2, "-20.0 %"),
])  # fmt: skip
def test_percent(p, text):
    assert percent(p) == text


@pytest.mark.parametrize("p, text", [(1, ">99.9 %"), (0.99999, ">99.9 %"), (0.9994, "99.9 %"), (0, "<0.1 %")])
def test_no_net_is_wholly_sure(p, text):
    """float32 rounds probabilities to 0 and 1; beside ">99.9 %" a "100.0 %" would look like more."""
    assert chance(np.float32(p)) == text


def test_no_figure_writes_shares_or_chances_in_a_way_of_its_own():
    """Neither the package nor a demo: `percent` and `chance` write them all."""
    own = re.compile(r"\{[^{}]*:[.\d]*%\}|\{100 \* [^{}]*f\} ?%|\bp = \{[^{}]*f\}")
    root = Path(__file__).parents[2]
    files = [*root.glob("minivis/**/*.py"), *root.glob("demos/*.py")]
    assert len(files) > 100
    found = {file.name: own.findall(file.read_text(encoding="utf-8")) for file in files}
    assert {name: some for name, some in found.items() if some and name != "text.py"} == {}


def test_size_in_words():
    assert size_in_words((1, 480, 640, 3)) == "640 x 480 pixels"
    assert size_in_words((2, 480, 640, 3)) == "2 times 640 x 480 pixels"


def test_a_text_may_be_painted_over_and_is_drawn_as_before():
    first = text_picture("goose")
    kept = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(text_picture("goose"), kept)
