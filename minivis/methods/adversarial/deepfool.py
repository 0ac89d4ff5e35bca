"""DeepFool (Moosavi-Dezfooli et al. 2016, algorithm 2): the shortest step across a boundary between two classes.

For a linear net, the distance at which class k overtakes class y is known in closed form:

    f_k, f_y  scores           w = d (f_k - f_y) / d pixels
    distance  (f_y - f_k) / |w|                             step   (f_y - f_k) w / |w|^2

If each class has its own sigmoid, the boundary of class y is f_y = 0: the same formulas without f_k.

A real net is not linear, so the method repeats steps slightly beyond the nearest of these boundaries until one is
crossed. In the end `shortened` removes what was too much.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.methods.adversarial.attacks import (
    BATCH,
    TINY,
    aimed,
    as_pixels,
    check_settings,
    fools,
    freedom,
    logits_of,
)
from minivis.runtime.backend import get_xp
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, number, takes, whole
from minivis.types import Array, Pictures

HALVINGS = 10                                   # of the way back: to a thousandth


@takes(steps=whole(1), overshoot=number(), candidates=whole(), batch=whole(1), seed=SEED)
def deepfool(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, steps: int = 50, overshoot: float = 0.02,
    candidates: int = 10, mask: NDArray[Any] | None = None, batch: int = BATCH, seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """The nearest decision boundary, found by steps to the nearest one of the linearised net.

    If nothing is found in ``steps``, the last picture is returned.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    steps : int
        Largest number of steps.
    overshoot : float
        Part of the way by which the boundary is crossed.
    candidates : int, default 10
        How many other classes to try, those with the highest scores.
    mask : array, optional
        Numbers 0 to 1 that broadcast to the pictures, by which steps are multiplied; where it is 0 nothing changes.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype.

    References
    ----------
    Moosavi-Dezfooli, Fawzi & Frossard 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.deepfool(net, net.fit(goose).image, steps=3)
    >>> made.shape == (1, *net.fit(goose).image.shape)
    True
    """
    check_settings(steps=steps)
    if candidates < 1 or not 0 <= overshoot < float("inf"):
        raise BadValue(f"candidates must be at least 1 and overshoot at least 0, not {candidates} and {overshoot}")
    net = answering(net)
    pixels = as_pixels(net, image)
    xp = get_xp(pixels)
    classes, sign = aimed(net, pixels, target, label)
    free = freedom(mask, pixels)
    out = pixels.copy()
    for first in track(range(0, len(pixels), batch), progress, "deepfool"):
        todo = np.arange(first, min(first + batch, len(pixels)))
        for _ in range(steps):
            at = xp.asarray(todo)
            logits, move = _step(net, out[at], classes[todo], sign, candidates, free[at])
            still = ~fools(net, logits, classes[todo], sign)
            todo = todo[still]
            if not len(todo):
                break
            at = xp.asarray(todo)
            out[at] = xp.clip(out[at] + (1 + overshoot) * move[xp.asarray(still)], 0, 255)
    return shortened(net, pixels, out, classes, sign)


def shortened(net: Network, pixels: Array, found: Any, classes: Any, sign: Any, halvings: Any = HALVINGS,
              batch: Any = BATCH) -> Any:
    """Move every ``found`` that fools the net back towards ``pixels`` as far as it still fools it, by bisection."""
    xp = get_xp(pixels)
    fooled = fools(net, logits_of(net, found, batch), classes, sign)
    low, high = np.zeros(len(pixels)), np.ones(len(pixels))             # parts of the way: too little, enough

    def at(part: Any) -> Any:
        return pixels + xp.asarray(part, pixels.dtype)[:, None, None, None] * (found - pixels)

    for _ in range(halvings):
        middle = (low + high) / 2
        enough = fools(net, logits_of(net, at(middle), batch), classes, sign)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return xp.where(xp.asarray(fooled)[:, None, None, None], at(high), found)


def _step(net: Network, pixels: Array, classes: Any, sign: Any, candidates: Any, free: Any) -> tuple[Any, Any]:
    """The logits (N, K) on the CPU, and the step (N, H, W, C) to the nearest of the linear boundaries."""
    role = net.role("logits")
    acts = net.forward(net.preprocess(pixels), until=role, keep=(role,))
    xp, logits = get_xp(pixels), acts[role].reshape(len(pixels), -1)
    best, move = xp.full(len(pixels), xp.inf, pixels.dtype), xp.zeros_like(pixels)
    for gap, seed in _boundaries(net, logits, xp.asarray(classes), sign, candidates):
        dacts, _ = net.backward(acts, {role: seed.reshape(acts[role].shape)})
        w = net.preprocess_adjoint(dacts["input"], channels=pixels.shape[3]) * free
        w = w * ~(((pixels <= 0) & (w < 0)) | ((pixels >= 255) & (w > 0)))              # what cannot go there
        square = (w * w).sum(axis=(1, 2, 3))
        distance = xp.where(square > TINY, gap / xp.sqrt(xp.maximum(square, TINY)), xp.inf)
        nearer = distance < best
        best = xp.where(nearer, distance, best)
        step = (gap / xp.maximum(square, TINY))[:, None, None, None] * w
        move = xp.where(nearer[:, None, None, None], step, move)
    return logits, move


def _boundaries(net: Network, logits: Array, own: Any, sign: Any, candidates: Any) -> Iterator[Any]:
    """Yield (gap, seed) of each boundary to look at: how far away the scores are (N,), and what leads there (N, K)."""
    xp, rows = get_xp(logits), get_xp(logits).arange(len(logits))
    if Ending.of(net).independent:
        seed = xp.zeros_like(logits)
        seed[rows, own] = -sign
        yield sign * logits[rows, own], seed
        return
    others = logits.copy()
    others[rows, own] = -xp.inf
    order = xp.argsort(-others, axis=1)         # the class itself comes last
    for rank in range(min(candidates, logits.shape[1] - 1) if sign > 0 else 1):
        rising, falling = (order[:, rank], own) if sign > 0 else (own, order[:, 0])
        seed = xp.zeros_like(logits)
        seed[rows, rising], seed[rows, falling] = 1, -1
        yield logits[rows, falling] - logits[rows, rising], seed
