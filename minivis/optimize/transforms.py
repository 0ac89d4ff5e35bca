"""Random moves of a picture between steps, so that the result does not depend on single pixels.

A transform is drawn again in every step: ``transform(rng, shape)`` is a `Linear` map with its exact adjoint, which
carries the gradient back: <forward(x), y> = <x, adjoint(y)>. They act on the net's input, where 0 is the mean colour,
which fills places from beyond the border.

    jitter(n)               shift by up to n pixels, around the border
    blur(low, high)         Gaussian, sigma between the two
    warp(scale, rotate, shift)      about the centre, with bilinear interpolation
    pad(n), crop(h, w)      a border of n pixels, or a part: the picture grows, or shrinks
    noise(amount)           add noise; this is not linear, but its derivative is the identity
    resize(h, w)            to h x w pixels, with bilinear interpolation; the same in each step
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.backend import get_xp
from minivis.runtime.settings import FARTHEST, number, whole
from minivis.types import Array, Shape

BORDER = 2                                      # pixels of zeros around a picture whose moved one is read from it


class Linear(NamedTuple):
    """A linear map of pictures (N, H, W, C), and its transpose. ``shape``: the shape of the result."""

    forward: Callable
    adjoint: Callable
    shape: tuple


@dataclass(frozen=True)
class Transform:
    """``draw(rng, shape)`` -> `Linear`. One that is not ``random`` also stands where an image is only looked at."""

    name: str
    draw: Callable
    random: bool = True

    def __call__(self, rng: np.random.Generator | None, shape: Shape) -> Linear:
        return self.draw(rng, shape)

    def __str__(self) -> str:
        return self.name


def compose(transforms: Any, rng: np.random.Generator | None, shape: Shape) -> Linear:
    """One `Linear` of several transforms, drawn and applied in their order."""
    drawn = []
    for transform in transforms:
        drawn.append(transform(rng, shape))
        shape = drawn[-1].shape

    def forward(x: Array) -> Array:
        for step in drawn:
            x = step.forward(x)
        return x

    def adjoint(dx: Array) -> Array:
        for step in reversed(drawn):
            dx = step.adjoint(dx)
        return dx

    return Linear(forward, adjoint, shape)


def jitter(pixels: Any) -> Transform:
    """Shift each image by up to ``pixels`` up, down, left and right, around the border."""
    pixels = whole(0, FARTHEST).check("jitter", pixels)

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        shifts = rng.integers(-pixels, pixels + 1, size=(shape[0], 2))

        def roll(x: Array, sign: Any) -> Array:
            xp = get_xp(x)
            return xp.stack([xp.roll(image, (sign * int(i), sign * int(j)), (0, 1))
                             for image, (i, j) in zip(x, shifts)])

        return Linear(lambda x: roll(x, 1), lambda dx: roll(dx, -1), shape)

    return Transform(f"jitter {pixels}", draw)


def blur(low: Any, high: Any = None) -> Transform:
    """Blur by a Gaussian whose sigma, in pixels, is drawn between ``low`` and ``high``; the border is a mirror."""
    low, high = (low, low) if high is None else (low, high)
    for sigma in (low, high):
        number(0).check("blur", sigma)
    if not low <= high:
        raise BadValue(f"blur needs sigmas of at least 0, the smaller first, not {low} and {high}")

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        sigma = float(rng.uniform(low, high))
        return Linear(lambda x: gaussian_blur(x, sigma), lambda dx: gaussian_blur(dx, sigma), shape)

    return Transform(f"blur {low:g}..{high:g}", draw)


def gaussian_blur(x: Array, sigma: Any) -> Array:
    """Blur (N, H, W, C) by a Gaussian of ``sigma`` pixels, cut at 4 sigma. It is mirrored at the border, so it is its
    own adjoint, and keeps flat pictures and the sum."""
    radius = math.ceil(4 * sigma)
    if radius == 0:
        return x
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)]
    for axis in (1, 2):
        padded = get_xp(x).pad(x, [(radius, radius) if a == axis else (0, 0) for a in range(4)], mode="symmetric")
        length = x.shape[axis]
        x = sum(padded[(slice(None),) * axis + (slice(k, k + length),)] * (weight / sum(weights))
                for k, weight in enumerate(weights))
    return x


def warp(scale: Any = (1.0, 1.0), rotate: float = 0.0, shift: float = 0.0) -> Transform:
    """Scale by a factor between those of ``scale``, turn by up to ``rotate`` degrees, shift by up to ``shift`` pixels.

    Each image moves independently, with bilinear interpolation.
    """
    low, high = (scale, scale) if np.ndim(scale) == 0 else scale
    for name, value in (("scale", low), ("scale", high), ("rotate", rotate), ("shift", shift)):
        number().check(name, value)
    for name, value in (("rotate", rotate), ("shift", shift)):
        number(0).check(name, value)
    if not 0 < low <= high:
        raise BadValue(f"scale needs factors above 0, the smaller first, not {low} and {high}")

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        N, H, W, _ = shape
        factors = np.exp(rng.uniform(math.log(low), math.log(high), N))
        angles = np.radians(rng.uniform(-rotate, rotate, N))
        shifts = rng.uniform(-shift, shift, (N, 2))
        return bilinear(shape, *source_points(H, W, factors, angles, shifts))

    return Transform(f"warp {low:g}..{high:g}, {rotate:g} degrees, {shift:g} px", draw)


def source_points(H: Any, W: Any, factors: Any, angles: Any, shifts: Any) -> tuple[Any, Any]:
    """The rows and columns (N, H, W) from which each pixel of the moved picture is read."""
    y = np.arange(H) - (H - 1) / 2 - shifts[:, :1]
    x = np.arange(W) - (W - 1) / 2 - shifts[:, 1:]
    cos, sin = (np.cos(angles) / factors)[:, None], (np.sin(angles) / factors)[:, None]
    rows = (cos * y)[:, :, None] - (sin * x)[:, None, :] + (H - 1) / 2
    return rows, (sin * y)[:, :, None] + (cos * x)[:, None, :] + (W - 1) / 2


def bilinear(shape: Shape, rows: Any, columns: Any) -> Linear:
    """The `Linear` map that reads (N, H, W, C) pictures at ``rows`` and ``columns`` (N, OH, OW); beyond is 0.

    It reads in pictures with a border of two zeros, in which whatever lies farther out is at the border, too.
    """
    N, H, W, C = shape
    tall, wide = H + 2 * BORDER, W + 2 * BORDER
    top, left = np.floor(rows), np.floor(columns)
    down, right = rows - top, columns - left
    up, back = 1 - down, 1 - right
    top, left = (low.clip(-BORDER, most).astype(np.int64) + BORDER for low, most in ((top, H), (left, W)))
    first = ((np.arange(N) * tall)[:, None, None] + top) * wide + left
    corners = [(first + at, weight) for at, weight in (             # the pixel of the batch, its weight: four per pixel
        (0, up * back), (1, up * right), (wide, down * back), (wide + 1, down * right))]
    inside = np.s_[:, BORDER : BORDER + H, BORDER : BORDER + W]

    def forward(x: Array) -> Array:
        xp = get_xp(x)
        padded = xp.zeros((N, tall, wide, C), x.dtype)
        padded[inside] = x
        flat = padded.reshape(-1, C)
        return sum(flat.take(xp.asarray(at), axis=0) * xp.asarray(weight, dtype=x.dtype)[..., None]
                   for at, weight in corners)

    def adjoint(dout: Array) -> Array:
        xp = get_xp(dout)
        flat = dout.reshape(-1, C)
        dx = xp.zeros((N * tall * wide, C), dout.dtype)
        for at, weight in corners:
            at, weight = xp.asarray(at).ravel(), xp.asarray(weight, dtype=dout.dtype).ravel()
            for c in range(C):
                dx[:, c] += xp.bincount(at, flat[:, c] * weight, minlength=len(dx)).astype(dout.dtype)
        return xp.ascontiguousarray(dx.reshape(N, tall, wide, C)[inside])

    return Linear(forward, adjoint, (N, *rows.shape[1:], C))


def pad(pixels: Any) -> Transform:
    """A border of ``pixels`` of the net's mean colour."""
    pixels = whole(0, FARTHEST).check("pad", pixels)

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        N, H, W, C = shape
        inner = (slice(None), slice(pixels, pixels + H), slice(pixels, pixels + W))

        def forward(x: Array) -> Array:
            return get_xp(x).pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])

        return Linear(forward, lambda dx: dx[inner], (N, H + 2 * pixels, W + 2 * pixels, C))

    return Transform(f"pad {pixels}", draw)


