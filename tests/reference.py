"""What every layer means, in plain loops over plain numbers: slow, and the definition of correct.

Nothing here imports minivis. A linear operation is a list of terms, ``out[o] += x[i] * w[k]``, from which forward and
both gradients follow by reading the same list three ways.
"""

import math
from itertools import product

import numpy as np


def conv_terms(x_shape, w_shape, stride, pads, dilation, groups):
    """Every product in a convolution, as indices (out, x, w). What lies in the padding is zero and left out."""
    N, H, W, C = x_shape
    KH, KW, per_group, F = w_shape
    (top, bottom), (left, right) = pads
    OH = len(window_starts(H, (KH - 1) * dilation[0] + 1, stride[0], top, bottom))
    OW = len(window_starts(W, (KW - 1) * dilation[1] + 1, stride[1], left, right))
    assert per_group * groups == C
    for n, i, j, f in np.ndindex(N, OH, OW, F):
        group = f // (F // groups)
        for u, v, c in np.ndindex(KH, KW, per_group):
            row, column = i * stride[0] + u * dilation[0] - top, j * stride[1] + v * dilation[1] - left
            if 0 <= row < H and 0 <= column < W:
                yield (n, i, j, f), (n, row, column, group * per_group + c), (u, v, c, f)


def conv_output_shape(x_shape, w_shape, stride, pads, dilation):
    reaches = [(k - 1) * d + 1 for k, d in zip(w_shape, dilation)]
    size = [len(window_starts(n, r, s, *p)) for n, r, s, p in zip(x_shape[1:3], reaches, stride, pads)]
    return (x_shape[0], *size, w_shape[3])


def conv(x, w, b, stride, pads, dilation, groups):
    out = np.zeros(conv_output_shape(x.shape, w.shape, stride, pads, dilation)) + (0 if b is None else b)
    for o, i, k in conv_terms(x.shape, w.shape, stride, pads, dilation, groups):
        out[o] += x[i] * w[k]
    return out


def conv_gradients(dout, x, w, stride, pads, dilation, groups):
    """dx, dw, db."""
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[3])
    for o, i, k in conv_terms(x.shape, w.shape, stride, pads, dilation, groups):
        dx[i] += dout[o] * w[k]
        dw[k] += dout[o] * x[i]
    for o in np.ndindex(dout.shape):
        db[o[3]] += dout[o]
    return dx, dw, db


def window_starts(n, size, stride, before, after, ceil=False):
    """Where windows of ``size`` begin, walking from -before in steps: as long as they fit.

    With ``ceil`` one that sticks out at the end counts too, unless it would begin beyond the input, and the last one is
    the first that reaches the end.
    """
    starts, at = [], -before
    while at + size <= n + after:
        starts.append(at)
        at += stride
    if ceil and at < n and at - stride + size < n + after:
        starts.append(at)
    return starts


def pool_windows(x_shape, size, stride, pads, ceil):
    """(i, j, rows, columns) of every window; rows and columns may lie outside."""
    rows = window_starts(x_shape[1], size[0], stride[0], *pads[0], ceil)
    columns = window_starts(x_shape[2], size[1], stride[1], *pads[1], ceil)
    for (i, top), (j, left) in product(enumerate(rows), enumerate(columns)):
        yield i, j, range(top, top + size[0]), range(left, left + size[1])


def pool_shape(x_shape, size, stride, pads, ceil):
    rows, columns = (
        window_starts(n, k, s, *p, ceil) for n, k, s, p in zip(x_shape[1:3], size, stride, pads)
    )
    return x_shape[0], len(rows), len(columns), x_shape[3]


def max_pool(x, dout, size, stride, pads, ceil):
    """out, and dx for dout: all of a gradient goes to the first maximum of its window, row by row."""
    N, H, W, C = x.shape
    out, dx = np.zeros(pool_shape(x.shape, size, stride, pads, ceil)), np.zeros(x.shape)
    for n, c in np.ndindex(N, C):
        for i, j, rows, columns in pool_windows(x.shape, size, stride, pads, ceil):
            best, place = -math.inf, None
            for r, s in product(rows, columns):
                if 0 <= r < H and 0 <= s < W and x[n, r, s, c] > best:
                    best, place = x[n, r, s, c], (n, r, s, c)
            out[n, i, j, c] = best
            dx[place] += dout[n, i, j, c]
    return out, dx


