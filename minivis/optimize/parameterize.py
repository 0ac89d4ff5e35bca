"""Parameterizations: how the variables become the net's input, by a chain of stages with exact adjoints.

    z  ->  stage  ->  ...  ->  x = net.preprocess(pixels)           forward(z) -> x, caches
    dz <-  stage  <-  ...  <-  dx                                   backward(dx, caches) -> dz

    pixels(net, shape)      z is the picture itself, levels 0..255 (RGB); its bounds are 0 and 255
    fourier(net, shape)     z is its spectrum, each frequency scaled as in photographs, in colours that photographs mix
                            independently, squashed into 0..255: all scales move at one pace (Olah et al. 2017, Lucid)
    spectrum(net, shape)    the same without colours and squashing: linear, for L-BFGS

``start`` makes a z from a picture by running the stages backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.backend import constant, get_xp
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network

# The correlation of colours in photographs: a square root of the covariance of RGB in ImageNet, as Lucid measured it,
# scaled so that the longest column has length 1. The columns: brightness, blue to yellow, green to magenta.
COLOURS = ((0.56282854, 0.19482528, 0.04329450),
           (0.58447580, 0.00000000, -0.10823626),
           (0.58447580, -0.19482528, 0.06494176))
EDGE = 0.5                          # of a level: a sigmoid reaches 0 and 255 only at infinity


@dataclass(frozen=True)
class Parameterization:
    """``shape``: of the picture, (N, H, W, C). ``bounds``: (low, high) of every element of z, or None."""

    net: Any
    shape: Shape
    stages: tuple[Any, ...] = ()
    bounds: tuple[float, float] | None = None

    def forward(self, z: Array) -> tuple[Array, Any]:
        """z -> (the net's input, caches for backward)."""
        caches = []
        for stage in self.stages:
            z, cache = stage.forward(z)
            caches.append(cache)
        return self.net.preprocess(z), caches

    def backward(self, dx: Array, caches: Any) -> Array:
        """The gradient at the net's input as the gradient at z."""
        dz = self.net.preprocess_adjoint(dx)
        for stage, cache in zip(reversed(self.stages), reversed(caches)):
            dz = stage.backward(dz, cache)
        return dz

    def pixels(self, z: Array) -> Array:
        """The picture of z: levels (N, H, W, C), neither rounded nor clipped."""
        for stage in self.stages:
            z, _ = stage.forward(z)
        return z

    def start(self, pixels: Any) -> Array:
        """The z of a picture, or of one for all images: levels, (H, W, C) or (N, H, W, C)."""
        z = np.array(np.broadcast_to(pixels, self.shape), dtype=self.net.dtype)
        for stage in reversed(self.stages):
            z = stage.inverse(z)
        return self.net.xp.asarray(z)

    def grey(self) -> Array:
        """The z of the net's mean colour, the usual start."""
        return self.start(self.net.deprocess(np.zeros((1, 1, 1, self.shape[3]), self.net.dtype)))


def pixels(net: Network, shape: Shape) -> Parameterization:
    """Optimise the picture itself, in levels 0..255."""
    return Parameterization(net, _checked(net, shape), (), (0.0, 255.0))


def fourier(net: Network, shape: Shape, *, decay: float = 1.0, finest: float = 0.0,
            decorrelate: bool = True) -> Parameterization:
    """Optimise the picture's spectrum, without waves shorter than ``finest`` pixels.

    Start from small noise: z = 0.01 * normal.
    """
    shape = _checked(net, shape)
    colours = (Colours(),) if decorrelate and shape[3] == 3 else ()
    return Parameterization(net, shape, (Spectrum(shape[1], shape[2], decay, finest=finest), *colours, Squash()))


def spectrum(net: Network, shape: Shape, *, decay: float = 1.0) -> Parameterization:
    """Optimise the picture's spectrum, linearly and without bounds, which suits L-BFGS."""
    shape = _checked(net, shape)
    return Parameterization(net, shape, (Spectrum(shape[1], shape[2], decay), Levels()))


def covered(space: Any, mask: Any, under: Any) -> Any:
    """The parameterization ``space``, whose picture shows only through a mask (1, H, W, 1); elsewhere ``under`` stays.

    under: levels (1, H, W, C).
    """
    return replace(space, stages=(*space.stages, Cover(mask, under)))


@lru_cache(maxsize=8)
def frequency_weights(height: int, width: int, decay: Any, gain: Any, finest: Any, xp: Any) -> tuple[Any, Any]:
    """Two arrays (H, W // 2 + 1, 1): the weight of a coefficient, and the same doubled for columns that stand for two.

    Frequencies are in periods per pixel; the constant has the weight of the lowest frequency. Waves shorter than
    ``finest`` pixels have none.
    """
    frequency = xp.hypot(xp.fft.fftfreq(height)[:, None], xp.fft.rfftfreq(width)[None])
    kept = (frequency * finest <= 1)[..., None]
    weights = kept * gain / xp.maximum(frequency, 1 / max(height, width))[..., None] ** decay
    k = xp.arange(width // 2 + 1)
    twice = xp.where((k == 0) | (2 * k == width), 1.0, 2.0)[None, :, None]
    return weights, weights * twice


@dataclass(frozen=True)
class Spectrum:
    """z (N, H, W // 2 + 1, C, 2), real and imaginary parts -> a picture: the inverse transform of z / frequency^decay.

    The transform is orthonormal, so its adjoint is the transform itself. But a real picture has every frequency twice,
    and only half of the spectrum is kept, so these columns count double.
    """

    height: int
    width: int
    decay: float = 1.0
    gain: float = 0.25                  # of the whole: Lucid's
    finest: float = 0.0                 # pixels: shorter waves are left out

    def weights(self, xp: Any) -> Any:
        """`frequency_weights` of this size, and how often each column counts."""
        return frequency_weights(self.height, self.width, self.decay, self.gain, self.finest, xp)

    def forward(self, z: Array) -> tuple[Array, Any]:
        xp = get_xp(z)
        spectrum = (z[..., 0] + 1j * z[..., 1]) * self.weights(xp)[0]
        out = xp.fft.irfft2(spectrum, s=(self.height, self.width), axes=(1, 2), norm="ortho")
        return out.astype(z.dtype), None

    def backward(self, dout: Array, cache: Any) -> Array:
        xp = get_xp(dout)
        dspectrum = xp.fft.rfft2(dout, axes=(1, 2), norm="ortho") * self.weights(xp)[1]
        return xp.stack([dspectrum.real, dspectrum.imag], axis=-1).astype(dout.dtype)

    def inverse(self, out: Array) -> Array:
        xp = get_xp(out)
        weights = self.weights(xp)[0]
        spectrum = xp.fft.rfft2(out, axes=(1, 2), norm="ortho") * (weights > 0) / xp.where(weights > 0, weights, 1)
        return xp.stack([spectrum.real, spectrum.imag], axis=-1).astype(out.dtype)


@dataclass(frozen=True)
class Colours:
    """From independent colours to RGB: out = z @ COLOURS.T, pixel by pixel."""

    def forward(self, z: Array) -> tuple[Array, Any]:
        return z @ constant(COLOURS, z).T, None

    def backward(self, dout: Array, cache: Any) -> Array:
        return dout @ constant(COLOURS, dout)

    def inverse(self, out: Array) -> Array:
        return out @ get_xp(out).linalg.inv(constant(COLOURS, out)).T


@dataclass(frozen=True, eq=False)
class Cover:
    """out = m z + (1 - m) under: a picture behind a mask m, whose gradient is m times as large."""

    mask: Any                           # (1, H, W, 1), 0..1
    under: Any                          # (1, H, W, C), levels

    def forward(self, z: Array) -> tuple[Array, Any]:
        m = get_xp(z).asarray(self.mask, dtype=z.dtype)
        return m * z + (1 - m) * get_xp(z).asarray(self.under, dtype=z.dtype), None

    def backward(self, dout: Array, cache: Any) -> Array:
        return get_xp(dout).asarray(self.mask, dtype=dout.dtype) * dout

    def inverse(self, out: Array) -> Array:
        return out


@dataclass(frozen=True)
class Levels:
    """out = 127.5 + 127.5 z: numbers of about 1 become levels, without limits."""

    def forward(self, z: Array) -> tuple[Array, Any]:
        return 127.5 + 127.5 * z, None

    def backward(self, dout: Array, cache: Any) -> Array:
        return 127.5 * dout

    def inverse(self, out: Array) -> Array:
        return (out - 127.5) / 127.5


@dataclass(frozen=True)
class Squash:
    """out = 255 / (1 + exp(-z)): every z gives a valid colour."""

    def forward(self, z: Array) -> tuple[Array, Any]:
        xp = get_xp(z)
        share = 0.5 * (1 + xp.tanh(0.5 * z))            # the sigmoid, without overflow
        return 255 * share, share

    def backward(self, dout: Array, share: Any) -> Array:
        return 255 * dout * share * (1 - share)

    def inverse(self, out: Array) -> Array:
        xp = get_xp(out)
        share = xp.clip(out, EDGE, 255 - EDGE) / 255
        return xp.log(share / (1 - share))


KINDS = {"pixels": pixels, "fourier": fourier, "spectrum": spectrum}


def _checked(net: Network, shape: Shape) -> Any:
    shape = tuple(int(n) for n in shape)
    if len(shape) != 4 or min(shape) < 1 or shape[3] != net.input_channels:
        raise BadValue(f"pictures for this net must be (N, H, W, {net.input_channels}), not {shape}")
    return shape
