"""Settings of what explains an answer: help shows every field, and each kind of map uses its own."""

import inspect

import pytest
from commandline import scene

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.attribution.saliency import KINDS, used
from minivis.methods.attribution.settings import (
    FILLS,
    CurveSettings,
    OcclusionSettings,
    SaliencySettings,
    SegmentSettings,
)
from minivis.methods.shared import fills
from minivis.models.tiny import tiny_vgg


@pytest.mark.parametrize("name, its", [
    ("saliency", SaliencySettings), ("saliency_kinds", SaliencySettings), ("sanity_check", SaliencySettings),
    ("insertion_deletion", CurveSettings), ("occlusion", OcclusionSettings), ("segment", SegmentSettings),
])
def test_help_shows_every_field(name, its):
    function = getattr(mv, name)
    for field in its.names():
        assert field in inspect.signature(function).parameters
        assert f"\n{field} : " in function.__doc__ and f"\n{field} : " in its.__doc__


def test_every_setting_of_a_kind_is_one_of_saliency():
    assert {name for kind in KINDS.values() for name in kind.settings} == set(SaliencySettings.names())
    assert used({"samples": 3, "steps": 4}, "smoothgrad") == {"samples": 3} and fills.FILLS == FILLS


def test_settings_reach_each_kind():
    net = tiny_vgg()
    own = SaliencySettings(samples=2, noise=0.3)
    one = mv.saliency_kinds(net, scene(), kinds=("smoothgrad", "gradient"), settings=own, noise=0.1)
    two = mv.saliency(net, scene(), kind="smoothgrad", samples=2, noise=0.1)
    assert (one.kinds["smoothgrad"].maps == two.maps).all() and two.settings["samples"] == 2
    with pytest.raises(BadValue, match="no setting named 'sample'; did you mean 'samples'"):
        mv.saliency(net, scene(), sample=3)
    with pytest.raises(BadValue, match="settings must be a CurveSettings, not SaliencySettings"):
        mv.insertion_deletion(net, scene(), settings=own)
