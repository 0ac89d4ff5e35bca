"""Tuning on a clock of our own, whose times hang on the numbers as we say."""

import numpy as np
import pytest

from minivis.commands import bench_tune
from minivis.commands.bench_tune import TRIED, compare, passes, tune
from minivis.convolution import tuning
from minivis.convolution.tuning import Tuning
from minivis.models.tiny import tiny_vgg

DEFAULT = Tuning()


class Clock:
    """A work takes as long as ``seconds`` says of the numbers in force, but for some noise."""

    def __init__(self, monkeypatch, seconds, noise):
        self.now, self.seconds, self.noise, self.rng = 0.0, seconds, noise, np.random.default_rng(0)
        monkeypatch.setattr(bench_tune.time, "perf_counter", lambda: self.now)

    def work(self):
        self.now += self.seconds(tuning.TUNING) * (1 + self.noise * self.rng.standard_normal())


def test_a_gain_is_found_through_the_noise(monkeypatch):
    clock = Clock(monkeypatch, lambda table: 0.9 if table.band_bytes > DEFAULT.band_bytes else 1.0, noise=0.05)
    tried = {"band_bytes": (0.5, 2), "tiny": (0.25, 4)}
    *found, together = tune([clock.work] * 2, seconds=800, tried=tried)
    assert [one.numbers for one in found] == [{name: int(m * getattr(DEFAULT, name))} for name in tried
                                              for m in tried[name]]
    assert [one.surely_faster for one in found] == [False, True, False, False]
    assert together.numbers == {"band_bytes": 2 * DEFAULT.band_bytes} and together.surely_faster
    assert together.ratio == pytest.approx(0.9, abs=0.02) and tuning.TUNING == DEFAULT


def test_two_gains_are_taken_together(monkeypatch):
    gains = lambda now: 0.1 * (now.tiny < DEFAULT.tiny) + 0.2 * (now.few_tiles > DEFAULT.few_tiles)  # noqa: E731
    clock = Clock(monkeypatch, lambda now: 1 - gains(now), noise=0)
    *found, together = tune([clock.work], seconds=300, tried={"tiny": (0.25,), "few_tiles": (3,)})
    assert [round(one.ratio, 3) for one in found] == [0.9, round(0.7 / 0.9, 3)]         # the second beside the first
    assert together.ratio == pytest.approx(0.7) and len(together.numbers) == 2


def test_noise_alone_is_no_gain(monkeypatch):
    clock = Clock(monkeypatch, lambda table: 1.0, noise=0.1)
    found = list(tune([clock.work], seconds=3000))
    assert not any(one.surely_faster for one in found) and len(found) > 30


def test_a_gain_too_small_to_see_is_not_taken():
    assert not bench_tune.Comparison({}, 0.985, 0.0, 9).surely_faster
    assert not bench_tune.Comparison({}, 0.9, 0.04, 9).surely_faster
    assert bench_tune.Comparison({}, 0.9, 0.03, 9).surely_faster


def test_it_ends_about_when_it_should(monkeypatch):
    clock = Clock(monkeypatch, lambda table: 10.0, noise=0)
    found = list(tune([clock.work], seconds=500))
    assert 0 < len(found) < 10 and clock.now < 700


def test_the_numbers_in_force_come_back_after_an_error(monkeypatch):
    monkeypatch.setattr(tuning, "TUNING", mine := Tuning(tiny=7))
    with pytest.raises(ZeroDivisionError):
        list(tune([lambda: 1 / 0], seconds=1))
    assert tuning.TUNING is mine


def test_every_number_that_is_tried_exists_and_changes():
    for name, multiples in TRIED.items():
        default = getattr(DEFAULT, name)
        assert all(type(default)(default * m) not in (0, default) for m in multiples)


def test_a_comparison_runs_both_tables():
    seen, before = [], tuning.TUNING
    compare([lambda: seen.append(tuning.TUNING.tiny)], Tuning(tiny=1), Tuning(tiny=2), 0, {})
    assert sorted(seen) == [1] * 6 + [2] * 6 and seen[2:6] in ([1, 2, 2, 1], [2, 1, 1, 2])
    assert tuning.TUNING is before


def test_passes_run_forward_and_back():
    for run in passes(tiny_vgg(), (1, 16, 16, 3)):
        run()
