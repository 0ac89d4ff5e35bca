"""How near a filter is to a Gabor filter, and how local it is in space and in frequency.

    g(x, y) = exp(-u^2 / 2 s^2 - v^2 / 2 (a s)^2) cos(2 pi f u + phase)     u, v: x, y turned and moved to a centre

The bank has such filters of four sizes s, two shapes a, five frequencies f, eight directions and all centres on a grid.
Of each the best phase and strength follow from its cosine and its sine. ``likeness`` is the part of a filter's energy
that the nearest one explains. A wave over the whole square is as far from all of them as noise is.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar

import numpy as np

SIZES, SHAPES = (0.09, 0.15, 0.25, 0.45), (1.0, 1.8)            # s in sides of the square; length / width
WAVES = (0.5, 0.75, 1.1, 1.6, 2.2)                              # f in waves per 4 s
DIRECTIONS, STEP = 8, 2                                         # of the turn; pixels between centres


@dataclass(frozen=True, eq=False)
class Fit:
    """Of each filter: ``likeness``, ``space`` and ``frequency``, (F,), and the nearest ``gabors`` (F, h, w)."""

    likeness: np.ndarray
    space: np.ndarray                           # the part of the square that it uses
    frequency: np.ndarray                       # the part of the spectrum that it uses
    gabors: np.ndarray
    LIKE: ClassVar[float] = 0.5
    SMALL: ClassVar[float] = 0.3

    @property
    def local(self) -> Any:
        """(F,) whether it is a local edge: near to a Gabor filter, and in a part of its square."""
        return (self.likeness > self.LIKE) & (self.space < self.SMALL)

    def told(self) -> str:
        return (f"fit {np.median(self.likeness):.2f}, space {np.median(self.space):.2f}, "
                f"frequency {np.median(self.frequency):.2f}")

    def describe(self) -> dict[str, float]:
        """For `Result.numbers`: the share of local edges, and medians."""
        return {"local_edges": float(self.local.mean()), "gabor_fit": float(np.median(self.likeness)),
                "space": float(np.median(self.space)), "frequency": float(np.median(self.frequency))}


def fitted(filters: Any) -> Fit:
    """Fit the bank to filters (F, h, w, C); of several channels the pattern that explains most of a filter counts."""
    F, h, w, C = filters.shape
    patterns = np.stack([np.linalg.svd(one.reshape(-1, C).astype(np.float64), full_matrices=False)[0][:, 0]
                         for one in filters]) if C > 1 else filters.reshape(F, -1).astype(np.float64)
    patterns = patterns - patterns.mean(axis=1, keepdims=True)
    patterns /= np.maximum(np.linalg.norm(patterns, axis=1, keepdims=True), 1e-12)
    even, odd = bank(h, w)
    a, b = patterns @ even.T, patterns @ odd.T
    explained = a**2 + b**2
    best = explained.argmax(axis=1)
    rows = np.arange(F)
    gabors = a[rows, best, None] * even[best] + b[rows, best, None] * odd[best]
    spectra = abs(np.fft.fft2(patterns.reshape(F, h, w))).reshape(F, -1)
    return Fit(explained[rows, best], part_used(patterns), part_used(spectra), gabors.reshape(F, h, w))


def part_used(values: Any) -> Any:
    """(F,) of rows: (sum e)^2 / (n sum e^2), e the energy at each of n places: 1 if all count equally, 1/n if one."""
    energy = np.asarray(values, np.float64) ** 2
    return energy.sum(axis=1) ** 2 / (energy.shape[1] * np.maximum((energy**2).sum(axis=1), 1e-300))


@lru_cache(maxsize=2)
def bank(h: int, w: int) -> tuple[Any, Any]:
    """(even, odd) (B, h * w): the two phases of each Gabor filter, without mean, of length 1 and at a right angle."""
    centres = [[*np.arange(0.5, side, STEP)] for side in (h, w)]
    settings = np.array(list(product(SIZES, SHAPES, WAVES, np.arange(DIRECTIONS) * np.pi / DIRECTIONS, *centres)))
    s, shape, waves, turn, row, column = (part[:, None] for part in settings.T)
    s = s * max(h, w)
    y, x = (axis.reshape(1, -1) for axis in np.mgrid[:h, :w])
    u = (x - column) * np.cos(turn) + (y - row) * np.sin(turn)
    v = (y - row) * np.cos(turn) - (x - column) * np.sin(turn)
    envelope = np.exp(-(u**2) / (2 * s**2) - v**2 / (2 * (shape * s) ** 2))
    phase = 2 * np.pi * waves * u / (4 * s)
    even, odd = normal(envelope * np.cos(phase)), normal(envelope * np.sin(phase))
    return even, normal(odd - (even * odd).sum(axis=1, keepdims=True) * even)


def normal(rows: Any) -> Any:
    """Rows without their mean and of length 1; a row that is next to nothing becomes 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-6)
