"""Backgrounds of emoji: photographs, textures, flat colours and gradients.

The splits have different photographs, kinds of texture and hues. So accuracy on the test split is accuracy over
backgrounds never trained on.

               train                                       test
    photo      23 photographs                              7 others
    texture    noise 1/f^0, 1/f, 1/f^2; fallen shapes       noise 1/f^0.5, 1/f^1.5, 1/f^3; stripes
    flat       hues in the first half of every 60 degrees  hues in the second half
    gradient   linear, between two such colours            radial

A net soon knows 23 photographs by heart, so in training they are also rotated by multiples of 90 degrees, their colours
are permuted, and one is laid over another.
"""

import colorsys
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from minivis.data.emoji.photos import HELD_OUT_PHOTOS
from minivis.data.emoji.sprites import Sprites
from minivis.types import Array

KINDS = ("photo", "texture", "flat", "gradient")
SHARES = (0.55, 0.2, 0.12, 0.13)
NOISE_EXPONENTS = {"train": (0.0, 1.0, 2.0), "test": (0.5, 1.5, 3.0)}  # of the amplitude spectrum 1/f^e
TEXTURE = 256  # pixels, the side of a texture
TEXTURES_A_KIND = 6
SMALLEST_CROP = 0.75  # times the size drawn: a photograph is magnified no more than by its inverse
RECOLOURED, COLLAGED = 0.4, 0.3  # shares of the photographs trained on


def spectral_noise(rng: np.random.Generator, exponent: float, side: int = TEXTURE) -> Array:
    """Noise with amplitude 1/f^exponent and random colours, (side, side, 3) uint8."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((3, side, side))) / frequency**exponent
    spectrum[:, 0, 0] = 0
    noise = np.moveaxis(np.fft.irfft2(spectrum, s=(side, side)), 0, 2)
    noise /= noise.std()
    mixed = noise @ rng.normal(0, 0.6, (3, 3)) * rng.uniform(25, 60) + rng.uniform(60, 195, 3)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def fallen_shapes(rng: np.random.Generator, side: int = TEXTURE) -> Array:
    """Ellipses and polygons of any size on top of one another (dead leaves), (side, side, 3) uint8."""
    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)
    palette = rng.integers(0, 256, (rng.integers(4, 12), 3))
    for _ in range(400):
        radius = 4 + 50 * rng.random() ** 3
        x, y = rng.uniform(0, side, 2)
        colour = tuple(int(c) for c in palette[rng.integers(len(palette))])
        if rng.random() < 0.5:
            height = radius * rng.uniform(0.3, 1)
            draw.ellipse((x - radius, y - height, x + radius, y + height), fill=colour)
        else:
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
            draw.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles], fill=colour)
    return np.asarray(image)


def stripes(rng: np.random.Generator, side: int = TEXTURE) -> Array:
    """Smooth stripes of two colours, sometimes crossed by others, (side, side, 3) uint8."""
    rows, columns = np.mgrid[:side, :side]
    waves = np.zeros((side, side))
    for _ in range(rng.integers(1, 3)):
        angle, period = rng.uniform(0, np.pi), rng.uniform(8, 48)
        waves += np.sin(2 * np.pi * (np.cos(angle) * columns + np.sin(angle) * rows) / period)
    share = 1 / (1 + np.exp(-4 * waves[..., None]))
    a, b = rng.integers(0, 256, (2, 3))
    return (a * share + b * (1 - share)).astype(np.uint8)


@cache
def make_textures(split: str) -> tuple[Image.Image, ...]:
    """The textures of a split, the same in every run, as a tuple of PIL images."""
    rng = np.random.default_rng(9 if split == "train" else 10)
    textures = [spectral_noise(rng, e) for e in NOISE_EXPONENTS[split] for _ in range(TEXTURES_A_KIND)]
    shapes = fallen_shapes if split == "train" else stripes
    textures += [shapes(rng) for _ in range(2 * TEXTURES_A_KIND)]
    return tuple(Image.fromarray(t) for t in textures)


class Backgrounds:
    """``draw(rng)`` makes one background of ``split``, (size, size, 3) float32 in 0..255."""

    def __init__(self, sprites: Sprites, size: int, split: str) -> None:
        self.size = size
        self.split = split
        held_out = np.isin(sprites.photo_names, HELD_OUT_PHOTOS)
        self.photos = [Image.fromarray(p) for p in sprites.photos[held_out == (split == "test")]]
        self.textures = make_textures(split)
        steps = np.linspace(-1, 1, size, dtype=np.float32)
        self.coordinates = np.stack(np.meshgrid(steps, steps), axis=2)  # x, y

    def draw(self, rng: np.random.Generator) -> Array:
        """One background, (size, size, 3) float32 in 0..255."""
        kind = KINDS[np.searchsorted(np.cumsum(SHARES), rng.random() * sum(SHARES), side="right")]
        if kind == "photo":
            return self.varied_photo(rng) if self.split == "train" else self.crop(rng, self.photos)
        if kind == "texture":
            return self.crop(rng, self.textures)
        if kind == "flat":
            return np.full((self.size, self.size, 3), self.colour(rng), np.float32)
        a, b = self.colour(rng), self.colour(rng)
        if self.split == "train":
            angle = rng.uniform(0, 2 * np.pi)
            share = 0.5 + 0.36 * self.coordinates @ np.array([np.cos(angle), np.sin(angle)], np.float32)
        else:
            share = np.hypot(*np.moveaxis(self.coordinates - rng.uniform(-0.7, 0.7, 2).astype(np.float32), 2, 0)) / 2
        share = np.clip(share, 0, 1)[..., None]
        return a * share + b * (1 - share)

    def varied_photo(self, rng: np.random.Generator) -> Array:
        """A piece of a photograph, rotated, in permuted colours, and often with a piece of a second one beside it."""
        square = np.rot90(self.crop(rng, self.photos), int(rng.integers(4)))
        if rng.random() < RECOLOURED:
            square = square[..., rng.permutation(3)]
        if rng.random() < COLLAGED:
            angle = rng.uniform(0, 2 * np.pi)
            beyond = self.coordinates @ np.array([np.cos(angle), np.sin(angle)], np.float32) > rng.uniform(-0.6, 0.6)
            square = np.where(beyond[..., None], self.crop(rng, self.photos), square)
        return square

    def crop(self, rng: np.random.Generator, pictures: Sequence[Image.Image]) -> Array:
        """A random square of one picture, scaled to the size drawn (averaged when it shrinks) and perhaps mirrored."""
        picture = pictures[int(rng.integers(len(pictures)))]
        smallest, largest = SMALLEST_CROP * self.size, min(picture.size)
        side = min(largest, smallest * (largest / smallest) ** rng.random())
        left, top = rng.random() * (picture.width - side), rng.random() * (picture.height - side)
        box = (left, top, left + side, top + side)
        shrunk = picture.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
        square = np.asarray(shrunk, np.float32)
        return square[:, ::-1] if rng.random() < 0.5 else square

    def colour(self, rng: np.random.Generator) -> Array:
        """A colour of this split's hues, (3,) float32 in 0..255; greys and near white come often."""
        hue = (rng.integers(6) + (rng.random() + (self.split == "test")) / 2) / 6
        saturation = rng.random() * (rng.random() < 0.7)
        return np.array(colorsys.hsv_to_rgb(hue, saturation, rng.random() ** 0.5), np.float32) * 255
