"""t-SNE: affinities on the map, and the gradient."""

import math
from collections.abc import Iterator

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case
from minivis.types import Array


def affinities(Y: Array) -> Array:
    """Q (N, N): how near points Y (N, 2) of the map are, by Student's t with one degree of freedom; its sum is 1."""
    distance = ((Y[:, None] - Y[None]) ** 2).sum(axis=2)
    kernel = 1 / (1 + distance)
    np.fill_diagonal(kernel, 0)
    return kernel / kernel.sum()


def gradient(P: Array, Y: Array) -> Array:
    """The gradient dY (N, 2) of the Kullback-Leibler divergence sum P log(P / Q) at the points of the map."""
    difference = Y[:, None] - Y[None]
    kernel = 1 / (1 + (difference**2).sum(axis=2))
    off = kernel * (1 - np.eye(len(Y)))
    Q = off / off.sum()
    return 4 * (((P - Q) * kernel)[:, :, None] * difference).sum(axis=1)


def affinities_by_loops(Y: Array) -> Array:
    N = len(Y)
    kernel = [[0.0 if i == j else 1 / (1 + sum((a - b) ** 2 for a, b in zip(Y[i], Y[j]))) for j in range(N)]
              for i in range(N)]
    total = sum(map(sum, kernel))
    return np.array([[value / total for value in row] for row in kernel])


def gradient_by_loops(P: Array, Y: Array) -> Array:
    N, Q, dY = len(Y), affinities_by_loops(Y), np.zeros_like(Y)
    for i, j in np.ndindex(N, N):
        near = 1 / (1 + sum((a - b) ** 2 for a, b in zip(Y[i], Y[j])))
        for d in range(Y.shape[1]):
            dY[i, d] += 4 * (P[i, j] - Q[i, j]) * near * (Y[i, d] - Y[j, d])
    return dY


def divergence(P: Array, Y: Array) -> float:
    Q = affinities_by_loops(Y)
    return sum(float(P[i] * math.log(P[i] / Q[i])) for i in np.ndindex(P.shape) if i[0] != i[1])


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for N in (3, 5, 8):
        Y, P = rng.standard_normal((N, 2)), rng.uniform(0.1, 1, (N, N))
        P = P + P.T
        np.fill_diagonal(P, 0)
        yield case("affinities", f"{N} points", Y=Y)
        yield case("gradient", f"{N} points", P=P / P.sum(), Y=Y)


EXERCISE = Exercise(
    name="tsne",
    title="t-SNE's gradient",
    lecture="lecture 9, Visualizing the representation: t-SNE; van der Maaten & Hinton 2008, section 3.2",
    text="""
P says how near pictures are by their codes. On the map, nearness is measured by a kernel with long tails, so that what
is far apart may stay far apart. Each pair of points pulls or pushes like a spring: too far apart (P > Q) pulls, too
near pushes.
""",
    formula="""
kernel[i, j] = 1 / (1 + |Y[i] - Y[j]|^2)
Q[i, j]      = kernel[i, j] / (sum over all pairs k != l of kernel[k, l])           Q[i, i] = 0
dY[i]        = 4 * sum over j of  (P[i, j] - Q[i, j]) * kernel[i, j] * (Y[i] - Y[j])
""",
    shapes="P, Q (N, N), symmetric, each with a sum of 1 and zeros on the diagonal; Y, dY (N, 2).",
    functions=(affinities, gradient),
    loops={"affinities": affinities_by_loops, "gradient": gradient_by_loops},
    outputs={"affinities": ("Q",), "gradient": ("dY",)},
    losses={"gradient": (divergence, {"dY": "Y"})},
    cases=cases,
    hints=(
        "Y[:, None] - Y[None] are all differences at once, (N, N, 2).",
        "The sum in Q's denominator runs over the whole matrix but for its diagonal.",
        "The spring between i and j pulls along Y[i] - Y[j]; sum over j, for each i and each coordinate.",
    ),
    mistakes=(
        Mistake("affinities", "1 / (1 + distance)", "np.exp(-distance)",
                "The kernel is a Gaussian: its tails are short."),
        Mistake("affinities", "1 / (1 + distance)", "1 / (1 + np.sqrt(distance))", "The distance is not squared."),
        Mistake("affinities", "    np.fill_diagonal(kernel, 0)\n", "",
                "Each point counts as its own neighbour: the diagonal is not zero."),
        Mistake("affinities", "kernel / kernel.sum()", "kernel / kernel.sum(axis=1, keepdims=True)",
                "Each row has a sum of 1; the whole matrix should have it."),
        Mistake("affinities", "kernel / kernel.sum()", "kernel", "The kernel is not divided by its sum."),
        Mistake("gradient", "return 4 * ", "return 2 * ",
                "It is half as large as it should be: a pair stands twice in the sum, "
                "and its square brings a factor, too."),
        Mistake("gradient", "P - Q", "Q - P", "The sign is wrong: springs push where they should pull."),
        Mistake("gradient", "((P - Q) * kernel)", "(P - Q)",
                "The kernel is missing: springs pull on far points as on near ones."),
        Mistake("gradient", "((P - Q) * kernel)", "(P * kernel)", "Nothing pushes: the points would fall together."),
        Mistake("gradient", "Q = off / off.sum()", "Q = off / off.sum(axis=1, keepdims=True)",
                "Each row of Q has a sum of 1; the whole matrix should have it."),
        Mistake("gradient", "off = kernel * (1 - np.eye(len(Y)))", "off = kernel",
                "The diagonal counts in Q's denominator."),
        Mistake("gradient", ".sum(axis=1)", ".mean(axis=1)", "The springs of a point are averaged; they add up."),
        Mistake("gradient", "* difference).sum", "* np.sign(difference)).sum",
                "Only the direction of a spring counts, not how long it is."),
    ),
)
