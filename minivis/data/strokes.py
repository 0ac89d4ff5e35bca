"""A painting of our own, used when no style is given: thick strokes that follow a swirling wind.

    python -m minivis.data.strokes minivis/data/strokes.png
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minivis.types import Array, Picture

# night blues, a moon's yellows, and the green of cypresses
PALETTE = ((18, 32, 84), (32, 62, 138), (58, 104, 176), (120, 165, 205), (198, 214, 214), (240, 206, 92),
           (232, 160, 48), (52, 84, 60), (24, 40, 36))
STROKES, LENGTH = 5200, 16                      # strokes, and points of the line of each
LARGE = 3                                       # times larger when drawn, then shrunk, for clean edges


def painting(side: int = 384, seed: int = 1889) -> Picture:
    """uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (side * LARGE,) * 2, PALETTE[1])
    draw = ImageDraw.Draw(picture)
    whirls = [(rng.uniform(0, side, 2), rng.uniform(30, 90), rng.choice([-1, 1])) for _ in range(9)]
    for number in range(STROKES):
        place = rng.uniform(0, side, 2)
        size = 1.0 if number < STROKES / 3 else 0.6             # broad ones first, then finer ones over them
        near = max(whirls, key=lambda whirl: whirl[1] / (1 + np.hypot(*(place - whirl[0]))))
        ring = np.hypot(*(place - near[0])) / near[1]           # a whirl is bright in its middle, in rings
        shade = int(np.clip(6 - 5 * ring + 1.2 * np.sin(9 * ring) + rng.normal(0, 0.7), 0, 6))
        if place[1] > side * 0.8 + 25 * np.sin(place[0] / 40):
            shade = 7 + (rng.random() < 0.5)
        colour = tuple(int(v) for v in np.clip(PALETTE[shade] + rng.normal(0, 9, 3), 0, 255))
        points = [place]
        for _ in range(LENGTH):
            points.append(points[-1] + 1.6 * size * wind(points[-1], whirls))
        line = [tuple(float(v) for v in LARGE * point) for point in points]
        draw.line(line, fill=colour, width=round(LARGE * 5 * size), joint="curve")
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))


def wind(place: Array, whirls: Sequence[Any]) -> Array:
    """The direction in which a stroke continues, a vector of length 1."""
    total = np.array([0.25, 0.0])
    for centre, size, turn in whirls:
        away = place - centre
        distance = np.hypot(*away) + 1e-6
        total = total + turn * np.array([-away[1], away[0]]) / distance * np.exp(-distance / size)
    return total / (np.hypot(*total) + 1e-9)


if __name__ == "__main__":
    Image.fromarray(painting()).quantize(128, dither=Image.Dither.NONE).save(sys.argv[1], optimize=True)
