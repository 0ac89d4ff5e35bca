"""Fool a net with a picture that people cannot tell from the original, or with one that shows nothing.

The attack goes towards a class (``to``) or away from the net's own answer, by one of

    fgsm        one step for all pixels                 Goodfellow et al. 2015         attacks.py
    bim, pgd    many small steps                        Kurakin 2017, Madry 2018       attacks.py
    deepfool    over the nearest boundary               Moosavi-Dezfooli 2016          deepfool.py
    szegedy     the smallest change, by L-BFGS          Szegedy et al. 2014            szegedy.py
    one-pixel   one pixel, two or three, by evolution   Su et al. 2019                 few_pixels.py
    jsma        as few pixels as it takes, one by one   Papernot et al. 2016           few_pixels.py

The file is what counts. A picture is rounded to whole levels of 0..255, written as PNG and read back, and the net
judges that: rounding by half a level has undone many attacks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minivis.engine.checks import check_finite
from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import to_uint8
from minivis.methods.adversarial.attacks import as_pixels, check_settings, class_numbers, logits_of, pgd
from minivis.methods.adversarial.deepfool import deepfool
from minivis.methods.adversarial.few_pixels import jsma, one_pixel
from minivis.methods.adversarial.fool_result import FEW, Fooling
from minivis.methods.adversarial.rounding import grown, read_back, rounded
from minivis.methods.adversarial.settings import STEPS, SURE, FoolSettings
from minivis.methods.adversarial.szegedy import szegedy
from minivis.methods.shared.result import Subject, seen_by
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import COLOUR, SEED, takes
from minivis.types import Array, Pictures

BOUNDED = ("fgsm", "bim", "pgd")                # by an eps
SMALLEST: dict[str, Callable[..., Any]] = {"deepfool": deepfool, "szegedy": szegedy, "one-pixel": one_pixel,
                                           "jsma": jsma}
STARTS = {"noise": None, "grey": 128, "black": 0, "white": 255}
LARGEST = 64                                    # levels: the largest eps in the search for the smallest
FREE_SIZE = 64                                  # pixels: the side of noise for nets that take any size
FREE = 20.0                                     # levels, root mean square: a step of the ascent without bounds


@set_by(FoolSettings)
@takes(start=COLOUR, seed=SEED)
def fool(
    net: Network, image: Pictures | None = None, to: str | int | Sequence[str | int] | None = None, *,
    settings: FoolSettings | None = None, label: str | int | Sequence[str | int] | None = None,
    start: str | None = None, method: str = FoolSettings.method, norm: Literal["Linf", "L2"] = FoolSettings.norm,
    eps: float | None = FoolSettings.eps, steps: int | None = FoolSettings.steps,
    sure: float | None = FoolSettings.sure, mask: NDArray[Any] | None = None, seed: int = 0, progress: bool = False,
) -> Fooling:  # fmt: skip
    """Change a picture, or a batch, so that the net sees another class; judged on whole levels, as in a file.

    Parameters
    ----------
    to : str, int or sequence, optional
        The class to reach, or one for each picture; by default any class but the present one.
    label : str, int or sequence, optional
        The class that the picture shows; if the net does not see it, there is nothing to fool.
    start : str or colour, optional
        Instead of an image: "noise", "grey", "black", "white", or a colour.

    Returns
    -------
    Fooling
        ``made`` uint8 (N, h, w, C), and whether each has ``fooled`` the net.

    References
    ----------
    Goodfellow et al. 2015; Kurakin et al. 2017; Madry et al. 2018; Moosavi-Dezfooli et al. 2016; Szegedy et al. 2014.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.fool(net, goose, "owl", eps=8, steps=5)
    >>> found.array.dtype, len(found)
    (dtype('uint8'), 1)
    """
    if (image is None) == (start is None):
        raise BadValue("give a picture or a start, not both")
    steps = STEPS.get(method) if steps is None else steps
    sure = (SURE if start is not None else 0.0) if sure is None else sure
    _check(method, norm, eps, steps)
    bounded = method in BOUNDED

    net = answering(net)
    subject = Subject.of(net, image if start is None else blank(net, start, seed))
    pixels = as_pixels(net, subject.fitted)
    before = logits_of(net, pixels)
    check_finite(before)
    ending = Ending.of(net)
    classes, sign = _aims(net, before, to, label, start)

    def attack(i: int, eps: Any = None) -> Any:
        own = {"target" if sign < 0 else "label": classes[i:i + 1], "mask": mask, "steps": steps, "progress": progress}
        if not bounded:
            return SMALLEST[method](net, pixels[i], seed=seed, **own)[0]
        step = eps if method == "fgsm" else None
        return pgd(net, pixels[i], eps=eps, norm=norm, step=step, random_start=method == "pgd", seed=seed, **own)[0]

    def is_fooled(i: int, logits: Array) -> bool:
        if ending.says(logits[None], classes[i : i + 1])[0] != (sign < 0):
            return False
        p = ending.probs(logits[None].astype(float))[0]
        if not ending.several:
            return p.max() >= sure
        return (p[classes[i]] if sign < 0 else 1 - p[classes[i]]) >= sure

    def good(i: int, made: Any) -> Any:
        return is_fooled(i, logits_of(net, as_pixels(net, made))[0])

    found_ones, used = [], []
    for i, fitted in enumerate(subject.fitted):
        judge = partial(good, i)
        if bounded:
            found, size = _bounded(partial(attack, i), fitted, eps, norm, judge)
        else:
            found, size = grown(fitted, to_cpu(attack(i)), judge, seed), None
        found_ones.append(read_back(found))
        used.append(size)
    made = np.stack(found_ones)
    after = logits_of(net, as_pixels(net, made))
    fooled = np.array([is_fooled(i, logits) for i, logits in enumerate(after)])
    free = free_probs = None
    if start is not None:
        free, free_logits = unbounded(net, pixels, classes, steps)
        free_probs = ending.probs(free_logits.astype(float))
    return Fooling(
        subject, made, seen_by(net, made), fooled,
        before.argmax(axis=1) if sign < 0 else classes, classes if sign < 0 else None,
        ending.probs(before.astype(float)), ending.probs(after.astype(float)), tuple(used),
        ending.names(before.shape[1]), free, free_probs, ending.several,
        settings={"to": _listed(to), "label": _listed(label), "start": _listed(start), "method": method,
                  "norm": norm if bounded else "L0" if method in FEW else "L2",
                  "eps": eps, "steps": steps, "sure": sure},
        stopped="fooled" if fooled.all() else "not fooled",
    )  # fmt: skip


def unbounded(net: Network, pixels: Array, target: Any, steps: Any) -> tuple[Any, Any]:
    """Ascent of log p(target) without bounds, for comparison: uint8 pictures, and their logits."""
    step = FREE * (pixels[0].size) ** 0.5
    found = pgd(net, pixels, target, eps=steps * step, step=step, steps=steps, norm="L2", random_start=False)
    made = to_uint8(to_cpu(found))
    return made, logits_of(net, as_pixels(net, made))


def blank(net: Network, start: Any, seed: Any) -> Any:
    """An empty picture: uint8 of the net's size, filled with "noise", "grey", "black", "white" or a colour."""
    H, W = net.input_size or (FREE_SIZE, FREE_SIZE)
    shape = (H, W, net.input_channels)
    if isinstance(start, str) and start not in STARTS:
        raise UnknownName.of("start", start, STARTS)
    if start == "noise":
        return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    color = np.asarray(STARTS[start] if isinstance(start, str) else start, float)
    if color.shape not in ((), (3,)) or not (color >= 0).all() or not (color <= 255).all():
        raise BadValue(f"the colour to start from must be one number or three in 0..255, not {start!r}")
    return np.broadcast_to(to_uint8(color), (H, W, 3 if color.shape else shape[2])).copy()


