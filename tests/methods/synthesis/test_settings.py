"""Settings of synthesis: the names of choices are those of the registries, and each has help."""

import inspect

import pytest

import minivis as mv
from minivis.engine.surgery import POOLING
from minivis.methods.synthesis import settings
from minivis.methods.synthesis.settings import (
    DreamSettings,
    InvertSettings,
    MaximizeSettings,
    StyleSettings,
    TextureSettings,
)
from minivis.optimize.parameterize import KINDS
from minivis.optimize.update_rules import NORMS, POLICIES

ALL = {"maximize": MaximizeSettings, "invert": InvertSettings, "dream": DreamSettings, "style_transfer": StyleSettings,
       "texture": TextureSettings, "down_the_layers": MaximizeSettings, "invert_layers": InvertSettings,
       "dream_layers": DreamSettings, "dream_zoom": DreamSettings, "walk": MaximizeSettings,
       "extremes": MaximizeSettings}


def test_choices_are_those_of_the_registries():
    names = {name: MaximizeSettings.field(name).metadata["kind"].names for name in MaximizeSettings.names()}
    assert names["normalize"] == tuple(NORMS) and names["policy"] == POLICIES and settings.POOLINGS == POOLING
    assert InvertSettings.field("parameterization").metadata["kind"].names == tuple(KINDS)


@pytest.mark.parametrize("name", ALL)
def test_help_of_the_function_and_of_its_settings_shows_every_field(name):
    function, its = getattr(mv, name), ALL[name]
    for field in its.names():
        known = its.field(field).metadata
        assert known["help"].endswith(".") and field in inspect.signature(function).parameters
        for text in (function.__doc__, its.__doc__):
            assert f"\n{field} : " in text and known["help"].split()[0] in text


def test_an_unknown_keyword_is_a_sentence():
    net, picture = mv.load("emoji-vgg"), mv.read_image("minivis/data/goose.png")
    with pytest.raises(mv.errors.BadValue, match="no setting named 'octavs'; did you mean 'octaves'"):
        mv.dream(net, picture, octavs=3)
    with pytest.raises(mv.errors.BadValue, match="rate must be a number above 0, not 'fast'"):
        mv.maximize(net, "goose", rate="fast")


def test_a_dream_by_settings_is_the_dream_by_keywords():
    net, picture = mv.load("emoji-vgg"), mv.read_image("minivis/data/goose.png")
    one = mv.dream(net, picture, octaves=2, steps=1, jitter=3)
    two = mv.dream(net, picture, settings=mv.DreamSettings(octaves=2, steps=4, jitter=3), steps=1)
    assert (one.pixels == two.pixels).all() and one.settings == two.settings
