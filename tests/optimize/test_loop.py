"""The loop: gradient of the whole chain, losses that fall, the best kept, every way to stop, and to go on."""


import numpy as np
import pytest
from problems import problem, quadratic

from minivis.errors import BadFile, BadValue, TooLarge, UnknownName
from minivis.models.tiny import tiny_vgg
from minivis.objectives.activations import code_distance
from minivis.objectives.base import objective
from minivis.objectives.priors import alpha_norm, tv
from minivis.optimize import loop
from minivis.optimize import transforms as t
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier, pixels
from minivis.optimize.problem import Problem
from minivis.optimize.regularize import decay
from minivis.optimize.update_rules import LBFGS, Adam, Gradient
from minivis.optimize.watch import Watch

METHODS = {"gradient": Gradient(300.0, momentum=0.9, normalize="l2"), "adam": Adam(3.0), "lbfgs": LBFGS(10)}


# ---- runs ----

@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [pixels, fourier])
def test_the_loss_falls(name, kind, rng):
    made = problem(tiny_vgg(), kind)
    p = made.parameterization
    z = p.grey() if kind is pixels else (0.01 * rng.standard_normal(p.grey().shape)).astype(np.float32)
    method = {"adam": Adam(0.1), "gradient": Gradient(1.0, momentum=0.9, normalize="l2")}.get(name, METHODS[name])
    run = optimize(made, z, method=METHODS[name] if kind is pixels else method, steps=40)
    assert run.steps == 40 or name == "lbfgs"
    assert run.first_loss > 2 and run.loss < 0.6 * run.first_loss
    assert run.losses.shape == (2,) and run.pixels.shape == (2, 16, 16, 3)
    assert run.loss == pytest.approx(sum(run.terms.values()), rel=0.2)
    levels = p.pixels(run.z)
    assert levels.min() >= -1e-3 and levels.max() <= 255.001
    assert made.measure(run.z).loss == pytest.approx(run.loss, rel=1e-5)


@pytest.mark.parametrize("weight", [1e-9, 1e6])
def test_lbfgs_gets_on_whatever_the_size_of_the_loss(weight):
    net = tiny_vgg()
    wanted = net.forward(net.preprocess(np.full((16, 16, 3), 90, np.uint8)), until="relu2_1")["relu2_1"]
    made = Problem(net, weight * code_distance("relu2_1", wanted), pixels(net, (1, 16, 16, 3)))
    z = made.parameterization.grey() + np.random.default_rng(0).standard_normal((1, 16, 16, 3)).astype("f4")
    run = optimize(made, z, method=LBFGS(), steps=25)
    assert run.loss < 0.2 * run.first_loss and run.steps == 25


def test_the_best_image_is_kept(vgg):
    """A rate so large that it jumps away: the run gives back what was best before."""
    made = Problem(vgg, quadratic(vgg, 100.0), pixels(vgg, (1, 16, 16, 3)))
    run = optimize(made, made.parameterization.start(np.full((16, 16, 3), 101.0)), method=Gradient(1.5), steps=10)
    assert run.loss == pytest.approx(768) and (run.z == 101).all()


def test_the_best_of_each_image(vgg):
    """One image of the batch is at its best at once, the other at the end."""
    made = Problem(vgg, quadratic(vgg, np.array([101.0, 200.0]).reshape(2, 1, 1, 1)), pixels(vgg, (2, 16, 16, 3)))
    run = optimize(made, made.parameterization.start(np.full((16, 16, 3), 101.0)),
                   method=Gradient(5.0, momentum=0.5, normalize="rms"), steps=9)
    assert (run.z[0] == 101).all() and abs(run.z[1] - 200).max() < 30
    assert run.losses[0] == 0


