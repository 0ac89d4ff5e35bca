"""Five spoken vowels, synthesised: a buzzing source through the resonances of a throat (Klatt 1980, much simplified).

    pulses, f0 per second, low-passed -> one resonator after the other, one for each formant -> a little noise

A vowel is determined by its first two or three resonances, the formants. Speakers differ in pitch and in the length of
the throat, which shifts all formants; examples also differ in how the pitch changes, in loudness and in noise.
"""

import numpy as np
from scipy.signal import lfilter

from minivis.types import Array

RATE = 8000                                             # samples a second
LENGTH = 2048                                           # samples: a quarter of a second
# Hz: rounded means of Peterson & Barney 1952 (men)
FORMANTS = {"a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
            "u": (300, 870, 2240)}
CLASSES = tuple(FORMANTS)
WIDTHS = (70, 90, 130)                                  # Hz, of the resonances
PEAK = 0.5                                              # of the largest value that a file of sound can hold


def speak(vowel: str, rng: np.random.Generator, noise: float | None = None) -> Array:
    """(LENGTH,) float64: a vowel by a speaker drawn from ``rng``. noise: its share of the sound, by default drawn."""
    pitch = rng.uniform(90, 240) * (1 + rng.uniform(-0.1, 0.1) * np.linspace(-1, 1, LENGTH))
    throat = rng.uniform(0.9, 1.18)
    phase = np.cumsum(pitch) / RATE + rng.random()
    sound = np.diff(np.floor(phase), prepend=np.floor(phase[0]))            # one pulse in each period
    sound = lfilter([1, -1], [1, -1.8, 0.81], sound + 1e-3 * rng.standard_normal(LENGTH))       # no constant part
    for formant, width in zip(FORMANTS[vowel], WIDTHS):
        centre = formant * throat * rng.uniform(0.96, 1.04)
        r, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * centre / RATE
        sound = lfilter([1 - 2 * r * np.cos(angle) + r * r], [1, -2 * r * np.cos(angle), r * r], sound)
    sound *= np.minimum(1, np.minimum(np.arange(LENGTH), np.arange(LENGTH)[::-1]) / 160)        # fade in and out
    sound *= rng.uniform(0.5, 1) * PEAK / abs(sound).max()
    share = rng.uniform(0.002, 0.01) if noise is None else noise
    return sound + share * PEAK * rng.standard_normal(LENGTH)


class Vowels:
    """The endless stream of one split, as the trainer reads it: spectrograms as pictures, uint8 (N, T, F, 1)."""

    classes = CLASSES

    def __init__(self, split: str = "train", seed: int = 0) -> None:
        self.key = (seed, 7 if split == "train" else 8)

    def sounds(self, first: int, count: int) -> tuple[Array, Array]:
        """(count, LENGTH) float64, and labels (count,): sounds number first ... first + count - 1."""
        labels = np.arange(first, first + count) % len(CLASSES)
        return np.stack([speak(CLASSES[label], np.random.default_rng((*self.key, n)))
                         for n, label in enumerate(labels, start=first)]), labels

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        """Spectrograms number first ... first + count - 1: uint8 (count, T, F, 1), and labels (count,)."""
        from minivis.data.spectrogram import levels

        sounds, labels = self.sounds(first, count)
        return np.rint(levels(sounds)[0]).astype(np.uint8), labels
