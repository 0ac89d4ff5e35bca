"""Results side by side: each under its name, with its numbers and arrays."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.figures.text import text_picture
from minivis.methods.attribution.saliency import saliency
from minivis.methods.shared import side_by_side as module
from minivis.methods.shared.side_by_side import side_by_side


def test_of_two_nets(vgg, branches, rng):
    image = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    found = [saliency(net, image) for net in (vgg, branches)]
    both = side_by_side(found, ["a", "b"])
    assert both.numbers == {"nets": [{"net": name, **one.numbers} for name, one in zip("ab", found)]}
    assert list(both.arrays) == ["a gradient", "b gradient"] and str(both).startswith("a\n")
    assert both.picture().shape[1] > found[0].picture().shape[1] + found[1].picture().shape[1]


def test_a_name_is_as_wide_as_its_figure_but_for_the_margins_and_40_pixels_at_least(vgg, rng, monkeypatch):
    widths = []
    monkeypatch.setattr(module, "text_picture",
                        lambda text, width, **how: widths.append(width) or text_picture(text, width, **how))
    found = saliency(vgg, rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    figure = found.picture()
    for wide, width in ((figure, figure.shape[1] - 28), (figure[:, :69], 41), (figure[:, :60], 40)):
        monkeypatch.setattr(type(found), "picture", lambda self, wide=wide: wide)
        side_by_side([found], ["a"]).picture()
        assert widths.pop() == width and not widths


def test_one_that_is_no_result_among_some_that_are(vgg, rng):
    found = saliency(vgg, rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    with pytest.raises(BadValue, match="results must be what minivis' methods return"):
        side_by_side([found, 1], ["a", "b"])


@pytest.mark.parametrize("results, names", [([], []), ([1], ["a"]), ([1, 2], ["a"])])
def test_what_does_not_fit(results, names):
    with pytest.raises(BadValue):
        side_by_side(results, names)
