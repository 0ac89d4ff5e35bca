"""Operators as ONNX defines them, where onnx's own reference evaluator (1.23) computes something else.

    BatchNormalization      to opset 13 it takes the pictures' own mean and variance in
    LRN                     it takes the number of pictures for that of channels
    MaxPool, AveragePool    windows that are too many, or elsewhere, where ceil_mode meets padding
    Add, Sub, Mul, Div      to opset 6 they may name the axis where the second one begins
    Dropout                 to opset 6 it knows none
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minivis.types import Array


def corrected(opset: int) -> list[Any]:
    """The classes for ``ReferenceEvaluator(new_ops=...)``."""
    from onnx.reference.op_run import OpRun

    def by_axis(name: str, function: Any) -> Any:
        def run(self: Any, a: Any, b: Any, axis: Any = None, **_: Any) -> tuple[Any]:
            b = b if axis is None else b.reshape(*b.shape, *(1,) * (a.ndim - axis % a.ndim - b.ndim))
            return (function(a, b),)

        return type(name, (OpRun,), {"op_domain": "", "_run": run})

    old = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}

    class LRN(OpRun):
        op_domain = ""

        def _run(self, x: Array, alpha: Any = None, beta: Any = None, bias: Any = None, size: Any = None) -> tuple[Any]:
            before, after = (size - 1) // 2, size // 2
            squares = np.pad(x**2, ((0, 0), (before, after), (0, 0), (0, 0)))
            total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
            return ((x / (bias + alpha / size * total) ** beta).astype(x.dtype),)

    class BatchNormalization(OpRun):
        op_domain = ""

        def _run(self, x: Array, gamma: Any, beta: Any, mean: Any, var: Any, epsilon: Any = None,
                 **_: Any) -> tuple[Any]:
            gamma, beta, mean, var = (a.reshape(-1, *(1,) * (x.ndim - 2)) for a in (gamma, beta, mean, var))
            return ((gamma * (x - mean) / np.sqrt(var + epsilon) + beta).astype(x.dtype),)

    class MaxPool(OpRun):
        op_domain = ""

        def _run(self, x: Array, auto_pad: Any = None, ceil_mode: Any = None, kernel_shape: Any = None,
                 pads: Any = None, strides: Any = None, **_: Any) -> tuple[Array]:
            for axis, window in enumerate(windows_of(x.shape, kernel_shape, strides, auto_pad, ceil_mode, pads), 2):
                x = along(x, axis, window, -np.inf).max(axis=-1)
            return (x,)

    class AveragePool(OpRun):
        op_domain = ""

        def _run(self, x: Array, auto_pad: Any = None, ceil_mode: Any = None, count_include_pad: Any = None,
                 kernel_shape: Any = None, pads: Any = None, strides: Any = None, **_: Any) -> tuple[Array]:
            for axis, window in enumerate(windows_of(x.shape, kernel_shape, strides, auto_pad, ceil_mode, pads), 2):
                counts = along(np.ones(x.shape[axis]), 0, window, 0.0, 1.0 if count_include_pad else 0.0).sum(axis=-1)
                x = along(x, axis, window, 0.0).sum(axis=-1)
                x = (x / counts.reshape(-1, *(1,) * (x.ndim - 1 - axis))).astype(x.dtype)
            return (x,)

    class Dropout(OpRun):
        op_domain = ""

        def _run(self, x: Array, **_: Any) -> tuple[Array]:
            return (x,)

    older = [Dropout, *(by_axis(*named) for named in old.items())] if opset < 7 else []
    return [LRN, BatchNormalization, MaxPool, AveragePool, *older]


def windows_of(shape: Any, sizes: Any, strides: Any, auto: Any, ceil: Any, pads: Any) -> Iterator[tuple[Any, ...]]:
    """(size, stride, padding before, padding after, count) of the windows along each axis of maps."""
    for i, (length, size) in enumerate(zip(shape[2:], sizes)):
        stride = strides[i] if strides else 1
        around = (pads[i], pads[i + len(sizes)]) if pads else (0, 0)
        yield size, stride, *extent(length, size, stride, auto, ceil, around)


def extent(length: Any, size: Any, stride: Any, auto: Any, ceil: Any, pads: Any) -> tuple[Any, Any, Any]:
    """(padding before, padding after, count) of the windows along one axis."""
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        count = -(-length // stride)
        total = max(0, (count - 1) * stride + size - length)
        less, more = total // 2, total - total // 2
        return (less, more, count) if auto == "SAME_UPPER" else (more, less, count)
    before, after = pads
    room = length + before + after - size
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= length + before:        # it would begin in the padding
        count -= 1
    return before, after, count


def along(x: Array, axis: Any, window: Any, fill: Any, padding: Any = None) -> Any:
    """The windows along one axis, as a last axis; ``fill`` is beyond the padding, and in it unless ``padding`` is."""
    size, stride, before, after, count = window
    around = [(0, 0)] * x.ndim
    around[axis] = (before, after)
    x = np.pad(x, around, constant_values=fill if padding is None else padding)
    around[axis] = (0, max(0, (count - 1) * stride + size - x.shape[axis]))
    x = np.pad(x, around, constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(x, size, axis).take(range(0, count * stride, stride), axis)
