"""L-BFGS without scipy: its direction is the BFGS matrix's, its steps are scipy's, its minimum is the minimum."""

import numpy as np
import pytest
import stand_in
from problems import problem, quadratic
from scipy.optimize import LbfgsInvHessProduct

from minivis.models.tiny import tiny_vgg
from minivis.objectives.activations import code_distance, log_probability
from minivis.optimize import lbfgs
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels, spectrum
from minivis.optimize.problem import Problem
from minivis.optimize.update_rules import LBFGS
from minivis.optimize.watch import Watch
from minivis.runtime.backend import to_cpu


@pytest.fixture
def device():
    with stand_in.installed() as cupy:
        yield cupy


def some_pairs(rng, count, size, xp=np):
    """Steps, and the gradient's changes along them under a positive definite Hessian."""
    root = rng.standard_normal((size, size))
    hessian = root @ root.T + 0.1 * np.eye(size)
    steps = rng.standard_normal((count, size))
    return [lbfgs.pair_of(xp.asarray(s), xp.asarray(hessian @ s)) for s in steps]


# ---- the direction ----

@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_two_loops_are_the_bfgs_matrix(xp, rng, count):
    """H+ = (1 - rho s y^T) H (1 - rho y s^T) + rho s s^T, equation 6.17, from H = gamma 1 on; measured: 1e-14."""
    pairs, v, one = some_pairs(rng, count, 12, xp), rng.standard_normal(12), np.eye(12)
    s_y = [(to_cpu(p.s), to_cpu(p.y)) for p in pairs]
    H = one * (s_y[-1][0] @ s_y[-1][1] / (s_y[-1][1] @ s_y[-1][1]) if pairs else 1)
    for s, y in s_y:
        rho = 1 / (s @ y)
        H = (one - rho * np.outer(s, y)) @ H @ (one - rho * np.outer(y, s)) + rho * np.outer(s, s)
    got = to_cpu(lbfgs.inverse_hessian_times(xp.asarray(v), pairs))
    np.testing.assert_allclose(got, H @ v, rtol=1e-9, atol=1e-9 * abs(H @ v).max())


def test_two_loops_are_scipys_product(rng):
    pairs, v = some_pairs(rng, 5, 12), rng.standard_normal(12)
    pairs[-1] = pairs[-1]._replace(gamma=1.0)                           # scipy's class begins from H = 1
    product = LbfgsInvHessProduct(*(np.array([getattr(p, name) for p in pairs]) for name in "sy"))
    np.testing.assert_allclose(lbfgs.inverse_hessian_times(v, pairs), product.matvec(v), rtol=1e-9)


def test_a_pair_needs_curvature():
    s = np.array([1.0, 2.0])
    assert lbfgs.pair_of(s, 3 * s) == (pytest.approx(s), pytest.approx(3 * s), 1 / 15, 1 / 3)
    assert lbfgs.pair_of(s, -s) is None and lbfgs.pair_of(s, np.array([2.0, -1.0])) is None
    assert lbfgs.pair_of(s, 0 * s) is None


def test_what_a_bound_holds():
    z, dz = np.array([0.0, 0.0, 9.0, 255.0, 255.0]), np.array([2.0, -2.0, 2.0, 2.0, -2.0])
    np.testing.assert_array_equal(lbfgs.held(z, dz, (0, 255)), [True, False, False, False, True])
    point = lbfgs.Point(z, dz, None, None)
    np.testing.assert_array_equal(lbfgs.downhill(point, [], (0, 255)), [0, 2, -2, -2, 0])
    np.testing.assert_array_equal(lbfgs.downhill(point, [], None), -dz)
    pair = lbfgs.pair_of(np.ones(5), np.array([1.0, 2.0, 3.0, 4.0, 5.0]))   # mixes all: the held ones stay held
    d = lbfgs.downhill(point, [pair], (0, 255))
    free = np.array([0, 1, 1, 1, 0])
    np.testing.assert_array_equal(d, -free * lbfgs.inverse_hessian_times(free * dz, [pair]))
    assert d @ dz < 0 and (d[1:4] != [2, -2, -2]).all()


# ---- the line search ----

class Valley:
    """loss(z) and its derivative, of one number."""

    def __init__(self, loss, slope):
        self.loss, self.slope, self.tried = loss, slope, []

    def __call__(self, z):
        self.tried.append(float(z[0]))
        found = type("Found", (), {"loss": self.loss(float(z[0]))})
        return lbfgs.Point(z, np.array([self.slope(float(z[0]))]), z, found)

    def search(self, start, d, first, bounds=None):
        begin = self(np.array([start]))
        self.tried.clear()
        return lbfgs.line_search(self, begin, np.array([d]), first, bounds)


@pytest.mark.parametrize("first, tried", [
    (1.0, [1]), (0.3, [0.3, 0.6]), (0.1, [0.1, 0.2, 0.4]),              # the slope, -8 at first, must be above -7.2
    (7.5, [7.5]), (7.8, [7.8, 3.9]), (16.0, [16, 8, 4]),                # and below 7.2, and the loss below that of 0
    (0.35, [0.35, 0.7]), (30.0, [30, 15, 7.5]),
])
def test_too_short_is_doubled_and_too_far_is_halved(first, tried):
    parabola = Valley(lambda z: (z - 4) ** 2, lambda z: 2 * (z - 4))
    for bounds in (None, (-1, 50)):
        assert parabola.search(0.0, 1.0, first, bounds).z == tried[-1]
        np.testing.assert_allclose(parabola.tried, tried)


