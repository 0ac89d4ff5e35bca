"""What the net says: its classes by probability.

    p_k = exp(s_k) / sum over j of exp(s_j)             s: the scores (logits), before the softmax
"""

from dataclasses import dataclass

import numpy as np

from minivis.engine.checks import check_finite
from minivis.errors import BadValue, UnknownName
from minivis.figures.compose import bar_chart, panels
from minivis.figures.text import percent
from minivis.methods.shared.result import PANEL, Result, Subject
from minivis.methods.shared.target import last_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.settings import SEED, takes, whole


@dataclass(frozen=True, eq=False)
class Classes(Result):
    """The first classes of each picture: their numbers ``classes`` (N, top), and so their ``probs`` and ``scores``."""

    subject: Subject
    classes: np.ndarray
    probs: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]                      # of all classes of the net

    def draw(self, i):
        chart = bar_chart([self.names[k] for k in self.classes[i]], self.probs[i], height=PANEL)
        seen = self.subject.seen[i]
        title = f"{self.names[self.classes[i][0]]} {percent(self.probs[i][0])}"
        return panels([seen, chart], [f"what the net sees\n{seen.shape[1]} x {seen.shape[0]} pixels",
                                      f"{title}\nprobability of each class"], height=PANEL)

    def describe(self, i):
        return {"top": [{"class": self.names[k], "number": int(k), "probability": float(p), "score": float(s)}
                        for k, p, s in zip(self.classes[i], self.probs[i], self.scores[i])]}

    def __len__(self):
        return len(self.subject)

    def __str__(self):
        lines = [[f"{percent(p):>8}  {self.names[k]}" for k, p in zip(*rows)] for rows in zip(self.classes, self.probs)]
        return "\n\n".join("\n".join(rows) for rows in lines)


@takes(top=whole(), seed=SEED)
def classify(net, image, *, top=5, seed=0, progress=False):
    """The ``top`` classes of a picture, uint8 (H, W, C), or of a batch of them."""
    if top < 1:
        raise BadValue(f"top is at least 1, not {top}")
    if not net.roles.get("logits") or not net.roles.get("prob"):
        raise UnknownName("this net has no classes (no layer plays 'logits' and 'prob'): there is nothing to classify")
    subject = Subject.of(net, image)
    logits, prob = net.roles["logits"], net.roles["prob"]
    acts = net.forward(subject.input(net), until=last_of(net, (logits, prob)), keep=(logits, prob), grad=None)
    scores, probs = (to_cpu(acts[name]).reshape(len(subject), -1) for name in (logits, prob))
    check_finite(scores)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    names = net.class_names or tuple(f"class {k}" for k in range(scores.shape[1]))
    return Classes(subject, order, np.take_along_axis(probs, order, 1), np.take_along_axis(scores, order, 1), names,
                   settings={"top": order.shape[1]})
