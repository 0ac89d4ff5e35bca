"""The first adversarial examples (Szegedy et al. 2014, section 4.1): the smallest change by box-constrained L-BFGS.

    minimise   c |r|^2 - log P(x + r)         over r with   0 <= x + r <= 255

P is the probability of the ``target`` or, away from a ``label``, that of all other classes together. Each c has its own
minimum: a large c keeps r short, and beyond some c the net is no longer fooled. A search over c finds the shortest r
that fools it. (The paper writes c |r|; the square has a gradient at r = 0, where the search starts.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.methods.adversarial.attacks import (
    aimed,
    as_pixels,
    check_settings,
    class_gradient,
    fools,
    freedom,
    logits_of,
)
from minivis.methods.adversarial.deepfool import shortened
from minivis.optimize.scipy_bridge import minimise
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes, whole
from minivis.types import Array, Pictures

FIRST_C, FACTOR, CLOSE = 0.1, 10.0, 1.1         # the search over c: its start, its factor, and its tolerance
NEAR = 8.0                                      # levels: a random start is no farther from the picture


@takes(steps=whole(1), searches=whole(), seed=SEED)
def szegedy(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, steps: int = 40, searches: int = 10,
    mask: NDArray[Any] | None = None, seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """The smallest change that fools a net, by L-BFGS on c |change|^2 + loss for several c.

    If none fools the net, the result for the first c is returned.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    steps : int, default 40
        Steps of L-BFGS for one c.
    searches : int
        Largest number of values of c.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype.

    References
    ----------
    Szegedy et al. 2014.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.szegedy(net, net.fit(goose).image, steps=2, searches=1)
    >>> made.shape == (1, *net.fit(goose).image.shape)
    True
    """
    check_settings(steps=steps)
    if searches < 1:
        raise BadValue(f"searches must be at least 1, not {searches}")
    net = answering(net)
    pixels = as_pixels(net, image)
    classes, sign = aimed(net, pixels, target, label)
    free = freedom(mask, pixels) > 0
    out, rng = pixels.copy(), np.random.default_rng(seed)
    for i in range(len(pixels)):
        one = slice(i, i + 1)
        out[one] = _search(net, pixels[one], classes[one], sign, to_cpu(free[one]), steps, searches, rng, progress)
    return out


def _search(net: Network, pixels: Array, classes: Any, sign: Any, free: Any, steps: int, searches: Any,
            rng: np.random.Generator, progress: bool) -> Any:
    """The shortest change of one picture over all c: multiply until c is bracketed, then bisect its logarithm.

    L-BFGS starts at the result of the last c that worked or, before there is one, at a random point near the picture,
    because a minimum that did not fool the net would not do so again.
    """
    xp = get_xp(pixels)
    works, fails, c = None, None, FIRST_C
    best = first = pixels if fools(net, logits_of(net, pixels), classes, sign)[0] else None
    for _ in track(range(searches if best is None else 0), progress, "szegedy"):
        near = pixels + xp.asarray(rng.uniform(-NEAR, NEAR, pixels.shape), pixels.dtype) if fails else pixels
        found = _minimum(net, pixels, near if best is None else best, classes, sign, free, c, steps)
        first = found if first is None else first
        if fools(net, logits_of(net, found), classes, sign)[0]:
            shorter = shortened(net, pixels, found, classes, sign)
            if best is None or _length(shorter - pixels) < _length(best - pixels):
                best = shorter
            works = c
        else:
            fails = c
        if works and fails and fails < CLOSE * works:
            break
        c = c / FACTOR if works is None else c * FACTOR if fails is None else (works * fails) ** 0.5
    return first if best is None else best


def _minimum(net: Network, pixels: Array, start: Any, classes: Any, sign: Any, free: Any, c: Any, steps: int) -> Any:
    """x + r at a minimum for one c. scipy sees flat float64 in 0..1, so that its first step has a sensible size."""
    xp, shape = get_xp(pixels), pixels.shape
    x = to_cpu(pixels).astype(np.float64).ravel() / 255
    free = free.ravel()

    def loss(z: Array) -> tuple[Any, Any]:
        at = xp.asarray(z.reshape(shape) * 255, pixels.dtype)
        logits, dpixels = class_gradient(net, at, classes)
        miss, hit = _log_probs(net, to_cpu(logits)[0].astype(np.float64), classes[0], sign)
        dlog = -sign * np.exp(miss) * to_cpu(dpixels).astype(np.float64).ravel() * 255
        return c * ((z - x) ** 2).sum() - hit, 2 * c * (z - x) + dlog

    low, high = np.where(free, 0.0, x), np.where(free, 1.0, x)
    first = np.clip(to_cpu(start).astype(np.float64).ravel() / 255, low, high)
    best = minimise(loss, first, steps=steps, bounds=list(zip(low, high)))
    return xp.asarray(best.x.reshape(shape) * 255, pixels.dtype)


def _log_probs(net: Network, scores: Any, k: int, sign: Any) -> Any:
    """(log of the probability that the net is not fooled, log of that it is)."""
    own, others = Ending.of(net).log_probs(scores, k)
    return (own, others) if sign > 0 else (others, own)


def _length(difference: Any) -> Any:
    return float((difference * difference).sum()) ** 0.5
