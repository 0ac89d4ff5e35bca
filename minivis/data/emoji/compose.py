"""Draw emoji on backgrounds: endless labelled pictures, each a pure function of (seed, split, its number).

    sprites = emoji.load()
    pictures = EmojiPictures(sprites, size=64, split="train")
    images, labels, masks = pictures.batch(range(128), seed=0)

Every step that scales down averages, and compositing is done with premultiplied colours, so there is no aliasing and
no dark fringe. A picture takes under a millisecond; most of it is inside PIL and NumPy, which release the GIL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from minivis.data.emoji.backgrounds import Backgrounds
from minivis.data.emoji.ink import STYLES, restyle
from minivis.data.emoji.sprites import CONTENT, HELD_OUT_SETS, SPRITE, TRAINING_SETS, Sprites, check_sets
from minivis.errors import BadValue, some_of
from minivis.types import Array

SPLITS = ("train", "test")
BACKGROUND_TRIES = 4
HEADROOM = 0.8  # sharp (bicubic) scaling overshoots at edges; kept unclipped, it cancels and leaves no bright fringe


@dataclass(frozen=True)
class Ranges:
    """How far pictures vary. A pair is the range of a uniform draw, ``*_share`` the share of pictures affected."""

    scale: tuple[float, float] = (0.4, 1.0)  # longest side of the upright emoji / side of the frame
    overflow: float = 0.04  # of the frame: how far the turned emoji's box may reach outside
    rotation: float = 20.0  # degrees, either way
    flip_share: float = 0.5  # left to right
    brightness: tuple[float, float] = (-20.0, 20.0)  # added, of 255; colours change twice, alone and all together
    contrast: tuple[float, float] = (0.8, 1.25)
    saturation: tuple[float, float] = (0.6, 1.4)
    hue: float = 12.0  # degrees, either way
    blur_share: float = 0.3
    blur: tuple[float, float] = (0.3, 1.0)  # standard deviation, pixels at size 64
    noise_share: float = 0.3
    noise: tuple[float, float] = (2.0, 12.0)  # standard deviation, of 255
    grey_share: float = 0.04
    visible: float = 25.0  # of 255: an emoji that differs less from its background on average gets another one
    # only while training: other drawing styles, shapes and colours
    style_share: float = 0.0
    stretch: float = 0.0  # natural log of width / height, either way
    shear: float = 0.0  # sideways shift / height, either way
    perspective: float = 0.0  # change of size from one side of the emoji to the other, either way
    far_turn_share: float = 0.0  # any rotation up to far_rotation
    far_rotation: float = 0.0
    far_hue_share: float = 0.0  # any hue


RANGES = {
    "train": Ranges(brightness=(-30, 30), contrast=(0.7, 1.3), saturation=(0.5, 1.5), hue=15, blur=(0.3, 1.2),
                    noise=(2, 16), style_share=0.4, stretch=0.1, shear=0.15, perspective=0.1, far_turn_share=0.1,
                    far_rotation=60, far_hue_share=0.08),
    "test": Ranges(),
}  # fmt: skip
# for emoji-linear, whose templates know one place, one size and one direction
UPRIGHT = Ranges(scale=(0.7, 1.0), rotation=10.0, hue=6.0, saturation=(0.8, 1.25), grey_share=0.0)


Change: TypeAlias = tuple[Array, Any]         # a matrix (3, 3) and an offset (3,): colours @ matrix + offset


class EmojiPictures:
    """Labelled pictures of one split.

    Picture i shows class i % number of classes, in a set drawn at random of ``sets`` that have this class. ``sets``
    defaults to all training sets; the held-out sets (OpenMoji) can be asked for with split "test" only.
    """

    def __init__(self, sprites: Sprites, size: int = 64, split: str = "train", *, sets: Sequence[str] = TRAINING_SETS,
                 ranges: Ranges | None = None) -> None:
        if split not in SPLITS:
            raise BadValue(f"unknown split {split!r}; choose from {SPLITS}")
        check_sets(sets, sprites.sets.tolist())
        if split == "train" and set(sets) & set(HELD_OUT_SETS):
            raise BadValue(f"{', '.join(HELD_OUT_SETS)} is held out: never trained on, use split='test'")
        if size < 8:
            raise BadValue(f"pictures of {size} pixels are too small; 8 is the least")
        self.size = size
        self.split = split
        self.ranges = ranges or RANGES[split]
        self.class_names = tuple(sprites.class_names.tolist())
        self.backgrounds = Backgrounds(sprites, size, split)
        self.images = sprites.images
        usable = np.isin(sprites.sets, sets)
        self.choices = [np.flatnonzero(usable & (sprites.labels == k)) for k in range(len(self.class_names))]
        missing = [name for name, choice in zip(self.class_names, self.choices) if not len(choice)]
        if missing:
            raise BadValue(f"no sprite of {some_of(missing, 5)} in the sets {', '.join(sets)}")
        # (sprite number, style) -> premultiplied image; filled as needed, by any thread
        self.styled: dict[tuple[int, str | None], Image.Image] = {}

    def batch(self, indices: Any, seed: Any) -> tuple[Array, Array, Array]:
        """images (n, size, size, 3) uint8, labels (n,) int64, masks (n, size, size) uint8: how opaque the emoji is."""
        indices = np.asarray(indices, np.int64)
        images = np.empty((len(indices), self.size, self.size, 3), np.uint8)
        masks = np.empty(images.shape[:3], np.uint8)
        for k, index in enumerate(indices):
            images[k], masks[k] = self.picture(int(index), seed)
        return images, indices % len(self.class_names), masks

    def picture(self, index: int, seed: Any) -> tuple[Array, Array]:
        """image (size, size, 3) uint8, mask (size, size) uint8 of one number."""
        rng = np.random.default_rng((seed, SPLITS.index(self.split), index))
        ranges = self.ranges
        choice = self.choices[index % len(self.class_names)]
        sprite = self.premultiplied(int(choice[rng.integers(len(choice))]), self.pick_style(rng))
        emoji = self.place(rng, sprite)  # (size, size, 4) float32, colours times alpha
        alpha = emoji[..., 3:] / 255

        every = colour_change(rng, ranges)  # the light that falls on both
        far = rng.random() < ranges.far_hue_share
        own = colour_change(rng, ranges, hue=180 if far else None)
        colours = apply_colour(emoji[..., :3], compose_colour(every, own), alpha)
        np.clip(colours, 0, emoji[..., 3:], out=colours)
        for _ in range(BACKGROUND_TRIES):
            image = apply_colour(self.backgrounds.draw(rng), compose_colour(every, colour_change(rng, ranges)))
            np.clip(image, 0, 255, out=image)
            if np.abs(colours - image * alpha).sum() > 3 * ranges.visible * alpha.sum():
                break
        image *= 1 - alpha
        image += colours

        if rng.random() < ranges.grey_share:
            image[:] = image @ LUMA[:, None]
        noise: Array | int = 0
        blur = rng.uniform(*ranges.blur) * self.size / 64 if rng.random() < ranges.blur_share else 0
        if rng.random() < ranges.noise_share:
            noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(*ranges.noise))
        if blur:
            sharp = Image.fromarray(np.uint8(image + 0.5))
            image = np.asarray(sharp.filter(ImageFilter.GaussianBlur(blur)), np.float32)
        return (np.clip(image + noise, 0, 255) + 0.5).astype(np.uint8), (emoji[..., 3] + 0.5).astype(np.uint8)

    def pick_style(self, rng: np.random.Generator) -> str | None:
        """A drawing style of ink.py, or None for the sprite as it is."""
        style = list(STYLES)[rng.integers(len(STYLES))]
        return style if rng.random() < self.ranges.style_share else None

    def premultiplied(self, number: int, style: str | None) -> Image.Image:
        """A sprite in a style as a PIL image whose colours are multiplied by alpha, all of it times HEADROOM."""
        image = self.styled.get((number, style))
        if image is None:
            sprite = self.images[number]
            premultiplied = Image.fromarray(restyle(sprite, style) if style else sprite).convert("RGBa")
            values = np.uint8(np.asarray(premultiplied) * HEADROOM + 0.5)
            image = Image.frombytes("RGBa", premultiplied.size, values.tobytes())
            self.styled[number, style] = image
        return image

    def place(self, rng: np.random.Generator, sprite: Image.Image) -> Array:
        """Scale, turn, skew and shift a sprite into the frame; (size, size, 4) float32."""
        ranges, size = self.ranges, self.size
        scale = rng.uniform(*ranges.scale)
        stretch = np.exp(rng.uniform(-1, 1) * ranges.stretch)
        far = rng.random() < ranges.far_turn_share
        angle = np.radians(rng.uniform(-1, 1) * (ranges.far_rotation if far else ranges.rotation))
        shear = rng.uniform(-1, 1) * ranges.shear
        tilt = rng.uniform(-1, 1, 2) * ranges.perspective / (scale * size)
        mirrored = rng.random() < ranges.flip_share
        x, y = rng.uniform(-1, 1, 2)

        # First the size, averaging over source pixels; then a turn at equal size, which needs no averaging.
        factor = scale * size / CONTENT
        small = sprite.resize((max(2, round(SPRITE * factor * min(1, stretch))),
                               max(2, round(SPRITE * factor / max(1, stretch)))), Image.Resampling.BICUBIC)  # fmt: skip
        cos, sin = np.cos(angle), np.sin(angle)
        forward = np.array([[cos, -sin], [sin, cos]]) @ np.array([[-1 if mirrored else 1, shear], [0, 1]])
        left, top, right, bottom = small.getbbox() or (0, 0, *small.size)
        half = np.abs(forward) @ [(right - left) / 2, (bottom - top) / 2]  # of the turned emoji's box
        room = np.abs(size / 2 - half) * (half < size / 2) + ranges.overflow * size
        middle = size / 2 + room * [x, y]

        # PIL asks for the way from the frame back to the sprite: (a x + b y + c) / (g x + h y + 1)
        back = np.linalg.inv(forward)
        source = np.array([(left + right) / 2, (top + bottom) / 2])
        weight = 1 - tilt @ middle
        top_rows = np.column_stack([back, source - back @ middle])
        top_rows += np.outer(source, [*tilt, -tilt @ middle])
        coefficients = np.concatenate([top_rows[0], top_rows[1], tilt]) / weight
        way = Image.Transform.PERSPECTIVE, coefficients.tolist(), Image.Resampling.BICUBIC
        emoji = np.asarray(small.transform((size, size), *way), np.float32)
        return emoji * (255 / np.maximum(emoji[..., 3:], 255 * HEADROOM))  # an overshoot of alpha is one of colours


LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def colour_change(rng: np.random.Generator, ranges: Ranges, hue: float | None = None) -> Change:
    """A random change of colour as (matrix (3, 3), offset): colours @ matrix + offset."""
    contrast = rng.uniform(*ranges.contrast)
    saturation = rng.uniform(*ranges.saturation)
    angle = np.radians(rng.uniform(-1, 1) * (ranges.hue if hue is None else hue))
    # turning about the grey axis (Rodrigues' formula, axis (1, 1, 1) / sqrt 3)
    cos, sin = np.cos(angle), np.sin(angle) / np.sqrt(3)
    third = (1 - cos) / 3
    turn = np.array([[cos + third, third + sin, third - sin],
                     [third - sin, cos + third, third + sin],
                     [third + sin, third - sin, cos + third]])  # fmt: skip
    matrix = contrast * (saturation * turn + (1 - saturation) * LUMA[:, None])
    return matrix, 127.5 * (1 - contrast) + rng.uniform(*ranges.brightness)


def compose_colour(last: Change, first: Change) -> Change:
    """The colour change that applies ``first`` and then ``last``."""
    return first[0] @ last[0], first[1] * last[0].sum(axis=0) + last[1]


def apply_colour(colours: Array, change: Change, alpha: Any = 1) -> Array:
    """Apply a colour change to colours (h, w, 3) that are multiplied by alpha (h, w, 1)."""
    matrix, offset = change
    return colours @ matrix.astype(np.float32) + np.float32(offset) * alpha
