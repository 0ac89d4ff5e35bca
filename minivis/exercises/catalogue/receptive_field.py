"""The receptive field: what one position of a layer sees."""

from collections.abc import Iterator, Sequence

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case


def receptive_field(layers: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    """(size, jump, start) in pixels, after layers given as (kernel, stride, padding), from the first to the last.

    size: of what one position sees. jump: from one position's field to the next one's. start: of the first one's.
    """
    size, jump, start = 1, 1, 0
    for kernel, stride, padding in layers:
        size += (kernel - 1) * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


def by_loops(layers: Sequence[tuple[int, int, int]]) -> tuple[np.int64, np.int64, np.int64]:
    """By tracing two positions of the last layer back to their first and last pixel."""
    found = []
    for position in (0, 1):
        first = last = position
        for kernel, stride, padding in reversed(layers):
            first = first * stride - padding
            last = last * stride - padding + kernel - 1
        found.append((first, last))
    (first, last), (second, _) = found
    return np.int64(last - first + 1), np.int64(second - first), np.int64(first)


NETS = {
    "one convolution": ((3, 1, 1),),
    "two convolutions": ((3, 1, 1), (3, 1, 1)),
    "convolution and pool": ((3, 1, 1), (2, 2, 0)),
    "convolution, pool, convolution": ((3, 1, 1), (2, 2, 0), (3, 1, 1)),
    "AlexNet to conv3": ((11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1)),
    "VGG to conv3_1": ((3, 1, 1), (3, 1, 1), (2, 2, 0), (3, 1, 1), (3, 1, 1), (2, 2, 0), (3, 1, 1)),
    "one by one": ((1, 1, 0), (1, 2, 0), (5, 2, 2)),
}


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for label, layers in NETS.items():
        yield case("receptive_field", label, layers=layers)
    for _ in range(3):
        layers = tuple((int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(0, 3))) for _ in range(4))
        yield case("receptive_field", "random layers", layers=layers)


EXERCISE = Exercise(
    name="receptive_field",
    title="The receptive field",
    lecture="lecture 7; lecture 9, what a neuron looks at",
    text="""
Each layer makes a position see a little more of the picture, and a stride makes everything above it see in larger
steps. Write the three numbers that say which pixels a position sees: position p of the last layer sees the pixels from
start + p * jump to start + p * jump + size - 1. What lies in the padding has a negative number.
""",
    formula="""
a window of `kernel` positions, `jump` pixels apart, each seeing `size` pixels, sees how many?
after a stride, neighbours are how many pixels apart?       `padding` positions before the first begin where?
""",
    shapes="layers: a tuple of (kernel, stride, padding), whole numbers. Return three whole numbers.",
    functions=(receptive_field,),
    loops={"receptive_field": by_loops},
    outputs={"receptive_field": ("size", "jump", "start")},
    cases=cases,
    hints=(
        "Before any layer a position is a pixel: size 1, jump 1, start 0.",
        "The first and the last position of a window are kernel - 1 steps of the layer below apart.",
        "A layer's own stride spreads its positions; it does not change what one of its windows sees.",
    ),
    mistakes=(
        Mistake("receptive_field", "size += (kernel - 1) * jump", "size += kernel * jump",
                "size: a window of one position would see more than that position does."),
        Mistake("receptive_field", "size += (kernel - 1) * jump", "size += kernel - 1",
                "size: the strides below are ignored: positions are more than one pixel apart."),
        Mistake("receptive_field", "size += (kernel - 1) * jump", "size *= kernel",
                "size: windows are treated as if they did not overlap."),
        Mistake("receptive_field", "        size += (kernel - 1) * jump\n",
                "        size += (kernel - 1) * jump * stride\n",
                "size: a layer's own stride is counted in; its window looks at positions of the layer below."),
        Mistake("receptive_field", "jump *= stride", "jump += stride",
                "jump: strides add up where they should multiply."),
        Mistake("receptive_field", "jump *= stride", "jump = stride", "jump: only the last layer's stride is left."),
        Mistake("receptive_field", "start -= padding * jump", "start += padding * jump",
                "start: padding moves the first field in the wrong direction."),
        Mistake("receptive_field", "start -= padding * jump", "start -= padding",
                "start: the padding of a later layer is counted in pixels; it is counted in that layer's steps."),
        Mistake("receptive_field", "start -= padding * jump", "start -= padding * jump * stride",
                "start: a layer's own stride is counted in; its padding stands before positions of the layer below."),
    ),
)
