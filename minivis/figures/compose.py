"""Compose figures: pictures in rows and sheets, with titles, captions, numbered colour bars and bar charts.

Everything is a uint8 RGB array, including text, so a figure is built by placing arrays beside and above each other. The
background is white and the letters are dark grey. Small maps are enlarged by whole factors, so that pixels stay square.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadValue, TooLarge
from minivis.figures.colormaps import COLORMAPS, colorize, display_limit, signed, unsigned
from minivis.figures.text import INK, MUTED, chance, text_picture
from minivis.runtime.backend import to_cpu
from minivis.types import Picture

__all__ = ["COLORMAPS", "above", "bar_chart", "beside", "colorbar", "colorize", "contact_sheet", "display_limit",
           "overlay", "panels", "signed", "text_picture", "unsigned"]

MAX_PIXELS = 150_000_000                                # of one figure: 450 MB
TITLE, TEXT, SMALL = 15, 13, 12                         # letters, in pixels
MARGIN = 16
LUMA = (0.299, 0.587, 0.114)                            # how bright red, green and blue look
ACCENT, PALE, TRACK, LINE = (45, 79, 137), (152, 178, 214), (238, 240, 243), (120, 120, 120)


def beside(pictures: Any, gap: int = 12, align: str = "center") -> Picture:
    """Place pictures in a row on white, aligned at their "top", "center" or "bottom"."""
    return _lined_up(pictures, 1, gap, ("top", "center", "bottom").index(align))


def above(pictures: Any, gap: int = 8, align: str = "left") -> Picture:
    """Place pictures in a column on white, aligned at their "left", "center" or "right"."""
    return _lined_up(pictures, 0, gap, ("left", "center", "right").index(align))


def _lined_up(pictures: Any, axis: int, gap: int, halves: int) -> Picture:
    """Place pictures along an axis. ``halves`` is how many halves of the free space beside a picture come before it."""
    pictures = [_rgb(p) for p in pictures]
    size = [max(p.shape[i] for p in pictures) for i in (0, 1)]
    size[axis] = sum(p.shape[axis] for p in pictures) + gap * (len(pictures) - 1)
    sheet, at = _white(*size), [0, 0]
    for p in pictures:
        at[1 - axis] = halves * (size[1 - axis] - p.shape[1 - axis]) // 2
        sheet[at[0]:at[0] + p.shape[0], at[1]:at[1] + p.shape[1]] = p
        at[axis] += p.shape[axis] + gap
    return sheet


def contact_sheet(tiles: Any, columns: int | None = None, gap: int | None = None, background: Any = 255,
                  labels: Any = None, scale: Any = None) -> Picture:
    """Place many small pictures on one sheet, row by row; ``labels`` go below them, each with room for one more line.

    tiles: uint8 (N, h, w, 3 or 1), or a list of pictures of any sizes (smaller ones are centred in their cells).
    ``columns``: by default as many as make the sheet nearly square. ``scale``: the whole factor by which each tile is
    enlarged; by default tiny tiles are made easy to see.
    """
    tiles = [_rgb(tile) for tile in tiles]
    if not tiles:
        raise BadValue("a contact sheet needs at least one picture")
    if labels is not None and len(labels) != len(tiles):
        raise BadValue(f"{len(tiles)} pictures need as many labels, not {len(labels)}")
    _check_whole(columns=columns, scale=scale)
    gap = (2 if labels is None else 10) if gap is None else gap
    h, w = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    if columns is None:
        columns = math.ceil(math.sqrt(len(tiles) * h / w))
    columns = min(columns, len(tiles))
    if scale is None:
        scale = max(1, int(min(256, max(64, 640 / columns)) / max(h, w)))
    h, w = h * scale, w * scale

    captions = [text_picture(label, w, size=SMALL, align="center", max_lines=label.count("\n") + 2)
                for label in labels or []]
    caption_h = max((c.shape[0] + 4 for c in captions), default=0)
    rows = math.ceil(len(tiles) / columns)
    sheet = _white(rows * (h + caption_h + gap) + gap, columns * (w + gap) + gap, background)
    for i, tile in enumerate(tiles):
        tile = tile.repeat(scale, axis=0).repeat(scale, axis=1)
        top, left = gap + i // columns * (h + caption_h + gap), gap + i % columns * (w + gap)
        y = top + (h - tile.shape[0]) // (1 if captions else 2)         # a tile with a caption stands on it
        x = left + (w - tile.shape[1]) // 2
        sheet[y:y + tile.shape[0], x:x + tile.shape[1]] = tile
        if captions:
            y = top + h + 4
            sheet[y:y + captions[i].shape[0], left:left + w] = captions[i]
    return sheet


def panels(images: Any, titles: Sequence[str], footer: Any = None, colorbars: Any = None, height: int | None = None,
           columns: int | None = None) -> Picture:
    """Place pictures in a row (or in rows of ``columns``), each below its title, as in a figure of a paper.

    titles: strings; the text after a line break is small and grey. All pictures get the same ``height`` (default: the
    largest, but at least 224). colorbars: for each picture None, ``(colormap, low, high)`` or ``(colormap, low, high,
    label)``.
    """
    images = [_rgb(image) for image in images]
    colorbars = [None] * len(images) if colorbars is None else colorbars
    if not images or not len(images) == len(titles) == len(colorbars):
        raise BadValue(f"{len(images)} pictures, {len(titles)} titles and {len(colorbars)} colour bars: "
                       "a figure needs one title (and one colour bar or None) for each picture, and at least one")
    _check_whole(height=height, columns=columns)
    height = max(224, *(image.shape[0] for image in images)) if height is None else height
    blocks = []
    for image, title, bar in zip(images, titles, colorbars):
        image = _to_height(image, height)
        scale = None
        if bar is not None:
            colormap, low, high, *label = bar
            scale = colorbar(colormap, low, high, height, *label)
        blocks.append((_title(title, max(image.shape[1], 96)), image, scale))
    columns = len(blocks) if columns is None else columns
    figure = above(_rows(blocks, min(columns, len(blocks))), gap=MARGIN)
    if footer:
        figure = above([figure, text_picture(footer, figure.shape[1], size=SMALL, color=MUTED)], gap=10)
    sheet = _white(figure.shape[0] + 2 * MARGIN, figure.shape[1] + 2 * MARGIN)
    sheet[MARGIN:-MARGIN, MARGIN:-MARGIN] = figure
    return sheet


def colorbar(colormap: str, low: float, high: float, height: int, label: str | None = None) -> Picture:
    """Draw a vertical colour bar: ``low`` is at the bottom, round values are numbered, and a label runs along it."""
    _check_whole(height=height)
    bar = colorize(np.linspace(high, low, height)[:, None].repeat(12, axis=1), colormap, low, high)
    bar[[0, -1]] = bar[:, [0, -1]] = LINE
    ticks, factor = round_ticks(low, high, max(2, height // 40))
    numbers = [text_picture(text, size=SMALL, color=INK) for _, text in ticks]
    scale = _white(height, 7 + max(n.shape[1] for n in numbers))
    for (value, _), number in zip(ticks, numbers):
        y = round((height - 1) * (1 - (value - low) / (high - low))) if high > low else height // 2
        scale[y, :4] = LINE
        top = min(max(0, y - number.shape[0] // 2), height - number.shape[0])
        if top >= 0:                                    # otherwise the bar is shorter than a letter
            scale[top:top + number.shape[0], 7:7 + number.shape[1]] = number
    parts = [bar, scale]
    note = " ".join(filter(None, [label, factor and f"(x {factor})"]))
    if note:
        parts.append(np.rot90(text_picture(note, height, size=SMALL, color=MUTED, align="center", max_lines=1)))
    return beside(parts, gap=0)


def overlay(image: Any, heat: Any, colormap: str = "inferno", alpha: float = 0.55, box: Any = None,
            low: float | None = None, high: float | None = None, fade: bool = False) -> Picture:
    """Spread a coarse heat map (h, w) smoothly over a picture, uint8 (H, W, 3).

    ``box``: the part of the picture that the map covers (``Preprocessing.fit_image``); the rest is drawn pale and grey.
    The colours run from ``low`` to ``high``: by default from the smallest value (or 0) to the largest, and
    symmetrically about 0 with "diverging". With ``fade``, a value is as opaque as it is large: the picture stays clear
    where the map is weak, and the dark, white and pale ends of the colour map, which would hide it, are unused.
    """
    image, heat = _rgb(image), np.asarray(to_cpu(heat))
    if heat.ndim == 3 and heat.shape[2] == 1:
        heat = heat[:, :, 0]
    if heat.ndim != 2 or not 0 <= alpha <= 1:
        raise BadValue(f"an overlay takes a map (h, w) and an alpha from 0 to 1, not {heat.shape} and {alpha}")
    if colormap == "diverging":
        high = display_limit(heat, 100) if high is None else high
        low = -high if low is None else low
    low = min(0, heat.min()) if low is None else low
    high = max(low, heat.max()) if high is None else high
    colorize(heat, colormap, low, high)                 # checks for NaN, the name and the limits

    H, W = image.shape[:2]
    top, left, height, width = (0, 0, H, W) if box is None else (box.top, box.left, box.height, box.width)
    y0, x0, y1, x1 = max(0, top), max(0, left), min(H, top + height), min(W, left + width)
    if y0 >= y1 or x0 >= x1:
        raise BadValue(f"the box {box} lies outside the picture of {H} x {W}")
    per_y, per_x = heat.shape[0] / height, heat.shape[1] / width
    part = ((x0 - left) * per_x, (y0 - top) * per_y, (x1 - left) * per_x, (y1 - top) * per_y)
    resized = Image.fromarray(heat.astype(np.float32)).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=part)
    smooth = np.asarray(resized)
    weight: Any = alpha
    if fade:                        # in proportion: most of a noisy map is weak, and would veil the picture otherwise
        limit = max(abs(low), abs(high))
        weight = alpha * np.clip(abs(smooth) / (limit or 1), 0, 1)[..., None]
        smooth = vivid(smooth, colormap, limit)
    grey = (image @ LUMA)[..., None].repeat(3, axis=2)  # what the map does not cover: no colours, and paler
    out = grey * 0.7 + 255 * 0.3
    seen = image[y0:y1, x0:x1]
    out[y0:y1, x0:x1] = (1 - weight) * seen + weight * colorize(smooth, colormap, low, high)
    return np.rint(out).astype(np.uint8)


def vivid(values: Any, colormap: str, limit: Any) -> Picture:
    """Move values towards the colour map's middle tones, which are strong colours, and keep their order."""
    if colormap == "diverging":
        return np.sign(values) * (limit / 2 + np.clip(abs(values), 0, limit) / 2)
    return limit * (0.45 + 0.3 * np.clip(values / (limit or 1), 0, 1))


