"""Fool a net by as few pixels as possible, each of which may become anything.

    one-pixel   differential evolution over places and colours, without a gradient      Su et al. 2019
    jsma        pixel by pixel, the one whose change misleads the net most              Papernot et al. 2016

Both lower the same margin, which is below 0 where the net is fooled: by how much the class to leave leads all others,
or by how much another class leads the one to reach. Evolution tries one pixel, then two, and so on. The gradient tells
jsma what a pixel could do at most, as if the net were linear; the best of them are tried, and the best of all stays. In
the end pixels that are not needed go back.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.methods.adversarial.attacks import BATCH, aimed, as_pixels, class_gradient, freedom, logits_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.progress import bar, track
from minivis.runtime.settings import SEED, takes, whole
from minivis.types import Array, Pictures

MOST = 3                                        # pixels that evolution tries
TRIED = 24                                      # pixels whose change jsma tries out in a step
MEMBERS = 15                                    # of the population, for each number that evolves


@takes(steps=whole(1), most=whole(1), seed=SEED)
def one_pixel(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, steps: int = 30, most: int = MOST,
    mask: NDArray[Any] | None = None, seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """Change one pixel, or two or three, found by differential evolution, which needs no gradient.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    steps : int, default 30
        Generations.
    most : int, default 3
        Most pixels that change.
    mask : array, optional
        Numbers from 0 to 1 that broadcast to the pictures; a pixel whose numbers are all 0 stays as it is.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype.

    References
    ----------
    Su, Vargas & Sakurai 2019.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.one_pixel(net, net.fit(goose).image, steps=1, most=1)
    >>> made.shape == (1, *net.fit(goose).image.shape)
    True
    """
    net = answering(net)
    pixels = as_pixels(net, image)
    classes, sign = aimed(net, pixels, target, label)
    out, allowed = to_cpu(pixels).copy(), to_cpu(freedom(mask, pixels)).max(axis=3) > 0
    for i in range(len(out)):
        for count in range(1, most + 1):
            found, margin = evolved(net, out[i], classes[i], sign, count, steps, allowed[i], seed, progress)
            if margin < 0:
                break
        out[i] = found
    return net.xp.asarray(out)


def evolved(net: Network, picture: Any, k: int, sign: Any, count: int, steps: int, allowed: Any,
            seed: Any, progress: bool = False) -> tuple[Any, Any]:
    """(picture, margin) with ``count`` pixels changed: the best after so many generations, or the first that fools."""
    channels, where = picture.shape[2], np.argwhere(allowed)
    if not len(where):
        return picture, np.inf
    genes = 1 + channels                        # of a pixel: which of the places, and its colour

    def made(z: Array) -> Any:                                # (genes * count, S) -> (S, H, W, C)
        z = z.reshape(count, genes, -1)
        some = np.repeat(picture[None], z.shape[2], axis=0)
        for one in z:
            rows, columns = where[one[0].astype(int).clip(0, len(where) - 1)].T
            some[np.arange(len(some)), rows, columns] = np.rint(one[1:]).T
        return some

    best: dict[str, Any] = {"margin": np.inf, "picture": picture}

    def loss(z: Array) -> Any:
        some = made(z.reshape(genes * count, -1))
        found = margins(net, some, k, sign)
        if found.min() < best["margin"]:
            best.update(margin=float(found.min()), picture=some[int(found.argmin())])
        generations.update()
        return found

    def done(z: Array, convergence: Any = None) -> Any:              # as every version of SciPy calls it
        return best["margin"] < 0

    bounds = [(0, len(where) - 1e-6), *[(0, 255)] * channels] * count
    with bar(1 + steps, progress, f"{count} pixel{'s' * (count > 1)}, generations") as generations:
        differential_evolution(loss, bounds, maxiter=steps, popsize=MEMBERS, seed=seed, vectorized=True, tol=0,
                               updating="deferred", polish=False, recombination=0.9, callback=done)
    return best["picture"], best["margin"]


@takes(steps=whole(1), seed=SEED)
def jsma(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, steps: int = 200, mask: NDArray[Any] | None = None,
    seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """Change as few pixels as fool the net, one after the other: those that the Jacobian says help most.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    steps : int, default 200
        Most pixels that change.
    mask : array, optional
        Numbers from 0 to 1 that broadcast to the pictures; a pixel whose numbers are all 0 stays as it is.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype.

    References
    ----------
    Papernot et al. 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.jsma(net, net.fit(goose).image, steps=3)
    >>> made.shape == (1, *net.fit(goose).image.shape)
    True
    """
    net = answering(net)
    pixels = as_pixels(net, image)
    classes, sign = aimed(net, pixels, target, label)
    out, allowed = to_cpu(pixels).copy(), to_cpu(freedom(mask, pixels)).max(axis=3) > 0
    for i in range(len(out)):
        found = greedy(net, out[i], classes[i], sign, steps, allowed[i], progress)
        out[i] = needed(net, out[i], found, classes[i], sign, progress)
    return net.xp.asarray(out)


def greedy(net: Network, picture: Any, k: int, sign: Any, steps: int, allowed: Any, progress: bool = False) -> Any:
    """Change one pixel after the other until the net is fooled."""
    now, free = picture.copy(), allowed.copy()
    for _ in track(range(steps), progress, "pixels"):
        if margins(net, now[None], k, sign)[0] < 0 or not free.any():
            break
        _, gradient = class_gradient(net, net.xp.asarray(now[None]), np.array([k]))
        gradient = sign * to_cpu(gradient)[0]
        ends = np.where(gradient > 0, 255, 0).astype(now.dtype)
        gain = np.where(free, (gradient * (ends - now)).sum(axis=2), -np.inf)
        best = np.argsort(-gain, axis=None, kind="stable")[: min(TRIED, int(free.sum()))]
        rows, columns = np.unravel_index(best, gain.shape)
        some = np.repeat(now[None], len(best), axis=0)
        some[np.arange(len(best)), rows, columns] = ends[rows, columns]
        winner = int(margins(net, some, k, sign).argmin())
        now, free[rows[winner], columns[winner]] = some[winner], False
    return now


def needed(net: Network, picture: Any, found: Any, k: int, sign: Any, progress: bool = False) -> Any:
    """``found`` with every changed pixel put back that is not needed, one at a time."""
    if margins(net, found[None], k, sign)[0] >= 0:
        return found
    for _ in track(range(1, int((found != picture).any(axis=2).sum())), progress, "pixels that may go back"):
        rows, columns = np.nonzero((found != picture).any(axis=2))
        some = np.repeat(found[None], len(rows), axis=0)
        some[np.arange(len(rows)), rows, columns] = picture[rows, columns]
        left = margins(net, some, k, sign)
        if left.min() >= 0:
            break
        found = some[int(left.argmin())]
    return found


def margins(net: Network, pictures: Any, k: int, sign: Any) -> Any:
    """(S,) below 0 where a picture fools the net: by how much class k leads the others, or (sign -1) they lead it."""
    logits = logits_of(net, net.xp.asarray(pictures), BATCH).astype(np.float64)
    if Ending.of(net).independent:
        return sign * logits[:, k]
    others = np.delete(logits, k, axis=1).max(axis=1)
    return sign * (logits[:, k] - others)
