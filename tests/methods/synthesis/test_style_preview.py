"""Eight small paintings to choose from."""

import numpy as np
import pytest
from commandline import scene

from minivis.errors import BadValue, UnknownSetting
from minivis.methods.synthesis.settings import StyleSettings
from minivis.methods.synthesis.style import style_transfer
from minivis.methods.synthesis.style_preview import style_preview, variations, words_of
from minivis.models.tiny import tiny_vgg
from minivis.optimize.watch import Watch


def test_each_is_what_its_options_make():
    found = style_preview(tiny_vgg(), scene(), scene()[::-1], size=24, steps=2, tv_weight=3.0)
    assert list(found.paintings) == [
        "as given", "--style-weight 10", "--style-weight 1000", "--style-scale 0.5", "--style-scale 2",
        "--colours kept", "--pooling average", "--start noise"]
    small = found.paintings["as given"]
    for words, how in (("--style-weight 1000", {"style_weight": 1000.0}), ("--start noise", {"start": "noise"})):
        alone = style_transfer(tiny_vgg(), scene(), scene()[::-1], size=24, steps=2, tv_weight=3.0, **how)
        assert found.paintings[words].runs[0].steps == 2
        np.testing.assert_allclose(found.paintings[words].pixels, alone.pixels, atol=25)    # one was shrunk first
        assert (found.paintings[words].pixels != small.pixels).any()
    assert found.array.shape == (8, 16, 24, 3) and set(found.numbers) == set(found.paintings)
    assert found.picture().shape[1] > 4 * 224


def test_each_differs_from_what_is_given():
    given = StyleSettings(colours="kept", pooling="average", start="noise", style_weight=5.0, style_scale=3.0)
    for changed in variations(given)[1:]:
        assert all(getattr(given, name) != value for name, value in changed.items()) and words_of(changed) != "as given"


def test_no_more_steps_and_pixels_than_it_needs():
    found = style_preview(tiny_vgg(), scene(16, 20), scene(), steps=1)
    assert found.array.shape[1:3] == (16, 20) and found.settings["steps"] == 1


def test_mistakes():
    with pytest.raises(UnknownSetting, match="style_wait"):
        style_preview(tiny_vgg(), scene(), scene(), style_wait=3)
    with pytest.raises(BadValue, match="a preview of several paintings has no checkpoint"):
        style_preview(tiny_vgg(), scene(), scene(), watch=Watch(checkpoint="run"))
