"""Line charts for figures: curves over numbered axes with a legend, as uint8 RGB."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minivis.errors import BadValue
from minivis.figures.compose import above, beside, round_ticks
from minivis.figures.text import INK, MUTED, text_picture
from minivis.types import Array, Picture

# colours that colour-blind readers can tell apart (Okabe and Ito 2008); further curves start over, in short dashes
COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (150, 110, 60),
          (0, 0, 0))
PALE = (184, 190, 200)                          # of faint curves
GRID, FRAME, FINE, TEXT, DASH = (226, 228, 232), (150, 150, 150), 4, 12, 6      # lines are drawn FINE times larger


def line_chart(curves: Any, *, width: int = 320, height: int = 240, x_label: str = "", y_label: str = "",
               low: float | None = None, high: float | None = None, dashed: Any = (), faint: Any = (),
               legend: bool = True, notes: Any = None) -> Picture:
    """Draw {name: (x, y)} as lines over one pair of axes. ``low``, ``high``: values that the y axis must include.

    dashed: names of curves to draw dashed and grey. faint: names of those to draw thin and pale, below the others and
    without an entry in the legend. notes: {name: texts} for further columns of the legend; the texts of the name "" are
    their headings.
    """
    if not curves:
        raise BadValue("a chart needs at least one curve")
    curves = {name: [np.asarray(side, dtype=np.float64) for side in curve] for name, curve in curves.items()}
    for name, (x, y) in curves.items():
        if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise BadValue(f"the curve {name!r} needs x and y of the same length, at least two finite numbers each, "
                           f"not {x.shape}, {y.shape}")
    every_x, every_y = (np.concatenate([curve[axis] for curve in curves.values()]) for axis in (0, 1))
    x_ends = _ends(every_x.min(), every_x.max())
    y_ends = _ends(every_y.min() if low is None else min(low, every_y.min()),
                   every_y.max() if high is None else max(high, every_y.max()))
    faint, bold = set(faint), [name for name in curves if name not in set(faint)]
    styles = {name: (MUTED, DASH) if name in dashed else (COLORS[k % len(COLORS)], DASH // 2 * (k // len(COLORS)))
              for k, name in enumerate(bold)}       # (colour, pixels of a dash; 0: one line)
    plot = _plot({name: curves[name] for name in [*faint, *bold]}, styles, x_ends, y_ends, width, height)
    y_axis = _axis(y_ends, height, upright=True)
    x_axis = _axis(x_ends, width, upright=False, whole=bool((every_x == every_x.round()).all()))
    corner = np.full((1, y_axis.shape[1], 3), 255, np.uint8)
    chart = above([beside([y_axis, plot], gap=0, align="top"), beside([corner, x_axis], gap=0, align="top")], gap=0)
    if x_label:
        label = text_picture(x_label, width, size=TEXT, color=MUTED, align="center")
        chart = above([chart, label], gap=2, align="right")
    if y_label:
        label = np.rot90(text_picture(y_label, height, size=TEXT, color=MUTED, align="center", max_lines=1))
        chart = beside([label, chart], gap=2, align="top")
    return beside([chart, _legend(styles, notes)], gap=12, align="top") if legend else chart


def _ends(low: float, high: float) -> Any:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _plot(curves: Any, styles: Any, x_ends: Any, y_ends: Any, width: int, height: int) -> Any:
    im = Image.new("RGB", (width * FINE, height * FINE), "white")
    draw = ImageDraw.Draw(im)

    def place(x: Array, y: Any) -> list[Any]:
        column = (x - x_ends[0]) / (x_ends[1] - x_ends[0]) * (width - 1)
        row = (1 - (y - y_ends[0]) / (y_ends[1] - y_ends[0])) * (height - 1)
        return [(float(c + 0.5) * FINE, float(r + 0.5) * FINE) for c, r in zip(column, row)]

    low, high = y_ends
    for value, _ in round_ticks(low, high, max(2, height // 40))[0]:
        draw.line(place(np.array(x_ends), np.array([value, value])), GRID, FINE)
    draw.rectangle((0, 0, width * FINE - 1, height * FINE - 1), outline=FRAME, width=FINE)
    for name, (x, y) in curves.items():
        points = np.array(place(x, y))
        if name not in styles:
            draw.line([tuple(point) for point in points], PALE, FINE, joint="curve")
            continue
        color, dash = styles[name]
        if not dash:
            draw.line([tuple(point) for point in points], color, 2 * FINE, joint="curve")
            continue
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])      # of the curve's length
        for start in np.arange(0, along[-1], 2 * dash * FINE):
            at = np.linspace(start, start + dash * FINE, 4)
            draw.line(list(zip(*(np.interp(at, along, axis) for axis in points.T))), color, 2 * FINE)
    return np.asarray(im.resize((width, height), Image.Resampling.BOX))


def _axis(ends: Any, length: Any, upright: Any, whole: bool = False) -> Any:
    """The numbers beside or below an axis: (length, w, 3) or (h, length, 3). ``whole``: integers only."""
    low, high = ends
    ticks, factor = round_ticks(low, high, max(2, length // (40 if upright else 64)))
    if whole:
        ticks, factor = [(value, f"{value:.0f}") for value, _ in ticks if value == round(value)], ""
    texts = [text_picture(text + (f"{factor.replace('1e', 'e')}" if factor and float(text) else ""), size=TEXT,
                          color=INK) for _, text in ticks]
    sheet = np.full((length, max(t.shape[1] for t in texts) + 6, 3) if upright else (texts[0].shape[0] + 4, length, 3),
                    255, np.uint8)
    for (value, _), text in zip(ticks, texts):
        part = (value - ends[0]) / (ends[1] - ends[0])
        h, w = text.shape[:2]
        if upright:
            top = min(max(0, round((1 - part) * (length - 1)) - h // 2), length - h)
            sheet[top:top + h, sheet.shape[1] - 6 - w:sheet.shape[1] - 6] = text
        else:
            left = min(max(0, round(part * (length - 1)) - w // 2), length - w)
            sheet[4:4 + h, left:left + w] = text
    return sheet


def _legend(styles: Any, notes: Any) -> Picture:
    names, notes = [text_picture(name, size=TEXT) for name in styles], notes or {}
    lines = np.full((len(styles), TEXT, 18, 3), 255, np.uint8)
    for line, (color, dash) in zip(lines, styles.values()):
        line[TEXT // 2 - 1:TEXT // 2 + 1] = color
        if dash:
            line[:, np.arange(line.shape[1]) // dash % 2 == 1] = 255        # like the curve
    columns = [above([beside(pair, gap=6) for pair in zip(lines, names)], gap=2)]
    for k in range(len(next(iter(notes.values()), ()))):
        texts = [notes[name][k] if name in notes else "" for name in ([""] if "" in notes else []) + list(styles)]
        columns.append(above([text_picture(text, size=TEXT, color=MUTED) for text in texts], gap=2, align="right"))
    return beside(columns, gap=10, align="bottom")
