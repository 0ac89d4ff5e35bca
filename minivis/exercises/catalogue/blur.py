"""Blur as a regulariser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array, Picture

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def gaussian(sigma: float, radius: int) -> Array:
    """The weights (2 * radius + 1,) of a Gaussian, which add up to 1."""
    d = np.arange(-radius, radius + 1)
    k = np.exp(-(d**2) / (2 * sigma**2))
    return k / k.sum()


def blur(x: Array, k: Array) -> Array:
    """The picture x (H, W, C), blurred along rows and columns with the weights k; beyond the border it repeats."""
    H, W = x.shape[:2]
    r = len(k) // 2
    padded = np.pad(x, ((r, r), (r, r), (0, 0)), mode="edge")
    down = sum(weight * padded[u : u + H] for u, weight in enumerate(k))
    return sum(weight * down[:, v : v + W] for v, weight in enumerate(k)).astype(x.dtype)


def gaussian_by_loops(sigma: float, radius: int) -> Array:
    weights = [math.exp(-d * d / (2 * sigma * sigma)) for d in range(-radius, radius + 1)]
    return np.array([weight / sum(weights) for weight in weights])


def blur_by_loops(x: Array, k: Array) -> Array:
    (H, W, _), r, out = x.shape, len(k) // 2, np.zeros_like(x)
    for i, j, c in np.ndindex(x.shape):
        total = 0.0
        for u in range(-r, r + 1):
            for v in range(-r, r + 1):
                row, column = min(max(i + u, 0), H - 1), min(max(j + v, 0), W - 1)
                total += float(k[u + r]) * float(k[v + r]) * float(x[row, column, c])
        out[i, j, c] = total
    return out


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for sigma, radius in ((0.8, 2), (1.5, 3), (2.0, 1)):
        yield case("gaussian", f"sigma {sigma:g}, radius {radius}", sigma=sigma, radius=radius)
    for H, W, r in ((5, 7, 1), (6, 4, 2), (3, 5, 2)):
        k = rng.uniform(0, 1, 2 * r + 1)
        yield case("blur", f"{H} x {W}, radius {r}", x=rng.standard_normal((H, W, 3)), k=k / k.sum())
    yield case("blur", "float32", x=rng.standard_normal((4, 5, 2)).astype("f4"), k=np.array([0.25, 0.5, 0.25], "f4"))


def picture(functions: Functions, scene: Scene) -> Drawn:
    """Maximisation of the best class, blurred after every second step; and without."""
    def climb(every: int | None) -> Picture:
        x = np.zeros_like(scene.x)
        for step in range(1, 25):
            x = x + scene.slope(x)
            if every and step % every == 0:
                x = np.asarray(functions["blur"](x[0], functions["gaussian"](0.7, 2)), np.float32)[None]
        return scene.as_picture(x)

    image = functions["blur"](scene.image.astype(float), functions["gaussian"](2.0, 6))
    return {"blurred": scene.rounded(image), "goose, without blur": climb(0), "goose, with blur": climb(2)}


EXERCISE = Exercise(
    name="blur",
    title="Blur as a regulariser",
    lecture="lecture 9, Optimization to image; Yosinski et al. 2015, section 4",
    text="""
Pictures that maximise a class are full of fine noise. Yosinski's remedy: after every few steps, blur the picture a
little. A Gaussian blur is one along the columns, then one along the rows, with the same weights.
""",
    formula="""
k[d]         = exp(-d^2 / (2 sigma^2)) / (the sum of all of them)           d = -radius ... radius
out[i, j, c] = sum over u, v of  k[u] * k[v] * x[i + u, j + v, c]           beyond the border: the nearest pixel
""",
    shapes="k (2 * radius + 1,); x and out (H, W, C). k[0] is the first element of the array, for d = -radius.",
    functions=(gaussian, blur),
    loops={"gaussian": gaussian_by_loops, "blur": blur_by_loops},
    outputs={"gaussian": ("k",)},
    cases=cases,
    hints=(
        "np.arange(-radius, radius + 1) are the distances d.",
        'np.pad(..., mode="edge") repeats the border. The channels are not blurred.',
        "Weight k[u] times the picture, moved by u rows; summed over u. Then the same with columns.",
    ),
    mistakes=(
        Mistake("gaussian", "k / k.sum()", "k",
                "The weights do not add up to 1: the picture gets brighter with each blur."),
        Mistake("gaussian", "k / k.sum()", "k / len(k)",
                "It is divided by how many weights there are; they do not add up to 1."),
        Mistake("gaussian", "2 * sigma**2", "sigma**2",
                "The Gaussian is too narrow: a factor in the exponent is missing."),
        Mistake("gaussian", "2 * sigma**2", "2 * sigma", "sigma is not squared."),
        Mistake("gaussian", "np.arange(-radius, radius + 1)", "np.arange(-radius, radius)",
                "The last weight is missing: the Gaussian is not symmetric."),
        Mistake("gaussian", "-(d**2)", "-abs(d)", "The distance is not squared: that is no Gaussian, but has a point."),
        Mistake("blur", "return sum(weight * down[:, v : v + W] for v, weight in enumerate(k)).astype(x.dtype)",
                "return down[:, r : r + W].astype(x.dtype)", "It is blurred along the columns only."),
        Mistake("blur", 'mode="edge"', 'mode="constant"', "Beyond the border there is black: the edges get dark."),
        Mistake("blur", 'mode="edge"', 'mode="wrap"', "Beyond the border the picture begins again on the other side."),
        Mistake("blur", 'mode="edge"', 'mode="reflect"', "Beyond the border the picture is mirrored."),
        Mistake("blur", "down[:, v : v + W] for", "down[:, v : v + W] / len(k) for",
                "The weights add up to 1 already, and there is one more division."),
        Mistake("blur", "padded[u : u + H] for u, weight in enumerate(k)",
                "padded[u : u + H] for u, weight in enumerate(k[::-1])",
                "Along the columns the weights are turned round."),
    ),
    picture=picture,
)
