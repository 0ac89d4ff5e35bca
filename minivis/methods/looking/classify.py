"""The net's answer: its classes by probability.

    p_k = exp(s_k) / sum over j of exp(s_j)             s: the scores (logits), before the softmax

A net may end in another way, and then its probabilities mean something else: engine/ending.py says which.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.ending import Ending, answering
from minivis.engine.network import Network
from minivis.figures.compose import bar_chart, panels
from minivis.figures.text import chance
from minivis.methods.looking.settings import ClassifySettings
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.methods.shared.target import last_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures


@dataclass(frozen=True, eq=False)
class Classes(BatchResult):
    """The first classes of each picture: their numbers ``classes`` (N, top), and so their ``probs`` and ``scores``."""

    subject: Subject
    classes: np.ndarray
    probs: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]                      # of all classes of the net
    several: bool = False                       # classes may be right: each has a probability by itself

    @property
    def array(self) -> Array:
        return self.probs

    def draw(self, i: int) -> Array:
        chart = bar_chart([self.names[k] for k in self.classes[i]], self.probs[i], height=PANEL)
        seen = self.subject.drawn(i)
        title = f"{self.names[self.classes[i][0]]} {chance(self.probs[i][0])}"
        return panels([seen, chart], [f"the input\n{seen.shape[1]} x {seen.shape[0]} pixels",
                                      f"{title}\nprobability of each class" + ", by itself" * self.several],
                      height=PANEL)

    def describe(self, i: int) -> dict[str, Any]:
        means = {"independent": True} if self.several else {}
        return {**means, "top": [{"class": self.names[k], "number": int(k), "probability": float(p), "score": float(s)}
                        for k, p, s in zip(self.classes[i], self.probs[i], self.scores[i])]}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        lines = [[f"{chance(p):>8}  {self.names[k]}" for k, p in zip(*rows)] for rows in zip(self.classes, self.probs)]
        head = "each class by itself: the probabilities do not add up to 100 %\n" if self.several else ""
        return head + "\n\n".join("\n".join(rows) for rows in lines)


@set_by(ClassifySettings)
@takes(seed=SEED)
def classify(
    net: Network, image: Pictures, *, settings: ClassifySettings | None = None, top: int = ClassifySettings.top,
    seed: int = 0, progress: bool = False,
) -> Classes:  # fmt: skip
    """The most probable classes of a picture, or of each picture of a batch.

    Returns
    -------
    Classes
        ``classes``, ``probs`` and ``scores`` (N, top); its figure shows the picture and the bars.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.classify(net, goose, top=2)
    >>> found.numbers["top"][0]["class"], found.array.shape
    ('goose', (1, 2))
    """
    net = answering(net)
    ending = Ending.of(net)
    subject = Subject.of(net, image)
    logits, prob = ending.logits, ending.prob
    acts = net.forward(subject.input(net), until=last_of(net, (logits, prob)), keep=(logits, prob), grad=None)
    scores, probs = (to_cpu(acts[name]).reshape(len(subject), -1) for name in (logits, prob))
    check_finite(scores)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    names = ending.names(scores.shape[1])
    return Classes(subject, order, np.take_along_axis(probs, order, 1), np.take_along_axis(scores, order, 1), names,
                   ending.several, settings={"top": order.shape[1]})
