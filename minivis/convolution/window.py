"""Where a sliding window stands: paddings, output sizes, and the views that windows read.

Shared by convolution and pooling. Pairs are (height, width); sizes are in positions.
"""

import functools
from numbers import Integral

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.backend import get_xp

FARTHEST = 2**31 - 1                            # positions: more than any input has
MOST_PADDING = 256                              # positions, beside four times the input: what is padded takes memory


def is_whole(value):
    """Whether this is a whole number, Python's or NumPy's; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def pair(value, name, *, least=1):
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


def normal_padding(padding, name="padding"):
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


def resolve_padding(padding, size, kernel, stride, dilation=(1, 1)):
    """((top, bottom), (left, right)) for an input of ``size`` (H, W).

    "same" is TensorFlow's rule: ceil(n / stride) outputs, and the odd zero goes after.
    """
    if padding != "same":
        return padding
    spans = dilated_size(kernel, dilation)
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(size, stride, spans)]
    return tuple((t // 2, t - t // 2) for t in totals)


def dilated_size(kernel, dilation):
    """The size of the dilated kernel, (height, width): (k - 1) * dilation + 1 positions."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation))


def output_size(size, kernel, stride, pads, dilation=(1, 1), *, ceil=False):
    """(OH, OW) = (n + padding - dilated kernel size) // stride + 1, or rounded up with ``ceil``.

    Rounded up, the last window may stick out. One that would begin beyond the input and its leading padding is left out
    (Caffe and PyTorch agree).
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
    return tuple(out)


def pad(x, pads, *, value=0.0):
    """x (N, H, W, C) with ``value`` around it; x itself where there is nothing to add."""
    if not np.any(pads):
        return x
    N, H, W, C = x.shape
    (top, bottom), (left, right) = pads
    out = get_xp(x).full((N, top + H + bottom, left + W + right, C), value, dtype=x.dtype)
    out[:, top : top + H, left : left + W] = x
    return out


def crop(xpad, pads):
    """Undo ``pad``: the inner part, as a view."""
    _, H, W, _ = xpad.shape
    (top, bottom), (left, right) = pads
    return xpad[:, top : H - bottom, left : W - right]


def windows(xpad, kernel, out_size, stride, dilation=(1, 1)):
    """Every window of ``xpad`` as a view (N, OH, OW, KH, KW, C) that repeats memory: read it, never write."""
    n, h, w, c = xpad.strides
    shape = (xpad.shape[0], *out_size, *kernel, xpad.shape[3])
    strides = (n, h * stride[0], w * stride[1], h * dilation[0], w * dilation[1], c)
    return get_xp(xpad).lib.stride_tricks.as_strided(xpad, shape, strides)


def kernel_views(xpad, kernel, out_size, stride, dilation=(1, 1)):
    """For each kernel position, row by row, the view (N, OH, OW, C) of what it meets; no view holds memory twice."""
    (OH, OW), (sh, sw) = out_size, stride
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            top, left = u * dilation[0], v * dilation[1]
            yield xpad[:, top : top + (OH - 1) * sh + 1 : sh, left : left + (OW - 1) * sw + 1 : sw]


def group_slices(w_shape, groups):
    """For each group, which channels of the input and which filters are its."""
    C, F = w_shape[2], w_shape[3] // groups
    return [(slice(g * C, (g + 1) * C), slice(g * F, (g + 1) * F)) for g in range(groups)]


def padded_shape(shape, pads):
    N, H, W, C = shape
    return N, H + sum(pads[0]), W + sum(pads[1]), C


def placement(layer, x_shape):
    """Where a convolution layer's windows stand on an input: its padding as ((top, bottom), (left, right)), and the
    output's shape."""
    return _placement(layer.params["w"].shape, layer.stride, layer.padding, layer.dilation, x_shape)


def pad_before(layer, x_shape):
    """How many zeros a convolution layer puts before the first line, and before the first column."""
    (top, _), (left, _) = placement(layer, x_shape)[0]
    return top, left


@functools.lru_cache(4096)              # asked several times in each pass
def _placement(w_shape, stride, padding, dilation, x_shape):
    pads = resolve_padding(padding, x_shape[1:3], w_shape[:2], stride, dilation)
    return pads, (x_shape[0], *output_size(x_shape[1:3], w_shape[:2], stride, pads, dilation), w_shape[3])