def avg_pool(x, dout, size, stride, pads, ceil, count_padding):
    """out, and dx for dout. The padding counts if ``count_padding``; what is beyond the padding never does."""
    N, H, W, C = x.shape
    (top, bottom), (left, right) = pads
    out, dx = np.zeros(pool_shape(x.shape, size, stride, pads, ceil)), np.zeros(x.shape)
    for n, c in np.ndindex(N, C):
        for i, j, rows, columns in pool_windows(x.shape, size, stride, pads, ceil):
            inside = [(r, s) for r, s in product(rows, columns) if 0 <= r < H and 0 <= s < W]
            padded = [(r, s) for r, s in product(rows, columns) if -top <= r < H + bottom and -left <= s < W + right]
            count = len(padded) if count_padding else len(inside)
            for r, s in inside:
                out[n, i, j, c] += x[n, r, s, c] / count
                dx[n, r, s, c] += dout[n, i, j, c] / count
    return out, dx


def fully_connected(x, w, b, dout):
    """out, dx, dw, db."""
    out, dx, dw, db = np.zeros(dout.shape), np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for n, f in np.ndindex(dout.shape):
        out[n, f] = 0 if b is None else b[f]
        db[f] += dout[n, f]
        for d in range(w.shape[0]):
            out[n, f] += x[n, d] * w[d, f]
            dx[n, d] += dout[n, f] * w[d, f]
            dw[d, f] += dout[n, f] * x[n, d]
    return out, dx, dw, db


def softmax(x, dout):
    """out, and dx for dout by the Jacobian d out[i] / d x[j] = out[i] * ([i = j] - out[j])."""
    out, dx = np.zeros(x.shape), np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        total = sum(math.exp(v) for v in x[at])
        out[at] = [math.exp(v) / total for v in x[at]]
        for i, j in np.ndindex(x.shape[-1], x.shape[-1]):
            dx[at][j] += dout[at][i] * out[at][i] * ((i == j) - out[at][j])
    return out, dx


