"""Sprites and pictures small enough to draw by hand."""

import dataclasses

import numpy as np

from minivis.data.emoji import photos
from minivis.data.emoji import sprites as emoji
from minivis.data.emoji.classes import NAMES
from minivis.data.emoji.compose import RANGES, EmojiPictures, Ranges

STILL = Ranges(scale=(0.5, 0.5), overflow=0, rotation=0, flip_share=0, brightness=(0, 0), contrast=(1, 1),
               saturation=(1, 1), hue=0, blur_share=0, noise_share=0, grey_share=0, visible=0)  # fmt: skip


def square_sprite(rgb, height=emoji.CONTENT, width=emoji.CONTENT, hidden=0):
    """A rectangle in the middle of a sprite; what is transparent is ``hidden`` underneath, in files mostly black."""
    sprite = np.zeros((emoji.SPRITE, emoji.SPRITE, 4), np.uint8)
    sprite[..., :3] = hidden
    top, left = (emoji.SPRITE - height) // 2, (emoji.SPRITE - width) // 2
    sprite[top : top + height, left : left + width] = [*rgb, 255]
    return sprite


def colourful():
    """A rectangle of many colours, brighter to the right and dark in one corner, so that a turn or a flip is seen."""
    sprite = square_sprite((0, 0, 0), height=70)
    row, column = np.mgrid[: emoji.SPRITE, : emoji.SPRITE] / emoji.SPRITE
    sprite[..., 0], sprite[..., 1], sprite[..., 2] = 255 * column, 200 * row, 127 + 100 * np.sin(9 * (row + column))
    sprite[: emoji.SPRITE // 2, : emoji.SPRITE // 3, :3] = 20
    return sprite


def blocks_of(split, count=80, size=32, block=4):
    """(count, size / block, size / block, 4): colours and mask of pictures of a split, the means of blocks."""
    pictures = EmojiPictures(sprites_of(colourful()), size, split, sets=("noto",), ranges=RANGES[split])
    images, _, masks = pictures.batch(range(count), seed=5)
    both = np.concatenate([images, masks[..., None]], axis=3).astype(float)
    return both.reshape(count, size // block, block, size // block, block, 4).mean(axis=(2, 4))


def sprites_of(sprite):
    """Sprites in which every class of every set looks like ``sprite``."""
    sets = ["noto", "openmoji"]
    rng = np.random.default_rng(0)
    names = ["grass.png", photos.HELD_OUT_PHOTOS[0]]
    return emoji.Sprites(
        images=np.broadcast_to(sprite, (len(sets) * len(NAMES), *sprite.shape)),
        labels=np.tile(np.arange(len(NAMES)), len(sets)),
        sets=np.repeat(sets, len(NAMES)),
        class_names=np.array(NAMES),
        photos=rng.integers(0, 256, (len(names), 320, 480, 3)).astype(np.uint8),
        photo_names=np.array(names),
    )


def draw(sprite, count=30, *, split="test", seed=0, background=None, size=64, **changes):
    """images and masks of one sprite, everything standing still but for ``changes``."""
    ranges = dataclasses.replace(STILL, **changes)
    pictures = EmojiPictures(sprites_of(sprite), size, split, sets=("noto",), ranges=ranges)
    if background is not None:
        pictures.backgrounds.draw = lambda rng: np.full((size, size, 3), background, np.float32)
    images, _, masks = pictures.batch(range(count), seed)
    return images, masks


def box_of(mask):
    rows, columns = np.flatnonzero(mask.max(axis=1) > 127), np.flatnonzero(mask.max(axis=0) > 127)
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
