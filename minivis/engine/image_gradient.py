"""The gradient of a loss at the image, computed exactly, tile by tile, even if the activations do not fit into memory.

The gradients of all tiles (tiles.py), added up where the tiles overlap, are the gradient of the whole if the loss

    is a sum over positions         then the seed at a position depends only on what is there
    follows from such sums          as style does from Gram matrices, G = sum over positions of f f^T: a first round
                                    over the tiles adds up the sums, and a second one sends their gradients back

An objective, a function ``acts -> (loss, seeds)``, says by its attributes which of these it is:

    layers          the names of the layers that it reads
    per_position    True: a sum over positions. Given some of them, a `Part`, it returns their share of the loss
    sums(acts), from_sums(acts, sums)       {key: array}, which is added up over parts; then the whole loss, and seeds
    parts           for a sum of objectives: its terms, each with attributes of its own

An objective that reads only the "input" (total variation) always runs on the whole picture. With ``tile=None``, every
objective does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.tiles import Part, index, tiles
from minivis.errors import BadValue
from minivis.layers.relu import ReLURuleName, check_rule
from minivis.runtime.backend import get_xp
from minivis.runtime.progress import track
from minivis.types import Array, Progress

if TYPE_CHECKING:
    from minivis.engine.network import Network


def per_position(*layers: Any) -> Any:
    """Mark a function of your own as a sum over positions of ``layers``:

        @per_position("conv4_2")
        def energy(acts):
            a = acts["conv4_2"]
            return float((a * a).sum()) / 2, {"conv4_2": a}
    """

    def mark(objective: Any) -> Any:
        objective.layers, objective.per_position = layers, True
        return objective

    return mark


def image_gradient(net: Network, x: Array, objective: Any, *, tile: Any = None, relu_rule: ReLURuleName = "normal",
                   algorithm: str = "auto", workspace: Any = None, progress: Progress = False) -> Any:
    """Return the loss and its gradient at x (N, H, W, C): see `Network.image_gradient`."""
    check_rule(relu_rule)
    if tile is None:
        return of_whole(net, x, objective, relu_rule, algorithm=algorithm, workspace=workspace)
    shares, dx = by_tiles(net, x, getattr(objective, "parts", (objective,)), tile, relu_rule, algorithm, progress)
    return float(sum(np.sum(share) for share in shares)), dx


def of_whole(net: Network, x: Array, objective: Any, relu_rule: ReLURuleName, **how: Any) -> tuple[Any, Any]:
    layers = getattr(objective, "layers", None)
    until = None if layers is None else max(net.check_names(layers), key=["input", *net.nodes].index)
    acts = net.forward(x, until=until, keep=layers, **how)
    loss, seeds = objective(acts)
    return loss, net.backward(acts, seeds, relu_rule=relu_rule)[0]["input"]


def by_tiles(net: Network, x: Array, parts: Any, tile: Any, relu_rule: Any = "normal", algorithm: str = "auto",
             progress: Progress = False) -> tuple[Any, Any]:
    """The loss of each of ``parts``, a list, and the gradient of their sum."""
    tiled, of_sums, layers = sorted_parts(net, parts)
    losses, dx = [0.0] * len(parts), get_xp(x).zeros_like(x)
    add_up = relu_rule == "normal"
    cut = tiles(net, x.shape, layers, tile, add_up=add_up) if layers else []

    for own in each_part(cut, x, layers, algorithm, progress) if of_sums else ():
        for i, sums in of_sums.items():
            add(sums, parts[i].sums(own))

    for i in set(range(len(parts))) - set(tiled):
        losses[i], seeds = parts[i](Part({"input": x}, net, {"input": x.shape}))
        dx += seeds["input"]
    for t in track(cut, progress, "tiles"):
        acts, seeds = t.net.forward(t.of(x), keep=layers, algorithm=algorithm), {}
        own, seeded = t.part(acts, t.own), t.part(acts, t.seeded)
        for i in tiled:
            if i in of_sums:
                losses[i], found = parts[i].from_sums(seeded, of_sums[i])   # of the whole picture, each time
            else:
                share, found = parts[i](own)
                losses[i] = losses[i] + share
                found = found if add_up else parts[i](seeded)[1]
            add(seeds, found)
        t.add(dx, t.net.backward(acts, t.spread(acts, seeds), relu_rule=relu_rule)[0]["input"])
    return losses, dx


def losses_by_tiles(net: Network, x: Array, parts: Any, tile: Any) -> list[Any]:
    """The loss of each of ``parts`` alone: forward, once."""
    tiled, of_sums, layers = sorted_parts(net, parts)
    losses: list[Any] = [0.0] * len(parts)
    for i in set(range(len(parts))) - set(tiled):
        losses[i] = parts[i](Part({"input": x}, net, {"input": x.shape}))[0]
    for own in each_part(tiles(net, x.shape, layers, tile), x, layers) if layers else ():
        for i in tiled:
            if i in of_sums:
                add(of_sums[i], parts[i].sums(own))
            else:
                losses[i] = losses[i] + parts[i](own)[0]
    for i, sums in of_sums.items():
        losses[i] = parts[i].from_sums(own, sums)[0]
    return losses


def sorted_parts(net: Network, parts: Any) -> tuple[list[int], dict[int, dict], Any]:
    """(numbers of the parts that read layers, number -> {} of those that follow from sums, the layers they read)."""
    for one in parts:
        check(one)
    tiled = [i for i, one in enumerate(parts) if set(one.layers) != {"input"}]
    layers = net.check_names(name for i in tiled for name in parts[i].layers)
    return tiled, {i: {} for i in tiled if not is_per_position(parts[i])}, layers


def each_part(cut: Any, x: Array, layers: Any, algorithm: str = "auto", progress: Progress = False) -> Iterator[Any]:
    """The activations of x at the own positions of each tile: every position once."""
    for t in track(cut, progress, "sums"):
        yield t.part(t.net.forward(t.of(x), keep=layers, grad=None, algorithm=algorithm), t.own)


def activations(net: Network, x: Array, layers: Any, tile: Any = None) -> Iterator[Any]:
    """Yield the activations of x in ``layers``, one tile's positions at a time; all at once without a tile."""
    layers = net.check_names(layers)
    if tile is None:
        until = max(layers, key=["input", *net.nodes].index)
        yield net.forward(x, until=until, keep=layers, grad=None)
    else:
        yield from each_part(tiles(net, x.shape, layers, tile), x, layers)


