"""Normalisation: batch norm (and how it is folded into the convolution before it), local response norm, and dropout.

    batch norm   out = gamma * (x - mean) / sqrt(var + eps) + beta        Ioffe & Szegedy 2015, algorithms 1 and 2
    LRN          out = x / (k + alpha/size * sum of x^2 over size channels)^beta      Krizhevsky et al. 2012, 3.3
    dropout      out = x * mask / (1 - rate)                              Srivastava et al. 2014, "inverted"
"""

from typing import Any

import numpy as np

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, check_input
from minivis.runtime.backend import get_xp
from minivis.runtime.reductions import row_blocks, sum_positions, sum_products, sum_rows, wide
from minivis.runtime.settings import ARRAY, number, takes, whole
from minivis.types import Array, Shape


def batch_norm_forward(x: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float) -> tuple[Array, Array]:
    """x (..., C), the rest (C,) -> out, and x_hat = (x - mean) / sqrt(var + eps)."""
    xp = get_xp(x)
    rows, mean, inverse_std, gamma, beta = wide(x, mean, _inverse_std(var, eps), gamma, beta)
    out, x_hat = xp.empty_like(rows), xp.empty_like(rows)
    for some in row_blocks(rows):
        xp.subtract(rows[some], mean, out=x_hat[some])
        x_hat[some] *= inverse_std
        xp.multiply(x_hat[some], gamma, out=out[some])
        out[some] += beta
    return out.reshape(x.shape), x_hat.reshape(x.shape)


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel, (C,) both."""
    count, C = x.size // x.shape[-1], x.shape[-1]
    mean = sum_positions(x) / count
    rows, means = wide(x, mean)
    return mean, sum(sum_rows((rows[some] - means) ** 2, C) for some in row_blocks(rows)) / count


def batch_norm_backward(dout: Array, x_hat: Array, gamma: Array, var: Array, eps: float, *,
                        batch_statistics: bool) -> tuple[Array, Array, Array]:
    """dx, dgamma, dbeta. With ``batch_statistics``, mean and var are x's own and depend on every x in the batch:

        dx = gamma / sqrt(var + eps) * (dout - mean(dout) - x_hat * mean(dout * x_hat))
    """
    dgamma, dbeta = sum_products(dout, x_hat), sum_positions(dout)
    scale = gamma * _inverse_std(var, eps)
    if not batch_statistics:
        return dout * scale, dgamma, dbeta
    count = dout.size // dout.shape[-1]
    rows, scale = wide(dout, scale)
    x_hat, mean_of_product, mean = wide(x_hat, dgamma / count, dbeta / count)
    xp, dx = get_xp(dout), get_xp(dout).empty_like(rows)
    for some in row_blocks(rows):                                               # the formula, from the right
        xp.multiply(x_hat[some], mean_of_product, out=dx[some])
        dx[some] += mean
        xp.subtract(rows[some], dx[some], out=dx[some])
        dx[some] *= scale
    return dx.reshape(dout.shape), dgamma, dbeta


def fold_batch_norm(conv: Layer, norm: "BatchNorm") -> Layer:
    """One layer that computes what ``conv`` (Conv2D or FullyConnected) followed by ``norm`` computes at inference.

    gamma * (w*x + b - mean) / std + beta  =  (w * s) * x  +  (b - mean) * s + beta,   s = gamma / sqrt(var + eps)
    """
    p = norm.params
    scale = p["gamma"] * _inverse_std(p["var"], norm.eps)
    b = conv.params.get("b", 0)
    return conv.with_params(w=conv.params["w"] * scale, b=(b - p["mean"]) * scale + p["beta"])


def _inverse_std(var: Array, eps: float) -> Array:
    return 1 / get_xp(var).sqrt(var + eps)


class BatchNorm(Layer):
    """Batch norm over the last axis. In training it uses the batch's own mean and (biased) variance.

    The cache then carries both, and only the trainer updates the running ``mean`` and ``var``: a pass changes nothing.
    """

    relevance = "passes"
    settings = ("eps",)
    statistics = ("mean", "var")
    differs_in_training = elementwise = True

    @takes(gamma=ARRAY, beta=ARRAY, mean=ARRAY, var=ARRAY, eps=number(0))
    def __init__(self, gamma: Array, beta: Array, mean: Array, var: Array, eps: float = 1e-5) -> None:
        shapes = {name: a.shape for name, a in {"gamma": gamma, "beta": beta, "mean": mean, "var": var}.items()}
        if gamma.ndim != 1 or len(set(shapes.values())) > 1:
            raise BadValue(f"BatchNorm: gamma, beta, mean and var must have the same shape (C,), got {shapes}")
        if (var < 0).any():
            raise BadValue("BatchNorm: var must not be negative")
        super().__init__(gamma=gamma, beta=beta, mean=mean, var=var)
        self.eps = float(eps)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        gamma, beta, mean, var = rng.standard_normal((4, 4))
        return [(cls(gamma, beta, mean, var**2 + 0.5), [shape]) for shape in ((2, 5, 6, 4), (7, 4))]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_input(self, x.shape, x.ndim, self.params["gamma"].size)
        p = self.params
        mean, var = p["mean"], p["var"]
        if mode.training:
            mean, var = batch_statistics(x)
        out, x_hat = batch_norm_forward(x, p["gamma"], p["beta"], mean, var, self.eps)
        needs_x = mode.grad == "params" or (mode.grad and mode.training)
        return out, (x_hat if needs_x else None, mean, var, mode.training) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        x_hat, _, var, training = cache
        gamma = self.params["gamma"]
        if x_hat is None:
            return (dout * (gamma * _inverse_std(var, self.eps)),), {}
        dx, dgamma, dbeta = batch_norm_backward(dout, x_hat, gamma, var, self.eps, batch_statistics=training)
        return (dx,), {"gamma": dgamma, "beta": dbeta} if mode.param_grads else {}

    def output_shape(self, shape: Shape) -> Shape:
        check_input(self, shape, len(shape), self.params["gamma"].size)
        return shape


def lrn_forward(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """x (..., C) -> out and the base s = k + alpha/size * (sum of squares of the neighbours)."""
    s = k + (alpha / size) * _neighbour_sum(x * x, size)
    return x * s**-beta, s


def lrn_backward(dout: Array, x: Array, s: Array, size: int, alpha: float, beta: float) -> Array:
    """dx: through x itself, and through its share in the s of each channel that has it as a neighbour."""
    shared = _neighbour_sum(dout * x * s ** (-beta - 1), size, transposed=True)
    return dout * s**-beta - (2 * alpha * beta / size) * x * shared


def _neighbour_sum(a: Array, size: Any, *, transposed: bool = False) -> Array:
    """Sum over channels c - size//2 ... c + (size-1)//2, those that exist; ``transposed`` mirrors the offsets."""
    out = get_xp(a).zeros_like(a)
    C = a.shape[-1]
    for offset in range(max(-(size // 2), 1 - C), min((size - 1) // 2, C - 1) + 1):
        o = -offset if transposed else offset
        out[..., max(0, -o) : C - max(0, o)] += a[..., max(0, o) : C - max(0, -o)]
    return out


class LRN(Layer):
    """Local response normalisation across channels (AlexNet, GoogLeNet); as in Caffe, alpha is divided by ``size``."""

    relevance = "passes"
    settings = ("size", "alpha", "beta", "k")

    @takes(size=whole(1), alpha=number(0), beta=number(), k=number(above=0))
    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, float(alpha), float(beta), float(k)

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        out, s = lrn_forward(x, self.size, self.alpha, self.beta, self.k)
        return out, (x, s) if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        x, s = cache
        return (lrn_backward(dout, x, s, self.size, self.alpha, self.beta),), {}


class Dropout(Layer):
    """In training, zero each input with probability ``rate`` (drawn from the mode's rng) and scale up the rest."""

    relevance = "passes"
    settings = ("rate",)
    differs_in_training = elementwise = True

    @takes(rate=number())
    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise BadValue(f"Dropout: rate must be in [0, 1), got {rate}")
        super().__init__()
        self.rate = float(rate)

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        if not mode.training or self.rate == 0:
            return x, None
        if mode.rng is None:
            raise BadValue("a training pass through Dropout needs rng=numpy.random.default_rng(seed)")
        keep = get_xp(x).asarray(mode.rng.random(x.shape, dtype="float32") >= self.rate)
        mask = keep.astype(x.dtype) / (1 - self.rate)
        return x * mask, mask if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (dout if cache is None else dout * cache,), {}