def lrn(x, dout, size, alpha, beta, k):
    """out and dx. The neighbours of channel c are c - size//2 up to size of them, those that exist."""
    C = x.shape[-1]
    out, dx = np.zeros(x.shape), np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        for c in range(C):
            near = [n for n in range(c - size // 2, c - size // 2 + size) if 0 <= n < C]
            base = k + alpha / size * sum(x[at][n] ** 2 for n in near)
            out[at][c] = x[at][c] / base**beta
            dx[at][c] += dout[at][c] / base**beta
            for n in near:                              # d base / d x[n] = alpha / size * 2 * x[n]
                slope = -beta * base ** (-beta - 1) * alpha / size * 2 * x[at][n]
                dx[at][n] += dout[at][c] * x[at][c] * slope
    return out, dx


def batch_norm(x, gamma, beta, mean, var, eps):
    """out, channel by channel; mean and var None: of x itself (var biased)."""
    out = np.zeros(x.shape)
    for c in range(x.shape[-1]):
        values = [float(v) for v in x[..., c].ravel()]
        m = sum(values) / len(values) if mean is None else mean[c]
        v = sum((value - m) ** 2 for value in values) / len(values) if var is None else var[c]
        normal = [(value - m) / math.sqrt(v + eps) * gamma[c] + beta[c] for value in values]
        out[..., c] = np.reshape(normal, x.shape[:-1])
    return out


def permute(x, order):
    """out[..., k] = x[..., order[k]]."""
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        out[index] = x[(*index[:-1], order[index[-1]])]
    return out


def scale(x, w, b):
    """out[..., c] = w[c] * x[..., c] + b[c]."""
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        out[index] = w[index[-1]] * x[index] + b[index[-1]]
    return out


def padded(x, pads, value):
    """``value`` around each map, pads ((top, bottom), (left, right))."""
    (top, bottom), (left, right) = pads
    N, H, W, C = x.shape
    out = np.full((N, top + H + bottom, left + W + right, C), float(value))
    for n, i, j, c in np.ndindex(x.shape):
        out[n, top + i, left + j, c] = x[n, i, j, c]
    return out


ELEMENTWISE = {
    "Sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "Tanh": math.tanh,
    "SiLU": lambda x: x / (1 + math.exp(-x)),
    "HardSigmoid": lambda x: min(max(x / 6 + 0.5, 0), 1),
    "HardSwish": lambda x: x * min(max(x / 6 + 0.5, 0), 1),
    "LeakyReLU": lambda x: x if x > 0 else 0.01 * x,
    "ThresholdReLU": lambda x: max(x, 0),
    "ELU": lambda x: x if x > 0 else math.exp(x) - 1,
    "GELU": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "Softplus": lambda x: math.log(1 + math.exp(x)),
    "Softsign": lambda x: x / (1 + abs(x)),
    "Mish": lambda x: x * math.tanh(math.log(1 + math.exp(x))),
}


def elementwise(x, kind):
    """A function of each number by itself."""
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        out[index] = ELEMENTWISE[kind](float(x[index]))
    return out


def prelu(x, w):
    """x, and below 0 times its channel's slope."""
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        out[index] = x[index] if x[index] > 0 else w[index[-1]] * x[index]
    return out


def upsample(x, factor):
    """Each position factor[0] x factor[1] times."""
    N, H, W, C = x.shape
    out = np.zeros((N, H * factor[0], W * factor[1], C))
    for n, i, j, c in np.ndindex(out.shape):
        out[n, i, j, c] = x[n, i // factor[0], j // factor[1], c]
    return out


def conv_transpose(x, w, b, stride, pads, dilation, groups, output_padding):
    """Each input position adds its number times the kernel where the kernel falls; w (KH, KW, F/groups, C)."""
    (N, H, W, C), (KH, KW, per_group, _) = x.shape, w.shape
    (top, bottom), (left, right) = pads
    OH = (H - 1) * stride[0] - top - bottom + (KH - 1) * dilation[0] + 1 + output_padding[0]
    OW = (W - 1) * stride[1] - left - right + (KW - 1) * dilation[1] + 1 + output_padding[1]
    out = np.zeros((N, OH, OW, per_group * groups)) + (0 if b is None else b)
    for n, i, j, c in np.ndindex(x.shape):
        group = c // (C // groups)
        for u, v, f in np.ndindex(KH, KW, per_group):
            row, column = i * stride[0] + u * dilation[0] - top, j * stride[1] + v * dilation[1] - left
            if 0 <= row < OH and 0 <= column < OW:
                out[n, row, column, group * per_group + f] += x[n, i, j, c] * w[u, v, f, c]
    return out


def global_max(x):
    """The largest number of each channel, and where its gradient goes: the first place that has it."""
    N, C = x.shape[0], x.shape[3]
    out, places = np.full((N, C), -np.inf), np.zeros((N, C, 2), int)
    for n, i, j, c in np.ndindex(x.shape):
        if x[n, i, j, c] > out[n, c]:
            out[n, c], places[n, c] = x[n, i, j, c], (i, j)
    return out, places


def relevance(terms, x, w, b, R, rule, lowest=None, highest=None, **number):
    """LRP by the sums of its papers, over the products (out, x, w) of a layer, such as `conv_terms`.

    ``number``: epsilon (as added, not a part of anything), gamma or alpha.
    """
    terms, found = list(terms), np.zeros(x.shape)
    outputs = {}
    for o, i, k in terms:
        outputs.setdefault(o, []).append((i, float(x[i]), float(w[k])))
    for o, parts in outputs.items():
        bias = float(b[o[-1]]) if b is not None else 0.0
        products = [xi * wk for _, xi, wk in parts]
        up = sum(c for c in products if c > 0) + max(bias, 0)
        down = sum(c for c in products if c < 0) + min(bias, 0)
        z = up + down
        for (i, _, wk), c in zip(parts, products):
            if rule == "epsilon":
                share = c / (z + number["epsilon"] * (1 if z >= 0 else -1))
            elif rule == "gamma":
                helps = c > 0 if z >= 0 else c < 0
                share = c * (1 + number["gamma"] * helps) / (z + number["gamma"] * (up if z >= 0 else down))
            elif rule == "alpha-beta":
                alpha = number["alpha"] if up and down else 1 if up else 0      # of one sign: they share R as it is
                share = alpha * c / up if c > 0 else (1 - alpha) * c / down if c < 0 else 0
            elif rule == "flat":
                share = 1 / len(parts)
            elif rule == "box":
                ends = [c2 - lowest[i2] * max(w2, 0) - highest[i2] * min(w2, 0)
                        for (i2, _, w2), c2 in zip(parts, products)]
                share = (c - lowest[i] * max(wk, 0) - highest[i] * min(wk, 0)) / sum(ends)
            found[i] += share * R[o]
    return found
