"""Update rules: from an image and its gradient to the next image.

    gradient    v = momentum * v - rate * dz;  z + v            rates may have stages, the gradient may be normalised
    adam        Kingma & Ba 2015, algorithm 1
    adagrad     Duchi, Hazan & Singer 2011: s = s + dz * dz;  z - rate * dz / sqrt(s)
    lbfgs       scipy's L-BFGS-B, or lbfgs.py on a GPU; only its settings are here

A rule is plain data. Its memory from step to step is a dict of arrays that its caller keeps and can save.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.errors import BadValue, UnknownName
from minivis.runtime.backend import get_xp
from minivis.runtime.described import check_fields
from minivis.runtime.settings import NUMBER, TEXT, whole
from minivis.types import Array

# the divisor of a gradient, image by image
NORMS = {
    "none": lambda xp, rows: xp.ones(len(rows)),
    "mean": lambda xp, rows: abs(rows).mean(axis=1),                    # DeepDream
    "rms": lambda xp, rows: xp.sqrt((rows * rows).mean(axis=1)),
    "l2": lambda xp, rows: xp.sqrt((rows * rows).sum(axis=1)),
}
POLICIES = ("constant", "progress", "progress01")


@dataclass(frozen=True)
class Gradient:
    """Gradient steps. ``rate``: a number, or stages ((rate, steps), ...); each stage starts without momentum.

    policy, from the DeepVis toolbox (Yosinski et al. 2015): "constant"; "progress": the rate with which the loss should
    fall by ``rate`` in a step, rate / |dz|^2; "progress01", for probabilities: the same, but at most half of the
    distance to 1. Both are at most ``most``.
    """

    rate: float | tuple = 1.0
    momentum: float = 0.0
    normalize: str = "none"
    policy: str = "constant"
    most: float = 100.0

    def __post_init__(self) -> None:
        check_fields(self, momentum=NUMBER, normalize=TEXT, policy=TEXT, most=NUMBER)
        if self.normalize not in NORMS:
            raise UnknownName.of("normalization", self.normalize, NORMS)
        if self.policy not in POLICIES:
            raise UnknownName.of("rate policy", self.policy, POLICIES)
        stages = self.rate if isinstance(self.rate, (tuple, list)) else ((self.rate, 1),)
        if not all(isinstance(stage, (tuple, list)) and len(stage) == 2 for stage in stages):
            raise BadValue(f"rate must be a number, or stages ((rate, steps), ...), not {self.rate!r}")
        rates = [NUMBER.check("rate", rate) for rate, _ in stages]
        if not all(np.isfinite(rate) and rate > 0 for rate in rates) or not 0 <= self.momentum < 1:
            raise BadValue(f"rates must be above 0 and momentum from 0 to below 1, not {self.rate} and {self.momentum}")

    def step(self, z: Array, dz: Array, memory: dict[str, Any], number: int, losses: Any) -> Array:
        """The next z. ``number``: of the step, from 0; ``losses`` (N,): at z."""
        xp = get_xp(z)
        rate, fresh = self.rate_at(number)
        rows = dz.reshape(len(dz), -1)
        norms = NORMS[self.normalize](xp, rows).astype(dz.dtype)
        rates = rate / xp.maximum(norms, 1e-30 if dz.dtype == np.float64 else 1e-12)
        if self.policy != "constant":
            wanted = xp.full(len(z), rate)
            if self.policy == "progress01":
                wanted = xp.minimum(wanted, 0.5 * (1 + xp.asarray(losses)))     # the loss is -p
            rates = xp.minimum(wanted / xp.maximum((rows * rows).sum(axis=1, dtype=np.float64), 1e-300), self.most)
        move = -rates.astype(dz.dtype).reshape(-1, *[1] * (z.ndim - 1)) * dz
        if self.momentum:
            before = 0 if fresh or "v" not in memory else memory["v"]
            memory["v"] = move = self.momentum * before + move
        return z + move

    def rate_at(self, number: int) -> tuple[float, bool]:
        """(the rate of a step, whether a stage starts with it)."""
        if not isinstance(self.rate, (tuple, list)):
            return self.rate, number == 0
        first = 0
        for rate, steps in self.rate:
            if number < first + steps:
                return rate, number == first
            first += steps
        return self.rate[-1][0], False

    @property
    def vectors(self) -> int:
        """The number of arrays of z's size in a run: z, dz, the best z, the move, and the memory."""
        return 4 + bool(self.momentum)


@dataclass(frozen=True)
class Adam:
    """Steps of about ``rate`` in every element, whatever the size of the gradient."""

    rate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    vectors = 7

    def __post_init__(self) -> None:
        check_fields(self, rate=NUMBER, beta1=NUMBER, beta2=NUMBER, epsilon=NUMBER)
        if not (np.isfinite(self.rate) and self.rate > 0 and 0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise BadValue(f"Adam needs a rate above 0 and betas from 0 to below 1, not {self}")

    def step(self, z: Array, dz: Array, memory: dict[str, Any], number: int, losses: Any) -> Array:
        xp = get_xp(z)
        m, v = (memory[key] if key in memory else xp.zeros_like(z) for key in "mv")
        memory["m"] = m = self.beta1 * m + (1 - self.beta1) * dz
        memory["v"] = v = self.beta2 * v + (1 - self.beta2) * (dz * dz)
        unbias1, unbias2 = 1 - self.beta1 ** (number + 1), 1 - self.beta2 ** (number + 1)
        return z - (self.rate / unbias1) * m / (xp.sqrt(v / unbias2) + self.epsilon)


@dataclass(frozen=True)
class Adagrad:
    """Steps of ``rate`` in every element at first, which shrink with all the gradients that it has had."""

    rate: float = 1.0
    epsilon: float = 1e-12
    vectors = 6

    def __post_init__(self) -> None:
        check_fields(self, rate=NUMBER, epsilon=NUMBER)
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise BadValue(f"Adagrad needs a rate above 0, not {self}")

    def step(self, z: Array, dz: Array, memory: dict[str, Any], number: int, losses: Any) -> Array:
        xp = get_xp(z)
        memory["s"] = s = (memory["s"] if "s" in memory else xp.zeros_like(z)) + dz * dz
        return z - self.rate * dz / (xp.sqrt(s) + self.epsilon)


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS within bounds: scipy's L-BFGS-B, or lbfgs.py on a GPU.

    ``history``: the number of steps remembered; it holds 2 history + 5 vectors in float64. scipy also holds x, the
    gradient, bounds and copies, as much as 17 more vectors, or 22 in its Fortran versions before 1.15 (measured with
    1.10).
    """

    history: int = 20

    def __post_init__(self) -> None:
        check_fields(self, history=whole())
        if self.history < 1:
            raise BadValue(f"history must be at least 1 step, not {self.history}")

    @property
    def vectors(self) -> int:
        import scipy

        around = 17 if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else 22
        return 2 * (2 * self.history + 5 + around)      # in units of float32
