"""The Gram matrix, and the gradient of a style loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def gram(a: Array) -> Array:
    """The Gram matrix (C, C) of the activations a (H, W, C): which channels fire together, summed over positions."""
    rows = a.reshape(-1, a.shape[-1])
    return rows.T @ rows


def style_loss(a: Array, target: Array) -> tuple[float, Array]:
    """Gatys' loss of a layer, a number, and its gradient da (H, W, C). target (C, C): the Gram matrix of the style."""
    H, W, C = a.shape
    rows = a.reshape(-1, C)
    difference = rows.T @ rows - target
    loss = (difference**2).sum() / (4 * C**2 * (H * W) ** 2)
    da = rows @ difference / (C**2 * (H * W) ** 2)
    return loss, da.reshape(H, W, C)


def gram_by_loops(a: Array) -> Array:
    C = a.shape[2]
    out = np.zeros((C, C), a.dtype)
    for i, j, c, d in np.ndindex(*a.shape, C):
        out[c, d] += a[i, j, c] * a[i, j, d]
    return out


def style_by_loops(a: Array, target: Array) -> tuple[float, Array]:
    H, W, C = a.shape
    difference = gram_by_loops(a) - target
    scale = C**2 * (H * W) ** 2
    loss, da = 0.0, np.zeros_like(a)
    for c, d in np.ndindex(C, C):
        loss += float(difference[c, d]) ** 2 / (4 * scale)
        for i, j in np.ndindex(H, W):
            da[i, j, c] += a[i, j, d] * difference[c, d] / scale
    return np.float64(loss), da


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 4), (4, 1, 2), (3, 3, 3), (1, 1, 2)):
        a, style = rng.standard_normal(shape), rng.standard_normal((5, shape[2]))
        yield case("gram", f"a layer of {shape}", a=a)
        yield case("style_loss", f"a layer of {shape}", a=a, target=style.T @ style)
    a, style = rng.standard_normal((3, 2, 3)).astype("f4"), rng.standard_normal((5, 3)).astype("f4")
    yield case("gram", "float32", a=a)
    yield case("style_loss", "float32", a=a, target=style.T @ style)


def picture(functions: Functions, scene: Scene) -> Drawn:
    """The Gram matrix of relu1_1; 25 steps from the picture towards the style of minivis' painting."""
    painting = scene.painting
    wanted = {layer: functions["gram"](scene.net.forward(painting, until="relu2_1")[layer][0])
              for layer in ("relu1_1", "relu2_1")}
    x = scene.x
    for _ in range(25):
        acts = scene.net.forward(x, until="relu2_1", algorithm="im2col", fuse=False)
        seeds = {layer: np.asarray(functions["style_loss"](acts[layer][0], target)[1], np.float32)[None]
                 for layer, target in wanted.items()}
        dx = scene.net.backward(acts, seeds)[0]["input"]
        x = np.clip(x - 0.05 * dx / (abs(dx).mean() + 1e-12), -2, 2)
    return {"Gram matrix of relu1_1": functions["gram"](scene.forward(scene.net)["relu1_1"][0]),
            "25 steps to a style": scene.as_picture(x)}


EXERCISE = Exercise(
    name="gram",
    title="The Gram matrix and its gradient",
    lecture="lecture 9, Neural style; Gatys et al. 2015",
    text="""
Style, says Gatys, is which channels fire together, wherever that is: the Gram matrix sums over the positions and
forgets them. A picture gets the style of another one when their Gram matrices become alike.
""",
    formula="""
G[c, d] = sum over i, j of  a[i, j, c] * a[i, j, d]
loss    = sum over c, d of  (G[c, d] - target[c, d])^2  / (4 * C^2 * (H * W)^2)
da      = d loss / d a
""",
    shapes="a, da (H, W, C); G, target (C, C), symmetric; loss: a number.",
    functions=(gram, style_loss),
    loops={"gram": gram_by_loops, "style_loss": style_by_loops},
    outputs={"gram": ("G",), "style_loss": ("loss", "da")},
    losses={"style_loss": (lambda a, target: style_by_loops(a, target)[0], {"da": "a"})},
    cases=cases,
    hints=(
        "As a matrix of positions times channels, a makes G in one product.",
        "a[i, j, c] stands in the row c of G, and in its column c: count how often it appears.",
        "The 4 in the loss is there so that the gradient has no number in front.",
    ),
    mistakes=(
        Mistake("gram", "rows.T @ rows", "rows @ rows.T",
                "It says which positions are alike, not which channels: the sum runs over the wrong axis."),
        Mistake("gram", "a.reshape(-1, a.shape[-1])", "a.reshape(a.shape[-1], -1).T",
                "The numbers are scrambled: channels are the last axis, and reshape to (C, ...) cuts across them."),
        Mistake("gram", "rows.T @ rows", "rows.T @ rows / len(rows)", "It is averaged over the positions."),
        Mistake("gram", "rows.T @ rows", "rows.T @ rows / a.size",
                "It is divided by H * W * C; a plain sum is asked for."),
        Mistake("gram", "rows.T @ rows", "(rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0))",
                "The mean of each channel is taken off: that is a covariance."),
        Mistake("style_loss", "/ (4 * C**2 * (H * W) ** 2)", "/ (C**2 * (H * W) ** 2)",
                "loss: it is four times too large."),
        Mistake("style_loss", " / (4 * C**2 * (H * W) ** 2)", "", "loss: it is not divided by anything."),
        Mistake("style_loss", "(4 * C**2 * (H * W) ** 2)", "(4 * C**2 * (H * W))",
                "loss: the number of positions is not squared."),
        Mistake("style_loss", "(difference**2).sum() / (4", "abs(difference).sum() / (4",
                "loss: the differences are not squared."),
        Mistake("style_loss", "da = rows @ difference", "da = 4 * rows @ difference",
                "da: it is the gradient of the loss without the 4 in its denominator."),
        Mistake("style_loss", "da = rows @ difference", "da = rows @ difference / 2",
                "da: each activation stands in a row and in a column of G, and only one of them is counted."),
        Mistake("style_loss", "da = rows @ difference", "da = -rows @ difference",
                "da: the sign is wrong: following it leads to another style."),
        Mistake("style_loss", "da = rows @ difference / (C**2 * (H * W) ** 2)", "da = rows @ difference",
                "da: the loss is divided by the sizes of the layer, and its gradient is not."),
        Mistake("style_loss", "da = rows @ difference", "da = rows @ (rows.T @ rows)",
                "da: the target is missing in it."),
    ),
    picture=picture,
)