def whole_layers(net: Network, x: Array, layers: Any, tile: Any = None) -> Any:
    """{layer: its activations for x (N, H, W, C)}, put together from those of tiles."""
    found = {}
    for part in activations(net, x, layers, tile):
        for name in layers:
            if tile is None:
                found[name] = part[name]
            else:
                whole = found.setdefault(name, get_xp(x).empty(part.shapes[name], part[name].dtype))
                whole[index(part.boxes[name])] = part[name]
    return found


def is_per_position(part: Any) -> bool:
    return getattr(part, "per_position", False)


def has_tiles(part: Any) -> bool:
    """Whether an objective says how it depends on positions."""
    layers: Any = getattr(part, "layers", None)
    return bool(layers) and bool(is_per_position(part) or getattr(part, "sums", None) or set(layers) == {"input"})


def check(part: Any) -> None:
    """Raise BadValue for an objective that does not say how it depends on positions."""
    if not has_tiles(part):
        name = getattr(part, "__name__", getattr(part, "name", part))
        raise BadValue(f"tiles need a loss that says how it depends on positions, and {name} does not: mark a sum over "
                       f"positions with image_gradient.per_position(layer), or use tile=None")


def add(totals: Any, arrays: Any) -> None:
    """Add a dict of arrays into another."""
    for key, array in arrays.items():
        totals[key] = totals[key] + array if key in totals else array
