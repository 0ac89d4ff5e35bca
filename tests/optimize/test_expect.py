"""How long a run will take, by a clock of our own."""

import pytest

from minivis.optimize.expect import telling
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Preview, Watch


def run(look, steps, first=1):
    return [look(Preview(step, steps, 0.0, {}, None)) for step in range(first, steps + 1)]


@pytest.mark.parametrize("steps, each, method, progress, said", [
    (91, 1, Adam(1.0), True, "minivis: 9 x 9: about 90 s for 91 steps"), (601, 1, Adam(1.0), True, "about 10 min for"),
    (501, 1, LBFGS(20), True, "about 10 min for"),          # its steps grow longer
    (361, 100, Adam(1.0), True, "about 10.0 hours"), (51, 1, Adam(1.0), True, ""), (5, 100, Adam(1.0), True, ""),
    (91, 1, Adam(1.0), False, ""),
])
def test_what_is_worth_saying(capsys, steps, each, method, progress, said):
    times = iter([0.0, *(each * k for k in range(1, 9))])
    run(telling(Watch(), "9 x 9", method, progress, lambda: next(times)), steps)
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == bool(said)


def test_the_callback_of_the_watch_is_called_as_before():
    called = []
    watch = Watch(callback=lambda preview: called.append(preview.step) or preview.step == 6, every=3)
    assert run(telling(watch, "it", Adam(1.0)), 8) == [False] * 5 + [True] + [False] * 2 and called == [3, 6]
