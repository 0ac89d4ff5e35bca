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