def test_between_too_short_and_too_far():
    steps = Valley(lambda z: z**4 - 40 * z, lambda z: 4 * z**3 - 40)    # the least at 2.15; flat enough from 1 to 2.67
    assert steps.search(0.0, 1.0, 0.7).z == 1.4 and steps.tried == [0.7, 1.4]
    narrow = Valley(lambda z: (z - 1) ** 2 if z < 1 else 50 * (z - 1) ** 2, lambda z: (z - 1) * (2 if z < 1 else 100))
    assert narrow.search(0.0, 1.0, 0.05).z == pytest.approx(0.1) and len(narrow.tried) == 2
    cliff = Valley(lambda z: -z if z < 1 else 9.0, lambda z: -1.0 if z < 0.9 else -0.5)
    assert 0.9 <= cliff.search(0.0, 1.0, 0.4).z < 1
    np.testing.assert_allclose(cliff.tried, [0.4, 0.8, 1.6, 1.2, 1.0, 0.9])


def test_both_conditions_hold_where_it_ends(rng):
    wave = Valley(lambda z: np.cos(3 * z) + 0.1 * z**2, lambda z: -3 * np.sin(3 * z) + 0.2 * z)
    for start in rng.uniform(-4, 4, 40):
        slope = wave.slope(start)
        point = wave.search(start, -slope, float(rng.uniform(0.001, 30)))
        t = (point.z[0] - start) / -slope
        assert t > 0 and point.found.loss <= wave.loss(start) - lbfgs.C1 * t * slope**2
        assert abs(point.dz[0] * slope) <= lbfgs.C2 * slope**2 * (1 + 1e-12)


def test_where_there_is_nothing_to_find():
    up = Valley(lambda z: z, lambda z: 1.0)
    assert up.search(0.0, 1.0, 1.0) is None and up.tried == []          # d leads up
    wrong = Valley(lambda z: z, lambda z: -1.0)                         # a gradient that lies
    assert wrong.search(0.0, 1.0, 1.0) is None and len(wrong.tried) == lbfgs.TRIALS
    edge = Valley(lambda z: -z if z < 3 else float("nan"), lambda z: -1.0)
    point = edge.search(0.0, 1.0, 1.0)                                  # never flat: the last that was low enough
    assert 2.9 < point.z[0] < 3 and len(edge.tried) == lbfgs.TRIALS
    slope = Valley(lambda z: -z, lambda z: -1.0)
    assert slope.search(0.0, 1.0, 1000.0, bounds=(0, 255)).z == 255     # all at its bound: flat


# ---- whole runs: on the stand-in the numbers are NumPy's, and so scipy's run of the same problem is beside it ----

def evaluations(monkeypatch, problem, z, **how):
    """(the z of each evaluation with a gradient, the `Run`)."""
    seen, gradient = [], Problem.gradient

    def watched(self, z, rng=None):
        seen.append(to_cpu(z).copy())
        return gradient(self, z, rng)

    monkeypatch.setattr(Problem, "gradient", watched)
    run = optimize(problem, z, **how)
    monkeypatch.undo()
    return seen, run


@pytest.mark.parametrize("kind", [pixels, spectrum])
def test_steps_are_scipys_where_no_bound_is_met(device, monkeypatch, kind):
    """Every image that both look at, to 1e-7 of the way from the first: rounding grows on it.

    The spectrum's first step, of length 1, is too short, and each lengthens it in its own way: it ends as low.
    """
    seen, losses = {}, []
    for where in ("cpu", "gpu"):
        net = tiny_vgg(dtype=np.float64).to(where)
        x = net.xp.asarray(0.2 * np.random.default_rng(3).standard_normal((1, 16, 16, 3)))
        wanted, space = net.forward(x, until="conv2_1")["conv2_1"], kind(net, (1, 16, 16, 3))
        made = Problem(net, code_distance("conv2_1", wanted), space)
        seen[where], run = evaluations(monkeypatch, made, space.grey(), method=LBFGS(6), steps=20)
        losses.append(run.loss)
        assert run.steps == 20 and run.loss < 0.1 * run.first_loss
    if kind is spectrum:
        assert losses[1] < 1.1 * losses[0]
        return
    first, most = seen["cpu"][0], min(map(len, seen.values()))
    assert most >= 21 and abs(len(seen["cpu"]) - len(seen["gpu"])) <= 1
    for one, other in zip(seen["cpu"][:most], seen["gpu"]):
        np.testing.assert_allclose(one.ravel(), other.ravel(), atol=1e-7 * abs(seen["cpu"][most - 1] - first).max())
    assert np.array(seen["gpu"]).min() > 0 and np.array(seen["gpu"]).max() < 255


