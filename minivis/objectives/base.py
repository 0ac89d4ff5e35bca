"""An objective: what to minimise, as a function of activations that also says where the gradient starts.

    loss, seeds = objective(acts)                                           seeds: {layer: gradient there}
    dacts, _ = net.backward(acts, seeds)                                    dacts["input"]: the loss's gradient

Objectives can be added and scaled; activations.py and the other modules define them. Losses are summed in float64, one
for each image of the batch; images do not influence each other, except in `diversity`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.backend import to_cpu
from minivis.types import Array, Gradients

if TYPE_CHECKING:
    from minivis.engine.activations import Activations


class Evaluation(NamedTuple):
    """``losses`` (N,) float64; ``seeds`` {layer: gradient there}; ``terms`` {name: its share of the sum}."""

    losses: np.ndarray
    seeds: dict
    terms: dict

    @property
    def loss(self) -> float:
        return float(self.losses.sum())


class Part(NamedTuple):
    """A term of a sum: weight * evaluate(acts). For ``per_position`` and ``sums`` see image_gradient.py."""

    weight: float
    name: str
    layers: tuple | None                        # the layers it reads; None: unknown
    evaluate: Callable          # acts -> (losses (N,), seeds); with sums: acts, sums(acts) -> the same, in new arrays
    per_position: bool = False
    sums: Callable | None = None

    def __call__(self, acts: Activations) -> Any:
        return self.weighted(acts, *self.evaluate(acts)) if self.sums is None else self.from_sums(acts, self.sums(acts))

    def from_sums(self, acts: Activations, sums: Any) -> Any:
        values, seeds = self.evaluate(acts, sums)
        for seed in seeds.values():             # of style as large as the layer: another array would take as long again
            seed *= self.weight
        return self.losses(acts, values), seeds

    def weighted(self, acts: Activations, values: Any, seeds: Gradients) -> tuple[Any, Any]:
        seeds = seeds if self.weight == 1 else {name: self.weight * seed for name, seed in seeds.items()}
        return self.losses(acts, values), seeds

    def losses(self, acts: Activations, values: Any) -> Array:
        N = len(next(iter(acts.values())))
        values = np.asarray(to_cpu(values), dtype=np.float64)
        return self.weight * (values if values.shape == (N,) else np.full(N, values.sum() / N))


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms. ``objective(acts)`` is (loss, seeds); ``objective.layers`` are the layers it reads."""

    parts: tuple[Part, ...] = ()

    def __call__(self, acts: Activations) -> tuple[Any, Any]:
        found = self.evaluate(acts)
        return found.loss, found.seeds

    def evaluate(self, acts: Activations) -> Evaluation:
        """The `Evaluation`: the loss of each image, the seeds, and each term's share."""
        shares: list[Any] = []
        seeds: dict[str, Any] = {}
        for part in self.parts:
            values, own = part(acts)
            shares.append(values)
            for layer, seed in own.items():
                seeds[layer] = seeds[layer] + seed if layer in seeds else seed
        return self.evaluation(shares, seeds, len(next(iter(acts.values()))))

    def evaluation(self, shares: Any, seeds: Gradients, N: int) -> Evaluation:
        """From the losses (N,) of each part."""
        terms: dict[str, float] = {}
        for part, values in zip(self.parts, shares):
            terms[part.name] = terms.get(part.name, 0.0) + float(values.sum())
        return Evaluation(sum(shares, start=np.zeros(N)), seeds, terms)

    def terms(self, acts: Activations) -> dict[str, float]:
        """{name: weight * value}: the share of each term in the loss."""
        return self.evaluate(acts).terms

    @property
    def layers(self) -> tuple[Any, ...] | None:
        """The layers that must be kept, each once; None if a user's function may read any."""
        found: dict[str, None] = {}
        for part in self.parts:
            if part.layers is None:
                return None
            found.update(dict.fromkeys(part.layers))
        return tuple(found)

    def __add__(self, other: Any) -> Objective:
        return Objective(self.parts + as_objective(other).parts)

    def __radd__(self, other: Any) -> Objective:
        return self if isinstance(other, (int, float)) and other == 0 else as_objective(other) + self    # for sum()

    def __mul__(self, factor: float) -> Objective:
        factor = float(factor)
        if not np.isfinite(factor):
            raise BadValue(f"the weight of an objective must be a finite number, not {factor}")
        return Objective(tuple(p._replace(weight=factor * p.weight) for p in self.parts if factor * p.weight != 0))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Objective:
        return self + -1 * as_objective(other)

    def __neg__(self) -> Objective:
        return -1 * self

    def __str__(self) -> str:
        return " + ".join(p.name if p.weight == 1 else f"{p.weight:g} {p.name}" for p in self.parts) or "nothing"


def objective(name: str, layers: Any, evaluate: Callable[..., Any], *, per_position: bool = False,
              sums: Any = None) -> Objective:
    """An `Objective` of one term: ``evaluate(acts) -> (losses, seeds)``, or ``evaluate(acts, sums(acts))``."""
    return Objective((Part(1.0, name, layers, evaluate, per_position, sums),))


def as_objective(function: Any) -> Objective:
    """An Objective as it is, or one made from a function acts -> (loss, seeds), with its attribute ``layers`` if
    any."""
    if isinstance(function, Objective):
        return function
    if not callable(function):
        raise BadValue(f"an objective must be a function of activations that returns (loss, seeds), not {function!r}")
    return objective(getattr(function, "__name__", "loss"), getattr(function, "layers", None), function,
                     per_position=getattr(function, "per_position", False))
