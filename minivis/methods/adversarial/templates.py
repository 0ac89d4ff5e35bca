"""A bit of another class's weights: what a linear net needs to see a goldfish in a goose (Karpathy 2015; lecture 9).

    s_k = sum over pixels i of w_ki x_i + b_k           each class has one template w_k, and that is all it knows
    x + a (w_goldfish - mean of all w)                  moves every pixel a little, and s_goldfish by the sum over all
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.network import Network
from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.figures.compose import above, beside, contact_sheet, panels, signed
from minivis.figures.text import chance
from minivis.images.preprocessing import to_uint8
from minivis.layers import Flatten, FullyConnected, Softmax
from minivis.layers.softmax import softmax_forward
from minivis.methods.adversarial.linear import SURE, LinearFool, mix, smallest_nudge
from minivis.runtime.progress import track
from minivis.runtime.settings import NAMES, NET, NUMBERS, SEED, takes, whole
from minivis.types import Array

CHAIN = ("goose", "goldfish", "daisy")
COLUMNS = 16                                    # of the sheet of templates
STEP = 1.02                                    # factor by which the amount grows until whole levels are enough
MAGNIFIED = 90.0                                # levels: how the largest change is drawn


@dataclass(frozen=True, eq=False)
class Mixed:
    """A picture before and after, uint8 (H, W, C), each with the answer's (name, probability)."""

    classifier: str
    before: np.ndarray
    after: np.ndarray
    said: tuple
    says: tuple
    by_sign: int | None = None                  # levels that are enough if every number moves by its weight's sign

    @property
    def change(self) -> Any:
        return self.after.astype(float) - self.before

    @property
    def numbers(self) -> dict[str, Any]:
        return {"classifier": self.classifier, "before": list(self.said), "after": list(self.says),
                "largest": float(abs(self.change).max()), "mean": float(abs(self.change).mean()),
                "by_sign": self.by_sign}

    def picture(self) -> Array:
        """Before, the change magnified, and after."""
        largest = abs(self.change).max()
        factor = max(1.0, MAGNIFIED / (largest or 1.0))
        shown = [self.before, to_uint8(128 + factor * self.change), self.after]
        titles = [f"{self.said[0]}, {chance(self.said[1])}\n{self.classifier}",
                  f"the change, times {factor:.2g}\nat most {largest:.0f} of 255, mean {abs(self.change).mean():.1f}",
                  f"{self.says[0]}, {chance(self.says[1])}\n{self.classifier}"]
        return panels(shown, titles, height=192)

    def __str__(self) -> str:
        return (f"{self.classifier}: {self.said[0]} {chance(self.said[1])} -> {self.says[0]} {chance(self.says[1])}, "
                f"by at most {abs(self.change).max():.0f} levels of 255 and {abs(self.change).mean():.1f} on average"
                + (f"; by the signs of the weights alone, {self.by_sign} levels are enough" if self.by_sign else ""))


def weights_of(net: Network) -> tuple[Any, Any]:
    """(w (d, K), b (K,)) at the pixels, of a net without hidden layers; BadValue for any other."""
    layers = [layer for layer in net.layers.values() if not isinstance(layer, (Flatten, Softmax))]
    if len(layers) != 1 or not isinstance(layers[0], FullyConnected) or not net.input_size:
        raise BadValue("a linear classifier is a net of one fully connected layer, for pictures of one size; this net "
                       f"has {', '.join(net.layers)}")
    logits, K = net.role("logits"), layers[0].params["w"].shape[1]
    black = np.zeros((1, *net.input_size, net.input_channels), np.uint8)
    acts = net.forward(net.preprocess(black.repeat(K, axis=0)), until=logits)
    dacts, _ = net.backward(acts, {logits: np.eye(K, dtype=net.dtype)})
    w = net.preprocessing.preprocess_adjoint(dacts["input"], net.input_channels)
    return w.reshape(K, -1).T.astype(np.float64), acts[logits][0].astype(np.float64)


def mixed_in(w: Array, b: Array, names: Any, picture: Array, target: Any) -> Mixed:
    """The `Mixed` of a picture, uint8 (H, W, C), with as little of ``target``'s weights as makes it sure, in whole
    levels."""
    x = picture.reshape(1, -1).astype(np.float64)
    (amount,), (at,) = mix(x, w, b, target, (0, 255))
    direction, after = at - x[0], to_uint8(at)
    while np.isfinite(amount) and probs(after[None], w, b)[0, target] < SURE and abs(direction).max() < 255:
        direction = direction * STEP
        after = to_uint8(x[0] + direction)
    said, says = (answer(names, p) for p in probs(np.stack([x[0], after]), w, b))
    signs = np.sign(w[:, target] - w.mean(axis=1))
    enough = (k for k in range(1, 256) if probs((x + k * signs).clip(0, 255), w, b)[0, target] >= SURE)
    return Mixed("linear", picture, after.reshape(picture.shape), said, says, next(enough, None))


