"""Give a picture the colours of another. All pictures are floats in levels, 0..255.

    luminance_transfer(new, old)    the brightness of one picture with the colours of another (Gatys et al. 2016)
    match_histogram(x, like)        each colour takes every level as often as ``like`` does (after Gatys et al. 2015)
"""

from typing import Any

from minivis.errors import BadValue
from minivis.images.preprocessing import LUMA
from minivis.runtime.backend import get_xp


def check_colours(channels: int | None) -> None:
    """Raise BadValue unless pictures of this many channels have a brightness: those of colours, and grey ones."""
    if channels not in (1, len(LUMA)):
        raise BadValue(f"only pictures of red, green and blue have a brightness beside their colours, and these have "
                       f"{channels} channels: leave the colours free")


def luminance(pixels: Any) -> Any:
    """(..., 3 or 1) -> (..., 1): the brightness of each pixel (Y of YIQ and YUV)."""
    check_colours(pixels.shape[-1])
    if pixels.shape[-1] == 1:
        return pixels
    xp = get_xp(pixels)
    return (pixels * xp.asarray(LUMA, dtype=pixels.dtype)).sum(axis=-1, keepdims=True)


def luminance_transfer(new: Any, old: Any) -> Any:
    """The brightness of ``new`` with the colours of ``old``, both (..., H, W, C). Levels may leave 0..255."""
    if new.shape[-3:-1] != old.shape[-3:-1]:
        raise BadValue(f"both pictures must have the same size, not {new.shape[-3:-1]} and {old.shape[-3:-1]}")
    return old + (luminance(new) - luminance(old))


def match_histogram(pixels: Any, like: Any) -> Any:
    """Map each channel of pixels (..., C) so that its levels are distributed like those of ``like`` (..., C).

    The k-th darkest pixel gets the level that has the same rank in ``like``, so the order of pixels by level stays.
    """
    if pixels.shape[-1] != like.shape[-1]:
        raise BadValue(f"a picture with {pixels.shape[-1]} channels cannot take the histogram of one with "
                       f"{like.shape[-1]}")
    xp = get_xp(pixels)
    matched = xp.empty_like(pixels)
    for c in range(pixels.shape[-1]):
        values = pixels[..., c].ravel()
        wanted = xp.sort(like[..., c].ravel().astype(pixels.dtype))
        ranks = (xp.arange(values.size) + 0.5) / values.size * wanted.size - 0.5
        levels = xp.interp(ranks, xp.arange(wanted.size), wanted)
        order = values.argsort(kind="stable")
        flat = xp.empty_like(values)
        flat[order] = levels.astype(values.dtype)
        matched[..., c] = flat.reshape(pixels.shape[:-1])
    return matched


