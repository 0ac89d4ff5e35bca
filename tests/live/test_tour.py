"""The guided tour names only what the net and the page have."""

from pathlib import Path

import pytest

import minivis as mv
from minivis.engine.units import parse_unit
from minivis.live.jobs import TOOLS
from minivis.live.tour import ROBUST, tour
from minivis.models.tiny import tiny_vgg


@pytest.mark.parametrize("nets, count", [(["emoji-vgg", ROBUST], 6), (["emoji-vgg"], 5)])
def test_every_step_can_be_done(nets, count):
    net = mv.load("emoji-vgg")
    steps = tour(net, nets)
    assert len(steps) == count
    page = (Path(mv.__file__).parent / "live" / "static" / "index.html").read_text("utf-8")
    for step in steps:
        does = step["does"]
        assert step["title"] and step["text"].endswith(".")
        assert does.get("tool", "grow") in TOOLS and does.get("net", nets[0]) in nets
        assert f'id="{does.get("see", "input")}"' in page
        assert parse_unit(net, does["unit"]) and net.check_name(does.get("layer", "conv1_1"))


def test_a_net_without_a_goose_has_no_tour():
    net = tiny_vgg()
    net.class_names = tuple("abcdefg")
    assert tour(net, ["tiny"]) == []
