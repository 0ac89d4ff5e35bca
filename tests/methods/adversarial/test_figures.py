"""What fools a net: each figure has the parts, titles, bars, sizes and gaps of the golden file."""

import drawn
import pytest

FIGURES = """
    directions photo.png
    hog photo.png photo.jpg --steps 1
    hog photo.png --steps 1
    fool photo.png --to cat --eps 4 --steps 2
    evolve --generations 1 --population 4
    evolve --generations 1 --population 4 --best 2
"""


@pytest.mark.parametrize("words", [line.strip() for line in FIGURES.strip().split("\n")])
def test_a_figure_is_put_together_as_before(run, monkeypatch, words):
    drawn.check(run, monkeypatch, words)