def bar_chart(names: Sequence[str], values: Any, width: int = 260, height: int | None = None,
              percent: bool = True) -> Picture:
    """Draw names with their numbers and a bar below each; the first is on top. A full bar is a probability of 100 %.

    With ``percent=False`` the numbers are scores, and bars grow from zero to either side. ``height``: of the whole
    chart; use that of the ``panels`` around it, which otherwise enlarge its letters.
    """
    _check_whole(width=width, height=height)
    values = np.asarray(to_cpu(values), dtype=np.float64).ravel()
    if len(names) != len(values) or not len(values) or not np.isfinite(values).all():
        raise BadValue(f"a bar chart needs one finite number for each name, not {len(values)} for {len(names)} names")
    if percent and not (values.min() >= 0 and values.max() <= 1.0001):
        raise BadValue("percentages are drawn from probabilities in 0..1; for scores use percent=False")
    low, high = (0, 1) if percent else (min(0, values.min()), max(0, values.max()) or (0 if values.min() else 1))
    rows = []
    for name, value in zip(names, values):
        number = text_picture(chance(value) if percent else f"{value:.3g}", size=TEXT)
        bar = np.full((8, width, 3), TRACK, np.uint8)
        start, end = sorted(round((v - low) / (high - low) * width) for v in (0, value))
        bar[:, start:max(end, start + 1)] = ACCENT if value == values.max() else PALE
        line = beside([text_picture(name, width - number.shape[1] - 8, size=TEXT, max_lines=1), number], gap=8)
        rows.append(above([line, bar], gap=2))
    free = 0 if height is None else height - sum(row.shape[0] for row in rows)
    chart = above(rows, gap=min(24, max(8, free // len(rows))))
    return chart if height is None else beside([chart, _white(max(height, chart.shape[0]), 0)], gap=0)


def _rows(blocks: Any, columns: int) -> list[Any]:
    """Arrange (title, picture, colour bar) in rows. The pictures of a row end on one line, below their titles."""
    cells = []
    for title, image, bar in blocks:
        body = above([image, _white(0, title.shape[1])], gap=0, align="center")
        cell = above([title, body], gap=6)
        cells.append(cell if bar is None else beside([cell, bar], gap=6, align="bottom"))
    widths = [max(cell.shape[1] for cell in cells[k::columns]) for k in range(columns)]
    filled = [above([cell, _white(0, widths[k % columns])], gap=0) for k, cell in enumerate(cells)]
    return [beside(filled[k:k + columns], gap=MARGIN, align="bottom") for k in range(0, len(filled), columns)]


def _title(title: str, width: int | None) -> Picture:
    first, *rest = str(title).split("\n", 1)
    parts = [text_picture(first, width, size=TITLE, align="center", max_lines=2)]
    parts += [text_picture(line, width, size=SMALL, color=MUTED, align="center", max_lines=2) for line in rest]
    return above(parts, gap=0)


def _to_height(image: Any, height: int) -> Any:
    """Enlarge by a whole factor to at least ``height``, then shrink to it: pixels stay equal squares with clean
    edges."""
    h, w = image.shape[:2]
    if h == height:
        return image
    scale = math.ceil(height / h)
    width = max(1, round(w * height / h))
    _check_pixels(scale * h, scale * w)
    large = Image.fromarray(image.repeat(scale, axis=0).repeat(scale, axis=1))
    shrink = Image.Resampling.BOX if scale > 1 else Image.Resampling.BICUBIC
    return np.array(large.resize((width, height), shrink))


def round_ticks(low: float, high: float, most: Any) -> tuple[Any, Any]:
    """[(value, text)] at round values, at most ``most`` + 1 of them, and the factor that the texts omit, such as
    "1e-5"."""
    if not high > low:
        return [(low, f"{low:.3g}")], ""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    steps = [unit * m for m in (1, 2, 2.5, 5, 10, 20) if m * unit >= rough * (1 - 1e-9)][:2]
    step = next((s for s in steps if all(abs(v / s - round(v / s)) < 1e-6 for v in (low, high))), steps[0])
    largest = max(abs(low), abs(high))
    power = math.floor(math.log10(largest))
    power = power if power >= 5 or power <= -3 else 0
    digits = next((d for d in range(20) if math.isclose(round(step / 10.0 ** power, d), step / 10.0 ** power)), 3)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [(i * step, f"{i * step / 10.0 ** power + 0.0:.{digits}f}") for i in range(first, last + 1)]
    return ticks, f"1e{power}" if power else ""


def _rgb(image: Any) -> Any:
    image = np.asarray(to_cpu(image))
    if image.ndim == 2:
        image = image[:, :, None]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise BadValue(f"a picture is uint8 (H, W), (H, W, 1) or (H, W, 3), not {image.dtype} {image.shape}; "
                       "convert an array with signed, unsigned or to_uint8")
    return image if image.shape[2] == 3 else image.repeat(3, axis=2)


def _white(height: int, width: int, color: Any = 255) -> Any:
    _check_pixels(height, width)
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = color
    return sheet


def _check_whole(**settings: Any) -> None:
    for name, value in settings.items():
        if value is not None and not (isinstance(value, (int, np.integer)) and value >= 1):
            raise BadValue(f"{name} must be a whole number of at least 1, not {value!r}")


def _check_pixels(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise TooLarge(f"this figure would have {width} x {height} pixels, {height * width / 1e6:.0f} million, and the "
                       f"limit is {MAX_PIXELS / 1e6:.0f} million: use fewer or smaller pictures, or a smaller scale")
