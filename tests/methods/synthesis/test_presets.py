"""Presets are settings: the numbers of papers, and what stands over what."""

import pytest

from minivis.errors import BadValue, UnknownName
from minivis.methods.synthesis.presets import INVERT, MAXIMIZE, chosen
from minivis.methods.synthesis.settings import InvertSettings, MaximizeSettings


def test_the_numbers_of_papers():
    assert MAXIMIZE["yosinski-1"].small_norm == 50 and MAXIMIZE["yosinski-4"].small_contribution == 90
    assert MAXIMIZE["yosinski-3"].steps == 1000 and MAXIMIZE["simonyan"].rate == 100


def test_depths_rise_and_stages_add_up_to_the_steps():
    for preset in INVERT.values():
        depths = [depth for depth, _ in preset.by_depth]
        assert depths == sorted(set(depths)) and depths[0] > 0 and depths[-1] == 1.0
    assert sum(steps for _, steps in INVERT["mahendran"].rates) == INVERT["mahendran"].steps == 400
    assert [more["tv"] for _, more in INVERT["mahendran"].by_depth] == [1, 10, 100]     # stronger with depth


def test_the_settings_at_a_depth_are_known():
    for preset in INVERT.values():
        for end, more in preset.by_depth:
            there = preset.at(end)
            assert there.by_depth == () and there.tv == more["tv"] and there.steps == preset.steps


def test_what_is_given_stands_over_the_preset_and_that_over_the_defaults():
    presets = {"p": MaximizeSettings(rate=2, steps=10)}
    name, how = chosen(presets, None, None, "p", {"noise": 3, "steps": None})
    assert (name, how.rate, how.steps, how.noise, how.l2) == ("p", 2, 10, 3, 0)
    assert chosen(presets, "p", None, "q", {"steps": 1})[1].steps == 1
    own = MaximizeSettings(rate=7)
    assert chosen(presets, None, own, "p", {"steps": 1}) == (None, MaximizeSettings(rate=7, steps=1))
    with pytest.raises(UnknownName, match=r"no preset named 'q'\. Choose from: p"):
        chosen(presets, "q", None, "p", {})
    with pytest.raises(UnknownName, match="no setting named 'rat'; did you mean 'rate'"):
        chosen(presets, "p", None, "p", {"rat": 1})
    with pytest.raises(BadValue, match="a preset or settings, not both"):
        chosen(presets, "p", MaximizeSettings(), "p", {})


@pytest.mark.parametrize("wrong", [{"rates": "fast"}, {"rates": [(1.0,)]}, {"rates": [()]}, {"coarse": 3},
                                   {"smooth": (1.0, 2.0)}, {"by_depth": [(2.0, {})]}, {"by_depth": [(0.5, "tv")]}])
def test_stages_are_held_to_their_kind(wrong):
    (name,) = wrong
    with pytest.raises(BadValue, match=name):
        InvertSettings(**wrong)
