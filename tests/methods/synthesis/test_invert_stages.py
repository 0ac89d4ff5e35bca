"""The stages of an inversion: their noise, their steps, their seeds, and how they go on from a checkpoint."""

import numpy as np
import pytest
from commandline import scene

from minivis.errors import BadFile
from minivis.methods.synthesis.invert import invert, settings_at
from minivis.methods.synthesis.invert_stages import method_of, priors, sigma2_of, stages_of
from minivis.methods.synthesis.settings import InvertSettings
from minivis.models.tiny import tiny_vgg
from minivis.optimize.loop import optimize
from minivis.optimize.watch import Watch


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


def test_noise_fades_and_steps_shrink(net):
    """30 stages from 40 levels to 0.3, in the net's units; Adam's rate falls to a thirtieth."""
    _, how = settings_at(net, "pool1", given={"coarse": (), "smooth": (40.0, 3.0, 90), "steps": 7})
    *stages, last = stages_of(net, "pool1", np.ones((1, 8, 8, 6), "f4"), (1, 16, 16, 3), how)
    assert len(stages) == 30 and {stage.steps for stage in stages} == {3} and (last.transforms, last.steps) == ((), 7)
    assert [stage.method.rate for stage in stages[::29]] == pytest.approx([3.0, 0.1])
    x = np.zeros((1, 16, 16, 3))
    for levels, stage in zip((40.0, 0.3), stages[::29]):
        (added,) = stage.transforms
        seen = net.deprocess(added(np.random.default_rng(0), x.shape).forward(x)) - net.deprocess(x)
        assert seen.std() == pytest.approx(levels, rel=0.05)


def test_each_stage_draws_noise_of_its_own_and_hands_on_its_last_image(net, monkeypatch):
    """Images under noise are compared by a few draws, where the first would stay the best."""
    asked = []

    def watched(problem, z, **how):
        asked.append((bool(problem.transforms), how["seed"], how["keep"]))
        return optimize(problem, z, **how)

    monkeypatch.setattr("minivis.methods.synthesis.invert_stages.optimize", watched)
    invert(net, scene(), "pool1", coarse=[(2.0, 2)], smooth=(5.0, 1.0, 30), steps=2)
    assert len({seed for _, seed, _ in asked}) == len(asked) == 32
    assert [(noisy, keep) for noisy, _, keep in asked] == [(False, "best"), *[(True, "last")] * 30, (False, "best")]


def test_it_goes_on_from_the_checkpoint_of_any_stage(net, tmp_path):
    settings = {"coarse": [(2.0, 6), (1.0, 4)], "smooth": (), "steps": 5}
    for stop, done, left in ((3, 3, 6 + 4 + 5), (8, 8, 4 + 5), (12, 12, 5)):
        seen, kept = [], str(tmp_path / f"run{stop}")
        watch = Watch(lambda preview, seen=seen, stop=stop: interrupt_at(seen, stop), every=1, checkpoint=kept)
        half = invert(net, scene(), "conv1_2", watch=watch, **settings)
        assert half.stopped == "stopped by Ctrl-C" and half.run.steps == done
        rest = invert(net, scene(), "conv1_2", watch=Watch(checkpoint=kept, resume=True), **settings)
        assert rest.run.steps == left and rest.run.loss < half.run.loss and "empty history" in rest.run.notes[0]
    settings["smooth"] = (5.0, 1.0, 60)                             # thirty times two steps
    seen, kept = [], str(tmp_path / "noisy")
    watch = Watch(lambda preview: interrupt_at(seen, 10 + 31), every=1, checkpoint=kept)
    assert invert(net, scene(), "conv1_2", watch=watch, **settings).run.steps == 41
    asked = Watch(checkpoint=kept, resume=True)
    rest = invert(net, scene(), "conv1_2", watch=asked, **settings)
    assert rest.run.steps == 2 + 14 * 2 + 5 and asked.resume and asked.checkpoint == kept
    whole = invert(net, scene(), "conv1_2", **settings)
    np.testing.assert_array_equal(rest.pictures, whole.pictures)
    with pytest.raises(BadFile, match="another run"):
        invert(net, scene(), "pool1", watch=Watch(checkpoint=kept, resume=True), **settings)


def interrupt_at(seen, stop):
    seen.append(1)
    if len(seen) == stop:
        raise KeyboardInterrupt


def test_coarse_stages_come_first_and_none_is_without_steps(net):
    _, how = settings_at(net, "conv1_2", given={"coarse": ((2.0, 5), (1.0, 0)), "smooth": (), "steps": 7, "through": 0,
                                                "rounds": ()})
    stages = stages_of(net, "conv1_2", np.ones((1, 16, 16, 6), "f4"), (1, 16, 16, 3), how)
    assert [stage.steps for stage in stages] == [5, 7] and not any(stage.transforms for stage in stages)


def test_rates_are_in_units_of_sigma():
    """sigma^2 = 68.9^2 for each of the 2 x 5 x 3 numbers of a picture, however many pictures there are."""
    assert sigma2_of((1, 2, 5, 3)) == sigma2_of((4, 2, 5, 3)) == pytest.approx(30 * 4747.21, rel=1e-12)
    method = method_of((1, 2, 5, 3), InvertSettings(method="gradient", rates=((0.5, 10), (0.1, 20)), momentum=0.9))
    assert [steps for _, steps in method.rate] == [10, 20] and method.momentum == 0.9
    assert [rate for rate, _ in method.rate] == pytest.approx([15 * 4747.21, 3 * 4747.21], rel=1e-12)
    assert method_of((1, 2, 5, 3), InvertSettings(method="lbfgs", history=7)).history == 7


def test_priors_by_hand(net):
    """Two pixels that differ by 3 levels; (sum of differences squared)^1 and sixth powers, over 2 sigma^2."""
    x = net.preprocess(np.full((1, 16, 16, 3), 120.0)) * 0
    x[0, 4, 7, 1] = 3 / 60                                              # the net's units are 60 levels
    acts = net.forward(x.astype(net.dtype), until="conv1_1")
    for how, expected in (({"tv": 2.0, "alpha": 0.0}, 4 * 9), ({"tv": 0.0, "alpha": 2.0}, 3.0**6)):
        loss = priors(x.shape, InvertSettings(**how))(acts)[0]
        assert loss == pytest.approx(expected / sigma2_of(x.shape), rel=1e-4)
