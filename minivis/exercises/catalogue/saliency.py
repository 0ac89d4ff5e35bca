"""Saliency: which pixels a class depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def saliency(forward: Callable[[Array], Any], backward: Callable[[Array], Array], x: Array, k: int) -> Array:
    """The map (N, H, W) of class k, for pictures x (N, H, W, C).

    forward(x) gives (scores, probs), both (N, F); backward(dscores) gives the gradient at x for one at the scores.
    """
    scores, _ = forward(x)
    dscores = np.zeros_like(scores)
    dscores[:, k] = 1
    dx = backward(dscores)
    return abs(dx).max(axis=3)


class SmallNet:
    """A ReLU between two matrices, then softmax; with forward and backward as a student gets them."""

    def __init__(self, rng: np.random.Generator, shape: Shape, classes: int, dtype: str = "f8") -> None:
        size = shape[1] * shape[2] * shape[3]
        self.shape = shape
        self.w1 = rng.standard_normal((size, 7)).astype(dtype)
        self.w2 = rng.standard_normal((7, classes)).astype(dtype)

    def forward(self, x: Array) -> tuple[Array, Array]:
        hidden = x.reshape(len(x), -1) @ self.w1
        self.mask = hidden > 0
        scores = (hidden * self.mask) @ self.w2
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores, e / e.sum(axis=1, keepdims=True)

    def backward(self, dscores: Array) -> Array:
        return ((dscores @ self.w2.T) * self.mask @ self.w1.T).reshape(self.shape)


def by_loops(forward: Callable[[Array], Any], backward: Callable[[Array], Array], x: Array, k: int) -> Array:
    scores, _ = forward(x)
    seed = np.zeros_like(scores)
    for n in range(len(seed)):
        seed[n, k] = 1
    dx, out = backward(seed), np.zeros(x.shape[:3], x.dtype)
    for n, i, j in np.ndindex(out.shape):
        out[n, i, j] = max(abs(v) for v in dx[n, i, j])
    return out


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, k in (((1, 3, 4, 3), 2), ((3, 4, 2, 3), 0), ((2, 3, 3, 1), 4)):
        net, x = SmallNet(rng, shape, 5), rng.standard_normal(shape)
        yield case("saliency", f"{shape[0]} pictures, {shape[3]} channels", forward=net.forward, backward=net.backward,
                   x=x, k=k)
    net = SmallNet(rng, shape, 5, "f4")
    yield case("saliency", "float32", forward=net.forward, backward=net.backward, x=x.astype("f4"), k=1)


def picture(functions: Functions, scene: Scene) -> Drawn:
    acts = scene.forward(scene.net)

    def backward(dscores: Array) -> Array:
        return scene.back(acts, {"fc8": dscores})[None]

    given = (lambda x: (acts["fc8"], acts["prob"]), backward, scene.x)
    return {"saliency": functions["saliency"](*given, scene.best)[0]}


EXERCISE = Exercise(
    name="saliency",
    title="Saliency",
    lecture="lecture 9, Optimization to image; Simonyan et al. 2014, section 3.1",
    text="""
How much would the score of a class change if a pixel changed a little? The size of the gradient says so; of a pixel's
three colours the strongest counts. The score is the one before the softmax: a probability also rises when other classes
lose.
""",
    formula="""
M[n, i, j] = max over c of  | d scores[n, k] / d x[n, i, j, c] |
""",
    shapes="x (N, H, W, C); scores, probs (N, F); M (N, H, W).",
    functions=(saliency,),
    loops={"saliency": by_loops},
    outputs={"saliency": ("M",)},
    cases=cases,
    hints=(
        "forward first, then backward: backward needs to know where the ReLUs let the picture through.",
        "What backward gets is the seed of class k: the gradient of scores[:, k] at the scores.",
        "First the sizes, then the maximum over the last axis.",
    ),
    mistakes=(
        Mistake("saliency", "abs(dx).max(axis=3)", "dx.max(axis=3)",
                "The sign is kept: a pixel that speaks strongly against the class looks like one that has nothing to "
                "say."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx.max(axis=3))",
                "The maximum is taken before the size: of two colours, -3 and 1, the 1 wins."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx).sum(axis=3)", "The colours of a pixel are added up."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx).mean(axis=3)", "The colours of a pixel are averaged."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx.sum(axis=3))",
                "The colours are added up with their signs: they cancel."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx)",
                "The map still has the colours: one number per pixel is asked for."),
        Mistake("saliency", "dscores[:, k] = 1", "dscores[:, k] = forward(x)[1][:, k]",
                "The seed holds the probability: the map is scaled by how sure the net is."),
        Mistake("saliency", "dscores[:, k] = 1", "p = forward(x)[1]; dscores = p[:, [k]] * (np.eye(p.shape[1])[k] - p)",
                "It is the gradient of the probability, not that of the score: other classes leak in."),
        Mistake("saliency", "dscores[:, k] = 1", "dscores[:] = scores", "All scores are sent back at once."),
        Mistake("saliency", "dscores[:, k] = 1", "dscores[np.arange(len(x)), scores.argmax(axis=1)] = 1",
                "Each picture's best class is asked, not class k."),
        Mistake("saliency", "dscores[:, k] = 1", "dscores[0, k] = 1",
                "Only the first picture of the batch has a seed."),
        Mistake("saliency", "abs(dx).max(axis=3)", "abs(dx * x).max(axis=3)",
                "The gradient is multiplied by the picture: that is another map, gradient times input."),
    ),
    picture=picture,
)
