"""The histogram of oriented gradients (Dalal & Triggs 2005) as three layers, so that a picture can be optimised for it.

    Gradient          g = x[next] - x[previous], in the colour where it is longest     (N, H, W, C) -> (N, H, W, 2)
    OrientationCells  |g| into 9 bins of its angle mod 180 degrees, mean of a cell     -> (N, H // 8, W // 8, 9)
    BlockNorm         2 x 2 cells as one vector, L2-Hys                                -> (N, h - 1, w - 1, 36)

    L2-Hys:   u = v / sqrt(|v|^2 + eps^2),   t = min(u, 0.2),   out = t / sqrt(|t|^2 + eps^2)

With hard bins the numbers are those of scikit-image's `hog`. A small change of the angle does not change a hard bin, so
the derivative contains only lengths. Soft bins, the default, share each gradient between the two bins with the nearest
centres, in proportion, so that the derivative contains the angle too.
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import (
    BackwardMode,
    Examples,
    ForwardMode,
    Layer,
    LayerGradients,
    Window,
    check_image,
    check_input,
)
from minivis.runtime.backend import get_xp
from minivis.runtime.settings import SWITCH, number, takes, whole
from minivis.types import Array, Shape

CLIP = 0.2                                      # as in Lowe's SIFT: no single edge may dominate a block


def gradient_forward(x: Array) -> tuple[Array, Array]:
    """x (N, H, W, C) -> gradients (right, down), (N, H, W, 2), of the colour where they are longest; and which it is.

    They are not halved, and are 0 along the border, where a neighbour is missing, both as in scikit-image.
    """
    xp = get_xp(x)
    g = xp.zeros((*x.shape, 2), x.dtype)
    g[:, :, 1:-1, :, 0] = x[:, :, 2:] - x[:, :, :-2]
    g[:, 1:-1, :, :, 1] = x[:, 2:] - x[:, :-2]
    longest = (g * g).sum(axis=-1).argmax(axis=3)[..., None, None]
    return xp.take_along_axis(g, longest, axis=3)[..., 0, :], longest


def gradient_backward(dout: Array, longest: Array, x_shape: Shape) -> Array:
    """Each gradient goes to the two neighbours that it came from, in its own colour."""
    xp = get_xp(dout)
    dg = dout[..., None, :] * (xp.arange(x_shape[3])[:, None] == longest)
    dx = xp.zeros(x_shape, dout.dtype)
    right, down = dg[:, :, 1:-1, :, 0], dg[:, 1:-1, :, :, 1]
    dx[:, :, 2:] += right
    dx[:, :, :-2] -= right
    dx[:, 2:] += down
    dx[:, :-2] -= down
    return dx


def cells_forward(g: Array, cell: int, bins: int, soft: bool) -> tuple[Array, Any]:
    """g (N, H, W, 2) -> histograms (N, H // cell, W // cell, bins): the mean length in each bin of angles.

    Bin k reaches from k to k + 1 times 180 / bins degrees. Pixels beyond the last whole cell are ignored.
    """
    xp = get_xp(g)
    h, w = g.shape[1] // cell, g.shape[2] // cell
    g = g[:, :h * cell, :w * cell]
    length = xp.hypot(g[..., 0], g[..., 1])
    place = xp.arctan2(g[..., 1], g[..., 0]) % np.pi * (bins / np.pi) - (0.5 if soft else 0)
    low = xp.floor(place)
    part = place - low if soft else xp.zeros_like(place)        # of the way from the centre of ``low`` to the next
    low = low.astype(np.int64) % bins
    k = xp.arange(bins)
    shares = (k == low[..., None]) * (1 - part)[..., None] + (k == (low[..., None] + 1) % bins) * part[..., None]
    votes = (length[..., None] * shares).reshape(len(g), h, cell, w, cell, bins)
    return votes.sum(axis=(2, 4)) / cell**2, (g, length, low, part)


def cells_backward(dout: Array, cache: Any, x_shape: Shape, cell: int, soft: bool) -> Array:
    """dlength = (1 - part) dlow + part dnext,  dplace = length (dnext - dlow); then length and angle back to (x, y).

    An angle has the slope (-y, x) / length^2, so the length cancels and no vote, however short, divides by zero.
    """
    g, length, low, part = cache
    xp, bins = get_xp(dout), dout.shape[3]
    dvotes = (dout / cell**2).repeat(cell, axis=1).repeat(cell, axis=2)
    dlow = xp.take_along_axis(dvotes, low[..., None], axis=3)[..., 0]
    dnext = xp.take_along_axis(dvotes, (low[..., None] + 1) % bins, axis=3)[..., 0]
    unit = g / xp.where(length == 0, 1, length)[..., None]      # (0, 0) where the picture is flat
    dlength = (1 - part) * dlow + part * dnext
    turn = (dnext - dlow) * (bins / np.pi) if soft else xp.zeros_like(dlow)
    dx = xp.zeros(x_shape, dout.dtype)
    inside = dx[:, :g.shape[1], :g.shape[2]]
    inside[..., 0] = dlength * unit[..., 0] - turn * unit[..., 1]
    inside[..., 1] = dlength * unit[..., 1] + turn * unit[..., 0]
    return dx


def l2_forward(v: Array, eps: float) -> tuple[Array, Array]:
    """out = v / sqrt(|v|^2 + eps^2) over the last axis, and the root."""
    root = get_xp(v).sqrt((v * v).sum(axis=-1, keepdims=True) + eps**2)
    return v / root, root


def l2_backward(dout: Array, out: Array, root: Array) -> Array:
    """dv = (dout - out (out . dout)) / root: what lies along out changes its length, which is normalised away."""
    return (dout - out * (out * dout).sum(axis=-1, keepdims=True)) / root


class Gradient(Layer):
    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_image(self, x.shape)
        out, longest = gradient_forward(x)
        return out, (longest, x.shape) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (gradient_backward(dout, *cache),), {}

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:3], 2)

    def window(self, shape: Shape) -> Window | None:
        return Window((3, 3), (1, 1), (-1, -1), ((1, 1), (1, 1)))


MOST_BINS = 1800                                # each a tenth of a degree


class OrientationCells(Layer):
    settings = ("cell", "bins", "soft")

    @takes(cell=whole(1), bins=whole(1, MOST_BINS), soft=SWITCH)
    def __init__(self, cell: int = 8, bins: int = 9, soft: bool = True) -> None:
        super().__init__()
        self.cell, self.bins, self.soft = cell, bins, soft

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(cell=2, bins=5), [(2, 6, 5, 2)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(x.shape)
        out, cache = cells_forward(x, self.cell, self.bins, self.soft)
        return out, (cache, x.shape) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        votes, x_shape = cache
        return (cells_backward(dout, votes, x_shape, self.cell, self.soft),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, 4, 2)
        if min(shape[1:3]) < self.cell:
            raise BadValue(f"a picture of {shape[2]} x {shape[1]} pixels is smaller than a cell of {self.cell}")
        return (shape[0], shape[1] // self.cell, shape[2] // self.cell, self.bins)

    def window(self, shape: Shape) -> Window | None:
        return Window((self.cell, self.cell), (self.cell, self.cell), (0, 0))


class BlockNorm(Layer):
    settings = ("block", "eps")

    @takes(block=whole(1), eps=number(above=0))     # without eps an empty block is 0 / 0
    def __init__(self, block: int = 2, eps: float = 1e-5) -> None:
        super().__init__()
        self.block, self.eps = block, float(eps)

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        h, w = self.output_shape(x.shape)[1:3]
        size = range(self.block)
        v = get_xp(x).concatenate([x[:, i:i + h, j:j + w] for i in size for j in size], axis=3)
        u, first = l2_forward(v, self.eps)
        out, second = l2_forward(u.clip(None, CLIP), self.eps)
        return out, (u, first, out, second, x.shape) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        u, first, out, second, x_shape = cache
        dv = l2_backward(l2_backward(dout, out, second) * (u < CLIP), u, first)
        dx = get_xp(dout).zeros(x_shape, dout.dtype)
        N, h, w, _ = dout.shape
        parts = dv.reshape(N, h, w, self.block, self.block, x_shape[3])
        for i in range(self.block):
            for j in range(self.block):
                dx[:, i:i + h, j:j + w] += parts[:, :, :, i, j]
        return (dx,), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        if min(shape[1:3]) < self.block:
            raise BadValue(f"{shape[2]} x {shape[1]} cells are fewer than a block of {self.block} x {self.block}")
        h, w = (n - self.block + 1 for n in shape[1:3])
        return (shape[0], h, w, self.block**2 * shape[3])

    def window(self, shape: Shape) -> Window | None:
        return Window((self.block, self.block), (1, 1), (0, 0))
