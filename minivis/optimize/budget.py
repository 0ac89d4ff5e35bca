"""Fit a run into memory: if it needs too much, use exact tiles, then a shorter history of L-BFGS, then Adam.

    fit = lean(net, shape, layers, LBFGS(20), limit=4e9)        before anything of that size is allocated
    fit.tile, fit.method, fit.note                              the settings of the run, and a note on changes
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from minivis.engine import geometry, memory
from minivis.engine.memory import TILE
from minivis.engine.surgery import trunk
from minivis.errors import BadValue, TooLarge
from minivis.figures.text import size_in_words
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.runtime.progress import remark
from minivis.types import Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network
    from minivis.optimize.problem import Problem

MUCH = 1e9                                      # bytes: a run that needs more prints this before it starts
ONLY_WHOLE = 6                                  # arrays of the picture's size that a gradient in tiles does without
HISTORIES = (10, 5, 3)                          # of L-BFGS, if a longer one does not fit


class Fit(NamedTuple):
    """``tile`` (None: whole) and ``method`` of a run that fits, the bytes it ``needs``, and a ``note`` on changes.

    in_all: bytes of the whole program at most, when the run has done its steps."""

    tile: int | None
    method: Any
    needs: int
    note: str
    in_all: int


def lean(net: Network, shape: Shape, layers: Any, method: Any, *, vectors: Any = 0, targets: Any = (),
         tile: int | None = None, in_tiles: bool = True, adam: float = 2.0, limit: Any = None,
         steps: int | None = None, seen: Any = None, progress: bool = False) -> Fit:
    """The `Fit` of a run over pictures of ``shape`` (N, H, W, C). If there is none, TooLarge names a size that fits.

    layers: those that the loss reads. targets: those whose target activations it holds. method: a rule of
    update_rules.py, or anything with ``vectors``, the number of arrays of the pictures' size that it holds;
    ``vectors``: the number that others hold meanwhile. in_tiles: whether the loss can be computed in tiles. adam:
    Adam's rate if it replaces L-BFGS. limit: bytes for the whole program; by default, what the machine has free. steps:
    of the run; fewer than L-BFGS remembers leave a part of its memory untouched. seen: shape -> the shape in which the
    net sees pictures, if not their own.
    """
    layers, free, changes = list(layers), memory.room(net, limit), []

    def needs(shape: Shape = shape) -> Any:
        return needed(net, shape, layers, method.vectors + beside(vectors, tile), tile, targets, seen)

    if needs() > free and tile is None and in_tiles:
        tile = tile_of(net, seen(shape) if seen else shape, layers)
        changes += [f"in tiles of {tile} pixels"] if tile else []
    if isinstance(method, LBFGS):
        shorter = [(LBFGS(m), f"with a history of {m}") for m in HISTORIES if m < method.history]
        asked = method
        for leaner, said in [*shorter, (Adam(adam), "by Adam instead of L-BFGS")]:
            if needs() > free:
                method, changed = leaner, said
        changes += [changed] if method is not asked else []
    how = " and ".join(changes)
    if needs() > free:
        raise TooLarge(f"{size_in_words(shape)} need about {needs() / 1e9:.2g} GB of memory{how and ', even ' + how}, "
                       f"and {free / 1e9:.2g} GB are {'free' if limit is None else 'left for it'}: "
                       f"{smaller(needs, shape, free)}")
    said = f"{size_in_words(shape)}{how and ' ' + how}"
    in_all = memory.in_use(net) + needs() - untouched(method, steps) * math.prod(shape) * net.dtype.itemsize
    if how or in_all > MUCH:
        remark(f"{said}: about {in_all / 1e9:.2g} GB of memory in all", progress)
    return Fit(tile, method, needs(), how and f"{said}, as memory is short", in_all)


def untouched(method: Any, steps: int | None) -> int:
    """The arrays of the picture's size that L-BFGS allocates and never writes to in a run of so few steps."""
    if steps is None or not isinstance(method, LBFGS):
        return 0
    return method.vectors - replace(method, history=max(1, min(method.history, steps))).vectors


def beside(vectors: int, tile: int | None) -> int:
    """Of the arrays of the picture's size in a gradient: in tiles most of them are as large as a tile."""
    return vectors if tile is None else max(0, vectors - ONLY_WHOLE)


def copies_in_tiles(method: Any, vectors: int) -> int:
    """The arrays of the picture's size that a run holds at least."""
    return int(method.vectors + beside(vectors, TILE))


def needed(net: Network, shape: Shape, layers: Any, vectors: Any, tile: int | None = None, targets: Any = (),
           seen: Any = None) -> int:
    """An estimate of a run's bytes: a pass to ``layers`` and back, whole or for a tile with its surroundings,
    ``vectors`` arrays of the pictures' size, or of that in which they are seen if this is larger, and the activations
    of ``targets``."""
    own, shape = shape, seen(shape) if seen else shape
    body, (N, H, W, C) = trunk(net, layers), shape
    values = vectors * max(math.prod(own), math.prod(shape))
    values += sum(math.prod(body.shapes(shape)[name]) for name in targets)
    if tile is not None:
        rows, columns = next(reversed(geometry.receptive_fields(body, shape).values())).size
        H, W = min(H, tile + rows), min(W, tile + columns)
    keep = set(layers) - {"input"}
    return int(memory.needed(body, (N, H, W, C), keep=keep) + values * net.dtype.itemsize)


def tile_of(net: Network, shape: Shape, layers: Any) -> Any:
    """A size for tiles; None for a picture that is no larger, and for layers that see all of it at once."""
    fields = geometry.receptive_fields(trunk(net, layers), shape)
    tile = max([TILE, *(side // 2 for name in layers for side in fields[name].size)])
    seen_whole = any(0 in fields[name].stride for name in layers)
    return None if max(shape[1:3]) <= tile or seen_whole else tile


def smaller(needs: Any, shape: Shape, free: Any) -> Any:
    """Advice for pictures that are too large."""
    N, H, W, C = shape
    advice = ["make fewer at once"] if N > 1 else []
    side = max(H, W)
    try:
        while side > 1 and needs((N, math.ceil(H * side / max(H, W)), math.ceil(W * side / max(H, W)), C)) > free:
            side = int(0.95 * side)
        advice.append(f"make the longer side {side} or less")
    except BadValue:
        pass                                    # a net that takes one size only
    return " or ".join(advice) or "use another machine, or a smaller net"


def memory_of(problem: Problem, method: Any) -> Any:
    """An estimate of the bytes of a run of `optimize`."""
    layers = problem.objective.layers or [next(reversed(problem.net.nodes))]
    vectors = method.vectors + beside(problem.vectors, problem.tile)
    return needed(problem.net, problem.parameterization.shape, layers, vectors, problem.tile,
                  seen=lambda shape: problem.draw(shape, None).shape)
