"""What layers hold: each figure has the parts, titles, bars, sizes and gaps of the golden file."""

import drawn
import pytest

FIGURES = """
    activations photo.png --layer relu1_2 --channels 5
    activations photo.png --layer fc7
    filters
    filters --layer conv2_1 --rows 3 --columns 4
    receptive-field --pictures 2
    classify photo.png --top 2
"""


@pytest.mark.parametrize("words", [line.strip() for line in FIGURES.strip().split("\n")])
def test_a_figure_is_put_together_as_before(run, monkeypatch, words):
    drawn.check(run, monkeypatch, words)
