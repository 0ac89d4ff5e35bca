"""Histograms of oriented gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def gradients(image: Array) -> tuple[Array, Array]:
    """Size and angle (H, W) of the gradient of a grey picture (H, W); the angle without its sense, from 0 to pi."""
    padded = np.pad(image, 1, mode="edge")
    gx = padded[1:-1, 2:] - padded[1:-1, :-2]
    gy = padded[2:, 1:-1] - padded[:-2, 1:-1]
    return np.sqrt(gx**2 + gy**2), np.arctan2(gy, gx) % np.pi


def histograms(size: Array, angle: Array, cell: int, bins: int) -> Array:
    """A histogram for each cell of cell x cell pixels, (H // cell, W // cell, bins): each pixel counts by its size."""
    rows, columns = size.shape[0] // cell, size.shape[1] // cell
    number = np.minimum((angle / np.pi * bins).astype(int), bins - 1)
    out = np.zeros((rows, columns, bins), dtype=size.dtype)
    for i in range(rows * cell):
        for j in range(columns * cell):
            out[i // cell, j // cell, number[i, j]] += size[i, j]
    return out


def normalised(cells: Array, eps: float) -> Array:
    """The histograms of all cells as one vector of about length 1: divided by sqrt(sum of squares + eps^2)."""
    return cells.ravel() / np.sqrt((cells**2).sum() + eps**2)


def gradients_by_loops(image: Array) -> tuple[Array, Array]:
    (H, W), size, angle = image.shape, np.zeros_like(image), np.zeros_like(image)
    for i, j in np.ndindex(H, W):
        gx = image[i, min(j + 1, W - 1)] - image[i, max(j - 1, 0)]
        gy = image[min(i + 1, H - 1), j] - image[max(i - 1, 0), j]
        size[i, j] = math.hypot(gx, gy)
        angle[i, j] = math.atan2(gy, gx) % math.pi
    return size, angle


def histograms_by_loops(size: Array, angle: Array, cell: int, bins: int) -> Array:
    rows, columns = size.shape[0] // cell, size.shape[1] // cell
    out = np.zeros((rows, columns, bins), size.dtype)
    for r, s, b in np.ndindex(out.shape):
        for i, j in np.ndindex(cell, cell):
            turned = angle[r * cell + i, s * cell + j] / math.pi * bins
            if b <= turned < b + 1 or (b == bins - 1 and turned >= bins):
                out[r, s, b] += size[r * cell + i, s * cell + j]
    return out


def normalised_by_loops(cells: Array, eps: float) -> Array:
    total = sum(float(v) ** 2 for v in cells.ravel())
    return np.array([v / math.sqrt(total + eps**2) for v in cells.ravel()], cells.dtype)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for H, W, cell, bins in ((4, 6, 2, 4), (6, 7, 3, 9), (5, 5, 2, 3)):
        label = f"{H} x {W}, cells of {cell}, {bins} bins"
        yield case("gradients", f"{H} x {W}", image=rng.standard_normal((H, W)))
        size, angle = rng.uniform(0, 2, (H, W)), rng.uniform(0, np.pi, (H, W))
        angle[0, 0] = np.pi
        yield case("histograms", label, size=size, angle=angle, cell=cell, bins=bins)
        yield case("normalised", label, cells=rng.uniform(0, 1, (H // cell, W // cell, bins)), eps=0.5)
    yield case("normalised", "nothing at all", cells=np.zeros((2, 2, 3)), eps=0.1)


def picture(functions: Functions, scene: Scene) -> Drawn:
    grey = scene.image.mean(axis=2)
    size, angle = functions["gradients"](grey)
    cells = functions["histograms"](size, angle, 8, 9)
    return {"size of the gradient": size, "strongest angle of each cell": (cells.argmax(axis=2) + 1.0) * (
        cells.max(axis=2) > 20)}


EXERCISE = Exercise(
    name="hog",
    title="HOG: histograms of oriented gradients",
    lecture="lecture 9, adversarial examples for any classifier; Dalal & Triggs 2005",
    text="""
HOG was what classifiers saw before nets: in each cell, how strong edges are in which direction. It forgets nearly
everything else, so that two pictures can have the same HOG and look unlike.
""",
    formula="""
gx[i, j] = image[i, j + 1] - image[i, j - 1]            gy[i, j] = image[i + 1, j] - image[i - 1, j]
size     = sqrt(gx^2 + gy^2)                            angle = atan2(gy, gx) modulo pi
a pixel adds its size to the bin  floor(angle / pi * bins)  of its cell; an angle of pi belongs to the last bin
normalised = all histograms as one vector / sqrt(sum of squares + eps^2)
""",
    shapes="""
image, size, angle (H, W); cells (H // cell, W // cell, bins). Beyond the border the nearest pixel counts; pixels that
fill no whole cell are left out.
""",
    functions=(gradients, histograms, normalised),
    loops={"gradients": gradients_by_loops, "histograms": histograms_by_loops, "normalised": normalised_by_loops},
    outputs={"gradients": ("size", "angle"), "histograms": ("cells",), "normalised": ("out",)},
    cases=cases,
    hints=(
        'np.pad(image, 1, mode="edge") puts the nearest pixel around the picture.',
        "% np.pi makes of an edge from dark to bright and of one from bright to dark the same angle.",
        "Two loops over the pixels are fine: i // cell is the row of the cell.",
    ),
    mistakes=(
        Mistake("gradients", "np.arctan2(gy, gx) % np.pi", "np.arctan2(gy, gx) % (2 * np.pi)",
                "angle: it keeps its sense, from 0 to 2 pi."),
        Mistake("gradients", "np.arctan2(gy, gx) % np.pi", "np.arctan2(gx, gy) % np.pi",
                "angle: gx and gy have changed places: it is measured from the other axis."),
        Mistake("gradients", "np.arctan2(gy, gx) % np.pi", "np.degrees(np.arctan2(gy, gx) % np.pi)",
                "angle: it is in degrees."),
        Mistake("gradients", "np.arctan2(gy, gx) % np.pi", "abs(np.arctan2(gy, gx))",
                "angle: a negative angle is mirrored; without its sense it would be turned by half a circle."),
        Mistake("gradients", "np.sqrt(gx**2 + gy**2)", "abs(gx) + abs(gy)",
                "size: it is the sum of both sizes, not the length."),
        Mistake("gradients", 'mode="edge"', 'mode="constant"',
                "Beyond the border there is black: the edges of the picture become edges in it."),
        Mistake("histograms", "+= size[i, j]", "+= 1", "Each pixel counts once, however strong its edge is."),
        Mistake("histograms", "+= size[i, j]", "= size[i, j]",
                "Each pixel wipes out what others have added to its bin."),
        Mistake("histograms", "angle / np.pi * bins", "angle / (2 * np.pi) * bins",
                "The bins cover a full circle: the upper half of them stays empty."),
        Mistake("histograms", "(angle / np.pi * bins).astype(int)", "np.rint(angle / np.pi * bins).astype(int)",
                "Angles are rounded to the nearest bin: a bin begins half its width too early."),
        Mistake("histograms", "np.minimum((angle / np.pi * bins).astype(int), bins - 1)",
                "(angle / np.pi * bins).astype(int)", "An angle of exactly pi gets a bin of its own; there is none."),
        Mistake("histograms", "+= size[i, j]", "+= size[i, j] / cell**2",
                "A cell's pixels are averaged; a sum is asked for."),
        Mistake("normalised", " + eps**2", "", "Without eps, a picture without edges gives 0 / 0."),
        Mistake("normalised", "np.sqrt((cells**2).sum() + eps**2)", "(cells.sum() + eps)",
                "It is divided by the sum; the length is asked for."),
        Mistake("normalised", "(cells**2).sum()",
                "(cells**2).sum(axis=2, keepdims=True).repeat(cells.shape[2], axis=2).ravel()",
                "Each cell has a length of its own; all cells together should have one."),
    ),
    picture=picture,
)
