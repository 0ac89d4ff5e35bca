"""Convolution on a GPU: kernels of our own put windows, or Winograd's tiles, into rows; cuBLAS multiplies them.

    rows        im2col of some lines of some pictures, one product, and col2im back, for any convolution
    winograd    F(4 x 4, 3 x 3) of winograd.py: tiles to 36 elements, 36 products, and back; for 3 x 3 at stride 1
    max_pool    the maximum of each window and its switch, for layers/pool.py

They compute the same as the functions of the same name in layers/conv.py and layers/pool.py; the CUDA sources are in
cuda_sources.py. The order of every sum is fixed: col2im gathers what each pixel receives, without atomics. Bias and
ReLU are applied when a sum is written for the last time, and the signs that backward needs are kept: see `Finish`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minivis.convolution import cuda_sources as sources
from minivis.convolution import tuning
from minivis.convolution.window import ConvLayer, group_slices, output_size
from minivis.convolution.winograd import F4
from minivis.runtime.backend import get_xp, launch
from minivis.runtime.reductions import sum_positions
from minivis.types import HW, Array, Pads, Shape


def suits_winograd(w_shape: Shape, stride: HW, dilation: HW, groups: int) -> bool:
    """Whether `winograd` can compute this convolution, and is worth it."""
    KH, KW, C, F = w_shape
    small = min(C, F) < tuning.TUNING.device_tile_channels
    return (KH, KW) == (3, 3) and stride == dilation == (1, 1) and groups == 1 and not small


class Finish(NamedTuple):
    """What is done to each sum y before it is written. In NumPy:

        y += bias;  mask[...] = (low < y) & (y < high);  y.clip(low, high, out=y)

    bias (F,) or None; mask: bytes of the shape of y, or None if no backward pass follows.
    """

    bias: Any = None
    low: float = -np.inf
    high: float = np.inf
    mask: Any = None

    def of(self, *where: Any) -> "Finish":
        """The same for a part of the output."""
        return self if self.mask is None else self._replace(mask=self.mask[where])


def forward(layer: ConvLayer, x: Array, keep_weights: bool = True) -> Array:
    """out (N, OH, OW, F) of a Conv2D."""
    return finished(layer, x, Finish(layer.params.get("b")), keep_weights)


def relu_forward(layer: ConvLayer, relu: Any, x: Array, mode: Any) -> tuple[Array, Array | None]:
    """out of a Conv2D and the ReLU after it, and the ReLU's mask, as `relu.relu_forward` returns it."""
    mask = get_xp(x).empty(layer.output_shape(x.shape), dtype=bool) if mode.grad else None
    high = float(relu.upper_limit)
    return finished(layer, x, Finish(layer.params.get("b"), 0.0, high, mask), not mode.training), mask


def finished(layer: ConvLayer, x: Array, finish: Finish, keep_weights: bool) -> Array:
    w, geometry = layer.params["w"], layer.geometry(x.shape)
    if not suits_winograd(w.shape, geometry["stride"], geometry["dilation"], geometry["groups"]):
        return rows_forward(x, w, finish, **geometry)
    U = transformed(layer, "forward", w, keep_weights)
    (top, _), (left, _) = geometry["padding"]
    return winograd(x, U, finish, layer.output_shape(x.shape), (top, left))


def input_grad(layer: ConvLayer, dout: Array, x_shape: Shape, keep_weights: bool = True) -> Array:
    """dx (N, H, W, C) of a Conv2D; at stride 1 a convolution of dout with the kernel rotated by 180 degrees."""
    w, geometry = layer.params["w"], layer.geometry(x_shape)
    if not suits_winograd(w.shape, geometry["stride"], geometry["dilation"], geometry["groups"]):
        return rows_input_grad(dout, w, x_shape, **geometry)
    U = transformed(layer, "input", w[::-1, ::-1].swapaxes(2, 3), keep_weights)
    (top, _), (left, _) = geometry["padding"]
    return winograd(dout, U, Finish(), x_shape, (2 - top, 2 - left))