def crop(height: int, width: int) -> Transform:
    """A part of ``height`` x ``width`` at a random place, another in each step."""
    height, width = whole(1).check("height", height), whole(1).check("width", width)

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        N, H, W, C = shape
        if height > H or width > W:
            raise BadValue(f"a crop of {height} x {width} does not fit into {H} x {W} pixels")
        top, left = int(rng.integers(H - height + 1)), int(rng.integers(W - width + 1))
        inner = (slice(None), slice(top, top + height), slice(left, left + width))

        def adjoint(dx: Array) -> Array:
            out = get_xp(dx).zeros(shape, dx.dtype)
            out[inner] = dx
            return out

        return Linear(lambda x: x[inner], adjoint, (N, height, width, C))

    return Transform(f"crop {height} x {width}", draw)


def noise(amount: Any) -> Transform:
    """Add N(0, amount^2), in the net's units: a number, or one for each channel.

    The mean of the loss over a ball is then minimised, which has no local minima smaller than the ball.
    """
    for value in np.ravel(np.asarray(amount, object)):
        number(0).check("an amount of noise", value)
    amount = np.asarray(amount, np.float64)

    def draw(rng: np.random.Generator, shape: Shape) -> Linear:
        drawn = amount * rng.standard_normal(shape)
        return Linear(lambda x: x + get_xp(x).asarray(drawn, dtype=x.dtype), lambda dx: dx, shape)

    return Transform(f"noise({amount.tolist()})", draw)


