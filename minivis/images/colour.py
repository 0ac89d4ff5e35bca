"""Whose colours a picture has: its own, those of a photograph, or those of a painting. All of levels 0..255, floats.

    luminance_transfer(new, old)    the brightness of one picture with the colours of another (Gatys et al. 2016)
    match_histogram(x, like)        each colour takes every level as often as ``like`` does (after Gatys et al. 2015)
"""

from minivis.errors import BadValue
from minivis.images.preprocessing import LUMA
from minivis.runtime.backend import get_xp


def luminance(pixels):
    """(..., 3 or 1) -> (..., 1): how bright a pixel is, whatever its colour (Y of YIQ and YUV)."""
    if pixels.shape[-1] == 1:
        return pixels
    xp = get_xp(pixels)
    return (pixels * xp.asarray(LUMA, dtype=pixels.dtype)).sum(axis=-1, keepdims=True)


def luminance_transfer(new, old):
    """As bright as ``new``, coloured as ``old``. Both (..., H, W, C); levels may leave 0..255."""
    if new.shape[-3:-1] != old.shape[-3:-1]:
        raise BadValue(f"pictures of one size are needed, not of {new.shape[-3:-1]} and {old.shape[-3:-1]}")
    return old + (luminance(new) - luminance(old))


def match_histogram(pixels, like):
    """Pixels (..., C), each channel mapped so that its levels are distributed as those of ``like`` (..., C).

    The k-th darkest of all takes the level that has the same rank in ``like``; the order of pixels stays.
    """
    if pixels.shape[-1] != like.shape[-1]:
        raise BadValue(f"a picture of {pixels.shape[-1]} channels cannot have the histogram of one of {like.shape[-1]}")
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


