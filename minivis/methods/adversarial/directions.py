"""Why so little is enough: along the gradient all numbers of a picture work together, and by chance hardly any.

    x + eps sign(d -log p / d x)        the adversarial direction (Goodfellow et al. 2015)
    x + eps r                           r: each number goes up or down by chance; as far for every pixel

A small step moves the score by eps sum_i |g_i| along the gradient, and by about eps sqrt(sum_i g_i^2) along r. For d
numbers of one size the first is d and the second sqrt(d), so the first is sqrt(d) times as large: 3 times for the
lecture's ten numbers, hundreds of times for the 150,528 of a photograph. That is why a picture can lie close to one
that the net sees as something else, although noise of the same strength never finds it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.engine.units import one_hot
from minivis.errors import BadValue
from minivis.figures.compose import bar_chart, panels
from minivis.figures.line_chart import line_chart
from minivis.figures.text import chance
from minivis.methods.adversarial.attacks import class_gradient, logits_of
from minivis.methods.shared.result import PANEL, Result, Subject
from minivis.runtime.backend import to_cpu
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, number, takes, whole
from minivis.types import Array, Pictures

COUNT, EPS, POINTS = 100, 16.0, 9               # random directions; levels, the farthest; places on each line
DRAWS = 200                                     # of numbers, for each count of `AMOUNTS`
AMOUNTS = (10, 100, 1_000, 10_000, 100_000)     # of numbers that may move; and all of them
ADVERSARIAL = "along the gradient"


@dataclass(frozen=True, eq=False)
class Directions(Result):
    """``scores``, ``probs`` (1 + count, points): of the class along each direction, the adversarial one first."""

    subject: Subject
    name: str                                   # of the class
    eps: NDArray[Any]                           # (points,), levels
    scores: NDArray[Any]
    probs: NDArray[Any]
    says: tuple[tuple[str, ...], ...]           # the net's answers, along each direction
    ratios: dict[int, float]                    # numbers that move: how many times as far as by chance the score moves

    @property
    def array(self) -> Array:
        return self.scores

    @property
    def arrays(self) -> dict[str, Any]:
        return {"eps": self.eps, "scores": self.scores, "probs": self.probs}

    @property
    def changed(self) -> Any:
        """How many random directions change the answer anywhere."""
        return sum(any(said != self.name for said in line) for line in self.says[1:])

    @property
    def first(self) -> Any:
        """The first eps at which the answer changes along the gradient; None if it never does."""
        return next((float(eps) for eps, said in zip(self.eps, self.says[0]) if said != self.name), None)

    def picture(self) -> Array:
        charts = [self._chart(self.scores), self._chart(self.probs, low=0, high=1),
                  bar_chart([f"{amount:,} numbers" for amount in self.ratios], list(self.ratios.values()),
                            percent=False, height=PANEL)]
        titles = [f"the score of {self.name}\nif each number moves by eps levels of 255",
                  f"the probability of {self.name}\n{self.changed} of {len(self.says) - 1} random directions change "
                  "the answer",
                  "gradient over chance\nhow many times as far the score moves"]
        return panels([self.subject.drawn(0), *charts], [f"the input\n{self.name} {chance(self.probs[0, 0])}; "
                      f"{max(self.ratios):,} numbers", *titles], height=PANEL)

    def _chart(self, values: Array, **ends: Any) -> Any:
        lines = {f"random {k}": (self.eps, line) for k, line in enumerate(values[1:])}
        return line_chart({ADVERSARIAL: (self.eps, values[0]), **lines}, faint=tuple(lines), height=220,
                          x_label=f"eps {ADVERSARIAL}; grey: {len(lines)} random directions", legend=False, **ends)

    @property
    def numbers(self) -> dict[str, Any]:
        return {"class": self.name, "eps": self.eps.tolist(), "scores": self.scores.tolist(),
                "probabilities": self.probs.tolist(), "answers": [list(line) for line in self.says],
                "changed_at": self.first, "random_changed": self.changed,
                "ratios": {str(amount): ratio for amount, ratio in self.ratios.items()}}

    def __str__(self) -> str:
        at = (f"the answer changes to {self.says[0][self.eps.tolist().index(self.first)]} at {self.first:g} levels of "
              f"255" if self.first is not None else f"the answer stays up to {self.eps[-1]:g} levels")
        (few, low), *_, (most, high) = self.ratios.items()
        return (f"{self.name} {chance(self.probs[0, 0])}: along the gradient {at}; of {len(self.says) - 1} random "
                f"directions {self.changed} change it, up to {self.eps[-1]:g} levels.\nIf {few:,} numbers move, a "
                f"step along the gradient moves the score {low:.3g} times as much as a random one; if all {most:,} do, "
                f"{high:.3g} times.")


@takes(count=whole(1, 1000), eps=number(above=0), points=whole(2, 100), seed=SEED)
def directions(
    net: Network, image: Pictures, *, count: int = COUNT, eps: float = EPS, points: int = POINTS, seed: int = 0,
    progress: bool = False,
) -> Directions:  # fmt: skip
    """The score of a picture's class along the adversarial direction, and along random ones of the same size.

    Parameters
    ----------
    image : uint8 array (H, W, C)
        A picture.
    count : int, default 100
        Number of random directions.
    eps : float, in levels of 255, default 16
        How far each pixel moves at the end of each line.
    points : int, default 9
        Number of places on each line, the picture itself included.

    Returns
    -------
    Directions
        ``scores`` and ``probs`` (1 + count, points), and the ``ratios`` for some amounts of numbers that move.

    References
    ----------
    Goodfellow, Shlens & Szegedy 2015; lecture 9.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.directions(net, goose, count=2, points=3)
    >>> found.scores.shape, found.name, found.changed
    ((3, 3), 'goose', 0)
    """
    net = answering(net)
    subject = Subject.of(net, image)
    if len(subject) != 1:
        raise BadValue("directions takes one picture at a time")
    ending, rng = Ending.of(net), np.random.default_rng(seed)
    pixels = subject.fitted.astype(net.dtype)
    logits = logits_of(net, net.xp.asarray(pixels))
    label = int(to_cpu(logits)[0].argmax())
    _, up = class_gradient(net, net.xp.asarray(pixels), np.array([label]))
    steps = np.stack([np.sign(to_cpu(up)[0]), *(rng.choice((-1, 1), pixels.shape[1:]) for _ in range(count))])
    at = np.linspace(0, eps, points)
    found = [to_cpu(logits_of(net, net.xp.asarray((pixels + far * steps).clip(0, 255).astype(net.dtype))))
             for far in track(at, progress, "directions")]
    every = np.stack(found, axis=1).astype(float)                       # (1 + count, points, K)
    names = ending.names(every.shape[2])
    probs = ending.probs(every.reshape(-1, every.shape[2])).reshape(every.shape)
    says = tuple(tuple(names[k] for k in line) for line in every.argmax(axis=2))
    return Directions(subject, names[label], at, every[..., label], probs[..., label], says,
                      ratios_of(score_gradient(net, pixels, label), rng),
                      settings={"count": count, "eps": eps, "points": points})


def score_gradient(net: Network, pixels: Array, label: Any) -> Any:
    """The gradient of the class's score at the pixels, flat."""
    role = net.role("logits")
    acts = net.forward(net.xp.asarray(net.preprocess(pixels)), until=role)
    dacts, _ = net.backward(acts, one_hot(acts, label))
    return to_cpu(net.preprocess_adjoint(dacts["input"], pixels.shape[3])).ravel().astype(float)


def ratios_of(g: Any, rng: np.random.Generator) -> Any:
    """{amount: the mean, over draws of so many numbers, of sum |g_i| / sqrt(sum g_i^2)}; the last amount is all."""
    found = {}
    for amount in (*(some for some in AMOUNTS if some < g.size), g.size):
        draws = [g if amount == g.size else rng.choice(g, amount) for _ in range(1 if amount == g.size else DRAWS)]
        found[amount] = float(np.mean([abs(some).sum() / (np.linalg.norm(some) or 1) for some in draws]))
    return found
