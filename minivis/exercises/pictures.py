"""The lecture's picture of an exercise, twice: made with the published solution, and with a student's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.errors import BadValue
from minivis.exercises import read, sandbox
from minivis.exercises.calls import Problem, explained
from minivis.exercises.scene import Scene
from minivis.figures.colormaps import display_limit, signed, unsigned
from minivis.figures.compose import above, panels, text_picture
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.exercises.exercise import Drawn, Exercise

HEIGHT = 224


def side_by_side(exercise: Exercise, source: str, file: str, *, seed: int = 0) -> tuple[Any, Problem | None]:
    """(uint8 picture, `Problem` or None): above with the solution, below with the student's file, if it draws."""
    check_has_picture(exercise)
    run = sandbox.run_file(exercise, source, file, seed=seed, picture=True)
    scene = Scene()
    ours = exercise.picture(exercise.solutions, scene)
    if run.problem:
        return None, run.problem
    return compared(ours, run.picture, scene.image), None


def picture(exercise: Any, *functions: Callable[..., Any]) -> Picture:
    """The same for functions that are here, as in a notebook. BadValue, with one sentence, for one that fails."""
    exercise = exercise if hasattr(exercise, "solutions") else read.find(exercise)
    check_has_picture(exercise)
    scene = Scene()
    given = {**exercise.solutions, **{function.__name__: function for function in functions}}
    try:
        yours = {title: np.asarray(values) for title, values in exercise.picture(given, scene).items()}
    except Exception as error:
        code = getattr(functions[0], "__code__", None) if functions else None
        raise BadValue(f"no picture: {explained(error, code and code.co_filename).says}") from error
    return compared(exercise.picture(exercise.solutions, scene), yours, scene.image)


def check_has_picture(exercise: Exercise) -> None:
    if exercise.picture is None:
        drawn = ", ".join(name for name in read.NAMES if read.get(name).picture)
        raise BadValue(f"the exercise {exercise.name} has no picture; these have one: {drawn}")


def compared(ours: Drawn, yours: Drawn, image: Picture) -> Picture:
    """Two rows of panels; both are drawn on the scale of ours, so that an answer twice as large looks it."""
    rows = []
    for who, drawn in (("minivis", ours), ("yours", yours)):
        images, titles = [image], [f"{who}\nthe picture"]
        for title, right in ours.items():
            values = np.asarray(drawn.get(title, np.nan))
            picture, remark = painted(values, np.asarray(right))
            images.append(picture)
            titles.append(f"{title}\n{remark or who}")
        rows.append(panels(images, titles, height=HEIGHT))
    return above(rows, gap=0)


def painted(values: Array, right: Array) -> tuple[Picture, str]:
    """(uint8 picture, remark) of an array, on the scale of the right one."""
    if values.shape != right.shape:
        return blank(f"its shape is {values.shape}, not {right.shape}"), "another shape"
    if values.dtype == np.uint8:
        return values if values.ndim == 3 else values[..., None].repeat(3, axis=2), ""
    finite = np.isfinite(values)
    shown = np.where(finite, values, 0)
    limit = display_limit(right) or 1.0
    picture = signed(shown, limit=limit) if right.min() < 0 else unsigned(shown, limit=limit)
    return picture, "" if finite.all() else f"{(~finite).sum()} numbers are NaN or infinite"


def blank(text: str) -> Picture:
    """A white square with a sentence in it."""
    written = text_picture(text, HEIGHT - 20)
    square = np.full((HEIGHT, HEIGHT, 3), 255, np.uint8)
    square[:written.shape[0], :written.shape[1]] = written
    return square
