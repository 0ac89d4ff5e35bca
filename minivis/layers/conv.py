"""Convolution: slide F filters over a feature map, and send gradients back the way they came.

    out[n, i, j, f] = b[f] + sum over u, v, c of
                             xpad[n, i*stride + u*dilation, j*stride + v*dilation, c] * w[u, v, c, f]

`im2col` writes the window of every output position as one row, so that the sum becomes a matrix product; `col2im` is
its transpose. The rows of a whole picture take KH*KW times its memory, so they are made for a block of positions at a
time, about as much as a core's cache holds. The loops that define all this are in tests/reference.py.

This is the algorithm to read. The faster ones give the same numbers up to rounding and stand in minivis/convolution:
direct.py, winograd.py, cuda.py. The rules in choose.py pick one for a layer (``algorithm="auto"``), run.py calls it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minivis.convolution import run, tuning
from minivis.convolution.window import (
    crop,
    dilated_size,
    group_slices,
    kernel_views,
    normal_padding,
    output_size,
    pad,
    padded_shape,
    pair,
    placement,
    windows,
)  # fmt: skip
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, Window, check_input
from minivis.runtime.backend import get_xp
from minivis.runtime.reductions import sum_positions
from minivis.runtime.settings import ARRAY, takes, whole
from minivis.types import HW, Array, Padding, Pads, Pair, Shape


def conv2d_forward(x: Array, w: Array, b: Array | None = None, *, stride: HW = (1, 1),
                   padding: Pads = ((0, 0), (0, 0)), dilation: HW = (1, 1), groups: int = 1) -> Array:
    """Slide F filters over a batch of feature maps (cross-correlation).

    x (N, H, W, C), w (KH, KW, C/groups, F), b (F,) or None  ->  out (N, OH, OW, F),
    OH = (H + top + bottom - size) // stride + 1, where size = (KH - 1)*dilation + 1 is that of the dilated kernel.
    Groups are convolutions side by side: the g-th part of the filters reads only the g-th part of the channels.
    """
    kernel, F = w.shape[:2], w.shape[3]
    out_size = output_size(x.shape[1:3], kernel, stride, padding, dilation)
    out = get_xp(x).empty((x.shape[0], *out_size, F), dtype=x.dtype)
    xpad = pad(x, padding)
    for cs, fs in group_slices(w.shape, groups):
        w_rows = w[..., fs].reshape(-1, F // groups)                            # (KH*KW*C, F)
        for here, seen in blocks(out.shape, w_rows.shape[0], kernel, stride, dilation):
            piece = out[here][..., fs]                                          # (n, oh, ow, F), a view
            cols = im2col(xpad[seen][..., cs], kernel, stride, dilation)        # (n*oh*ow, KH*KW*C)
            piece[...] = (cols @ w_rows).reshape(piece.shape)
    if b is not None:
        out += b
    return out


def conv2d_input_grad(dout: Array, w: Array, x_shape: Shape, *, stride: HW = (1, 1),
                      padding: Pads = ((0, 0), (0, 0)), dilation: HW = (1, 1), groups: int = 1) -> Array:
    """dx (N, H, W, C): each window gets back dout times the filter that read it; overlapping windows add up."""
    kernel, F = w.shape[:2], w.shape[3]
    dxpad = get_xp(dout).zeros(padded_shape(x_shape, padding), dtype=dout.dtype)
    for cs, fs in group_slices(w.shape, groups):
        w_rows = w[..., fs].reshape(-1, F // groups)
        for here, seen in blocks(dout.shape, w_rows.shape[0], kernel, stride, dilation):
            piece = dout[here][..., fs]
            dcols = piece.reshape(-1, F // groups) @ w_rows.T                   # (n*oh*ow, KH*KW*C)
            col2im(dcols, dxpad[seen][..., cs], kernel, stride, dilation)
    return crop(dxpad, padding)


def conv2d_param_grads(dout: Array, x: Array, w_shape: Shape, *, stride: HW = (1, 1),
                       padding: Pads = ((0, 0), (0, 0)), dilation: HW = (1, 1), groups: int = 1
                       ) -> tuple[Array, Array]:
    """dw (KH, KW, C/groups, F): every window times the gradient at its output, summed over positions; and db (F,)."""
    kernel, F = w_shape[:2], w_shape[3]
    dw = get_xp(dout).zeros(w_shape, dtype=dout.dtype)
    xpad = pad(x, padding)
    for cs, fs in group_slices(w_shape, groups):
        dw_rows = dw[..., fs].reshape(-1, F // groups)                          # a view: what is added here is in dw
        for here, seen in blocks(dout.shape, dw_rows.shape[0], kernel, stride, dilation):
            cols = im2col(xpad[seen][..., cs], kernel, stride, dilation)
            dw_rows += cols.T @ dout[here][..., fs].reshape(-1, F // groups)
    return dw, sum_positions(dout)


def im2col(xpad: Array, kernel: Any, stride: HW, dilation: HW) -> Array:
    """The window of each output position as a row: (N, H, W, C) -> (N*OH*OW, KH*KW*C), a copy."""
    out_size = output_size(xpad.shape[1:3], kernel, stride, ((0, 0), (0, 0)), dilation)
    row_length = kernel[0] * kernel[1] * xpad.shape[3]
    return windows(xpad, kernel, out_size, stride, dilation).reshape(-1, row_length)


def col2im(dcols: Array, dxpad: Array, kernel: Any, stride: HW, dilation: HW) -> None:
    """The transpose of `im2col`: add each row of ``dcols`` into ``dxpad`` (N, H, W, C) where it was read."""
    out_size = output_size(dxpad.shape[1:3], kernel, stride, ((0, 0), (0, 0)), dilation)
    parts = dcols.reshape(dxpad.shape[0], *out_size, kernel[0] * kernel[1], dxpad.shape[3])
    for k, view in enumerate(kernel_views(dxpad, kernel, out_size, stride, dilation)):
        view += parts[:, :, :, k]


def blocks(out_shape: Shape, row_length: int, kernel: Any, stride: HW, dilation: HW) -> Iterator[Any]:
    """Cut the output into pieces whose im2col rows fill ``block_bytes``: whole small pictures, or some lines.

    Yield index pairs: of the piece in the output, and of what it sees in the padded input.
    """
    N, OH, OW, _ = out_shape
    line_bytes, block_bytes = 4 * OW * row_length, tuning.TUNING.block_bytes
    images = max(1, block_bytes // (OH * line_bytes))
    lines = max(1, min(OH, block_bytes // line_bytes))
    height, step = dilated_size(kernel, dilation)[0], stride[0]
    for n in range(0, N, images):
        for top in range(0, OH, lines):
            end = min(top + lines, OH)
            some = slice(n, n + images)
            yield (some, slice(top, end)), (some, slice(top * step, (end - 1) * step + height))


def check_filters(w: Array, b: Array | None, groups: int) -> None:
    """Raise BadValue unless w (KH, KW, C/groups, F) and b (F,) or None make a convolution."""
    if w.ndim != 4 or 0 in w.shape:
        raise BadValue(f"Conv2D: w must have the shape (KH, KW, C/groups, F), with no side of 0, got {w.shape}")
    if b is not None and b.shape != w.shape[3:]:
        raise BadValue(f"Conv2D: b must have the shape {w.shape[3:]} for w {w.shape}, got {b.shape}")
    if w.shape[3] % groups:
        raise BadValue(f"Conv2D: {w.shape[3]} filters cannot be divided into {groups} groups")


class Conv2D(Layer):
    """Convolution with w (KH, KW, C/groups, F) and b (F,) or None.

    ``padding``: an int, (ph, pw), ((top, bottom), (left, right)), or "same" (TensorFlow's rule, from the input's size).
    """

    relevance = "weighs"
    settings = ("stride", "padding", "dilation", "groups")

    @takes(w=ARRAY, b=ARRAY, groups=whole(1))
    def __init__(self, w: Array, b: Array | None = None, *, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1,
                 groups: int = 1) -> None:
        check_filters(w, b, groups)
        super().__init__(w=w, **({} if b is None else {"b": b}))
        self.stride, self.dilation = pair(stride, "stride"), pair(dilation, "dilation")
        self.padding = normal_padding(padding)
        self.groups = groups

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        w, b = rng.standard_normal((3, 2, 2, 6)), rng.standard_normal(6)
        grouped = cls(w, b, stride=(2, 1), padding="same", dilation=(1, 2), groups=2)
        return [(cls(w[:, :, :1], padding=1), [(2, 5, 6, 1)]), (grouped, [(2, 7, 6, 4)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_input(self, x.shape, 4, self.channels)
        return run.forward(self, x, mode, conv2d_forward), self.cache(x, mode)

    def cache(self, x: Array, mode: Any) -> Any:
        """What backward needs. For dx, the shape of x is enough."""
        return {None: None, "image": x.shape, "params": x}[mode.grad]

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        dx, dparams = None, {}
        if mode.input_grads:
            dx = run.input_grad(self, dout, getattr(cache, "shape", cache), mode, conv2d_input_grad)
        if mode.param_grads:
            dw, db = run.param_grads(self, dout, cache, mode, conv2d_param_grads)
            dparams = {"w": dw} if db is None else {"w": dw, "b": db}
        return (dx,), dparams

    @property
    def channels(self) -> int:  # type: ignore[override]
        return self.params["w"].shape[2] * self.groups

    def geometry(self, x_shape: Shape) -> dict[str, Any]:
        """The keyword arguments of the functions above, for an input of this shape."""
        padding, _ = placement(self, x_shape)
        return {"stride": self.stride, "padding": padding, "dilation": self.dilation, "groups": self.groups}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, 4, self.channels)
        return placement(self, shape)[1]

    def window(self, shape: Shape) -> Window | None:
        padding, _ = placement(self, shape)
        (top, _), (left, _) = padding
        return Window(dilated_size(self.params["w"].shape[:2], self.dilation), self.stride, (-top, -left), padding)

    def multiply_adds(self, shape: Shape, out_shape: Shape) -> int:
        return out_shape[1] * out_shape[2] * self.params["w"].size
