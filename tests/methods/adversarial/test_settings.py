"""Settings of attacks: help shows every field, and settings are the keywords."""

import inspect

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.adversarial.settings import EvolveSettings, FoolSettings, HogSettings
from minivis.models.tiny import tiny_vgg


@pytest.mark.parametrize("name, its", [("fool", FoolSettings), ("evolve", EvolveSettings), ("hog_twin", HogSettings)])
def test_help_shows_every_field(name, its):
    function = getattr(mv, name)
    for field in its.names():
        assert inspect.signature(function).parameters[field].default == its.field(field).default
        assert f"\n{field} : " in function.__doc__ and f"\n{field} : " in its.__doc__


def test_settings_are_the_keywords():
    net = tiny_vgg()
    one = mv.evolve(net, settings=mv.EvolveSettings(generations=2, population=9), population=4, seed=1)
    two = mv.evolve(net, generations=2, population=4, seed=1)
    np.testing.assert_array_equal(one.made, two.made)
    assert one.settings == two.settings
    with pytest.raises(BadValue, match="no setting named 'epsilon'"):
        mv.fool(net, epsilon=3)
    with pytest.raises(BadValue, match="sure must be a number of at least 0 and below 1, not 1"):
        FoolSettings(sure=1)
