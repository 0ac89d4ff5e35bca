"""Other drawing styles of a sprite, so that a net trained on them recognises shapes in a set it has never seen.

Emoji sets differ in how they are drawn far more than in what they show. Each style here imitates another
set: flat areas instead of shading, dark lines around them, or only lines on white.
"""

import numpy as np
from PIL import Image, ImageFilter

from minivis.types import Array

# style: (number of flat colours or None to keep the shading, line width in sprite pixels, fill with white)
STYLES = {
    "outlined": (None, 5, False),
    "flat": (5, 0, False),
    "inked": (4, 3, False),
    "inked boldly": (6, 5, False),
    "line drawing": (5, 3, True),
}
LINE_CONTRAST = 40  # grey values or colour steps (0..255) between two flat areas, above which a line is drawn


def restyle(sprite: Array, style: str) -> Array:
    """One sprite, RGBA uint8 (h, w, 4), in another style, the same shape."""
    colours, width, white = STYLES[style]
    alpha = sprite[..., 3]
    solid = alpha > 127
    rgb = sprite[..., :3]
    if colours:
        rgb = flatten(rgb, solid, colours)
    lines = np.zeros(alpha.shape, np.float32)
    if width:
        lines = draw_lines(rgb, solid, width, inside=colours is not None)
    if white:
        rgb = np.full_like(rgb, 255)
    # ink over colour, and both over what was transparent
    out = np.empty_like(sprite)
    out_alpha = np.maximum(alpha / 255, lines)
    out[..., :3] = rgb * (1 - lines)[..., None] + 15 * lines[..., None]
    out[..., 3] = np.round(255 * out_alpha)
    return out


def flatten(rgb: Array, solid: Array, colours: int) -> Array:
    """Replace all shading by a few flat colours (those of the transparent part are ignored)."""
    filled = np.where(solid[..., None], rgb, rgb[solid].mean(axis=0).astype(np.uint8))
    image = Image.fromarray(filled).filter(ImageFilter.MedianFilter(5))
    return np.asarray(image.quantize(colours, kmeans=1).filter(ImageFilter.ModeFilter(5)).convert("RGB"))


def draw_lines(rgb: Array, solid: Array, width: int, *, inside: bool) -> Array:
    """Lines ``width`` pixels wide around the shape and, if ``inside``, between its flat colours; float32 in 0..1."""
    edge = np.zeros(solid.shape, bool)
    values = np.where(solid[..., None], rgb, 0).astype(np.int16)
    for this, other in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):  # neighbours: below, right
        edge[this] |= solid[this] != solid[other]
        if inside:
            step = np.abs(values[this] - values[other]).max(axis=2)
            edge[this] |= (step > LINE_CONTRAST) & solid[this] & solid[other]
    lines = Image.fromarray(np.uint8(255 * edge)).filter(ImageFilter.MaxFilter(width))
    return np.asarray(lines.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255