@pytest.mark.parametrize("H, W", [(30, 50), (50, 30)])
def test_out_of_memory_the_longer_side_decides_on_tiles_and_is_what_shrinks(vgg, monkeypatch, H, W):
    """With 0.9 * 0.4 of the memory that it needs, 0.6 of each side fits; more than 0.7 is never proposed."""
    made = Problem(vgg, quadratic(vgg, 100.0), pixels(vgg, (1, H, W, 3)))
    monkeypatch.setattr(loop, "memory_of", lambda *_: 1000)
    monkeypatch.setattr(loop, "TILE", 49)
    assert loop.in_tiles(made, Adam()).tile == 49
    monkeypatch.setattr(loop, "TILE", 50)
    for free, side in ((405, 30), (700, 35)):
        monkeypatch.setattr(loop, "available", lambda net, free=free: free)
        with pytest.raises(TooLarge, match=f"^{W} x {H} pixels do not .* make the longer side {side} pixels or less"):
            loop.in_tiles(made, Adam())


def test_no_steps_give_the_start(vgg):
    made = problem(vgg)
    z = made.parameterization.grey()
    for method in METHODS.values():
        run = optimize(made, z, method=method, steps=0)
        np.testing.assert_array_equal(run.z, z)
        assert run.loss == run.first_loss and run.stopped == "all 0 steps done"


def test_the_seed_decides(vgg):
    made = problem(vgg, transforms=(t.jitter(2),))
    runs = [optimize(made, made.parameterization.grey(), method=Adam(2.0), steps=6, seed=s) for s in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0].z, runs[1].z)
    assert not np.array_equal(runs[0].z, runs[2].z)


@pytest.mark.parametrize("name", METHODS)
def test_ctrl_c_gives_the_best_so_far(vgg, name):
    made = problem(vgg)

    def callback(preview):
        if preview.step == 5:
            raise KeyboardInterrupt

    watch = Watch(callback=callback, every=1)
    run = optimize(made, made.parameterization.grey(), method=METHODS[name], steps=50, watch=watch)
    assert run.stopped == "stopped by Ctrl-C" and run.steps == 5 and watch.interrupted
    assert run.loss < run.first_loss
    short = optimize(made, made.parameterization.grey(), method=METHODS[name], steps=5)
    assert short.loss <= run.loss * (1 + 1e-9)              # by then the fifth image itself has been looked at


def test_a_loss_that_is_no_number_ends_the_run(vgg):
    made = problem(vgg)
    run = optimize(made, made.parameterization.grey(), method=Gradient(1e300), steps=50)
    assert run.steps < 50 or run.loss <= run.first_loss
    bad = Problem(vgg, objective("nan", ("fc8",), lambda acts: (float("nan"), {"fc8": acts["fc8"]})),
                  pixels(vgg, (1, 16, 16, 3)))
    run = optimize(bad, bad.parameterization.grey(), steps=9)
    assert run.steps == 1 and "smaller rate" in run.stopped


# ---- checkpoints ----

@pytest.mark.parametrize("method", [Adam(2.0), Gradient(100.0, momentum=0.9, normalize="l2")])
def test_a_resumed_run_ends_on_the_same_bits(vgg, tmp_path, method):
    made = problem(vgg, transforms=(t.jitter(2),))
    z = made.parameterization.grey()
    whole = optimize(made, z, method=method, steps=12)
    kept = str(tmp_path / "run.npz")
    optimize(made, z, method=method, steps=7, watch=Watch(checkpoint=kept))
    rest = optimize(made, z + 50, method=method, steps=12, watch=Watch(checkpoint=kept, resume=True))
    assert rest.steps == 12
    last = optimize(made, z, method=method, steps=12, watch=Watch(checkpoint=kept, resume=True))
    np.testing.assert_array_equal(last.z, rest.z)
    # at the seventh step the short run looked at its image once more than the whole one did
    assert rest.loss <= whole.loss and (rest.loss < whole.loss or np.array_equal(rest.z, whole.z))


