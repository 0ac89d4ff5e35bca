"""The update rules: each step worked out by hand, and settings that would not descend."""

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.optimize.update_rules import LBFGS, Adagrad, Adam, Gradient


def test_gradient_steps_by_hand():
    z, dz, memory = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), {}
    np.testing.assert_allclose(Gradient(0.1).step(z, dz, {}, 0, None), [[0.7, 1.6]])
    np.testing.assert_allclose(Gradient(0.1, normalize="l2").step(z, dz, {}, 0, None), [[0.94, 1.92]])
    np.testing.assert_allclose(Gradient(0.1, normalize="mean").step(z, dz, {}, 0, None), z - 0.1 * dz / 3.5)
    rule = Gradient(((0.1, 2), (0.01, 2)), momentum=0.5)
    first = rule.step(z, dz, memory, 0, None)
    np.testing.assert_allclose(first, z - 0.1 * dz)
    np.testing.assert_allclose(rule.step(first, dz, memory, 1, None), first - 0.15 * dz)        # 0.1 + 0.5 * 0.1
    np.testing.assert_allclose(rule.step(first, dz, memory, 2, None), first - 0.01 * dz)        # forgotten at a stage
    assert rule.rate_at(99) == (0.01, False)


def test_yosinskis_policies_by_hand():
    z, dz = np.zeros((2, 2)), np.array([[3.0, 4.0], [0.01, 0.0]])
    out = Gradient(5.0, policy="progress").step(z, dz, {}, 0, np.zeros(2))
    np.testing.assert_allclose(out, [[-0.6, -0.8], [-1.0, 0.0]])        # 5 / 25; and capped at 100
    out = Gradient(5.0, policy="progress01").step(z, dz, {}, 0, np.array([-0.9, -0.9]))
    np.testing.assert_allclose(out[0], -0.05 / 25 * dz[0])              # half of the 0.1 that is left


def test_adagrad_by_hand():
    z, dz, memory = np.array([[1.0, -1.0, 5.0]]), np.array([[2.0, -3.0, 0.0]]), {}
    first = Adagrad(0.1).step(z, dz, memory, 0, None)
    np.testing.assert_allclose(first, [[0.9, -0.9, 5.0]])                # the first step is the rate, by sign
    second = Adagrad(0.1).step(first, 2 * dz, memory, 1, None)
    np.testing.assert_allclose(second, first + 0.1 * 2 / np.sqrt(5) * np.array([[-1.0, 1.0, 0.0]]))
    np.testing.assert_allclose(memory["s"], 5 * dz**2)


def test_adam_by_hand():
    z, dz, memory = np.array([[1.0, -1.0]]), np.array([[2.0, -3.0]]), {}
    first = Adam(0.1).step(z, dz, memory, 0, None)
    np.testing.assert_allclose(first, [[0.9, -0.9]], rtol=1e-6)          # the first step is the rate, by sign
    m, v = 0.9 * 0.1 * dz + 0.1 * -dz, 0.999 * 0.001 * dz**2 + 0.001 * dz**2
    expected = first - 0.1 * (m / (1 - 0.81)) / (np.sqrt(v / (1 - 0.999**2)) + 1e-8)
    np.testing.assert_allclose(Adam(0.1).step(first, -dz, memory, 1, None), expected)
    np.testing.assert_allclose(Adam(0.1).step(z, np.full_like(z, 1e-8), {}, 0, None), z - 0.05)     # epsilon halves it


@pytest.mark.parametrize("make", [
    lambda: Adam(beta2=1.0), lambda: Adam(beta1=1.0), lambda: Adam(0.0), lambda: Gradient(momentum=1.0),
    lambda: Gradient(momentum=-0.1), lambda: Gradient(((1.0, 5), (0.0, 5))), lambda: LBFGS(0),
    lambda: Adagrad(0.0), lambda: Adagrad(-1.0), lambda: Adagrad(np.inf), lambda: Adam(np.inf),
])
def test_rules_that_would_not_descend(make):
    with pytest.raises(BadValue, match=r"above 0|at least 1 step"):
        make()


@pytest.mark.parametrize("make, kind, sentence", [
    (lambda: Gradient(0), BadValue, "above 0"),
    (lambda: Gradient(1, normalize="l3"), UnknownName, "Choose from: none, mean"),
    (lambda: Gradient(1, policy="progres"), UnknownName, "progress"),
    (lambda: LBFGS(0), BadValue, "at least 1 step"),
    (lambda: Adam(float("nan")), BadValue, "above 0"),
])
def test_settings_of_rules_are_checked(make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make()
