"""Presets are plain data: every name in them is a setting of the method that reads them."""

from minivis.methods.synthesis import invert, maximize
from minivis.methods.synthesis.maximize import resolve
from minivis.optimize.presets import INVERT, MAXIMIZE


def test_presets_of_maximize_are_plain_data_with_known_names():
    for name, preset in MAXIMIZE.items():
        assert set(preset) <= set(maximize.DEFAULTS), name
        assert set(resolve(name, {})) == set(maximize.DEFAULTS)
    assert resolve("yosinski-3", {"steps": 7})["steps"] == 7 and resolve("yosinski-3", {"steps": None})["steps"] == 1000
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
