"""Curves and filters of a net that learns."""

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.layers import FullyConnected
from minivis.training import recipes
from minivis.training.growth import FRAMES, Growth, gradients, means


@pytest.fixture(scope="module")
def seen():
    training = recipes.digits(steps=4, threads=1)
    growth = Growth(training.net)
    training.run(progress=growth)
    return training, growth


def test_it_sees_every_step_and_the_filters_before_and_after(seen):
    training, growth = seen
    assert growth.layer == "conv1" and len(growth.losses) == len(growth.right) == 4
    assert len(growth.filters) == 5 and growth.filters[0].shape == (16, 5, 5, 1)
    assert not np.array_equal(growth.filters[0], growth.filters[-1])
    assert np.array_equal(growth.filters[-1], training.net.layers["conv1"].params["w"].transpose(3, 0, 1, 2))


def test_the_film_has_one_scale(seen, calls_of):
    _, growth = seen
    frames = growth.frames()
    assert len(frames) == 5 <= FRAMES + 1 and frames[0].shape == (16, 5, 5, 3) and frames[0].dtype == np.uint8
    charts = calls_of("minivis.training.growth.line_chart")
    assert growth.picture().ndim == 3
    assert [(how["low"], how.get("high")) for _, how in charts] == [(0, None), (0, 1)]
    for name, ((lines,), _) in zip(("loss", "right"), charts):
        assert list(lines) == [name] and list(lines[name][0]) == [1, 2, 3, 4]


def test_a_mean_of_the_last_steps():
    assert means([1.0, 3.0]) == [1, 2]
    assert means([0.0] * 20 + [20.0])[-1] == 1


def test_gradients_hold_before_and_after(seen):
    count, failed, error = gradients(seen[0].net)
    assert count > 20 and failed == 0 and error < 1e-5


def test_a_net_without_filters_has_none_to_show():
    with pytest.raises(BadValue, match="no convolution"):
        Growth(Network().add("fc", FullyConnected(np.ones((3, 2)))))
