"""Maps of what a net looks at: each figure has the parts, titles, bars, sizes and gaps of the golden file."""

import drawn
import pytest

FIGURES = """
    saliency photo.png --unit goose
    saliency photo.png --unit goose --map gradcam
    saliency photo.png --unit goose --map all --samples 2 --steps 2
    saliency photo.png --unit relu2_1:3@2,1 --curve --map guided
    saliency photo.png --unit goose --curve --map gradient
    saliency photo.png --unit goose --sanity --map gradient
    occlude photo.png --unit goose --window 8,5
    occlude photo.png --unit relu2_1:3@2,1 --window 6 --stride 5
    backprop photo.png --unit goose
    backprop photo.png --unit relu2_1:3@2,1 --rule guided --display absolute --crop
    segment photo.png --unit goose
"""


@pytest.mark.parametrize("words", [line.strip() for line in FIGURES.strip().split("\n")])
def test_a_figure_is_put_together_as_before(run, monkeypatch, words):
    drawn.check(run, monkeypatch, words)
