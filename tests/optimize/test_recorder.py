"""What stands around a long run: the note where nothing moves, and any loop's checkpoints, film and Ctrl-C."""

import numpy as np
import pytest
from problems import problem

from minivis.errors import BadFile
from minivis.objectives.base import objective
from minivis.objectives.priors import l2
from minivis.optimize.lbfgs import by_two_loops
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier, pixels
from minivis.optimize.problem import Problem
from minivis.optimize.recorder import LongRun, nothing_moved
from minivis.optimize.update_rules import LBFGS, Adam, Gradient
from minivis.optimize.watch import CALLED_OFF, INTERRUPTED, Watch


def dead(alive):
    """Minus the values of a unit that is off for all images, but those of ``alive``."""
    def evaluate(acts):
        a = acts["input"]
        seeds = np.zeros_like(a)
        seeds[alive] = 1.0
        return (a * seeds).reshape(len(a), -1).sum(axis=1), {"input": seeds}

    return objective("dead", ("input",), evaluate)


@pytest.mark.parametrize("method", [Gradient(1.0), Adam(1.0), LBFGS(5)], ids=str)
@pytest.mark.parametrize("kind", [pixels, fourier])
def test_a_gradient_that_is_zero_everywhere_is_said_once(vgg, method, kind):
    made = Problem(vgg, dead([]), kind(vgg, (2, 16, 16, 3)))
    run = optimize(made, made.parameterization.grey(), method=method, steps=4)
    (note,) = [note for note in run.notes if "gradient" in note]
    assert note.startswith("the gradient of the images was zero everywhere") and "another start" in note


def test_it_names_the_images_that_do_not_move(vgg):
    made = Problem(vgg, dead([1]), pixels(vgg, (3, 16, 16, 3)))
    run = optimize(made, made.parameterization.grey(), method=Gradient(1.0), steps=3)
    assert len(run.notes) == 1 and "the gradient of images 1, 3 was zero everywhere" in run.notes[0]
    assert nothing_moved(np.array([False])).startswith("the gradient of the image was")


def test_a_gpus_lbfgs_says_so_too(vgg, monkeypatch):
    monkeypatch.setattr("minivis.optimize.loop.by_scipy", by_two_loops)
    made = Problem(vgg, dead([]), pixels(vgg, (1, 16, 16, 3)))
    assert "zero everywhere" in optimize(made, made.parameterization.grey(), method=LBFGS(5), steps=3).notes[0]


def test_a_run_that_moves_or_takes_no_step_says_nothing(vgg):
    still = Problem(vgg, dead([]), pixels(vgg, (1, 16, 16, 3)))
    assert optimize(still, still.parameterization.grey(), steps=0).notes == ()
    # the mean is the minimum of l2, so the first gradient is zero, but noise is added to each image after it
    made = Problem(vgg, l2(), pixels(vgg, (1, 16, 16, 3)))
    moves = optimize(made, made.parameterization.grey(), steps=3, regularize=[lambda z, dz, step: z + 1])
    assert moves.notes == ()
    assert optimize(problem(vgg), problem(vgg).parameterization.grey(), steps=2).notes == ()


# ---- any other loop ----

class Count(LongRun):
    """Counts to ``steps``; its checkpoint is how far it is."""

    name = "count"

    def identity(self):
        return self.name

    def state(self):
        return ({"number": np.array(self.step)}, {"step": self.step}) if self.step else None


def count_to(steps, watch, stop_at=None, error=KeyboardInterrupt):
    run = Count(watch, steps, False, "count")
    kept = run.kept(("number",))
    run.step = kept["step"] if kept else 0
    with run:
        while run.step < steps:
            if run.step == stop_at:
                raise error
            if run.advanced(-run.step, {}, lambda: run.step, "counting"):
                break
    return run


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    path = str(tmp_path / "run")
    first, rest = Watch(checkpoint=path), Watch(checkpoint=path, resume=True)
    assert count_to(9, first, stop_at=4).stopped == INTERRUPTED and first.interrupted and first.runs == [4]
    assert count_to(9, rest).step == 9 and rest.runs == [9] and not rest.interrupted
    Count.name = "another"
    try:
        with pytest.raises(BadFile, match="another run"):
            count_to(9, rest)
    finally:
        Count.name = "count"


def test_ctrl_c_with_nothing_to_keep_ends_the_program(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        count_to(9, Watch(checkpoint=str(tmp_path / "run")), stop_at=0)
    with pytest.raises(ZeroDivisionError):
        count_to(9, Watch(checkpoint=str(tmp_path / "run")), stop_at=3, error=ZeroDivisionError)
    assert list(tmp_path.iterdir()) == []


def test_film_and_callback():
    seen = []
    watch = Watch(callback=lambda preview: seen.append(preview.step) or preview.step >= 6, every=2, film=3)
    assert count_to(50, watch).stopped == CALLED_OFF and seen == [2, 4, 6]
    assert len(watch.frames) <= 3 and watch.frames[-1] == 6


def test_black_and_white_pixels_stay(vgg):
    made = Problem(vgg, l2(), pixels(vgg, (1, 16, 16, 3)))
    picture = np.full((16, 16, 3), 128.0)
    picture[0], picture[1] = 0.0, 255.0
    levels = optimize(made, made.parameterization.start(picture), steps=0).pixels
    np.testing.assert_allclose(levels[0], picture, atol=1e-3)
