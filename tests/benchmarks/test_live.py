"""The benchmark of the live page runs: it calls what the page calls."""


import pytest
from benchmark_scripts import script

from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="module")
def live():
    pytest.importorskip("uvicorn", reason="without the extra `live` no server runs")
    return script("live")


def test_a_frame_takes_longer_than_its_forward(live):
    scope = live.Microscope(tiny_vgg(), "tiny")
    several = [live.server_times(scope, scope.first_view().layer, 0) for _ in range(5)]
    forward, frame = map(min, zip(*several))            # what else the machine does makes some of them longer
    assert 0 < forward < frame


def test_a_net_that_is_not_here_is_named(live, capsys):
    assert list(live.nets(["nowhere"])) == [] and "nowhere: " in capsys.readouterr().out