def param_grads(layer: ConvLayer, dout: Array, x: Array) -> tuple[Array, Array]:
    """dw, db of a Conv2D: rows of windows, transposed, times dout."""
    w, geometry = layer.params["w"], layer.geometry(x.shape)
    return rows_param_grads(dout, x, w.shape, **geometry)


# ---- windows as rows ----

def rows_forward(x: Array, w: Array, finish: Finish, *, stride: HW, padding: Pads, dilation: HW, groups: int) -> Array:
    kernel, F = w.shape[:2], w.shape[3]
    out_size = output_size(x.shape[1:3], kernel, stride, padding, dilation)
    out = get_xp(x).empty((len(x), *out_size, F), dtype=x.dtype)
    x = get_xp(x).ascontiguousarray(x)
    for cs, fs in group_slices(w.shape, groups):
        w_rows = w[..., fs].reshape(-1, F // groups)
        for images, lines in pieces(out.shape, w_rows.shape[0], x.itemsize):
            cols = im2col(x[images], cs, kernel, out_size, lines, stride, padding, dilation)
            piece = out[images, lines][..., fs]
            piece[...] = (cols @ w_rows).reshape(piece.shape)
    if finish.bias is not None or finish.low > -np.inf:
        launch("finish", sources.FINISH, out.size, out, *finish, np.int64(out.size), F)
    return out


def rows_input_grad(dout: Array, w: Array, x_shape: Shape, *, stride: HW, padding: Pads, dilation: HW,
                    groups: int) -> Array:
    kernel, F = w.shape[:2], w.shape[3]
    dx = get_xp(dout).zeros(x_shape, dtype=dout.dtype)
    for cs, fs in group_slices(w.shape, groups):
        w_rows = w[..., fs].reshape(-1, F // groups)
        for images, lines in pieces(dout.shape, w_rows.shape[0], dout.itemsize):
            dcols = dout[images, lines][..., fs].reshape(-1, F // groups) @ w_rows.T
            col2im(dcols, dx[images], cs, kernel, dout.shape[1:3], lines, stride, padding, dilation)
    return dx


def rows_param_grads(dout: Array, x: Array, w_shape: Shape, *, stride: HW, padding: Pads, dilation: HW,
                     groups: int) -> tuple[Array, Array]:
    xp, kernel, F = get_xp(x), w_shape[:2], w_shape[3]
    dw, x = xp.zeros(w_shape, dtype=dout.dtype), xp.ascontiguousarray(x)
    for cs, fs in group_slices(w_shape, groups):
        for images, lines in pieces(dout.shape, kernel[0] * kernel[1] * (cs.stop - cs.start), x.itemsize):
            cols = im2col(x[images], cs, kernel, dout.shape[1:3], lines, stride, padding, dilation)
            product = cols.T @ dout[images, lines][..., fs].reshape(-1, F // groups)
            dw[..., fs] += product.reshape(*w_shape[:3], F // groups)
    return dw, sum_positions(dout)


def pieces(out_shape: Shape, row_length: int, itemsize: int) -> Iterator[tuple[slice, slice]]:
    """Cut the output into (images, lines) with at most ``device_rows_bytes`` of rows: whole pictures if small."""
    N, OH, OW, _ = out_shape
    line_bytes, most = OW * row_length * itemsize, tuning.TUNING.device_rows_bytes
    images = max(1, most // (OH * line_bytes))
    lines = max(1, min(OH, most // line_bytes))
    for n in range(0, N, images):
        for top in range(0, OH, lines):
            yield slice(n, min(n + images, N)), slice(top, min(top + lines, OH))


def im2col(x: Array, channels: slice, kernel: Shape, out_size: Shape, lines: slice, stride: HW, padding: Pads,
           dilation: HW) -> Array:
    """`conv.im2col` of some output lines, without a padded copy: (N*lines*OW, KH*KW*C), a row for each position."""
    N, H, W, C = x.shape
    Cg, count = channels.stop - channels.start, lines.stop - lines.start
    cols = get_xp(x).empty((N * count * out_size[1], kernel[0] * kernel[1] * Cg), dtype=x.dtype)
    launch("im2col", sources.IM2COL, cols.size, x, cols, np.int64(cols.size), H, W, C, out_size[1], count, lines.start,
           *kernel, *stride, *dilation, padding[0][0], padding[1][0], channels.start, Cg)
    return cols


def col2im(dcols: Array, dx: Array, channels: slice, kernel: Shape, out_size: Shape, lines: slice, stride: HW,
           padding: Pads, dilation: HW) -> None:
    """The transpose of `im2col`: add into dx (N, H, W, C)."""
    N, H, W, C = dx.shape
    Cg = channels.stop - channels.start
    launch("col2im", sources.COL2IM, N * H * W * Cg, dcols, dx, np.int64(N * H * W * Cg), H, W, C, out_size[1],
           lines.stop - lines.start, lines.start, *kernel, *stride, *dilation, padding[0][0], padding[1][0],
           channels.start, Cg)


# ---- Winograd ----

def transformed(layer: ConvLayer, direction: str, w: Array, keep: bool) -> Array:
    """U (36, C, F) = G w G^T of w (3, 3, C, F); cached in the layer unless it is in training."""
    def make() -> Array:
        xp = get_xp(w)
        GG = xp.asarray(np.kron(F4.G, F4.G), dtype=w.dtype)                                     # (36, 9)
        return (GG @ w.reshape(9, -1)).reshape(36, *w.shape[2:])

    return layer.derive(("device winograd4", direction, w.dtype.name), make) if keep else make()


def winograd(x: Array, U: Array, finish: Finish, out_shape: Shape, pad_before: HW) -> Array:
    """The convolution of x (N, H, W, C) with transformed weights U; pad_before: zeros before the first row, column."""
    xp, (N, OH, OW, F), (_, H, W, C), (top, left) = get_xp(x), out_shape, x.shape, pad_before
    x, out = xp.ascontiguousarray(x), xp.empty(out_shape, dtype=x.dtype)
    columns = -(-OW // 4)
    for images, rows in pieces((N, -(-OH // 4), columns, F), 36 * max(C, F), x.itemsize):       # of tiles
        seen, here, height = x[images], (images, slice(4 * rows.start, 4 * rows.stop)), rows.stop - rows.start
        made = out[here]
        tiles = len(made) * height * columns
        V = xp.empty((36, tiles, C), dtype=x.dtype)
        launch("input_transform", sources.INPUT_TRANSFORM, tiles * C, seen, V, np.int64(tiles * C), H, W, C, height,
               columns, top - 4 * rows.start, left)
        M = xp.matmul(V, U)                                                                     # (36, tiles, F)
        launch("output_transform", sources.OUTPUT_TRANSFORM, tiles * F, M, made, *finish.of(*here), np.int64(tiles * F),
               *made.shape[1:3], F, height, columns)
    return out


# ---- max pooling ----

def max_pool_forward(x: Array, size: Shape, stride: HW, padding: Pads, out_size: Shape) -> tuple[Array, Array]:
    """out (N, OH, OW, C) and the switches, a byte each: windows of at most 256 positions."""
    xp = get_xp(x)
    x = xp.ascontiguousarray(x)
    out = xp.empty((len(x), *out_size, x.shape[3]), dtype=x.dtype)
    switches = xp.empty(out.shape, dtype=np.uint8)
    launch("max_pool", sources.MAX_POOL, out.size, x, out, switches, np.int64(out.size), *x.shape[1:], *out_size, *size,
           *stride, padding[0][0], padding[1][0])
    return out, switches


def max_pool_backward(dout: Array, switches: Array, x_shape: Shape, size: Shape, stride: HW, padding: Pads) -> Array:
    """dx (N, H, W, C): each input gathers the gradients of the windows that it won."""
    dx = get_xp(dout).empty(x_shape, dtype=dout.dtype)
    dout, switches = (get_xp(dout).ascontiguousarray(a) for a in (dout, switches))
    launch("max_pool_back", sources.MAX_POOL_BACK, dx.size, dout, switches, dx, np.int64(dx.size), *x_shape[1:],
           *dout.shape[1:3], *size, *stride, padding[0][0], padding[1][0])
    return dx
