"""Which class is first when a part of the picture is covered (Zeiler & Fergus 2014, figure 6, last column).

    first[i, j] = the class with the highest score of   x with the window at place (i, j) covered

The map of `occlusion` follows one class; this one tells what the net says instead: where the face is covered the ball
may be first, where the ball is covered the dog.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.ending import Ending, answering
from minivis.engine.local_passes import LocalPasses
from minivis.engine.memory import batch_that_fits
from minivis.engine.network import Network
from minivis.figures.compose import above, beside, panels
from minivis.figures.text import percent, text_picture
from minivis.methods.attribution.occlusion import sides_of, windows
from minivis.methods.attribution.settings import WindowSettings
from minivis.methods.shared.fills import filled
from minivis.methods.shared.result import PANEL, BatchResult, Subject, input_of
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import SEED, takes
from minivis.types import Array, Pictures, Progress

COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75),
           (227, 119, 194))                     # of the classes that are first most often; others are grey
OTHERS = (170, 170, 170)


@dataclass(frozen=True, eq=False)
class FirstClasses(BatchResult):
    """``first`` (N, rows, columns): the number of the class that is first with each window covered."""

    subject: Subject
    first: np.ndarray
    before: np.ndarray                          # (N,) of the whole picture
    names: tuple[str, ...]

    @property
    def arrays(self) -> dict[str, Any]:
        return {"first": self.first}

    def draw(self, i: int) -> Array:
        ranked, colours = self.ranked(i), {}
        for k, colour in zip(ranked, COLOURS):
            colours[k] = colour
        cells = np.array([[colours.get(int(k), OTHERS) for k in row] for row in self.first[i]], np.uint8)
        lines = [legend(colours[k], f"{self.names[k]}: {percent(share)} of the places")
                 for k, share in ranked.items() if k in colours]
        rest = [share for k, share in ranked.items() if k not in colours]
        lines += [legend(OTHERS, f"{len(rest)} other{'s' * (len(rest) > 1)}: {percent(sum(rest))}")] if rest else []
        rows, columns = self.settings["window"]
        figure = panels([self.subject.drawn(i), cells],
                        [f"the input\n{self.names[self.before[i]]}",
                         "which class is first\nwith a window covered there"],
                        f"Each place stands for a window of {rows} x {columns} pixels, covered by "
                        f"{self.settings['fill']}.", height=PANEL)
        return beside([figure, above(lines, gap=8)], gap=0)

    def ranked(self, i: int) -> dict[Any, Any]:
        """{class: share of the places where it is first}, the most frequent first."""
        kinds, counts = np.unique(self.first[i], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {int(kinds[k]): float(counts[k] / counts.sum()) for k in order}

    def describe(self, i: int) -> dict[str, Any]:
        return {"answer": self.names[self.before[i]], "places": list(self.first[i].shape),
                "first": {self.names[k]: share for k, share in self.ranked(i).items()}}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(f"{self.names[self.before[i]]}; with a window covered, " + ", ".join(
            f"{self.names[k]} {percent(share)}" for k, share in list(self.ranked(i).items())[:5])
            for i in range(len(self)))


@set_by(WindowSettings)
@takes(seed=SEED)
def first_classes(
    net: Network, image: Pictures, *, settings: WindowSettings | None = None,
    window: int | tuple[int, int] | None = WindowSettings.window,
    stride: int | tuple[int, int] | None = WindowSettings.stride, fill: Any = WindowSettings.fill,
    batch: int | None = WindowSettings.batch, seed: int = 0, progress: Progress = False,
) -> FirstClasses:  # fmt: skip
    """Which class is first when a window of a picture is covered, at each place of the window.

    Returns
    -------
    FirstClasses
        ``first``, the number of the class at each place, for each picture.

    References
    ----------
    Zeiler & Fergus 2014, figure 6 (e).

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.first_classes(net, goose, window=16, stride=16)
    >>> found.numbers["answer"]
    'goose'
    """
    net = answering(net)
    ending = Ending.of(net)
    subject = Subject.of(net, image)
    x = subject.input(net)
    sides, steps = sides_of(x.shape[1:3], window, stride)
    boxes = windows(x.shape[1:3], sides, steps)
    cover = input_of(net, filled(subject.fitted, fill, sides, seed))
    places = len({top for top, *_ in boxes}), len({left for _, left, *_ in boxes})
    batch = batch or batch_that_fits(net, x.shape[1:])
    found = []
    for i in track(range(len(x)), progress, "occlusion"):
        passes = LocalPasses(net, x[i : i + 1], {ending.logits})
        scores = [to_cpu(passes.forward(boxes[k : k + batch], cover[i : i + 1])[ending.logits])
                  for k in range(0, len(boxes), batch)]
        rows = np.concatenate([part.reshape(len(part), -1) for part in scores])
        found.append(rows.argmax(axis=1).reshape(places))
    whole_picture = to_cpu(net.forward(x, until=ending.logits, keep=(ending.logits,), grad=None)[ending.logits])
    logits = whole_picture.reshape(len(x), -1)
    return FirstClasses(subject, np.stack(found), logits.argmax(axis=1), ending.names(logits.shape[1]), settings={
        "window": list(sides), "stride": list(steps), "fill": fill if isinstance(fill, str) else list(fill)})


def legend(colour: Any, text: str) -> Any:
    """A square of a colour and what it stands for."""
    return beside([np.full((14, 14, 3), colour, np.uint8), text_picture(text, 210, max_lines=1)], gap=8)
