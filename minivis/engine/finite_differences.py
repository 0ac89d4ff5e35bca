"""Finite differences: is a layer's backward the derivative of its forward?

Fix a random dout. The loss sum(out * dout) has the gradient dx = backward(dout), so a small step tells if dx is right:

    dx[i]        =  sum((out(x + step*e_i) - out(x - step*e_i)) * dout) / (2*step)      element by element
    sum(dx * d)  =  sum((out(x + step*d)   - out(x - step*d))   * dout) / (2*step)      along d: two forwards, any size

Both are central differences, whose own error falls with step^2, in float64. They say nothing at a kink, where there is
no derivative, so inputs are chosen away from kinks (`smooth_inputs`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivis.layers import BackwardMode, ForwardMode
from minivis.layers.base import Window
from minivis.runtime.backend import get_xp
from minivis.types import Array

DENSE = 100_000                 # a direction moves this many elements at most: fc6 need not move its 100 million


def numerical_gradient(f: Any, x: Array, dout: Any, step: float = 1e-6) -> Any:
    """The gradient of sum(f(x) * dout) at x by central differences, element by element: 2 * x.size calls of f."""
    grad = np.empty_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = step
        grad[i] = ((f(x + e) - f(x - e)) * dout).sum() / (2 * step)
    return grad


def check_layer(layer: Any, inputs: Sequence[Array], *, seed: int = 0, directions: Any = None,
                training: bool = False) -> Any:
    """{"dx": relative error, "dw": ...}: the gradient at each input and each learned parameter of one layer.

    inputs: a list of float64 arrays. ``directions``: the number of random directions to check along; None to check
    every element.
    """
    rng = np.random.default_rng(seed)

    def forward(layer: Any, *inputs: Any, grad: str = "params") -> Any:
        return layer.forward(*inputs, mode=ForwardMode(grad, training, np.random.default_rng(seed)))

    def error(f: Any, x: Array, dx: Array) -> Any:
        if directions is None or dx is None or dx.shape != x.shape:
            return relative_error(dx, numerical_gradient(f, x, dout))
        return directional_error(f, x, dx, dout, directions, rng)

    out, cache = forward(layer, *inputs, grad="image")          # the pass by which every picture gets its dx
    dout = normal(rng, out)
    dxs, _ = layer.backward(dout, cache, BackwardMode())
    _, dparams = layer.backward(dout, forward(layer, *inputs)[1], BackwardMode(param_grads=True))
    errors = {}
    for i, (x, dx) in enumerate(zip(inputs, dxs, strict=True)):
        errors[f"dx{i}" if layer.inputs is None else "dx"] = error(
            lambda t, i=i: forward(layer, *inputs[:i], t, *inputs[i + 1 :])[0], x, dx
        )
    for key in [k for k in layer.params if k not in layer.statistics]:
        errors[f"d{key}"] = error(
            lambda t, key=key: forward(layer.with_params(**{**layer.params, key: t}), *inputs)[0],
            layer.params[key],
            dparams.get(key),
        )
    return errors


def directional_error(f: Any, x: Array, dx: Array, dout: Array, directions: Any, rng: np.random.Generator,
                      step: float = 1e-6) -> Any:
    """The relative error of dx, as the gradient of sum(f(x) * dout), along a number of random directions."""
    got, expected = [], []
    for _ in range(directions):
        places = np.arange(x.size) if x.size <= DENSE else np.unique(rng.integers(x.size, size=DENSE))
        d = normal(rng, x, len(places))
        ends = []
        for t in (step, -step):
            moved = x.copy()
            moved.reshape(-1)[places] += t * d
            ends.append(f(moved))
        expected.append(float(((ends[0] - ends[1]) * dout).sum()) / (2 * step))
        got.append(float((dx.reshape(-1)[places] * d).sum()))
    return relative_error(np.array(got), np.array(expected))


def relative_error(got: Any, expected: Any) -> Any:
    """The largest difference as a fraction of the largest expected value; infinite where the shapes differ."""
    if got is None or got.shape != expected.shape:
        return float("inf")
    difference, largest = float(abs(got - expected).max()), float(abs(expected).max())
    return difference / largest if largest else difference


def smooth_inputs(layer: Any, shapes: Any, rng: np.random.Generator, like: Any = None) -> Any:
    """Random inputs for one layer, with the channels of ``shapes`` but few positions, where it has a derivative."""
    window = layer.window(shapes[0])
    if window is None or 0 in window[1]:
        height, width = 3, 4
    else:
        cut = [-sum(min(0, p) for p in pads) for pads in Window(*window).padding]
        height, width = (k + 2 * s + c for k, s, c in zip(*window[:2], cut))
    drawn = []
    for shape in shapes:
        small = (2, height, width + 1, shape[-1]) if len(shape) == 4 else (3, *shape[1:])
        a = layer.smooth_input(small, rng)
        drawn.append(a if like is None else get_xp(like).asarray(a))
    return drawn


def normal(rng: np.random.Generator, like: Any, shape: Any = None) -> Any:
    """Normal random numbers in the shape of ``like``, or in ``shape``, in the array library of ``like``."""
    return get_xp(like).asarray(rng.standard_normal(like.shape if shape is None else shape))
