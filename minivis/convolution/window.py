"""The geometry of sliding windows: paddings, output sizes, and the views that windows read.

Shared by convolution and pooling. Pairs are (height, width); sizes are in positions.
"""

import functools
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, Protocol

from minivis.errors import BadValue
from minivis.runtime.backend import get_xp
from minivis.types import HW, Array, Pads, Shape

FARTHEST = 2**31 - 1                            # positions: more than any input has
MOST_PADDING = 256                              # positions, on top of four times the input: padding takes memory


class ConvLayer(Protocol):
    """What this room needs to know of a convolution layer; layers/conv.py has it."""

    params: dict[str, Array]                    # "w" (KH, KW, C/groups, F), perhaps "b" (F,)
    stride: Any
    padding: Any
    dilation: Any
    groups: int

    def geometry(self, shape: Shape) -> dict[str, Any]: ...
    def output_shape(self, *shapes: Any) -> Shape: ...
    def derive(self, key: Any, make: Callable[[], Any]) -> Any: ...


def is_whole(value: object) -> bool:
    """Whether this is an integer, Python's or NumPy's; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def pair(value: Any, name: str, *, least: int = 1) -> HW:
    """``3`` or ``(3, 5)`` as a pair of ints; raise BadValue below ``least``."""
    values = (value, value) if isinstance(value, Integral) else value
    if not isinstance(values, tuple | list) or len(values) != 2 or not all(map(is_whole, values)):
        raise BadValue(f"{name} must be an int or a pair of ints, got {value!r}")
    height, width = int(values[0]), int(values[1])
    if min(height, width) < least:
        raise BadValue(f"{name} must be at least {least}, got {value!r}")
    if max(height, width) > FARTHEST:
        raise BadValue(f"{name} must be at most {FARTHEST}, got {value!r}")
    return height, width


def normal_padding(padding: Any, name: str = "padding") -> Any:
    """Any accepted form as ((top, bottom), (left, right)), or "same" as it is."""
    if isinstance(padding, str):
        if padding != "same":
            raise BadValue(f'{name} must be an int, (ph, pw), ((top, bottom), (left, right)) or "same", '
                           f'not {padding!r}')
        return padding
    if isinstance(padding, tuple | list) and len(padding) == 2 and all(isinstance(p, tuple | list) for p in padding):
        return pair(padding[0], name, least=0), pair(padding[1], name, least=0)
    ph, pw = pair(padding, name, least=0)
    return (ph, ph), (pw, pw)


def resolve_padding(padding: Any, size: Shape, kernel: Shape, stride: HW, dilation: HW = (1, 1)) -> Any:
    """((top, bottom), (left, right)) for an input of ``size`` (H, W).

    "same" is TensorFlow's rule: ceil(n / stride) outputs; an odd zero is added at the end.
    """
    if padding != "same":
        return padding
    spans = dilated_size(kernel, dilation)
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(size, stride, spans)]
    return tuple((t // 2, t - t // 2) for t in totals)


def dilated_size(kernel: Shape, dilation: HW) -> HW:
    """The size of the dilated kernel, (height, width): (k - 1) * dilation + 1 positions."""
    (height, width), (down, across) = kernel, dilation
    return (height - 1) * down + 1, (width - 1) * across + 1


def output_size(size: Shape, kernel: Shape, stride: HW, pads: Pads, dilation: HW = (1, 1), *, ceil: bool = False) -> HW:
    """(OH, OW) = (n + padding - dilated kernel size) // stride + 1, or rounded up with ``ceil``.

    With rounding up, the last window may reach beyond the input. A window that would begin beyond the input and its
    leading padding is left out, as in Caffe and PyTorch.
    """
    out = []
    for n, r, s, (before, after) in zip(size, dilated_size(kernel, dilation), stride, pads):
        room = n + before + after - r
        o = (-(-room // s) if ceil else room // s) + 1
        if o < 1:
            raise BadValue(f"a window of {r} does not fit into an input of {n} with {before + after} of padding")
        padding = max(before + after, (o - 1) * s + r - n)
        if padding > 4 * n + MOST_PADDING:
            raise BadValue(f"windows of {r} would need an input of {n} with {padding} of padding: mostly padding")
        out.append(o - 1 if ceil and (o - 1) * s >= n + before else o)
    return out[0], out[1]


def pad(x: Array, pads: Pads, *, value: float = 0.0) -> Array:
    """x (N, H, W, C) with ``value`` around it; x itself if there is nothing to add."""
    if not any(map(any, pads)):
        return x
    N, H, W, C = x.shape
    (top, bottom), (left, right) = pads
    out = get_xp(x).full((N, top + H + bottom, left + W + right, C), value, dtype=x.dtype)
    out[:, top : top + H, left : left + W] = x
    return out


def crop(xpad: Array, pads: Pads) -> Array:
    """Undo ``pad``: the inner part, as a view."""
    _, H, W, _ = xpad.shape
    (top, bottom), (left, right) = pads
    return xpad[:, top : H - bottom, left : W - right]


def windows(xpad: Array, kernel: Shape, out_size: Shape, stride: HW, dilation: HW = (1, 1)) -> Array:
    """Every window of ``xpad`` as a view (N, OH, OW, KH, KW, C) that repeats memory: never write to it."""
    n, h, w, c = xpad.strides
    shape = (xpad.shape[0], *out_size, *kernel, xpad.shape[3])
    strides = (n, h * stride[0], w * stride[1], h * dilation[0], w * dilation[1], c)
    return get_xp(xpad).lib.stride_tricks.as_strided(xpad, shape, strides)


def kernel_views(xpad: Array, kernel: Shape, out_size: Shape, stride: HW, dilation: HW = (1, 1)) -> Iterator[Array]:
    """For each kernel position, row by row, the view (N, OH, OW, C) of what it meets; no view repeats memory."""
    (OH, OW), (sh, sw) = out_size, stride
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            top, left = u * dilation[0], v * dilation[1]
            yield xpad[:, top : top + (OH - 1) * sh + 1 : sh, left : left + (OW - 1) * sw + 1 : sw]


def group_slices(w_shape: Shape, groups: int) -> list[tuple[slice, slice]]:
    """For each group, its slice of the input's channels and its slice of the filters."""
    C, F = w_shape[2], w_shape[3] // groups
    return [(slice(g * C, (g + 1) * C), slice(g * F, (g + 1) * F)) for g in range(groups)]


def padded_shape(shape: Shape, pads: Pads) -> Shape:
    """The shape (N, H, W, C) after `pad`."""
    N, H, W, C = shape
    return N, H + sum(pads[0]), W + sum(pads[1]), C


def placement(layer: ConvLayer, x_shape: Shape) -> tuple[Pads, Shape]:
    """The padding ((top, bottom), (left, right)) of a convolution layer on an input, and the shape of its output."""
    return _placement(layer.params["w"].shape, layer.stride, layer.padding, layer.dilation, x_shape)


def pad_before(layer: ConvLayer, x_shape: Shape) -> HW:
    """The number of zeros that a convolution layer puts before the first line, and before the first column."""
    (top, _), (left, _) = placement(layer, x_shape)[0]
    return top, left


@functools.lru_cache(4096)              # called several times in each pass
def _placement(w_shape: Shape, stride: HW, padding: Any, dilation: HW, x_shape: Shape) -> tuple[Pads, Shape]:
    pads = resolve_padding(padding, x_shape[1:3], w_shape[:2], stride, dilation)
    return pads, (x_shape[0], *output_size(x_shape[1:3], w_shape[:2], stride, pads, dilation), w_shape[3])
