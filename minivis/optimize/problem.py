"""The problem to optimise: an objective of a net's activations, over a parameterised picture, under transforms.

    problem = Problem(net, -1 * score("fc8", 99) + 1e-4 * l2(), pixels(net, (1, 64, 64, 3)))
    found, dz = problem.gradient(z, rng)                            found.losses (N,), dz: their gradient at z

``Problem.gradient`` has all the mathematics: z -> image -> transform -> net -> loss, and back. loop.py minimises.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from minivis.engine.image_gradient import by_tiles, losses_by_tiles
from minivis.errors import BadValue
from minivis.layers.relu import check_rule
from minivis.objectives.base import Evaluation, as_objective
from minivis.optimize.parameterize import Parameterization
from minivis.optimize.transforms import Linear, compose
from minivis.types import Array, Shape

PROBES = 3                  # fixed transforms under which images are compared
VECTORS = 10                # arrays as large as the picture, in a gradient: the net's input, a prior's differences, ...


@dataclass(frozen=True, eq=False)
class Problem:
    """An objective and its variables. ``transforms`` are drawn again in each step (see transforms.py).

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> net = mv.load("emoji-vgg")
    >>> goal = -1 * mv.parse_objective(net, "goose")
    >>> problem = mv.Problem(net, goal, mv.parameterize.pixels(net, (1, 64, 64, 3)))
    >>> z = problem.parameterization.start(np.full((64, 64, 3), 128.0))
    >>> found, dz = problem.gradient(z, np.random.default_rng(0))
    >>> found.losses.shape, dz.shape == z.shape
    ((1,), True)
    """

    net: Any
    objective: Any
    parameterization: Parameterization
    transforms: tuple = ()
    relu_rule: str = "normal"
    tile: int | None = None             # pixels: compute the gradient in tiles of that size
    workspace: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "objective", as_objective(self.objective))
        object.__setattr__(self, "transforms", tuple(self.transforms))
        check_rule(self.relu_rule)
        if not self.objective.parts:
            raise BadValue("every weight of the objective is 0, so there is nothing to optimise")
        for layer in self.objective.layers or ():
            self.net.check_name(layer)
        if self.workspace is None:
            object.__setattr__(self, "workspace", self.net.workspace())

    @property
    def vectors(self) -> int:
        return vectors(self.parameterization, self.transforms)

    @cached_property
    def reach(self) -> dict[Any, Any]:
        """The last layer of a pass, and the outputs to keep."""
        layers = self.objective.layers
        if layers is None:
            return {"until": None, "keep": None}
        order = ["input", *self.net.nodes]
        last = max(layers, key=order.index)
        return {"until": last if last != "input" else order[1], "keep": {"input", *layers}}

    def gradient(self, z: Array, rng: np.random.Generator | None = None) -> tuple[Evaluation, Array]:
        """The `Evaluation` at z, and dz. ``rng`` draws the transforms; None: none."""
        x, caches = self.parameterization.forward(z)
        moved = self.draw(x.shape, rng)
        if self.tile is not None:
            shares, dx = by_tiles(self.net, moved.forward(x), self.objective.parts, self.tile, self.relu_rule)
            found = self.objective.evaluation(shares, {}, len(x))
        else:
            acts = self.net.forward(moved.forward(x), workspace=self.workspace, **self.reach)
            found = self.objective.evaluate(acts)
            dacts, _ = self.net.backward(acts, found.seeds, relu_rule=self.relu_rule)
            dx = dacts["input"]
        return found, self.parameterization.backward(moved.adjoint(dx), caches)

    def draw(self, shape: Shape, rng: np.random.Generator | None) -> Linear:
        """What the net sees of an image. ``rng`` None: without the random moves."""
        return compose([move for move in self.transforms if rng is not None or not move.random], rng, shape)

    def measure(self, z: Array) -> Evaluation:
        """The `Evaluation` that compares images: without a transform, or the mean over a few fixed ones."""
        x, _ = self.parameterization.forward(z)
        found = []
        for seed in [None, *range(PROBES if any(move.random for move in self.transforms) else 0)]:
            moved = self.draw(x.shape, None if seed is None else np.random.default_rng(seed)).forward(x)
            if self.tile is not None:
                shares = losses_by_tiles(self.net, moved, self.objective.parts, self.tile)
                found.append(self.objective.evaluation(shares, {}, len(x)))
                continue
            acts = self.net.forward(moved, grad=None, workspace=self.workspace, **self.reach)
            found.append(self.objective.evaluate(acts))
        terms = {name: sum(f.terms[name] for f in found) / len(found) for name in found[0].terms}
        return Evaluation(sum(f.losses for f in found) / len(found), {}, terms)


def vectors(parameterization: Any, transforms: Any = ()) -> Any:
    """The largest number of arrays of the picture's size in a gradient, between z and the net and in priors."""
    return VECTORS + 4 * bool(parameterization.stages) + 10 * bool(transforms)