def test_the_minimum_at_the_bounds(device):
    """The centre lies outside 0..255 for some: the least within is known."""
    net = tiny_vgg(dtype=np.float64).to("gpu")
    centre = device.asarray(np.random.default_rng(1).uniform(-100, 355, (1, 16, 16, 3)))
    slopes = device.asarray(np.random.default_rng(2).uniform(0.1, 10, centre.shape))
    made = Problem(net, quadratic(net, centre, slopes), pixels(net, centre.shape))
    run = optimize(made, made.parameterization.grey(), method=LBFGS(20), steps=100)
    np.testing.assert_allclose(run.z.get(), centre.get().clip(0, 255), atol=1e-3)
    assert run.steps < 100 and run.stopped == "the line search found nothing lower"


def test_the_minimum_of_a_net(device):
    """log p and priors of two pictures at once, at bounds: as low as scipy gets, or lower."""
    losses = {}
    for where in ("cpu", "gpu"):
        made = problem(tiny_vgg(dtype=np.float64).to(where))
        losses[where] = optimize(made, made.parameterization.grey(), method=LBFGS(10), steps=60).loss
    assert losses["gpu"] < 1.1 * losses["cpu"]


def test_a_start_beyond_the_bounds_is_brought_in(device):
    made = problem(tiny_vgg().to("gpu"))
    start = made.parameterization.start(np.random.default_rng(0).uniform(-100, 355, (2, 16, 16, 3)))
    run = optimize(made, start, method=LBFGS(), steps=0)
    np.testing.assert_array_equal(run.z.get(), start.get().clip(0, 255))


def test_in_float32_it_ends_where_rounding_does(device):
    made = problem(tiny_vgg().to("gpu"))
    run = optimize(made, made.parameterization.grey(), method=LBFGS(10), steps=40)
    assert run.loss < 0.6 * run.first_loss and run.losses.shape == (2,)
    levels = made.parameterization.pixels(run.z).get()
    assert levels.min() >= 0 and levels.max() <= 255
    assert made.measure(run.z).loss == pytest.approx(run.loss, rel=1e-5)


def test_nothing_is_moved_but_numbers(device, monkeypatch):
    """A trial: whether pixels are finite, a loss for each part, two numbers; a step: three. Nothing the other way."""
    net, sizes, get = tiny_vgg().to("gpu"), [], stand_in.ndarray.get
    made = Problem(net, -1 * log_probability("fc8", [1]), pixels(net, (1, 16, 16, 3)))
    z = made.parameterization.grey()
    optimize(made, z, method=LBFGS(5), steps=2)                         # constants have gone there by then

    monkeypatch.setattr(stand_in.ndarray, "get", lambda self: (sizes.append(self.size), get(self))[1])
    moved = {}
    for steps in (3, 8):
        sizes.clear()
        stand_in.transfers.update({"to host": 0, "to device": 0})
        run = optimize(made, z, method=LBFGS(5), steps=steps)
        moved[steps] = np.array([run.evaluations, stand_in.transfers["to host"]])
        assert stand_in.transfers["to device"] == 0 and run.steps == steps
    trials, transfers = moved[8] - moved[3]
    assert transfers == 3 * trials + 2 * 5
    assert sorted(sizes)[-1] == z.size and sorted(sizes)[-2] <= 2       # the picture, at the end, and numbers


# ---- checkpoints ----

def test_a_resumed_run_ends_on_the_same_bits(device, tmp_path):
    made, kept = problem(tiny_vgg(dtype=np.float64).to("gpu")), str(tmp_path / "run.npz")
    z = made.parameterization.grey()
    whole = optimize(made, z, method=LBFGS(4), steps=12)
    optimize(made, z, method=LBFGS(4), steps=7, watch=Watch(checkpoint=kept))
    rest = optimize(made, z + 50, method=LBFGS(4), steps=12, watch=Watch(checkpoint=kept, resume=True))
    np.testing.assert_array_equal(rest.z.get(), whole.z.get())
    assert rest.steps == 12 and rest.notes == () and rest.loss == whole.loss


def test_a_checkpoint_goes_from_here_to_there_and_back(device, tmp_path):
    """With an empty history, and it says so; what is remembered of a run on the other side would be another image's."""
    kept, losses = str(tmp_path / "run.npz"), []
    for steps, where in enumerate(("cpu", "gpu", "cpu", "gpu"), start=1):
        made = problem(tiny_vgg().to(where))
        watch = Watch(checkpoint=kept, resume=steps > 1)
        run = optimize(made, made.parameterization.grey(), method=LBFGS(4), steps=4 * steps, watch=watch)
        assert run.steps == 4 * steps and run.notes == ((lbfgs.FORGOTTEN,) if steps > 1 else ())
        losses.append(run.loss)
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


def test_ctrl_c_gives_the_best_so_far(device):
    def callback(preview):
        if preview.step == 5:
            raise KeyboardInterrupt

    made = problem(tiny_vgg().to("gpu"))
    watch = Watch(callback=callback, every=1)
    run = optimize(made, made.parameterization.grey(), method=LBFGS(4), steps=50, watch=watch)
    assert run.stopped == "stopped by Ctrl-C" and run.steps == 5 and run.loss < run.first_loss
