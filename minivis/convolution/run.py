"""Run a convolution: the one place where the algorithm is picked and the code for it is called.

A convolution layer passes itself (see `window.ConvLayer`) and its definition, the plain im2col function that computes
the same (``algorithm="im2col"``).

    algorithm       runs in
    "device"        cuda.py: kernels of our own, on a GPU
    "im2col"        the layer's definition, in NumPy or CuPy
    all others      direct.py, band by band and on several threads; see choose.py
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minivis.convolution import choose, cuda, direct
from minivis.convolution.bands import ArraySink, ArraySource
from minivis.convolution.window import ConvLayer, pad_before
from minivis.runtime.backend import get_xp, has_kernels
from minivis.runtime.reductions import sum_positions
from minivis.types import Array, Shape


def pick(layer: ConvLayer, direction: str, like: Any, x_shape: Shape, mode: Any) -> str:
    """The algorithm's name for ``direction`` "forward", "input" (data gradient) or "params", on the device of ``like``.

    A forward algorithm named in ``mode`` does not apply to the parameters' gradients, except im2col.
    """
    if get_xp(like) is not np:
        return "device" if has_kernels(like) and mode.algorithm == "auto" else "im2col"
    named = mode.algorithm if direction != "params" or mode.algorithm == "im2col" else "auto"
    return choose.choose(choose.case(direction, layer, x_shape), named)


def pick_banded(layer: ConvLayer, direction: str, like: Any, x_shape: Shape, mode: Any) -> str | None:
    """The same, or None if the algorithm does not work band by band, so that nothing can be fused with it."""
    algorithm = pick(layer, direction, like, x_shape, mode)
    return None if algorithm in ("im2col", "device") else algorithm


def forward(layer: ConvLayer, x: Array, mode: Any, by_definition: Callable[..., Any]) -> Array:
    """out (N, OH, OW, F)."""
    algorithm = pick(layer, "forward", x, x.shape, mode)
    if algorithm == "device":
        return cuda.forward(layer, x, keep_weights=not mode.training)
    if algorithm == "im2col":
        return by_definition(x, layer.params["w"], layer.params.get("b"), **layer.geometry(x.shape))
    out = mode.empty(layer.output_shape(x.shape), x.dtype)
    direct.forward(layer, algorithm, ArraySource(np.ascontiguousarray(x)), ArraySink(out),
                   pad_before=pad_before(layer, x.shape), keep_weights=not mode.training)  # fmt: skip
    return out


def input_grad(layer: ConvLayer, dout: Array, x_shape: Shape, mode: Any, by_definition: Callable[..., Any]) -> Array:
    """dx (N, H, W, C)."""
    algorithm = pick(layer, "input", dout, x_shape, mode)
    if algorithm == "device":
        return cuda.input_grad(layer, dout, x_shape, keep_weights=not mode.param_grads)
    if algorithm == "im2col":
        return by_definition(dout, layer.params["w"], x_shape, **layer.geometry(x_shape))
    dx = mode.empty(x_shape, dout.dtype)
    direct.input_grad(layer, algorithm, ArraySource(np.ascontiguousarray(dout)), ArraySink(dx),
                      pad_before=pad_before(layer, x_shape), keep_weights=not mode.param_grads)  # fmt: skip
    return dx


def param_grads(layer: ConvLayer, dout: Array, x: Array, mode: Any,
                by_definition: Callable[..., Any]) -> tuple[Array, Array | None]:
    """dw (KH, KW, C/groups, F), and db (F,) or None for a layer without a bias."""
    algorithm = pick(layer, "params", dout, x.shape, mode)
    db: Array | None
    if algorithm == "device":
        dw, db = cuda.param_grads(layer, dout, x)
    elif algorithm == "im2col":
        dw, db = by_definition(dout, x, layer.params["w"].shape, **layer.geometry(x.shape))
    else:
        dw = direct.param_grads(layer, algorithm, x, dout, pad_before=pad_before(layer, x.shape))
        db = sum_positions(dout) if "b" in layer.params else None
    return dw, db if "b" in layer.params else None
