"""How long a run will take, by a clock of our own."""

from types import SimpleNamespace

import numpy as np
import pytest

from minivis.models.tiny import tiny_vgg
from minivis.objectives.priors import l2
from minivis.optimize.expect import in_words, overhead, telling, timed
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Preview, Watch


class Clocked:
    """A run whose first gradient takes longer than the ``each`` seconds of the others, on a clock of its own."""

    def __init__(self, each, side=10):
        self.each, self.now, self.seconds, self.net = each, 0.0, [], SimpleNamespace(xp=np)
        self.parameterization = SimpleNamespace(shape=(1, side, side, 3))

    def clock(self):
        return self.now

    def run(self, watch, method, steps, progress=True):
        look = telling(watch, "9 x 9", self, method, 0.0, progress)
        results = []
        for step in range(1, steps + 1):
            self.seconds += [2 * self.each, self.each] if step == 1 else [self.each]
            self.now = sum(self.seconds) + overhead(self.parameterization.shape, method, range(1, step + 1))
            results.append(look(Preview(step, steps, 0.0, {}, None)))
        return results


@pytest.mark.parametrize("steps, each, method, said", [
    (88, 1, Adam(1.0), "minivis: 9 x 9: about 90 s for 88 steps"), (598, 1, Adam(1.0), "about 10 min for"),
    (2, 100, Adam(1.0), "about 7 min 10 s for 2 steps"),        # one step is enough if there are but two
    (358, 100, Adam(1.0), "about 10.0 hours"), (5, 1, Adam(1.0), ""), (1, 100, Adam(1.0), ""),
])
def test_what_is_worth_saying(capsys, steps, each, method, said):
    Clocked(each).run(Watch(), method, steps)
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == bool(said)


@pytest.mark.parametrize("steps", [3, 15, 200])
def test_the_steps_of_lbfgs_grow_until_it_remembers_all_that_it_may(capsys, steps):
    run = Clocked(1.0, side=3000)
    run.run(Watch(), LBFGS(20), steps)
    assert f"about {in_words(run.now)} for {steps} steps" in capsys.readouterr().err
    assert overhead((1, 100, 100, 3), LBFGS(20), range(60, 61)) > 3 * overhead((1, 100, 100, 3), LBFGS(20), range(1, 2))


def test_of_two_steps_with_one_gradient_each_the_first_one_counts(capsys):
    run = Clocked(1.0)
    run.seconds, run.now = [30.0], 30.0
    look = telling(Watch(), "9 x 9", run, Adam(1.0), 0.0, True)
    assert not look(Preview(1, 2, 0.0, {}, None))
    assert "about 70 s for 2 steps" in capsys.readouterr().err              # and 10 s for the loss of the last picture


def test_nothing_is_said_where_no_progress_is(capsys):
    Clocked(1.0).run(Watch(), Adam(1.0), 100, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("needs, said", [(12.4, "12 s"), (104, "1 min 40 s"), (240, "4 min"), (899, "15 min")])
def test_seconds_in_words(needs, said):
    assert in_words(needs) == said


def test_the_callback_of_the_watch_is_called_as_before():
    called = []
    watch = Watch(callback=lambda preview: called.append(preview.step) or preview.step == 6, every=3)
    assert Clocked(1.0).run(watch, Adam(1.0), 8, False) == [False] * 5 + [True] + [False] * 2 and called == [3, 6]


@pytest.mark.parametrize("method", [Adam(1.0), LBFGS(3)], ids=str)
def test_a_timed_problem_is_the_same_problem(rng, method):
    net = tiny_vgg()
    made = Problem(net, l2(), pixels(net, (1, 8, 8, 3)))
    z = made.parameterization.start(rng.uniform(0, 255, (8, 8, 3)))
    watched = timed(made)
    runs = [optimize(problem, z, method=method, steps=3) for problem in (made, watched)]
    np.testing.assert_array_equal(runs[0].z, runs[1].z)
    assert len(watched.seconds) >= 3 and min(watched.seconds) >= 0
