"""The choice of a convolution algorithm: one table of rules picks it by what is known before the convolution runs.

    algorithm    what it does                                                       best at
    im2col       conv.py's own: windows as rows, one matrix product                 tiny pictures; the GPU; reference
    blocked      the same for some lines at a time, shared out                      first layers, strides
    shifted      one matrix product for each kernel position, on a shifted view     5 x 5 and dilated kernels
    pointwise    1 x 1: the pixels are the rows already                             1 x 1
    depthwise    one filter per channel: one sum of products along the lines       EfficientNet's
    winograd2/4  a quarter of the multiplications, see winograd.py                  3 x 3 at stride 1

run.py calls the algorithm that was picked. `minivis bench conv` prints the time of each algorithm, layer by layer.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from minivis.convolution import tuning
from minivis.convolution.window import ConvLayer, placement
from minivis.errors import BadValue, UnknownName
from minivis.runtime.matmul import packs_nothing
from minivis.types import HW, Pads, Shape

Algorithm: TypeAlias = Literal[
    "auto", "im2col", "blocked", "shifted", "pointwise", "depthwise", "winograd2", "winograd4"]


@dataclass(frozen=True)
class Case:
    """What is known of a convolution before it runs.

    ``made`` is the size of the result: (OH, OW) in ``direction`` "forward"; (H, W) in "input" (the data gradient),
    where ``channels`` and ``filters`` have changed places.
    """

    direction: str
    kernel: tuple
    stride: tuple
    dilation: tuple
    groups: int
    channels: int                       # that one group reads
    filters: int                        # that one group makes
    images: int
    made: tuple
    padded: bool

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a filter of its own."""
        return self.groups > 1 and self.channels == self.filters == 1

    @property
    def least(self) -> int:
        """Channels or filters of a group, whichever are fewer."""
        return min(self.channels, self.filters)

    @property
    def at_stride_1(self) -> bool:
        return self.stride == (1, 1)

    @property
    def suits_winograd(self) -> bool:
        return self.kernel == (3, 3) and self.at_stride_1 and self.dilation == (1, 1) and not self.depthwise

    @property
    def pays_as_winograd(self) -> bool:
        return self.least >= tuning.TUNING.winograd_channels and max(self.made) >= tuning.TUNING.winograd_side

    @property
    def few_tiles(self) -> bool:
        """Whether reading winograd4's 36 matrices takes longer than multiplying by them; winograd2 has 16."""
        tiles = self.images * math.prod(-(-length // 4) for length in self.made)
        most = tuning.TUNING.few_tiles if packs_nothing() else tuning.TUNING.packed_few_tiles
        return tiles <= most and self.least >= tuning.TUNING.few_tiles_channels

    @property
    def suits_pointwise(self) -> bool:
        return self.kernel == (1, 1) and not self.padded and (self.at_stride_1 or self.direction != "input")

    @property
    def work(self) -> int:
        """The number of multiplications of direct convolution."""
        return self.images * math.prod(self.made) * math.prod(self.kernel) * self.channels * self.filters * self.groups

    def __str__(self) -> str:
        shape = f"{self.kernel[0]}x{self.kernel[1]} at stride {self.stride}, dilation {self.dilation}"
        return f"{shape}, {self.channels} channels to {self.filters} in each of {self.groups} groups"


# algorithm -> (where it can run, what it needs in words)
NEEDS = {
    "im2col": (lambda c: True, "nothing"),
    "blocked": (lambda c: not c.depthwise, "more than one channel a group"),
    "shifted": (lambda c: c.at_stride_1 and not c.depthwise, "stride 1, and more than one channel a group"),
    "pointwise": (lambda c: c.suits_pointwise, "a 1x1 kernel without padding, and stride 1 for the data gradient"),
    "depthwise": (lambda c: c.depthwise, "one channel and one filter in each of its groups"),
    "winograd2": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
    "winograd4": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
}

# The first rule that holds picks the algorithm. The numbers are in tuning.py; `minivis bench conv` shows their effect.
RULES = [
    ("depthwise", lambda c: c.depthwise),
    ("im2col", lambda c: c.work < tuning.TUNING.tiny),                    # sharing out would cost more than it gains
    ("pointwise", lambda c: c.suits_pointwise),
    ("winograd2", lambda c: c.suits_winograd and c.pays_as_winograd and c.few_tiles),
    ("winograd4", lambda c: c.suits_winograd and c.pays_as_winograd),
    ("shifted", lambda c: c.at_stride_1 and c.least >= tuning.TUNING.shifted_channels),
    ("blocked", lambda c: True),
]


def choose(case: Case, algorithm: str = "auto") -> str:
    """The name of the algorithm: the one asked for, if it fits the case, or the one that the rules pick."""
    if algorithm == "auto":
        return picked(case, tuning.TUNING, packs_nothing())
    fits, needs = NEEDS[algorithm]
    if not fits(case):
        raise BadValue(
            f"{algorithm} needs {needs}; this convolution is {case}. Name it for the layers that it fits: "
            f"algorithm={{'conv2': '{algorithm}'}}"
        )
    return algorithm


@functools.lru_cache(4096)              # a net of small layers waits for these rules
def picked(case: Case, *known: Any) -> str:
    """The first algorithm whose rule holds; ``known`` is what the rules look up beside the case."""
    return next(algorithm for algorithm, holds in RULES if holds(case))


def check_algorithm(name: str) -> None:
    """Raise UnknownName for an algorithm that does not exist."""
    if name != "auto" and name not in NEEDS:
        raise UnknownName.of("algorithm", name, ["auto", *NEEDS])


def worth_sharing(algorithm: str, multiplications: float) -> bool:
    """Whether several threads finish this many multiplications (of direct convolution) sooner than one.

    The algorithms differ in how long their calls into NumPy take, and sharing pays only if they are long enough.
    """
    now = tuning.TUNING
    limits = {"depthwise": now.share_depthwise, "winograd2": now.share_winograd, "winograd4": now.share_winograd}
    return multiplications >= limits.get(algorithm, now.share_products)


def case(direction: str, layer: ConvLayer, x_shape: Shape) -> Case:
    """The `Case` of a convolution layer in "forward", "input" or "params" for an input of ``x_shape``."""
    w_shape = layer.params["w"].shape
    return _case(direction, w_shape, layer.stride, layer.dilation, layer.groups, *placement(layer, x_shape), x_shape)


@functools.lru_cache(4096)              # called several times in each pass
def _case(direction: str, w_shape: Shape, stride: HW, dilation: HW, groups: int, pads: Pads, out_shape: Shape,
          x_shape: Shape) -> Case:
    KH, KW, C, F = w_shape
    C, F = (F // groups, C) if direction == "input" else (C, F // groups)
    made, padded = x_shape if direction == "input" else out_shape, any(sum(pad) for pad in pads)
    return Case(direction, (KH, KW), stride, dilation, groups, C, F, x_shape[0], tuple(made[1:3]), padded)
