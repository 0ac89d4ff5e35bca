"""Freeze three steps of DeepDream at two octaves, for the test of dream. Plain loops, and nothing of minivis.

    python tests/golden/make_dream.py                   needs numpy and scipy

The algorithm of 2015: a picture is dreamt at the smaller octave, its detail enlarged (scipy.ndimage.zoom, order 1) and
added to the larger octave. A step shifts the picture around its border by up to `jitter` pixels, sets the gradient at
the last layer to its activations, moves the picture by `step` / mean|g|, shifts it back, and clips it. dream.npz holds
the net (a convolution, ReLU, a 2 x 2 max pool, a convolution, ReLU), the picture, the shifts, and it after each step.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

HERE = Path(__file__).parent
MEAN, STEP, JITTER, SCALE, STEPS = 117.0, 1.5, 5, 1.4, 3


def convolve(x, w, b):
    """x (H, W, C), w (3, 3, C, F), b (F,): with a border of zeros."""
    H, W, C = x.shape
    out = np.zeros((H, W, w.shape[3]))
    for i in range(H):
        for j in range(W):
            for f in range(w.shape[3]):
                total = b[f]
                for u in range(3):
                    for v in range(3):
                        if 0 <= i + u - 1 < H and 0 <= j + v - 1 < W:
                            for c in range(C):
                                total += x[i + u - 1, j + v - 1, c] * w[u, v, c, f]
                out[i, j, f] = total
    return out


def convolve_backward(dout, w, shape):
    dx = np.zeros(shape)
    for i, j, f in np.ndindex(dout.shape):
        for u in range(3):
            for v in range(3):
                if 0 <= i + u - 1 < shape[0] and 0 <= j + v - 1 < shape[1]:
                    for c in range(shape[2]):
                        dx[i + u - 1, j + v - 1, c] += dout[i, j, f] * w[u, v, c, f]
    return dx


def gradient(x, w1, b1, w2, b2):
    """|a|^2 / 2 of the last layer's activations a, and its gradient at x."""
    first = convolve(x, w1, b1)
    relu = np.maximum(first, 0)
    H, W, C = relu.shape
    pooled, where = np.zeros((H // 2, W // 2, C)), {}
    for i, j, c in np.ndindex(pooled.shape):
        window = [(relu[2 * i + u, 2 * j + v, c], -u, -v) for u in (0, 1) for v in (0, 1)]
        value, u, v = max(window)                               # of equals the first in reading order
        pooled[i, j, c], where[i, j, c] = value, (2 * i - u, 2 * j - v, c)
    second = convolve(pooled, w2, b2)
    a = np.maximum(second, 0)
    dpooled = convolve_backward(a * (second > 0), w2, pooled.shape)
    drelu = np.zeros(relu.shape)
    for place, source in where.items():
        drelu[source] += dpooled[place]
    return (a * a).sum() / 2, convolve_backward(drelu * (first > 0), w1, x.shape)


def main():
    rng = np.random.default_rng(2015)
    weights = [rng.standard_normal((3, 3, 3, 4)) * 0.02, rng.standard_normal(4) * 0.1,
               rng.standard_normal((3, 3, 4, 5)) * 0.3, rng.standard_normal(5) * 0.1]
    picture = rng.integers(0, 256, (14, 17, 3)).astype(np.uint8)
    x = picture - MEAN
    octaves = [x, ndimage.zoom(x, (1 / SCALE, 1 / SCALE, 1), order=1)]
    draws = np.random.default_rng(0)                            # the shifts: down and right, a pair a step
    detail, shifts, losses, made = np.zeros_like(octaves[-1]), [], [], {}
    for number, base in enumerate(octaves[::-1]):
        if number > 0:
            factors = [n / m for n, m in zip(base.shape, detail.shape)]
            detail = ndimage.zoom(detail, factors, order=1)
        x = base + detail
        for step in range(STEPS):
            down, right = draws.integers(-JITTER, JITTER + 1, 2)
            x = np.roll(np.roll(x, down, 0), right, 1)
            loss, g = gradient(x, *weights)
            x = x + STEP / abs(g).mean() * g
            x = np.clip(x, -MEAN, 255 - MEAN)
            x = np.roll(np.roll(x, -down, 0), -right, 1)
            shifts.append((down, right))
            losses.append(loss)
            made[f"octave{number} step{step}"] = x + MEAN
        detail = x - base
    np.savez_compressed(HERE / "dream.npz", picture=picture, shifts=shifts, losses=losses, w1=weights[0], b1=weights[1],
                        w2=weights[2], b2=weights[3], mean=MEAN, **made)


if __name__ == "__main__":
    main()
