"""The bridge to scipy: what it hands over, where it ends, on how many threads, and that nobody goes around it."""

import ast
import contextlib
from pathlib import Path

import numpy as np
import pytest
from problems import problem, quadratic
from scipy.optimize import Bounds, minimize

import minivis
from minivis.objectives.base import Evaluation
from minivis.optimize import scipy_bridge
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.optimize.scipy_bridge import ScipyProblem, minimise
from minivis.optimize.update_rules import LBFGS


def rosenbrock(x):
    a, b = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    dx = np.zeros_like(x)
    dx[:-1] = -400 * x[:-1] * a - 2 * b
    dx[1:] += 200 * a
    return float((100 * a * a + b * b).sum()), dx


BOX = [(-2.0, 0.5), (None, 0.3), (-1.0, None), (0.0, 0.0)]


@pytest.mark.parametrize("bounds", [None, BOX])
@pytest.mark.parametrize("steps", [7, 300])
def test_it_is_scipys_minimize(bounds, steps):
    x0 = np.array([-1.2, 0.2, -0.5, 0.0])
    box = bounds and Bounds([-np.inf if low is None else low for low, _ in bounds],
                            [np.inf if high is None else high for _, high in bounds])
    said = minimize(rosenbrock, x0, jac=True, method="L-BFGS-B", bounds=box, options={"maxiter": steps})
    found = minimise(rosenbrock, x0, steps=steps, bounds=bounds)
    np.testing.assert_array_equal(found.x, said.x)
    assert found.loss == said.fun


def test_one_pair_bounds_every_element():
    found = minimise(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(4), steps=20, bounds=(-1.0, 2.0))
    np.testing.assert_array_equal(found.x, np.full(4, 2.0))


def test_flat_places_end_it_unless_told_otherwise():
    def nearly_flat(x):
        return float(1 + 1e-12 * (x**4).sum()), 4e-12 * x**3

    steps = []
    assert minimise(nearly_flat, np.ones(3), steps=50, callback=steps.append).message and not steps
    minimise(nearly_flat, np.ones(3), steps=50, stop_when_flat=False, callback=steps.append)
    assert steps


def test_a_callback_that_stops():
    seen = []

    def callback(x):
        seen.append(x.copy())
        if len(seen) == 3:
            raise StopIteration

    with contextlib.suppress(StopIteration):                            # older versions of scipy let it through
        minimise(rosenbrock, np.zeros(5), steps=50, callback=callback)
    assert len(seen) == 3


def test_scipys_blas_has_one_thread_meanwhile_and_its_own_number_after(monkeypatch):
    class Library:
        filepath, num_threads = "/site-packages/scipy.libs/libopenblas.so", 7

        def set_num_threads(self, count):
            self.num_threads = count

    class Other(Library):
        filepath = "/site-packages/numpy.libs/libopenblas.so"

    libraries, counts = [Library(), Other()], []
    monkeypatch.setattr(scipy_bridge, "ThreadpoolController", lambda: type("C", (), {"lib_controllers": libraries})())

    def fun(x):
        counts.append([lib.num_threads for lib in libraries])
        return rosenbrock(x)

    minimise(fun, np.zeros(3), steps=3)
    assert counts and all(count == [1, 7] for count in counts)
    assert [lib.num_threads for lib in libraries] == [7, 7]


def test_scipy_sees_the_same(vgg, rng):
    made = problem(vgg)
    z = made.parameterization.start(rng.uniform(60, 190, made.parameterization.shape))
    fun = ScipyProblem(made, z.shape, z.dtype)
    loss, flat = fun(z.ravel())
    found, dz = made.gradient(z)
    assert loss == found.loss and flat.dtype == np.float64
    np.testing.assert_array_equal(flat, dz.ravel())
    np.testing.assert_array_equal(fun.image(z.ravel()), z)
    assert fun.evaluation_at(z.ravel()).loss == loss and fun.evaluation_at(z.ravel()) is None
    fun(z.ravel())
    assert fun.evaluation_at(z.ravel()[::-1].copy()) is None             # another point with the same numbers


def test_the_first_gradient_sets_the_scale_until_a_restart():
    class Parabola:
        def gradient(self, z):
            return Evaluation(np.array([float((z * z).sum())]), {}, {}), 2 * z

    fun = ScipyProblem(Parabola(), (2, 2), np.float64, scale=None)
    loss, dz = fun(np.array([1.0, 3, -3, 1]))                           # |gradient| is 4 on average
    assert loss == 20 / 4 and abs(dz).mean() == 1
    assert fun(np.array([8.0, 8, 8, 8]))[0] == 256 / 4
    fun.restart()
    assert abs(fun(np.array([8.0, 8, 8, 8]))[1]).mean() == 1


def test_lbfgs_finds_a_minimum_at_the_bounds(vgg):
    """The centre lies outside 0..255 for some: the least within is known."""
    centre = np.random.default_rng(1).uniform(-100, 355, (1, 16, 16, 3))
    slopes = np.random.default_rng(2).uniform(0.1, 10, centre.shape)
    made = Problem(vgg, quadratic(vgg, centre, slopes), pixels(vgg, centre.shape))
    run = optimize(made, made.parameterization.grey(), method=LBFGS(20), steps=100)
    np.testing.assert_allclose(run.z, centre.clip(0, 255), atol=1e-3)
    assert run.steps < 100 and run.stopped.startswith("scipy: ")


def test_lbfgs_equals_scipy_alone(vgg):
    """The bridge adds nothing but a scale: the same as scipy on a function of our own making, so scaled."""
    centre = np.random.default_rng(1).uniform(50, 200, (1, 4, 4, 3))
    slopes = np.random.default_rng(2).uniform(0.1, 10, centre.shape)
    made = Problem(vgg, quadratic(vgg, centre, slopes), pixels(vgg, centre.shape))
    run = optimize(made, made.parameterization.grey(), method=LBFGS(5), steps=7)
    scale = 1 / abs(2 * slopes * (made.parameterization.grey() - centre)).mean()
    said = minimize(lambda z: (scale * float((slopes * (z.reshape(centre.shape) - centre) ** 2).sum()),
                               scale * (2 * slopes * (z.reshape(centre.shape) - centre)).ravel()),
                    made.parameterization.grey().ravel(), jac=True, method="L-BFGS-B",
                    options={"maxcor": 5, "maxiter": 7, "ftol": 0, "gtol": 0}, bounds=[(0, 255)] * centre.size)
    assert run.loss == pytest.approx(said.fun / scale, rel=1e-6) and run.steps == 7


def test_nobody_else_calls_scipys_lbfgs():
    for path in Path(minivis.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == "scipy_bridge.py" or "scipy" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "scipy.optimize":
                names = {alias.name for alias in node.names}
                assert not names & {"minimize", "fmin_l_bfgs_b"}, f"{path}:{node.lineno}"