def resize(height: int, width: int) -> Transform:
    """Show the image at ``height`` x ``width`` pixels, as Pillow's BILINEAR does: enlarged by linear interpolation
    between the centres of its own pixels, or shrunk to weighted means of them."""
    height, width = whole(1).check("height", height), whole(1).check("width", width)

    def draw(rng: np.random.Generator | None, shape: Shape) -> Linear:
        N, H, W, C = shape
        rows, columns = weights_of(H, height), weights_of(W, width)

        def between(x: Array, rows: Array, columns: Array) -> Array:
            xp = get_xp(x)
            rows, columns = (xp.asarray(weights, dtype=x.dtype) for weights in (rows, columns))
            planes = rows @ xp.ascontiguousarray(xp.moveaxis(x, 3, 1)) @ columns.T
            return xp.ascontiguousarray(xp.moveaxis(planes, 1, 3))

        return Linear(lambda x: between(x, rows, columns), lambda dx: between(dx, rows.T, columns.T),
                      (N, height, width, C))

    return Transform(f"resize {height} x {width}", draw, random=False)


def weights_of(before: int, after: int) -> Array:
    """(after, before): how much of each of ``before`` pixels in a row lies in each of ``after``. Rows sum to 1.

    The weights fall linearly over one pixel of the coarser of both rows.
    """
    places = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    weights = np.maximum(0, 1 - abs(places[:, None] - np.arange(before)) / max(1, before / after))
    return weights / weights.sum(axis=1, keepdims=True)
