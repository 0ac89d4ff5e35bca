"""A Gabor filter is found again in the bank, a wave and noise are not; and the parts of square and spectrum by hand."""

import numpy as np
import pytest

from minivis.methods.looking.gabor import Fit, bank, fitted, part_used


def pattern(sigma, waves, row=5.0, column=6.0, side=12, phase=0.7):
    y, x = np.mgrid[:side, :side]
    u = (x - column) * np.cos(0.4) + (y - row) * np.sin(0.4)
    size = (x - column) ** 2 + (y - row) ** 2
    return (np.exp(-size / (2 * sigma**2)) * np.cos(2 * np.pi * waves * u + phase))[None, ..., None]


def test_a_gabor_filter_is_found_a_wave_and_noise_are_not(rng):
    """Of directions, phases and places between those of the bank, too."""
    local, wave = fitted(pattern(1.8, 0.15)), fitted(pattern(1e6, 0.3))
    noise = fitted(rng.standard_normal((20, 12, 12, 1)))
    assert local.likeness[0] > 0.85 and local.local[0]
    assert wave.likeness[0] < 0.6 and wave.space[0] > 0.4 and not wave.local[0]
    assert noise.likeness.max() < 0.35 and not noise.local.any()
    assert local.frequency[0] < 0.2 < noise.frequency.min() and wave.frequency[0] < 0.1


def test_strength_and_sign_do_not_count():
    one = pattern(1.8, 0.15)
    many = fitted(np.concatenate([one, -3 * one, one + 5]))
    np.testing.assert_allclose(many.likeness, many.likeness[0])
    np.testing.assert_allclose(many.gabors[1], -many.gabors[0])


def test_of_colours_the_pattern_counts_that_explains_most():
    one = pattern(1.8, 0.15)
    coloured = one * np.array([1.0, -2, 0.5])
    np.testing.assert_allclose(fitted(coloured).likeness, fitted(one).likeness)


def test_the_two_phases_of_the_bank_are_at_a_right_angle_and_of_length_1():
    even, odd = bank(5, 5)
    np.testing.assert_allclose((even**2).sum(axis=1), 1)
    np.testing.assert_allclose((even * odd).sum(axis=1), 0, atol=1e-9)
    assert abs(even.sum(axis=1)).max() < 1e-9 > abs(odd.sum(axis=1)).max()


def test_part_used_by_hand():
    np.testing.assert_allclose(part_used([[3.0, 3, 3, 3], [-2, 0, 0, 0], [1, 1, 0, 0]]), [1, 0.25, 0.5])


def test_what_is_told():
    fit = Fit(np.array([0.9, 0.6, 0.2]), np.array([0.1, 0.4, 0.1]), np.array([0.1, 0.1, 0.1]), np.zeros((3, 2, 2)))
    assert fit.local.tolist() == [True, False, False] and fit.told() == "fit 0.60, space 0.10, frequency 0.10"
    assert fit.describe()["local_edges"] == pytest.approx(1 / 3)
