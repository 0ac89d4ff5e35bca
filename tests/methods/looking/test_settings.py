"""Settings of what looks into a net: help shows every field, and choices are those of the registries."""

import inspect

import pytest

import minivis as mv
from minivis.methods.looking.codes import METRICS
from minivis.methods.looking.settings import (
    ActivationSettings,
    ClassifySettings,
    FilterSettings,
    NeighbourSettings,
    TsneSettings,
)


@pytest.mark.parametrize("name, its", [
    ("classify", ClassifySettings), ("activation_grid", ActivationSettings), ("filter_grid", FilterSettings),
    ("neighbours", NeighbourSettings), ("tsne_grid", TsneSettings),
])
def test_help_shows_every_field(name, its):
    function = getattr(mv, name)
    for field in its.names():
        assert inspect.signature(function).parameters[field].default == its.field(field).default
        assert f"\n{field} : " in function.__doc__ and f"\n{field} : " in its.__doc__


def test_metrics_are_those_of_nearest():
    assert NeighbourSettings.field("metric").metadata["kind"].names == tuple(METRICS)
