"""The lecture's ten numbers: a logistic regression changes its answer although no number moves by more than 0.5.

    p(class 1) = 1 / (1 + exp(-w . x))          x moves by 0.5 sign(w), so that the score rises by 0.5 sum |w_i|
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.figures.compose import bar_chart, panels
from minivis.methods.shared.result import Result
from minivis.runtime.settings import NUMBERS, number, takes
from minivis.types import Array

X = np.array([2.0, -1, 3, -2, 2, 2, 1, -4, 5, 1])
W = np.array([-1.0, -1, 1, -1, 1, -1, 1, 1, -1, 1])
EPS = 0.5


@dataclass(frozen=True, eq=False)
class LectureLinear(Result):
    """``x`` and ``nudged`` (10,) under the weights ``w``, with their scores and probabilities of class 1."""

    x: np.ndarray
    w: np.ndarray
    nudged: np.ndarray

    @property
    def array(self) -> Array:
        return self.nudged

    def score(self, x: Array) -> float:
        return float(x @ self.w)

    def prob(self, x: Array) -> float:
        return float(1 / (1 + np.exp(-self.score(x))))

    def picture(self) -> Array:
        names = [f"x{k} = {value:g}, w{k} = {weight:g}" for k, (value, weight) in enumerate(zip(self.x, self.w))]
        charts = [bar_chart(names, self.x * self.w, percent=False),
                  bar_chart([f"x{k} = {value:g}" for k, value in enumerate(self.nudged)], self.nudged * self.w,
                            percent=False)]
        titles = [f"{what}\nw . x = {self.score(x):g}, p(class 1) = {self.prob(x):.4f}"
                  for what, x in (("w x", self.x), (f"w (x + {self.settings['eps']:g} sign w)", self.nudged))]
        return panels(charts, titles, height=max(chart.shape[0] for chart in charts))

    @property
    def numbers(self) -> dict[str, Any]:
        return {"x": self.x.tolist(), "w": self.w.tolist(), "nudged": self.nudged.tolist(), "score": self.score(self.x),
                "probability": self.prob(self.x), "score_after": self.score(self.nudged),
                "probability_after": self.prob(self.nudged)}

    def __str__(self) -> str:
        rows = {"x": self.x, "w": self.w, "w x": self.x * self.w, "x'": self.nudged, "w x'": self.nudged * self.w}
        lines = [f"{name:>5} {' '.join(f'{value:5g}' for value in row)}" for name, row in rows.items()]
        eps = self.settings["eps"]
        lines.insert(3, f"      w . x = {self.score(self.x):g}, so p(class 1) = 1 / (1 + e^{-self.score(self.x):g}) = "
                        f"{self.prob(self.x):.4f}\n\n      move every number by {eps:g} along the sign of its weight:")
        lines.append(f"      w . x' = {self.score(self.x):g} + {eps:g} x {abs(self.w).sum():g} = "
                     f"{self.score(self.nudged):g}, so p(class 1) = {self.prob(self.nudged):.4f}")
        return "\n".join(lines)


@takes(x=NUMBERS, w=NUMBERS, eps=number())
def lecture_linear(x: NDArray[Any] = X, w: NDArray[Any] = W, *, eps: float = EPS) -> LectureLinear:
    """The lecture's example of ten numbers: a small step against every weight changes a linear classifier's answer.

    Parameters
    ----------
    x : array (d,), optional
        The input; by default the lecture's.
    w : array (d,), optional
        The weights; by default the lecture's.
    eps : float
        Change of each number.

    Returns
    -------
    LectureLinear
        ``nudged`` (d,); its figure and numbers have the scores before and after.

    References
    ----------
    CS231n, winter 2016, lecture 9.

    Examples
    --------
    >>> import minivis as mv
    >>> found = mv.lecture_linear()
    >>> found.score(found.x) < 0 < found.score(found.nudged)
    True
    """
    x, w = np.asarray(x, float), np.asarray(w, float)
    return LectureLinear(x, w, x + eps * np.sign(w), settings={"eps": eps})