def _check(method: Any, norm: str, eps: float | None, steps: Any) -> None:
    """Raise BadValue for settings that do not go together."""
    if method not in BOUNDED and (eps is not None or norm != FoolSettings.norm):
        least = "number of pixels" if method in FEW else "L2"
        raise BadValue(f"{method} searches for the smallest {least} by itself: eps and norm are for "
                       f"{', '.join(BOUNDED)}")
    check_settings(norm=norm, eps=1 if eps is None else eps, steps=steps)
    if method == "fgsm" and norm != "Linf":
        raise BadValue("fgsm steps along the sign of the gradient, which is for Linf: use pgd or bim for L2")
    if method == "fgsm" and steps != 1:
        raise BadValue(f"fgsm is one step, not {steps}: use bim for several")
    if eps is not None and eps < 1:
        raise BadValue(f"a picture holds whole levels of 0..255, so eps must be at least 1, not {eps}")


def _bounded(attack: Any, start: Any, eps: float | None, norm: str, good: Any) -> tuple[Any, ...]:
    """(picture, eps) for the given eps, or for the smallest that works, found by doubling and then bisection."""
    if eps is not None:
        return rounded(start, to_cpu(attack(eps)), eps, norm), eps
    unit = 1.0 if norm == "Linf" else start.size**0.5 / 8               # a random picture's L2 with every pixel at 1/8
    low, high, best, made = 0, 1, None, start
    while high <= LARGEST and best is None:
        made = rounded(start, to_cpu(attack(high * unit)), high * unit, norm)
        low, high, best = (low, high, made) if good(made) else (high, 2 * high, None)
    if best is None:
        return made, low * unit
    while high - low > 1:
        middle = (low + high) // 2
        made = rounded(start, to_cpu(attack(middle * unit)), middle * unit, norm)
        low, high, best = (low, middle, made) if good(made) else (middle, high, best)
    return best, high * unit


def _aims(net: Network, logits: Array, to: Any, label: Any, start: Any) -> tuple[Any, ...]:
    """(classes, sign), as in `attacks.aimed`. Raise BadValue if there is nothing to fool."""
    own, count, ending = logits.argmax(axis=1), len(logits), Ending.of(net)
    names = ending.names(logits.shape[1])
    if label is not None:
        labels = class_numbers(net, label, count)
        for k, said, right in zip(labels, own, ending.says(logits, labels)):
            if not right:
                what = f"does not see {names[k]} in this picture" if ending.several else (
                    f"sees {names[said]} in this picture, not {names[k]}")
                raise BadValue(f"the net {what}, so there is nothing to fool")
        own = labels
    if to is None:
        if start is not None:
            raise BadValue(f"{start} shows nothing that could be left: say which class to reach, as with --to goose")
        if not ending.says(logits, own).all():
            raise BadValue(f"the net says none of its classes of this, not even {names[own[0]]}, so there is no answer "
                           "to leave: say which class to reach, with --to")
        return own, 1
    targets = class_numbers(net, to, count)
    for k, said in zip(targets, ending.says(logits, targets)):
        if said and start is None:
            raise BadValue(f"the net says {names[k]} already: name another class to lead it to")
    return targets, -1


def _listed(value: Any) -> Any:
    return [_listed(v) for v in value] if isinstance(value, (list, tuple, np.ndarray)) else (
        value if value is None or isinstance(value, (int, float)) else str(value))
