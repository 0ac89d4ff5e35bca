"""Pictures made by a net: each figure has the parts, titles, bars, sizes and gaps of the golden file."""

import drawn
import pytest

FIGURES = """
    maximize --unit owl --steps 1
    maximize --unit owl --unit bus --steps 1
    maximize --unit conv2_1:3 --both --width 16 --steps 1
    maximize --down-the-layers --steps 1
    invert photo.png --layer conv2_1 --steps 1
    invert photo.png --layer conv1_1 --layer fc7 --steps 1
    dream photo.png --sheet --steps 1 --octaves 2
    style photo.png photo.jpg --method all --steps 2
    style photo.png photo.jpg --grams --steps 2
    style photo.png photo.jpg --preview --steps 1 --side 24
    blocks photo.png --layer relu2_1 --steps 1
"""


@pytest.mark.parametrize("words", [line.strip() for line in FIGURES.strip().split("\n")])
def test_a_figure_is_put_together_as_before(run, monkeypatch, words):
    drawn.check(run, monkeypatch, words)
