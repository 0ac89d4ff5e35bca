"""Attacks along a gradient: every pixel makes a small step in the direction that misleads the net most.

    FGSM    x + eps sign(g)                                     Goodfellow et al. 2015, section 4
    BIM     x <- P(x + step sign(g)), repeated           Kurakin et al. 2017, section 2.2
    PGD     the same, from a random point of the ball           Madry et al. 2018, section 2.1

g is the gradient of the cross-entropy -log p_y with respect to the pixels. The step goes up for a ``label`` that the
net is to leave, and down for a ``target`` that it is to reach. P projects a picture into the ball of radius eps about
the original, and into 0..255. Steps, eps and bounds are in levels, whatever the net's preprocessing.

These functions work on batches of arrays; `fool` is the version for people. Training calls them, too.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.engine.units import class_number
from minivis.errors import BadValue, UnknownName
from minivis.images.given import as_pictures
from minivis.layers.softmax import softmax_forward
from minivis.methods.adversarial.settings import NORMS
from minivis.runtime.backend import get_xp, to_cpu, to_gpu
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, SWITCH, choice, number, takes, whole
from minivis.types import Array, Pictures

BATCH = 64                                      # pictures at a time


@takes(eps=number(), batch=whole(1), seed=SEED)
def fgsm(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, eps: float = 8.0, mask: NDArray[Any] | None = None,
    batch: int = BATCH, seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """The fast gradient sign method: one step for every pixel.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    eps : float, in levels of 255
        How far each pixel, or the whole picture, may move.
    mask : array, optional
        Numbers 0 to 1 that broadcast to the pictures, by which steps are multiplied; where it is 0 nothing changes.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype, no farther than ``eps`` away.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.fgsm(net, net.fit(goose).image, eps=4)
    >>> float(abs(made[0] - net.fit(goose).image).max())
    4.0
    """
    return pgd(net, image, target, label=label, eps=eps, step=eps, steps=1, random_start=False, mask=mask, batch=batch,
               seed=seed, progress=progress)


@takes(eps=number(), step=number(), steps=whole(1), norm=choice("norm", NORMS), random_start=SWITCH,
       batch=whole(1), seed=SEED)
def pgd(
    net: Network, image: Pictures, target: str | int | Sequence[str | int] | None = None, *,
    label: str | int | Sequence[str | int] | None = None, eps: float = 8.0, step: float | None = None, steps: int = 40,
    norm: Literal["Linf", "L2"] = "Linf", random_start: bool = True, mask: NDArray[Any] | None = None,
    batch: int = BATCH, seed: int = 0, progress: bool = False,
) -> Array:  # fmt: skip
    """Projected gradient descent: many small steps within a ball around the picture.

    Parameters
    ----------
    image : array (H, W, C) or (N, H, W, C)
        Pixels 0 to 255, of the size that the net reads.
    eps : float, in levels of 255
        How far each pixel, or the whole picture, may move.
    step : float, in levels of 255, optional
        Length of a step; by default 2.5 eps / steps, enough to cross the ball.
    steps : int, default 40
        Number of steps.
    norm : {"Linf", "L2"}, default "Linf"
        Norm of the ball: the change of each pixel, or of the whole picture.
    random_start : bool, default True
        Start from a random point of the ball; False makes it BIM.
    mask : array, optional
        Numbers 0 to 1 that broadcast to the pictures, by which steps are multiplied; where it is 0 nothing changes.

    Returns
    -------
    array (N, H, W, C)
        Pixels 0 to 255, of the net's dtype, no farther than ``eps`` away.

    References
    ----------
    Madry et al. 2018; BIM: Kurakin, Goodfellow & Bengio 2017.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> made = mv.pgd(net, net.fit(goose).image, "owl", eps=8, steps=5)
    >>> made.shape == (1, *net.fit(goose).image.shape)
    True
    """
    net = answering(net)
    check_settings(norm=norm, eps=eps, step=1 if step is None else step, steps=steps)
    step = 2.5 * eps / steps if step is None else step
    pixels = as_pixels(net, image)
    xp = get_xp(pixels)
    classes, sign = aimed(net, pixels, target, label)
    free = freedom(mask, pixels)
    out = pixels.copy()
    if random_start:
        noise = xp.asarray(random_in_ball(pixels.shape, eps, norm, np.random.default_rng(seed)), pixels.dtype)
        out = xp.clip(pixels + free * noise, 0, 255)
    parts = [slice(first, first + batch) for first in range(0, len(pixels), batch)]
    for part in track([part for part in parts for _ in range(steps)], progress, "pgd"):
        _, dpixels = class_gradient(net, out[part], classes[part])
        moved = out[part] + sign * step * free[part] * steepest(dpixels, norm)
        out[part] = xp.clip(pixels[part] + project(moved - pixels[part], eps, norm), 0, 255)
    return out


def class_gradient(net: Network, pixels: Array, classes: Any) -> tuple[Any, Any]:
    """``logits`` (N, K), and the direction in which -log p_y grows at the pixels (N, H, W, C).

    d -log p_y / d logits = p - [k = y] = (1 - p_y) (q - [k = y])       q: the softmax over all classes but y

    The factor (1 - p_y) is omitted. It is one number per picture, which does not change the direction; and if the net
    is certain, rounding loses it, which has made nets look robust that are not. If each class has its own sigmoid, p_y
    depends only on its own score, and there is no q.
    """
    role = net.role("logits")
    acts = net.forward(net.preprocess(pixels), until=role, keep=(role,))
    logits = acts[role].reshape(len(pixels), -1)
    xp = get_xp(logits)
    rows, classes = xp.arange(len(logits)), xp.asarray(classes)
    if Ending.of(net).independent:
        dlogits = xp.zeros_like(logits)
    else:
        others = logits.copy()
        others[rows, classes] = -xp.inf
        dlogits = softmax_forward(others)
    dlogits[rows, classes] = -1
    dacts, _ = net.backward(acts, {role: dlogits.reshape(acts[role].shape)})
    return logits, net.preprocess_adjoint(dacts["input"], channels=pixels.shape[3])


def steepest(gradient: Array, norm: str) -> Any:
    """The step of length 1 in ``norm`` along which a linear loss grows most; 0 where the gradient is 0."""
    xp = get_xp(gradient)
    if norm == "Linf":
        return xp.sign(gradient)
    gradient = gradient / xp.maximum(abs(gradient).max(axis=(1, 2, 3), keepdims=True), TINY)   # squares could underflow
    return gradient / xp.maximum(_lengths(gradient), TINY)


TINY = 1e-30                                    # the smallest normal float32


def project(difference: Any, eps: Any, norm: str) -> Any:
    """The nearest of ``difference`` (N, H, W, C) in the ball of radius ``eps``."""
    xp = get_xp(difference)
    if norm == "Linf":
        return xp.clip(difference, -eps, eps)
    return difference * xp.minimum(1, eps / xp.maximum(_lengths(difference), TINY))


def random_in_ball(shape: Any, eps: Any, norm: str, rng: np.random.Generator) -> Any:
    """Uniformly distributed differences (N, H, W, C) in the ball of radius ``eps``."""
    if norm == "Linf":
        return rng.uniform(-eps, eps, shape)
    direction = rng.standard_normal(shape)
    radius = eps * rng.uniform(size=(shape[0], 1, 1, 1)) ** (1 / math.prod(shape[1:]))
    return direction * (radius / _lengths(direction))


def _lengths(array: Array) -> Any:
    return get_xp(array).sqrt((array * array).sum(axis=(1, 2, 3), keepdims=True))


def aimed(net: Network, pixels: Array, target: Any = None, label: Any = None) -> Any:
    """(classes (N,), sign): the loss of these classes is to grow (+1, away from a label) or fall (-1, to a target)."""
    if target is not None and label is not None:
        raise BadValue("give a target to reach or a label to leave, not both")
    if target is not None:
        return class_numbers(net, target, len(pixels)), -1.0
    return (answers(net, pixels) if label is None else class_numbers(net, label, len(pixels))), 1.0


def answers(net: Network, pixels: Array, batch: Any = BATCH) -> Any:
    """The number of the most probable class, (N,)."""
    return logits_of(net, pixels, batch).argmax(axis=1)


def fools(net: Network, logits: Array, classes: Any, sign: Any) -> Any:
    """Whether the net answers with each target (sign -1), or no longer with each label (+1): (N,), on the CPU."""
    return Ending.of(net).says(to_cpu(logits), classes) == (sign < 0)


def logits_of(net: Network, pixels: Array, batch: Any = BATCH) -> Any:
    """The scores of pixels (N, H, W, C): (N, K), on the CPU."""
    net = answering(net)
    role, found = net.role("logits"), []
    for first in range(0, len(pixels), batch):
        part = net.preprocess(pixels[first:first + batch])
        out = net.forward(part, until=role, keep=(role,), grad=None)[role]
        found.append(to_cpu(out).reshape(len(part), -1))
    return np.concatenate(found)


def class_numbers(net: Network, classes: Any, count: int) -> Any:
    """A class, or one for each picture, by name or number, as numbers (count,)."""
    if isinstance(classes, str) or np.ndim(classes) == 0:
        classes = [classes] * count
    found = np.array([class_number(net, str(name)) for name in to_cpu(classes)], int)
    if len(found) != count:
        raise BadValue(f"{len(found)} classes for {count} pictures: give one, or one for each")
    return found


def as_pixels(net: Network, image: Any) -> Any:
    """Pixels as floats of the net's dtype on its device, (N, H, W, C). Raise BadValue for anything but a picture, and
    UnknownName for a net without classes."""
    if not net.roles.get("logits"):
        raise UnknownName("this net has no classes (no layer has the role 'logits'), so there is no answer to change")
    image = as_pictures(image, net.input_channels)
    xp = get_xp(image)
    pixels = xp.asarray(image)
    pixels = pixels[None] if pixels.ndim == 3 else pixels
    if pixels.ndim != 4 or pixels.size == 0 or pixels.dtype.kind not in "uif":
        raise BadValue(f"pixels must be numbers (H, W, C) or (N, H, W, C) with C 1 or 3, not {pixels.dtype} "
                       f"{pixels.shape}")
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        raise BadValue("pixels must lie in 0..255; some of these do not, or are NaN")
    if net.input_size and pixels.shape[1:3] != tuple(net.input_size):
        raise BadValue(f"this net reads {net.input_size[0]} x {net.input_size[1]} pixels, not {pixels.shape[1]} x "
                       f"{pixels.shape[2]}: use net.fit to resize a picture")
    on_gpu = any(get_xp(p) is not np for layer in net.layers.values() for p in layer.params.values())
    pixels = pixels.astype(net.dtype)
    return to_gpu(pixels) if on_gpu else pixels


def freedom(mask: Any, pixels: Array) -> Any:
    """The mask for each number of the pictures: how far it may move, 0 to 1. Raise BadValue for any other mask."""
    xp = get_xp(pixels)
    try:
        free = xp.broadcast_to(xp.asarray(1.0 if mask is None else mask, pixels.dtype), pixels.shape)
    except ValueError:
        raise BadValue(f"mask must be numbers that broadcast to the pictures {pixels.shape}, as (H, W, 1) does, not "
                       f"{np.shape(mask)}") from None
    if not (free.min() >= 0 and free.max() <= 1):
        raise BadValue("mask must be numbers from 0 to 1; some of these are not")
    return free


def check_settings(*, norm: str = NORMS[0], eps: Any = 1, step: Any = 1, steps: int = 1) -> None:
    """Raise UnknownName or BadValue for settings that cannot work."""
    if norm not in NORMS:
        raise UnknownName.of("norm", norm, NORMS)
    for name, value in (("eps", eps), ("step", step)):
        if not (value is not None and value > 0 and math.isfinite(value)):
            raise BadValue(f"{name} must be a number of levels above 0, such as 8 of 255, not {value}")
    if not (isinstance(steps, (int, np.integer)) and steps >= 1):
        raise BadValue(f"steps must be a whole number of at least 1, not {steps}")
