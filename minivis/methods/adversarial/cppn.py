"""Compositional pattern-producing networks (Stanley 2007): a small net that computes the colour of each pixel.

Its inputs are the pixel's position (x and y, from -1 to 1), the distance from the centre, and a 1. Every node sums the
values of its links and applies its own function:

    sine sin s    sigmoid tanh(s / 2)    gaussian 2 exp(-s^2) - 1    linear s

Symmetric functions make symmetric pictures, and periodic ones make patterns. There is no training: weights, links and
nodes change at random, one at a time, as in NEAT (Stanley & Miikkulainen 2002); evolve.py selects.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sine": np.sin,
    "sigmoid": lambda s: np.tanh(s / 2),
    "gaussian": lambda s: 2 * np.exp(-s * s) - 1,
    "linear": lambda s: s,
}
INPUTS = ("x", "y", "radius", "bias")
FIRST, STEP = 2.0, 0.5                          # standard deviation of a new weight, and of a change
PERTURBED, NEW_WEIGHT = 0.3, 0.1                # shares of weights: changed ones, and of these redrawn ones
ADD_LINK, ADD_NODE, NEW_FUNCTION = 0.3, 0.2, 0.1            # probabilities in each mutation


@dataclass(frozen=True)
class Cppn:
    """Nodes are numbered: the inputs, then the outputs, then the others in the order in which they were added.

    functions, depths: of each node that is not an input. An input has depth 0, an output 1, and links lead from smaller
    depths to larger ones, so there are no cycles. links: (from, to, weight).
    """

    outputs: int
    functions: tuple[str, ...]
    depths: tuple[float, ...]
    links: tuple[tuple[int, int, float], ...]

    def depth(self, node: Any) -> Any:
        return 0.0 if node < len(INPUTS) else self.depths[node - len(INPUTS)]

    @property
    def count(self) -> Any:
        """Nodes, with the inputs."""
        return len(INPUTS) + len(self.functions)


def first_cppn(outputs: int, rng: np.random.Generator) -> Cppn:
    """Every input is linked to every output, with random weights; there are no other nodes."""
    functions = tuple(str(name) for name in rng.choice(list(FUNCTIONS), outputs))
    links = tuple((source, len(INPUTS) + k, float(rng.normal(0, FIRST)))
                  for k in range(outputs) for source in range(len(INPUTS)))
    return Cppn(outputs, functions, (1.0,) * outputs, links)


def render(cppn: Any, height: int, width: int) -> Any:
    """The picture, uint8 (height, width, outputs): -1 is black, 1 is white, and values beyond are clipped."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    values: dict[int, Any] = {0: x, 1: y, 2: np.sqrt(x * x + y * y), 3: np.float32(1)}
    for node in sorted(range(len(INPUTS), cppn.count), key=cppn.depth):     # what a node reads comes before it
        total = np.zeros((height, width), np.float32)
        for source, target, weight in cppn.links:
            if target == node:
                total += np.float32(weight) * values[source]
        values[node] = FUNCTIONS[cppn.functions[node - len(INPUTS)]](total)
    levels = np.stack([values[len(INPUTS) + k] for k in range(cppn.outputs)], axis=-1)
    return np.rint((np.clip(levels, -1, 1) + 1) * 127.5).astype(np.uint8)


def mutated(cppn: Any, rng: np.random.Generator) -> Any:
    """A child: at least one weight is changed, and perhaps a link or a node is added, or a function replaced."""
    if rng.random() < ADD_LINK:
        cppn = with_link(cppn, rng)
    if rng.random() < ADD_NODE:
        cppn = with_node(cppn, int(rng.integers(len(cppn.links))), str(rng.choice(list(FUNCTIONS))))
    if rng.random() < NEW_FUNCTION:
        functions = list(cppn.functions)
        functions[rng.integers(len(functions))] = str(rng.choice(list(FUNCTIONS)))
        cppn = replace(cppn, functions=tuple(functions))
    return with_weights(cppn, rng)


def with_weights(cppn: Any, rng: np.random.Generator) -> Any:
    """A tenth of the weights that change are drawn again; the others move a little."""
    count = len(cppn.links)
    chosen = rng.random(count) < PERTURBED
    chosen[rng.integers(count)] = True
    anew = rng.random(count) < NEW_WEIGHT
    drawn, moved = rng.normal(0, FIRST, count), rng.normal(0, STEP, count)
    links = tuple((source, target, float(drawn[i] if anew[i] else weight + moved[i]) if chosen[i] else weight)
                  for i, (source, target, weight) in enumerate(cppn.links))
    return replace(cppn, links=links)


def with_link(cppn: Any, rng: np.random.Generator) -> Any:
    """Add a link between two random nodes; return the same net if they are linked, or cannot be."""
    source, target = (int(node) for node in rng.integers(cppn.count, size=2))
    if cppn.depth(source) > cppn.depth(target):
        source, target = target, source
    linked = any(link[:2] == (source, target) for link in cppn.links)
    if linked or cppn.depth(source) == cppn.depth(target):
        return cppn
    return replace(cppn, links=(*cppn.links, (source, target, float(rng.normal(0, FIRST)))))


def with_node(cppn: Any, number: int, function: Any) -> Any:
    """Add a node in the middle of link ``number``, with weight 1 to it and the old weight from it."""
    source, target, weight = cppn.links[number]
    depth = (cppn.depth(source) + cppn.depth(target)) / 2
    if not cppn.depth(source) < depth < cppn.depth(target):     # halved too often for a float
        return cppn
    links = list(cppn.links)
    links[number:number + 1] = [(source, cppn.count, 1.0), (cppn.count, target, weight)]
    return replace(cppn, functions=(*cppn.functions, function), depths=(*cppn.depths, depth), links=tuple(links))