def probs(rows: Any, w: Array, b: Array) -> Array:
    return softmax_forward(rows.astype(np.float64) @ w + b)


def answer(names: Any, p: Any) -> tuple[Any, float]:
    """(name, probability) of the most probable class."""
    return names[int(p.argmax())], float(p.max())


def fooled_net(net: Network, picture: Array, target: Any) -> Mixed:
    """The `Mixed` of a convnet: the smallest change with which PGD makes it see ``target``."""
    from minivis.methods.adversarial.fool import fool

    found = fool(net, picture, target)
    return Mixed("convnet", picture, found.made[0], answer(found.names, found.before[0]),
                 answer(found.names, found.after[0]))


@dataclass(frozen=True, eq=False)
class LinearTemplates(LinearFool):
    """The result of `linear_templates`: also ``mixes``, one picture after the other made into another class."""

    mixes: tuple = ()

    def picture(self) -> Array:
        side, *_ = shape = self.mixes[0].before.shape
        tiles = [signed(self.w[:, k].reshape(shape)) for k in range(len(self.names))]
        sheet = contact_sheet(tiles, COLUMNS, labels=list(self.names), scale=max(1, 64 // side))
        title = f"the {len(self.names)} templates of the linear classifier: all that it knows"
        each = 1 + (self.mixes[-1].classifier == "convnet")             # linear, and the convnet beside it
        rows = [beside([one.picture() for one in self.mixes[k : k + each]]) for k in range(0, len(self.mixes), each)]
        return above([panels([sheet], [title], height=sheet.shape[0]), *rows], align="center")

    @property
    def numbers(self) -> dict[str, Any]:
        return {**super().numbers, "mixes": [one.numbers for one in self.mixes]}

    def __str__(self) -> str:
        return "\n".join([super().__str__(), "", *map(str, self.mixes)])


@takes(convnet=NET, images=NUMBERS, labels=NUMBERS, chain=NAMES, most=whole(), seed=SEED)
def linear_templates(
    net: Network, images: NDArray[Any], labels: NDArray[Any], *, chain: Sequence[str] = CHAIN,
    convnet: Network | None = None, most: int = 24, seed: int = 0, progress: bool = False,
) -> LinearTemplates:  # fmt: skip
    """Fool a linear net on held-out pictures: a bit of another class's weights is enough.

    Parameters
    ----------
    images : uint8 array (N, H, W, C)
        The pictures.
    labels : array (N,)
        Their classes.
    chain : sequence of str
        Names of classes; the first picture of each that is classified correctly is made into the next class.
    convnet : Network, optional
        A convnet of the same classes, to which PGD does the same.
    most : int, default 24
        Number of pictures for the smallest changes.

    Returns
    -------
    LinearTemplates
        The templates, the mixtures and the smallest changes.

    References
    ----------
    Karpathy 2015, Breaking linear classifiers on ImageNet.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-linear")
    >>> labels = [net.class_names.index("goose")]
    >>> from minivis.data.samples import upright
    >>> images = [upright()["goose"]]
    >>> found = mv.linear_templates(net, images, labels, chain=("goose", "tropical fish"))
    >>> found.mixes[0].says[0]
    'tropical fish'
    """
    images, labels = np.asarray(images), np.asarray(labels)
    w, b = weights_of(net)
    if images.ndim != 4 or images[0].size != len(w) or labels.shape != (len(images),):
        raise BadValue(f"pictures must be (N, H, W, C) of the size that the net reads, {net.input_size}, with N "
                       f"labels, not {images.shape} and {labels.shape}")
    classes = [parse_unit(net, name).channel for name in chain]
    x = images.reshape(len(images), -1).astype(np.float64)
    right = np.flatnonzero((x @ w + b).argmax(axis=1) == labels)
    starts = [next((i for i in right if labels[i] == k), None) for k in classes[:-1]]
    missing = [name for name, i in zip(chain, starts) if i is None]
    if missing or len(chain) < 2:
        raise BadValue(f"none of the pictures of {missing[0]} is classified correctly" if missing else
                       "a chain needs at least two classes")
    names = tuple(net.class_names)
    mixes = []
    for i, name, goal in track(list(zip(starts, chain[1:], classes[1:])), progress, "mixtures"):
        mixes.append(mixed_in(w, b, names, images[i], goal))
        mixes += [fooled_net(convnet, images[i], name)] if convnet is not None else []
    few = right[:most]
    nudges, nudged = smallest_nudge(x[few], labels[few], w, b, (0, 255))
    amounts, made = mix(x[few], w, b, classes[1], (0, 255))
    accuracy = {"held out": len(right) / len(labels)}
    return LinearTemplates(names, images.shape[1:], w, b, accuracy, x[few], labels[few], nudges, nudged, classes[1],
                           amounts, made, np.zeros(0), tuple(mixes), settings={"chain": list(chain), "most": most})
