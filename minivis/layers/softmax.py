"""Softmax and cross-entropy.

    p[i] = exp(x[i]) / sum over j of exp(x[j])          d loss / dx = p * (dout - sum over j of dout[j] * p[j])
    cross-entropy of the true class y:  -log p[y]       d loss / dx = p - [i = y]
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode, Layer, LayerGradients
from minivis.runtime.backend import get_xp
from minivis.types import Array


def softmax_forward(x: Array) -> Array:
    """Probabilities along the last axis. The largest logit is subtracted first, so that exp never overflows."""
    xp = get_xp(x)
    e = xp.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dout: Array, out: Array) -> Array:
    """dx for ``dout``, from the probabilities ``out`` of the forward."""
    return out * (dout - (dout * out).sum(axis=-1, keepdims=True))


def cross_entropy(logits: Array, labels: Array, *, smoothing: float = 0.0) -> tuple[float, Array]:
    """Mean over the batch of -sum over i of target[i] * log p[i]; return it as a float, and dlogits (N, F).

    labels (N,) class numbers. The target is 1 on the label, or 1 - smoothing with the rest shared equally over all
    classes (Szegedy et al. 2016, section 7).
    """
    xp = get_xp(logits)
    N, F = logits.shape
    if labels.shape != (N,) or not 0 <= int(labels.min()) <= int(labels.max()) < F:
        raise BadValue(f"cross_entropy: {N} labels from 0 to {F - 1} expected, got {labels}")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
    target = xp.full_like(logits, smoothing / F)
    target[np.arange(N), labels] += 1 - smoothing
    return -float((target * log_p).sum()) / N, (xp.exp(log_p) - target) / N


class Softmax(Layer):
    """Probabilities along the last axis."""

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        out = softmax_forward(x)
        return out, out if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (softmax_backward(dout, cache),), {}


class LogSoftmax(Layer):
    """The logarithm of the probabilities: x - log(sum of exp(x)), along the last axis."""

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        xp = get_xp(x)
        shifted = x - x.max(axis=-1, keepdims=True)
        out = shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
        return out, out if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout - get_xp(cache).exp(cache) * dout.sum(axis=-1, keepdims=True),), {}
