"""One picture in one style by every update rule: equal numbers of evaluations, and L-BFGS comes lowest."""

from pathlib import Path

import numpy as np
import pytest
from commandline import scene

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.methods.synthesis.settings import PAINTERS
from minivis.methods.synthesis.style import style_transfer
from minivis.methods.synthesis.style_methods import read_rates, style_methods
from minivis.models.tiny import tiny_vgg


def test_each_has_as_many_evaluations():
    net = tiny_vgg()
    found = style_methods(net, scene(), scene()[::-1], evaluations=12, rates={"adam": 2.0, "adagrad": 4.0})
    count = found.numbers["evaluations"]
    assert list(found.curves) == list(PAINTERS) and count >= 12
    for name, (counts, losses) in found.curves.items():
        (run,) = found.paintings[name].runs
        assert run.evaluations == count == counts[-1] and counts[0] == 1 and (np.diff(counts) >= 0).all()
        assert losses[0] == pytest.approx(found.start) and losses[-1] == found.losses[name] == run.loss
        assert (np.diff(losses) <= 0).all() and losses[-1] < 0.9 * losses[0]
    assert found.paintings["adam"].settings["rate"] == 2.0
    alone = style_transfer(net, scene(), scene()[::-1], method="adagrad", rate=4.0, steps=count)
    np.testing.assert_array_equal(alone.pixels, found.paintings["adagrad"].pixels)
    assert "L-BFGS" in str(found) and found.picture().shape[2] == 3


@pytest.mark.slow
def test_lbfgs_comes_lowest_without_a_rate_to_choose():
    """102 evaluations at 96 pixels: L-BFGS 1.54; Adam 5.4, 2.6, 1.97, 1.76, 1.69 for rates 1, 2, 4, 8, 16; Adagrad
    2.8 at best, gradient steps 1.9 at best."""
    data = Path(mv.__file__).parent / "data"
    goose, strokes = (mv.read_image(data / name, 96) for name in ("goose.png", "strokes.png"))
    found = style_methods(mv.load("emoji-vgg"), goose, strokes, evaluations=100).losses
    assert 0.97 * found["adam"] > found["lbfgs"] and 0.9 * found["gradient"] > found["lbfgs"]
    assert 0.7 * found["adagrad"] > found["lbfgs"]
    slow = style_transfer(mv.load("emoji-vgg"), goose, strokes, method="adam", rate=2.0, steps=100).runs[0].loss
    assert slow > 1.4 * found["lbfgs"]


def test_rates_are_numbers_above_0():
    assert read_rates({"adam": 0.25, "gradient": 3}) == {"adam": 0.25, "gradient": 3}
    for wrong in ({}, [("adam", 1.0)], None, *({"adam": rate} for rate in (0, -1, None, "3", np.inf))):
        with pytest.raises((ValueError, TypeError)):
            read_rates(wrong)
    with pytest.raises(BadValue, match="rates must be rates by method"):
        style_methods(tiny_vgg(), scene(), scene(), rates={"adam": 0})
    with pytest.raises(UnknownName, match="no method named 'adamm'; did you mean 'adam'"):
        style_methods(tiny_vgg(), scene(), scene(), rates={"adamm": 2.0})


def test_refuses():
    net = tiny_vgg()
    with pytest.raises(UnknownName, match="no method named 'sgd'"):
        style_methods(net, scene(), scene(), methods=("sgd",))
    with pytest.raises(BadValue, match="and no steps"):
        style_methods(net, scene(), scene(), steps=5)
    with pytest.raises(BadValue, match="at least one method, rates and one size"):
        style_methods(net, scene(), scene(), size=(20, 40))
    with pytest.raises(BadValue, match="L-BFGS finds the length of its steps by itself"):
        style_transfer(net, scene(), scene(), method="lbfgs", rate=1.0)
    with pytest.raises(UnknownName, match="no method named 'newton'"):
        style_transfer(net, scene(), scene(), method="newton")
