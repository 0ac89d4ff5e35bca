"""How long a run will take, by a clock of our own."""

import numpy as np
import pytest

from minivis.optimize import expect
from minivis.optimize.update_rules import LBFGS, Adam


class Found:
    losses = np.ones(1)


class Problem:
    """A gradient takes 8 seconds at first, and then 2."""

    def __init__(self):
        self.now, self.calls = 0.0, 0

    def gradient(self, z):
        self.calls += 1
        self.now += 8 if self.calls == 1 else 2
        return Found, z

    def clock(self):
        return self.now


@pytest.mark.parametrize("method, seconds", [(Adam(1.0), 100.0), (LBFGS(20), 104.0)])
def test_the_second_gradient_is_timed(method, seconds):
    problem = Problem()
    assert expect.seconds(problem, np.ones((1, 2, 2, 3)), method, 50, problem.clock) == pytest.approx(seconds)


@pytest.mark.parametrize("steps, needs, progress, said", [
    (50, 90, True, "minivis: 9 x 9: about 90 s and 2 GB of memory"), (50, 600, True, "about 10 min and"),
    (50, 36000, True, "about 10.0 hours"), (50, 10, True, ""), (19, 90, True, ""), (50, 90, False, ""),
])
def test_what_is_worth_saying(monkeypatch, capsys, steps, needs, progress, said):
    monkeypatch.setattr(expect, "seconds", lambda *run: needs)
    expect.tell(None, None, None, steps, size="9 x 9", memory=2e9, progress=progress)
    err = capsys.readouterr().err
    assert said in err and bool(said) == bool(err)
