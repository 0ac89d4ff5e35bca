"""Which way to convolve: one table of rules picks it by what is known of a convolution before it runs.

    way          what it does                                                       best at
    im2col       conv.py's own: windows as rows, one matrix product                 tiny pictures; the GPU; as a measure
    blocked      the same for some lines at a time, shared out                      first layers, strides
    shifted      one matrix product for each kernel position, on a shifted view     5 x 5 and dilated kernels
    pointwise    1 x 1: the pixels are the rows already                             1 x 1
    depthwise    a filter for each channel: one sum of products along the lines    EfficientNet's
    winograd2/4  a quarter of the multiplications, see winograd.py                  3 x 3 at stride 1

direct.py has the ways themselves. `minivis bench conv` prints what each takes, layer by layer.
"""

import math
from dataclasses import dataclass

from minivis.errors import BadValue, UnknownName

TINY = 2**18                            # multiplications


@dataclass(frozen=True)
class Case:
    """What is known of a convolution before it runs. ``made`` is the picture that comes out: (H, W) in ``direction``
    "input" (the data gradient), where ``channels`` and ``filters`` have changed places, and (OH, OW) in "forward"."""

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
    def depthwise(self):
        return self.groups > 1 and self.channels == self.filters == 1

    @property
    def at_stride_1(self):
        return self.stride == (1, 1)

    @property
    def suits_winograd(self):
        return self.kernel == (3, 3) and self.at_stride_1 and self.dilation == (1, 1) and not self.depthwise

    @property
    def suits_pointwise(self):
        return self.kernel == (1, 1) and not self.padded and (self.at_stride_1 or self.direction != "input")

    @property
    def work(self):
        """Multiplications, done directly, of a result of this size."""
        return self.images * math.prod(self.made) * math.prod(self.kernel) * self.channels * self.filters * self.groups

    def __str__(self):
        shape = f"{self.kernel[0]}x{self.kernel[1]} at stride {self.stride}, dilation {self.dilation}"
        return f"{shape}, {self.channels} channels to {self.filters} in each of {self.groups} groups"


# way -> (where it can run, what it needs in words)
NEEDS = {
    "im2col": (lambda c: True, "nothing"),
    "blocked": (lambda c: not c.depthwise, "more than one channel a group"),
    "shifted": (lambda c: c.at_stride_1 and not c.depthwise, "stride 1, and more than one channel a group"),
    "pointwise": (lambda c: c.suits_pointwise, "a 1x1 kernel without padding, and stride 1 for the data gradient"),
    "depthwise": (lambda c: c.depthwise, "one channel and one filter in each of its groups"),
    "winograd2": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
    "winograd4": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
}

# The first rule that holds picks the way. The numbers are measured: `minivis bench conv` shows them for a net.
RULES = [
    ("depthwise", lambda c: c.depthwise),
    ("im2col", lambda c: c.work < TINY),                                # sharing out would cost more than it gains
    ("pointwise", lambda c: c.suits_pointwise),
    ("winograd4", lambda c: c.suits_winograd and min(c.channels, c.filters) >= 12 and max(c.made) > 2),
    ("shifted", lambda c: c.at_stride_1 and min(c.channels, c.filters) >= 24),
    ("blocked", lambda c: True),
]


def choose(case, algorithm="auto"):
    """The name of the way to go: the one that was named, if it fits, or what the rules say."""
    if algorithm == "auto":
        return next(way for way, holds in RULES if holds(case))
    fits, needs = NEEDS[algorithm]
    if not fits(case):
        raise BadValue(
            f"{algorithm} needs {needs}; this convolution is {case}. Name it for the layers that it fits: "
            f"algorithm={{'conv2': '{algorithm}'}}"
        )
    return algorithm


def check_algorithm(name):
    if name != "auto" and name not in NEEDS:
        raise UnknownName.of("algorithm", name, ["auto", *NEEDS])


# Multiplications, done directly, from which a second thread pays. Each way's calls into NumPy are of other lengths
WORTH_SHARING = {"blocked": 2**23, "shifted": 2**23, "pointwise": 2**23, "depthwise": 2**21, "winograd2": 2**26,
                 "winograd4": 2**26}  # fmt: skip


def worth_sharing(way, multiplications):
    """Whether several threads do so much sooner than one: their calls into NumPy must be long enough."""
    return multiplications >= WORTH_SHARING[way]
