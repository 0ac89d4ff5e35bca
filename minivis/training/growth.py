"""What one sees of a net while it learns: loss and right answers, step by step, and its first filters growing."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from minivis.engine.gradcheck import check_network
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.colormaps import display_limit, signed
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.line_chart import line_chart
from minivis.layers import Conv2D
from minivis.training.recipes import Training
from minivis.types import Array, Picture

FRAMES = 60                                     # of the film
MEAN_OF = 20                                    # steps, for the curves


class Growth:
    """Call it with a `Training` after each step; then ask for ``picture()`` and ``frames()``."""

    def __init__(self, net: Network) -> None:
        self.net = net
        layer = next((name for name, layer in net.layers.items() if isinstance(layer, Conv2D)), None)
        if layer is None:
            raise BadValue("this net has no convolution, so there are no filters to watch")
        self.layer = layer
        self.losses: list[float] = []
        self.right: list[float] = []
        self.filters = [self._filters()]

    def __call__(self, training: Training) -> None:
        assert training.trainer is not None             # it has just taken a step
        loss, right = training.trainer.recent[-1]
        self.losses.append(float(loss))
        self.right.append(float(right))
        if training.steps_done % max(1, training.steps // FRAMES) == 0 or training.steps_done == training.steps:
            self.filters.append(self._filters())

    def _filters(self) -> Array:
        return np.array(self.net.layers[self.layer].params["w"].transpose(3, 0, 1, 2))

    def frames(self) -> list[Array]:
        """uint8 (filters, height, width, 3) for each frame, all on the scale of the film's largest weights."""
        limit = max(display_limit(filters) for filters in self.filters) or 1.0
        return [signed(filters, limit=limit) for filters in self.filters]

    def picture(self) -> Picture:
        """The curves, and the filters before and after."""
        steps = np.arange(1, len(self.losses) + 1)
        loss = line_chart({"loss": (steps, means(self.losses))}, low=0, x_label="steps", y_label="loss", legend=False)
        right = line_chart({"right": (steps, means(self.right))}, low=0, high=1, x_label="steps", y_label="right",
                           legend=False)
        first, *_, last = self.frames()
        sheets = [contact_sheet(filters, gap=1, scale=12) for filters in (first, last)]
        titles = [f"the loss\nmean of {MEAN_OF} steps", f"right answers\nmean of {MEAN_OF} steps",
                  f"{self.layer} before\nsmall random numbers", f"{self.layer} after\non the same scale"]
        return panels([loss, right, *sheets], titles, height=max(loss.shape[0], right.shape[0]))


def means(values: Iterable[float]) -> list[float]:
    """The mean of the last MEAN_OF values, at each place."""
    last: deque[Any] = deque(maxlen=MEAN_OF)
    found = []
    for value in values:
        last.append(value)
        found.append(sum(last) / len(last))
    return found


def gradients(net: Network) -> tuple[int, int, float]:
    """(count of checks, count of failed ones, largest relative error) of `check_network`."""
    rows = check_network(net)
    return len(rows), sum(not row.ok for row in rows), max(row.error for row in rows)