def test_lbfgs_resumes_with_an_empty_history_and_says_so(vgg, tmp_path):
    made, kept = problem(vgg), str(tmp_path / "run.npz")
    z = made.parameterization.grey()
    first = optimize(made, z, method=LBFGS(5), steps=5, watch=Watch(checkpoint=kept))
    watch = Watch(checkpoint=kept, resume=True)
    rest = optimize(made, z, method=LBFGS(5), steps=12, watch=watch)
    assert rest.loss < first.loss and rest.steps == 12 and "empty history" in rest.notes[0] and watch.resumed


def test_checkpoints_of_other_runs_are_refused(vgg, tmp_path):
    made, kept = problem(vgg), str(tmp_path / "run.npz")
    z = made.parameterization.grey()
    optimize(made, z, method=Adam(2.0), steps=2, watch=Watch(checkpoint=kept, identity="goose"))
    for change in ({"method": Adam(1.0)}, {"seed": 1}, {"watch": Watch(checkpoint=kept, resume=True, identity="cat")}):
        settings = {"method": Adam(2.0), "steps": 4,
                    "watch": Watch(checkpoint=kept, resume=True, identity="goose"), **change}
        with pytest.raises(BadFile, match="another run"):
            optimize(made, z, **settings)
    with pytest.raises(BadFile, match="there is no checkpoint"):
        optimize(made, z, watch=Watch(checkpoint=str(tmp_path / "nowhere"), resume=True))
    for damaged in (b"", b"PK\x03\x04", (tmp_path / "run.npz").read_bytes()[:300]):
        (tmp_path / "bad.npz").write_bytes(damaged)
        with pytest.raises(BadFile, match="damaged"):
            optimize(made, z, watch=Watch(checkpoint=str(tmp_path / "bad.npz"), resume=True))


# ---- what is refused ----

@pytest.mark.parametrize("make, kind, sentence", [
    (lambda net: optimize(problem(net), None, steps=-1), BadValue, "at least 0"),
    (lambda net: optimize(problem(net), None, steps=1.5), BadValue, "whole number"),
    (lambda net: optimize(problem(net, transforms=(t.jitter(1),)), np.zeros(1), method=LBFGS()), BadValue,
     "L-BFGS compares"),
    (lambda net: optimize(problem(net, fourier), None, regularize=[decay(net, 0.1)]), BadValue,
     "need the parameterization 'pixels'"),
])
def test_mistakes(vgg, make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make(vgg)


def test_objectives_of_the_image_alone(vgg):
    made = Problem(vgg, tv() + 1e-9 * alpha_norm(), pixels(vgg, (1, 16, 16, 3)))
    rng = np.random.default_rng(0)
    run = optimize(made, made.parameterization.start(rng.uniform(0, 255, (16, 16, 3))), method=LBFGS(5), steps=15)
    assert run.loss < 0.05 * run.first_loss


def test_a_code_is_found_again(vgg, rng):
    x = vgg.preprocess(rng.uniform(0, 255, (1, 16, 16, 3)))
    code = vgg.forward(x)["conv1_2"]
    made = Problem(vgg, code_distance("conv1_2", code), pixels(vgg, (1, 16, 16, 3)))
    run = optimize(made, made.parameterization.grey(), method=LBFGS(10), steps=60)
    assert run.loss < 0.02 * run.first_loss


def test_the_last_image_can_be_kept(vgg):
    """A stage of a longer run hands on where it came to, though it was nearer before."""
    def away(acts):
        return float((acts["input"] ** 2).sum()), {"input": -acts["input"]}

    problem = Problem(vgg, objective("away", ("input",), away), pixels(vgg, (1, 16, 16, 3)))
    z = problem.parameterization.grey() + 1
    best, last = (optimize(problem, z, method=Gradient(1e4), steps=5, keep=keep) for keep in ("best", "last"))
    np.testing.assert_array_equal(best.z, z)
    assert last.loss > best.loss and not np.allclose(last.z, z)
    with pytest.raises(UnknownName, match="no image to keep named 'first'"):
        optimize(problem, z, keep="first")
