"""The gradient that a backward pass starts from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def class_seed(scores: Array, k: int) -> Array:
    """The gradient at scores (N, F) of the sum, over the batch, of the score of class k."""
    seed = np.zeros_like(scores)
    seed[:, k] = 1
    return seed


def channel_seed(acts: Array, channel: int) -> Array:
    """The gradient at acts (N, H, W, C) of the sum of a channel, over the batch and over all positions."""
    seed = np.zeros_like(acts)
    seed[..., channel] = 1
    return seed


def strongest_seed(acts: Array, channel: int) -> Array:
    """The gradient at acts of a channel's largest number in each picture, summed over the batch."""
    N, _, W, _ = acts.shape
    seed = np.zeros_like(acts)
    for n in range(N):
        row, column = divmod(acts[n, :, :, channel].argmax(), W)
        seed[n, row, column, channel] = 1
    return seed


def class_by_loops(scores: Array, k: int) -> Array:
    return np.array([[float(f == k) for f in range(scores.shape[1])] for _ in scores], scores.dtype)


def channel_by_loops(acts: Array, channel: int) -> Array:
    seed = np.zeros_like(acts)
    for n, i, j, c in np.ndindex(acts.shape):
        seed[n, i, j, c] = c == channel
    return seed


def strongest_by_loops(acts: Array, channel: int) -> Array:
    seed = np.zeros_like(acts)
    for n in range(len(acts)):
        row, column = 0, 0
        for i, j in np.ndindex(acts.shape[1:3]):
            if acts[n, i, j, channel] > acts[n, row, column, channel]:
                row, column = i, j
        seed[n, row, column, channel] = 1
    return seed


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for N, F in ((1, 4), (3, 5)):
        scores = rng.standard_normal((N, F))
        yield case("class_seed", f"{N} x {F}", scores=scores, k=F - 2)
    yield case("class_seed", "float32", scores=scores.astype("f4"), k=0)
    for N, H, W, C in ((1, 4, 3, 2), (3, 2, 5, 4)):
        acts = rng.standard_normal((N, H, W, C))
        yield case("channel_seed", f"{N} x {H} x {W} x {C}", acts=acts, channel=1)
        yield case("strongest_seed", f"{N} x {H} x {W} x {C}", acts=acts, channel=1)
        yield case("strongest_seed", "below zero", acts=acts - 9, channel=0)
        flat = np.minimum(acts, np.median(acts, axis=(1, 2), keepdims=True))    # half of each map is its maximum
        yield case("strongest_seed", "of several equal maxima the first", acts=flat, channel=0)
    yield case("channel_seed", "float32", acts=acts.astype("f4"), channel=2)
    yield case("strongest_seed", "float32", acts=acts.astype("f4"), channel=2)


def every_strongest(acts: Array, channel: int) -> Array:
    seed = np.zeros_like(acts)
    seed[..., channel] = acts[..., channel] == acts[..., channel].max(axis=(1, 2), keepdims=True)
    return seed


def picture(functions: Functions, scene: Scene) -> Drawn:
    acts = scene.forward(scene.net)
    seeds = {"class goose": ("fc8", functions["class_seed"](acts["fc8"], scene.best)),
             "all of relu2_1:5": ("relu2_1", functions["channel_seed"](acts["relu2_1"], 5)),
             "relu2_1:5, strongest place": ("relu2_1", functions["strongest_seed"](acts["relu2_1"], 5))}
    return {title: scene.back(acts, {layer: seed}, "guided") for title, (layer, seed) in seeds.items()}


