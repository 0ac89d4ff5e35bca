"""The vowels: each has its formants, speakers differ, and a picture is a function of its number."""

import numpy as np
import pytest

from minivis.data.vowels import CLASSES, FORMANTS, LENGTH, PEAK, RATE, Vowels, speak


@pytest.mark.parametrize("vowel", CLASSES)
def test_energy_lies_at_the_formants(vowel):
    power = np.zeros(LENGTH // 2 + 1)
    for seed in range(40):
        power += abs(np.fft.rfft(speak(vowel, np.random.default_rng(seed), noise=0))) ** 2
    hertz = np.arange(len(power)) * RATE / LENGTH
    around = [power[abs(hertz - f) < 0.12 * f].mean() for f in FORMANTS[vowel][:2]]
    assert around[0] > 2.5 * power.mean()
    beside = abs(hertz - np.mean(FORMANTS[vowel][:2])) < 60
    assert vowel in "ao" or min(around) > 1.2 * power[beside].mean()      # theirs lie close together


def test_speakers_differ_and_numbers_decide():
    one, same, other = (speak("a", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all() and np.corrcoef(one, other)[0, 1] < 0.9 and abs(one).max() < 1.2 * PEAK
    data = Vowels()
    images, labels = data.batch(3, 4)
    assert images.dtype == np.uint8 and images.shape == (4, 29, 128, 1) and labels.tolist() == [3, 4, 0, 1]
    assert (data.batch(5, 1)[0][0] == images[2]).all() and not (Vowels("test").batch(5, 1)[0][0] == images[2]).all()


class Middle:
    """Draws the middle of each range, no noise, and remembers the ranges."""

    def __init__(self):
        self.ranges = []

    def uniform(self, low, high):
        self.ranges.append((low, high))
        return (low + high) / 2

    def random(self):
        return 0.25

    def standard_normal(self, count):
        return np.zeros(count)


def test_the_middle_speaker():
    """165 Hz throughout, and three quarters of the largest loudness."""
    rng = Middle()
    sound = speak("a", rng)
    assert rng.ranges == [(90, 240), (-0.1, 0.1), (0.9, 1.18), *[(0.96, 1.04)] * 3, (0.5, 1), (0.002, 0.01)]
    assert abs(sound).max() == pytest.approx(0.75 * PEAK) and sound[0] == sound[-1] == 0
    power = abs(np.fft.rfft(sound * np.hanning(LENGTH))) ** 2
    hertz = np.arange(len(power)) * RATE / LENGTH
    for overtone in range(1, 7):
        at, between = (power[abs(hertz - f) < 12].max() for f in (165 * overtone, 165 * (overtone + 0.5)))
        assert at > 8 * between


def test_a_sound_fades_in_and_out_in_a_fiftieth_of_a_second(monkeypatch):
    from minivis.data import vowels

    monkeypatch.setattr(vowels, "lfilter", lambda b, a, x: np.ones_like(x))
    fade = speak("a", Middle()) / (0.75 * PEAK)
    np.testing.assert_allclose(fade[:161], np.arange(161) / 160)
    assert (fade[160:-160] == 1).all() and (fade == fade[::-1]).all()


def test_the_resonators_are_those_of_a_second_order(monkeypatch):
    """A zero at 0 Hz, and for each formant poles at its frequency, as near to the circle as its width says."""
    from minivis.data import vowels

    filters, real = [], vowels.lfilter
    monkeypatch.setattr(vowels, "lfilter", lambda b, a, x: filters.append((b, a)) or real(b, a, x))
    speak("i", Middle())
    (zero, lowpass), *resonators = filters
    assert zero == [1, -1] and lowpass == [1, -1.8, 0.81]
    for (gain, poles), formant, width in zip(resonators, (270, 2290, 3010), (70, 90, 130), strict=True):
        pole = np.exp((-np.pi * width + 2j * np.pi * 1.04 * formant) / RATE)
        np.testing.assert_allclose(poles, np.poly([pole, pole.conj()]).real)
        assert sum(gain) == pytest.approx(sum(poles))                   # 1 at 0 Hz
