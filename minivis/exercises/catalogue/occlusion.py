"""Occlusion: cover a part of the picture, and see how far the score falls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def occlusion(score: Callable[[Array], float], image: Array, window: int, stride: int, fill: float) -> Array:
    """How far score(image) falls when the window at each place is covered: a map, one number for each place.

    image (H, W, C); score(image) is a number. A covered pixel has the value `fill`.
    """
    H, W = image.shape[:2]
    rows = (H - window) // stride + 1
    columns = (W - window) // stride + 1
    before = score(image)
    drops = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            covered = image.copy()
            covered[i * stride : i * stride + window, j * stride : j * stride + window] = fill
            drops[i, j] = before - score(covered)
    return drops


def by_loops(score: Callable[[Array], float], image: Array, window: int, stride: int, fill: float) -> Array:
    H, W, _ = image.shape
    drops: list[list[float]] = []
    for top in range(0, H - window + 1, stride):
        drops.append([])
        for left in range(0, W - window + 1, stride):
            covered = np.array(image)
            for r in range(top, top + window):
                for s in range(left, left + window):
                    covered[r, s] = fill
            drops[-1].append(score(image) - score(covered))
    return np.array(drops)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for H, W, window, stride, fill in ((4, 5, 2, 1, 0.0), (6, 5, 2, 2, 0.5), (7, 6, 3, 2, -1.0), (5, 5, 2, 3, 0.2)):
        image, w = rng.standard_normal((H, W, 3)), rng.standard_normal((H, W, 3))
        yield case("occlusion", f"{H} x {W}, window {window}, stride {stride}, fill {fill:g}",
                   score=lambda picture, w=w: float(np.tanh((picture * w).sum() / 5)), image=image, window=window,
                   stride=stride, fill=fill)


def cover_without_a_copy(score: Callable[[Array], float], image: Array, window: int, stride: int, fill: float) -> Array:
    rows, columns = ((side - window) // stride + 1 for side in image.shape[:2])
    before, covered = score(image), image.copy()
    drops = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            covered[i * stride : i * stride + window, j * stride : j * stride + window] = fill
            drops[i, j] = before - score(covered)
    return drops


def picture(functions: Functions, scene: Scene) -> Drawn:
    def score(image: Array) -> float:
        x = scene.net.preprocess(image[None].astype(np.uint8))
        return float(scene.net.forward(x, keep=["fc8"], algorithm="im2col", fuse=False)["fc8"][0, scene.best])

    return {"drop of the score": functions["occlusion"](score, scene.image.astype(float), 16, 8, 128)}


EXERCISE = Exercise(
    name="occlusion",
    title="Occlusion",
    lecture="lecture 9, Occlusion experiments; Zeiler & Fergus 2014, section 4.2",
    text="""
Slide a grey square over the picture, and ask the net at each place what it sees now. Where the score falls most, stands
what the net looks at. No gradient is needed.
""",
    formula="""
drops[i, j] = score(image) - score(image with rows    i * stride ... i * stride + window - 1
                                        and columns j * stride ... j * stride + window - 1 covered)
""",
    shapes="image (H, W, C); drops (rows, columns) with rows = (H - window) // stride + 1, and columns likewise.",
    functions=(occlusion,),
    loops={"occlusion": by_loops},
    outputs={"occlusion": ("drops",)},
    cases=cases,
    hints=(
        "Each place begins with the whole picture again: cover a copy.",
        "A slice of rows and one of columns name the window; one assignment fills it, all channels at once.",
        "The score of the uncovered picture is the same for all places.",
    ),
    mistakes=(
        Mistake("occlusion", "before - score(covered)", "score(covered) - before",
                "The sign is wrong: where covering harms, the map should be positive."),
        Mistake("occlusion", "before - score(covered)", "score(covered)",
                "It is the score that is left, not how far it fell."),
        Mistake("occlusion", "= fill", "= 0", "The window is black, whatever `fill` says."),
        Mistake("occlusion", "[i * stride : i * stride + window, j * stride : j * stride + window]",
                "[i : i + window, j : j + window]", "The window moves by one pixel each time, whatever the stride is."),
        Mistake("occlusion", "[i * stride : i * stride + window, j * stride : j * stride + window]",
                "[j * stride : j * stride + window, i * stride : i * stride + window]",
                "Rows and columns have changed places."),
        Mistake("occlusion", "rows = (H - window) // stride + 1", "rows = (H - window) // stride",
                "The last row of places is missing."),
        Mistake("occlusion", "columns = (W - window) // stride + 1", "columns = (W - window) // stride",
                "The last column of places is missing."),
        Mistake("occlusion", "rows = (H - window) // stride + 1", "rows = H // stride",
                "There are too many rows: the last windows stick out of the picture."),
        Mistake("occlusion", by=cover_without_a_copy,
                says="Windows that were covered once stay covered: the picture gets greyer and greyer."),
        Mistake("occlusion", "j * stride : j * stride + window] = fill", "j * stride : j * stride + window, 0] = fill",
                "Only the first channel is covered."),
        Mistake("occlusion", "before - score(covered)",
                "(before - score(covered)) / before", "The drop is divided by the score: a fraction came out."),
        Mistake("occlusion", "covered[i * stride", "covered[:] = fill; covered[i * stride",
                "Everything is covered, not only the window."),
    ),
    picture=picture,
)
