"""Batch normalisation, forward and backward."""

import math
from collections.abc import Iterator

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case
from minivis.types import Array


def batch_norm_forward(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """The normalised batch out (N, D)."""
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mean) / np.sqrt(var + eps)
    return gamma * xhat + beta


def batch_norm_backward(dout: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array]:
    """The gradients dx (N, D), dgamma (D,) and dbeta (D,), for dout (N, D)."""
    N = len(x)
    std = np.sqrt(x.var(axis=0) + eps)
    xhat = (x - x.mean(axis=0)) / std
    dgamma = (dout * xhat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx = gamma / std * (dout - dbeta / N - xhat * dgamma / N)
    return dx, dgamma, dbeta


def statistics(column: Array) -> tuple[float, float]:
    mean = sum(column) / len(column)
    return mean, sum((v - mean) ** 2 for v in column) / len(column)


def forward_by_loops(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    out = np.zeros_like(x)
    for d in range(x.shape[1]):
        mean, var = statistics(x[:, d])
        for n in range(len(x)):
            out[n, d] = gamma[d] * (x[n, d] - mean) / math.sqrt(var + eps) + beta[d]
    return out


def backward_by_loops(dout: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, Array, Array]:
    """By the whole Jacobian: how output m depends on input n, in one column."""
    (N, D), dx = x.shape, np.zeros_like(x)
    dgamma, dbeta = np.zeros_like(gamma), np.zeros_like(gamma)
    for d in range(D):
        mean, var = statistics(x[:, d])
        std = math.sqrt(var + eps)
        for m in range(N):
            dgamma[d] += dout[m, d] * (x[m, d] - mean) / std
            dbeta[d] += dout[m, d]
            for n in range(N):
                of_mean, of_var = 1 / N, 2 * (x[n, d] - mean) / N
                slope = ((m == n) - of_mean) / std - (x[m, d] - mean) * of_var / (2 * std**3)
                dx[n, d] += dout[m, d] * gamma[d] * slope
    return dx, dgamma, dbeta


def loss(dout: Array, x: Array, gamma: Array, eps: float) -> float:
    return (forward_by_loops(x, gamma, np.zeros_like(gamma), eps) * dout).sum()


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for N, D, eps in ((5, 3, 1e-5), (4, 6, 0.1), (6, 6, 0.5)):
        x, dout = 3 + 2 * rng.standard_normal((N, D)), rng.standard_normal((N, D))
        gamma, beta = rng.uniform(0.5, 2, D), rng.standard_normal(D)
        label = f"{N} x {D}, eps {eps:g}"
        yield case("batch_norm_forward", label, x=x, gamma=gamma, beta=beta, eps=eps)
        yield case("batch_norm_backward", label, dout=dout, x=x, gamma=gamma, eps=eps)
    x, dout, gamma, beta = (a.astype("f4") for a in (x, dout, gamma, beta))
    yield case("batch_norm_forward", "float32", x=x, gamma=gamma, beta=beta, eps=0.1)
    yield case("batch_norm_backward", "float32", dout=dout, x=x, gamma=gamma, eps=0.1)


EXERCISE = Exercise(
    name="batch_norm",
    title="Batch normalisation",
    lecture="lecture 5; Ioffe & Szegedy 2015, section 3",
    text="""
Each column of the batch gets the mean 0 and the variance 1, then a learned scale and shift. Backwards, remember that
the mean and the variance depend on every picture of the batch: a number moves its own output directly, and all outputs
of its column through these two.
""",
    formula="""
mean = (1/N) sum over n of x[n]             var = (1/N) sum over n of (x[n] - mean)^2
xhat = (x - mean) / sqrt(var + eps)         out = gamma * xhat + beta

dbeta  = sum over n of dout[n]
dgamma = sum over n of dout[n] * xhat[n]
dx     = the chain rule through xhat, var and mean; it becomes one line with three terms
""",
    shapes="x, out, dout, dx, xhat (N, D); gamma, beta, dgamma, dbeta, mean, var (D,). N: pictures, D: numbers of "
           "each.",
    functions=(batch_norm_forward, batch_norm_backward),
    loops={"batch_norm_forward": forward_by_loops, "batch_norm_backward": backward_by_loops},
    outputs={"batch_norm_backward": ("dx", "dgamma", "dbeta")},
    losses={"batch_norm_backward": (loss, {"dx": "x", "dgamma": "gamma"})},
    cases=cases,
    hints=(
        "Each column is on its own: all means and sums run along axis 0.",
        "Go step by step: dxhat = gamma * dout; then dvar and dmean, each a sum over n; then dx collects three terms.",
        "The sums that appear on the way are dbeta and dgamma again, each divided by N.",
    ),
    mistakes=(
        Mistake("batch_norm_forward", "x.var(axis=0)", "x.var(axis=0, ddof=1)",
                "The variance is divided by N - 1; batch norm divides it by N."),
        Mistake("batch_norm_forward", "np.sqrt(var + eps)", "(np.sqrt(var) + eps)",
                "eps is added outside of the square root."),
        Mistake("batch_norm_forward", "np.sqrt(var + eps)", "(var + eps)", "The square root is missing."),
        Mistake("batch_norm_forward", "gamma * xhat + beta", "gamma * (xhat + beta)",
                "The shift is scaled too: beta comes after gamma."),
        Mistake("batch_norm_forward", "gamma * xhat + beta", "xhat", "The scale and the shift are missing."),
        Mistake("batch_norm_forward", "x.mean(axis=0)", "x.mean()", "One mean is taken for all columns."),
        Mistake("batch_norm_backward", " - dbeta / N - xhat * dgamma / N", "",
                "dx: mean and variance are treated as constants; they depend on x."),
        Mistake("batch_norm_backward", " - xhat * dgamma / N", "",
                "dx: the variance is treated as a constant; it depends on x."),
        Mistake("batch_norm_backward", " - dbeta / N", "", "dx: the mean is treated as a constant; it depends on x."),
        Mistake("batch_norm_backward", "gamma / std *", "1 / std *", "dx: gamma is missing."),
        Mistake("batch_norm_backward", "gamma / std *", "gamma *",
                "dx: the division by the standard deviation is missing."),
        Mistake("batch_norm_backward", "dgamma = (dout * xhat).sum(axis=0)", "dgamma = (dout * x).sum(axis=0)",
                "dgamma: x was taken as it came in; what gamma multiplies is something else."),
        Mistake("batch_norm_backward", "return dx, dgamma, dbeta", "return dx, dgamma / N, dbeta",
                "dgamma: the batch is averaged; what multiplies every picture collects a sum."),
        Mistake("batch_norm_backward", "dbeta = dout.sum(axis=0)", "dbeta = dout.mean(axis=0) * 1.0",
                "dbeta: the batch is averaged; what is added to every picture collects a sum."),
    ),
)
