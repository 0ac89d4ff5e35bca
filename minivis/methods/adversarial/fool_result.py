"""The result of `fool`: the pictures before and after, their difference, and the net's answers to both."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.figures.compose import bar_chart, panels, signed
from minivis.figures.text import chance
from minivis.images.metrics import distances
from minivis.images.preprocessing import to_uint8
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.types import Array

FEW = ("one-pixel", "jsma")                     # methods that change few pixels, each as far as it takes
FRAME = (214, 39, 40)
MARKED = 60                                     # pixels: more than that have no room for a frame each


@dataclass(frozen=True, eq=False)
class Fooling(BatchResult):
    """``made`` uint8 (N, h, w, C): the pictures found, as read back from PNG; ``fooled`` (N,)."""

    subject: Subject                            # the pictures at the start
    made: np.ndarray
    seen: np.ndarray                            # ``made`` as the net sees it
    fooled: np.ndarray
    label: np.ndarray                           # (N,) numbers of the classes to leave
    target: np.ndarray | None                   # (N,) of those to reach
    before: np.ndarray                          # (N, K) probabilities
    after: np.ndarray
    eps: tuple                                  # per picture; None if the method knows none
    names: tuple[str, ...]
    free: np.ndarray | None = None              # from a start: uint8, the result of ascent without bound or prior
    free_probs: np.ndarray | None = None        # (N, K)
    several: bool = False                       # classes may be right: then what counts is the one that was asked for

    @property
    def array(self) -> Array:
        return self.made

    @property
    def ok(self) -> bool:
        return bool(self.fooled.all())

    @property
    def parts(self) -> dict[str, Any]:
        """The picture itself, if it is a single one, to save beside the figure."""
        return {"picture": self.made[0]} if len(self.made) == 1 else {}

    def draw(self, i: int) -> Array:
        difference = self.made[i].astype(int) - self.subject.fitted[i]
        largest = abs(difference).max()
        limit = float(largest) or 127.0
        new, sizes = self._answer(i, self.after), distances(self.subject.fitted[i], self.made[i])
        verdict = f"{self.names[new]} {chance(self.after[i][new])}" + ("" if self.fooled[i] else ": not fooled")
        start = self.settings["start"]
        says = "the net's answer"
        titles = [f"{'the input' if start is None else 'the start'}\n{self._said(i)}", says,
                  f"the difference\n{max(1.0, 127 / limit):.3g} times as strong", f"the two together\n{verdict}", says]
        shown = self.subject.shown
        images = [self.subject.drawn(i), self._chart(self.before[i]), signed(shown(difference), limit=limit),
                  shown(self.seen[i]), self._chart(self.after[i])]
        bars = [None, None, ("grey", -limit, limit, "levels of 255"), None, None]
        if self.settings["method"] in FEW:
            where = (difference != 0).any(axis=2)
            count = int(where.sum())
            titles[2] = f"{count} changed pixel{'s' * (count != 1)}\nof {where.size:,}, on the picture in grey"
            images[2], bars[2] = marked(shown(self.seen[i]), where, PANEL), None
        if self.free is not None and self.free_probs is not None:
            best = self._answer(i, self.free_probs)
            images.append(shown(self.free[i]))
            titles.append(f"maximised, without bound or prior\n{self.names[best]} {chance(self.free_probs[i][best])}")
            bars.append(None)
        footer = f"{self.settings['method']}: {_sizes(sizes, self.made[i])}. Judged on the 8-bit picture, read back."
        return panels(images, titles, footer, bars, PANEL)

    def _said(self, i: int) -> str:
        """The net's first answer."""
        first = self._answer(i, self.before)
        return f"{self.names[first]} {chance(self.before[i][first])}"

    def _answer(self, i: int, probs: Array) -> int:
        """The number of the class to speak of: the net's answer, or where several may be right the one aimed at."""
        if self.several:
            return int((self.label if self.target is None else self.target)[i])
        return int(probs[i].argmax())

    def _chart(self, probs: Array) -> Any:
        top = np.argsort(-probs, kind="stable")[:5]
        return bar_chart([self.names[k] for k in top], probs[top], height=PANEL)

    def describe(self, i: int) -> dict[str, Any]:
        new = self._answer(i, self.after)
        return {
            "fooled": bool(self.fooled[i]), "label": self.names[self.label[i]], "answer": self.names[new],
            "target": None if self.target is None else self.names[self.target[i]], "eps": self.eps[i],
            **distances(self.subject.fitted[i], self.made[i]),
            "before": self._top(self.before[i]), "after": self._top(self.after[i]),
            **({} if self.free_probs is None else {"maximised": self._top(self.free_probs[i])}),
        }  # fmt: skip

    def _top(self, probs: Array) -> list[Any]:
        return [{"class": self.names[k], "number": int(k), "probability": float(probs[k])}
                for k in np.argsort(-probs, kind="stable")[:5]]

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(self._sentence(i) for i in range(len(self)))

    def _sentence(self, i: int) -> Any:
        sizes, new = distances(self.subject.fitted[i], self.made[i]), self._answer(i, self.after)
        what = f"{self._said(i)} -> {self.names[new]} {chance(self.after[i][new])}; {_sizes(sizes, self.made[i])}"
        if self.fooled[i]:
            return what
        left = f"less than 50 % of {self.names[self.label[i]]}" if self.several else "another class"
        wish = left if self.target is None else self.names[self.target[i]]
        sure = f" with p = {self.settings['sure']:g}" if self.settings["sure"] else ""
        more = "more steps" if self.eps[i] is None else "a larger eps, more steps"
        return f"NOT FOOLED, the goal was {wish}{sure}: {what}. Try {more} or another method"


def marked(picture: Array, where: Any, height: int) -> Array:
    """A picture in grey, enlarged to about ``height``, with the pixels of ``where`` in their colours and framed."""
    grey = to_uint8(255 - 0.5 * (255 - picture.mean(axis=2, keepdims=True).repeat(3, axis=2)))
    picture = picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)
    scale = max(1, -(-height // picture.shape[0]))
    sheet = np.where(where[..., None], picture, grey).repeat(scale, axis=0).repeat(scale, axis=1)
    if where.sum() > MARKED:
        return sheet
    gap = max(3, sheet.shape[0] // 60)
    for row, column in zip(*np.nonzero(where)):
        top, left = max(0, scale * row - gap), max(0, scale * column - gap)
        bottom, right = scale * (row + 1) + gap, scale * (column + 1) + gap
        for lines in (np.s_[top : top + 2, left:right], np.s_[bottom - 2 : bottom, left:right],
                      np.s_[top:bottom, left : left + 2], np.s_[top:bottom, right - 2 : right]):
            sheet[lines] = FRAME
    return sheet


def _sizes(sizes: Any, made: Any) -> str:
    pixels = made.shape[0] * made.shape[1]
    return (f"largest change {sizes['linf']:g} of 255 (Linf), L2 {sizes['l2']:.1f}, {sizes['l0']:,} of {pixels:,} "
            f"pixels (L0), SSIM {sizes['ssim']:.3f}")
