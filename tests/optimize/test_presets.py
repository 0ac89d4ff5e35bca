"""Presets are plain data: every name in them is a setting of the method that reads them."""

import pytest

from minivis.errors import UnknownName
from minivis.methods.synthesis import invert, maximize
from minivis.optimize.presets import INVERT, MAXIMIZE, resolve


def test_presets_of_maximize_are_plain_data_with_known_names():
    for name, preset in MAXIMIZE.items():
        assert set(preset) <= set(maximize.DEFAULTS), name
        assert set(resolve(MAXIMIZE, name, maximize.DEFAULTS, {})) == set(maximize.DEFAULTS)
    for steps, expected in ((7, 7), (None, 1000)):
        assert resolve(MAXIMIZE, "yosinski-3", maximize.DEFAULTS, {"steps": steps})["steps"] == expected
    assert MAXIMIZE["yosinski-1"]["small_norm"] == 50 and MAXIMIZE["yosinski-4"]["small_contribution"] == 90


def test_presets_of_invert_are_known_settings():
    for preset in INVERT.values():
        known = [set(preset) - {"by_depth"}, *(set(settings) for _, settings in preset["by_depth"])]
        assert all(names <= set(invert.DEFAULTS) for names in known) and preset["by_depth"][-1][0] == 1.0


def test_depths_rise_and_stages_add_up_to_the_steps():
    for preset in INVERT.values():
        depths = [depth for depth, _ in preset["by_depth"]]
        assert depths == sorted(set(depths)) and depths[0] > 0
    assert sum(steps for _, steps in INVERT["mahendran"]["rates"]) == INVERT["mahendran"]["steps"] == 400
    assert [settings["tv"] for _, settings in INVERT["mahendran"]["by_depth"]] == [1, 10, 100]     # stronger with depth


def test_what_is_given_stands_over_the_preset_and_that_over_the_defaults():
    presets = {"p": {"rate": 2, "by_depth": [(0.5, {"steps": 10}), (1.0, {"steps": 20})]}}
    defaults = {"rate": 1, "steps": 5, "noise": 0}
    assert resolve(presets, "p", defaults, {}, 0.5) == {"rate": 2, "steps": 10, "noise": 0}
    assert resolve(presets, "p", defaults, {"noise": 3, "steps": None}, 0.6) == {"rate": 2, "steps": 20, "noise": 3}
    assert resolve(presets, "p", defaults, {"steps": 1}, 1.0)["steps"] == 1
    with pytest.raises(UnknownName, match=r"no preset named 'q'\. Choose from: p"):
        resolve(presets, "q", defaults, {})
    with pytest.raises(UnknownName, match="no setting named 'rat'; did you mean 'rate'"):
        resolve(presets, "p", defaults, {"rat": 1})