EXERCISE = Exercise(
    name="seed",
    title="The seed of a neuron",
    lecture="lecture 9, Deconv approaches: pick a neuron, set its gradient to 1",
    text="""
A backward pass starts from the gradient of what you ask about. Ask for one class, for a whole channel, or for a channel
where it is strongest: each is a sum of some of a layer's numbers, and its gradient at the layer is a pattern of ones
and zeros. Write these three.
""",
    formula="""
class      d (sum over n of scores[n, k])                        / d scores
channel    d (sum over n, i, j of acts[n, i, j, channel])        / d acts
strongest  d (sum over n of max over i, j of acts[n, i, j, channel]) / d acts
""",
    shapes="""
scores (N, F); acts (N, H, W, C); each seed has the shape and dtype of what it is a gradient at. Of several equal maxima
the first counts, row by row.
""",
    functions=(class_seed, channel_seed, strongest_seed),
    loops={"class_seed": class_by_loops, "channel_seed": channel_by_loops, "strongest_seed": strongest_by_loops},
    outputs=dict.fromkeys(("class_seed", "channel_seed", "strongest_seed"), ("seed",)),
    losses={
        "class_seed": (lambda scores, k: scores[:, k].sum(), {"seed": "scores"}),
        "channel_seed": (lambda acts, channel: acts[..., channel].sum(), {"seed": "acts"}),
    },
    cases=cases,
    hints=(
        "The derivative of a number with respect to itself is 1, and with respect to any other number of its layer 0.",
        "argmax counts through a flattened map. With W numbers in a row, which row and which column is the k-th?",
        "Each picture of the batch has its strongest place somewhere else.",
    ),
    mistakes=(
        Mistake("class_seed", "seed[:, k] = 1", "seed[:, k] = scores[:, k]",
                "The score itself stands in the seed: a stronger class gets a larger gradient than the score's own."),
        Mistake("class_seed", "seed[:, k] = 1", "seed[0, k] = 1", "Only the first picture of the batch has a seed."),
        Mistake("class_seed", "seed[:, k] = 1", "seed[...] = 1", "All classes are asked at once."),
        Mistake("class_seed", "seed[:, k] = 1", "seed[np.arange(len(scores)), scores.argmax(axis=1)] = 1",
                "Each picture's best class is asked, not the one that was named."),
        Mistake("channel_seed", "seed[..., channel] = 1", "seed[..., channel] = 1 / (acts.shape[1] * acts.shape[2])",
                "The positions are averaged; a sum was asked for."),
        Mistake("channel_seed", "seed[..., channel] = 1", "seed[:, channel] = 1",
                "The number of the channel is used as a row: the channels are the last axis."),
        Mistake("channel_seed", "seed[..., channel] = 1", "seed[..., channel] = acts[..., channel]",
                "The activations themselves stand in the seed: that is the gradient of half the sum of squares."),
        Mistake("strongest_seed", "acts[n, :, :, channel].argmax()", "abs(acts[n, :, :, channel]).argmax()",
                "The largest size is looked for, whatever its sign."),
        Mistake("strongest_seed", "acts[n, :, :, channel].argmax()", "acts[0, :, :, channel].argmax()",
                "Every picture gets its seed where the first one is strongest."),
        Mistake("strongest_seed", "acts[n, :, :, channel].argmax()", "(acts[n, :, :, channel].size - 1 - "
                "acts[n, ::-1, ::-1, channel].argmax())", "Of several equal maxima the last one is chosen."),
        Mistake("strongest_seed", by=every_strongest, says="Each of several equal maxima has a 1."),
        Mistake("strongest_seed", "row, column = divmod", "column, row = divmod",
                "Row and column have changed places."),
        Mistake("strongest_seed", "channel].argmax(), W)", "channel].argmax(), acts.shape[1])",
                "The flat index is divided by the number of rows; think of how many numbers stand in one row."),
        Mistake("strongest_seed", "seed[n, row, column, channel] = 1", "seed[n, row, column, :] = 1",
                "All channels at the strongest place are asked."),
        Mistake("strongest_seed", "seed[n, row, column, channel] = 1",
                "seed[n, row, column, channel] = acts[n, row, column, channel]",
                "The activation itself stands in the seed."),
    ),
    picture=picture,
)
