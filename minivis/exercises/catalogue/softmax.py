"""Softmax, stable, and cross-entropy with its gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minivis.exercises.exercise import Case, Drawn, Exercise, Functions, Mistake, case
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.exercises.scene import Scene


def softmax(x: Array) -> Array:
    """The probabilities (N, F) of the logits x (N, F). They may be as large as 1000."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(x: Array, labels: Array) -> tuple[float, Array]:
    """The mean loss of a batch, and its gradient dx (N, F). labels (N,): the number of each picture's true class."""
    N = len(x)
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(N), labels].mean()
    dx = np.exp(log_p)
    dx[np.arange(N), labels] -= 1
    return loss, dx / N


def softmax_by_loops(x: Array) -> Array:
    out = np.zeros_like(x)
    for n in range(len(x)):
        largest = max(x[n])
        powers = [math.exp(v - largest) for v in x[n]]
        out[n] = [power / sum(powers) for power in powers]
    return out


def cross_entropy_by_loops(x: Array, labels: Array) -> tuple[float, Array]:
    loss, dx = 0.0, np.zeros_like(x)
    for n in range(len(x)):
        largest = max(x[n])
        total = sum(math.exp(v - largest) for v in x[n])
        loss -= (x[n, labels[n]] - largest - math.log(total)) / len(x)
        for i in range(x.shape[1]):
            dx[n, i] = (math.exp(x[n, i] - largest) / total - (i == labels[n])) / len(x)
    return np.float64(loss), dx


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for N, F in ((1, 3), (4, 6), (5, 5)):
        x, labels = 2 * rng.standard_normal((N, F)), rng.integers(0, F, N)
        yield case("softmax", f"{N} x {F}", x=x)
        yield case("cross_entropy", f"{N} x {F}", x=x, labels=labels)
    large = x + np.array([[1000], [-1000], [800], [-900], [0.0]])
    yield case("softmax", "logits around 1000 and -1000", x=large)
    yield case("cross_entropy", "logits around 1000 and -1000", x=large, labels=labels)
    far = np.array([[0.0, 1000.0, -3.0]])
    yield case("cross_entropy", "sure and wrong", x=far, labels=np.array([0]))
    yield case("softmax", "float32", x=x.astype("f4"))
    yield case("cross_entropy", "float32", x=x.astype("f4"), labels=labels)


def picture(functions: Functions, scene: Scene) -> Drawn:
    probs = scene.forward(scene.with_softmax(functions))["prob"]
    acts = scene.forward(scene.net)
    _, dlogits = functions["cross_entropy"](acts["fc8"], np.array([scene.best]))
    return {"gradient of the loss": scene.back(acts, {"fc8": dlogits}),
            "probabilities": np.pad(probs[0], (0, 3)).reshape(8, 16)}


EXERCISE = Exercise(
    name="softmax",
    title="Softmax and cross-entropy",
    lecture="lecture 3, Softmax classifier",
    text="""
Softmax turns logits into probabilities; the loss of a picture is minus the logarithm of what its true class gets, and
that of a batch is the mean. Write both so that large logits do no harm: exp(1000) is infinite, and infinity divided by
infinity is NaN.
""",
    formula="""
p[n, i] = exp(x[n, i]) / sum over j of exp(x[n, j])
loss    = mean over n of  -log p[n, labels[n]]
dx      = (p[n, i] - [i = labels[n]]) / N
""",
    shapes="x, p, dx (N, F); labels (N,), whole numbers from 0 to F - 1; loss: a number.",
    functions=(softmax, cross_entropy),
    loops={"softmax": softmax_by_loops, "cross_entropy": cross_entropy_by_loops},
    outputs={"softmax": ("p",), "cross_entropy": ("loss", "dx")},
    losses={"cross_entropy": (lambda x, labels: cross_entropy_by_loops(x, labels)[0], {"dx": "x"})},
    cases=cases,
    hints=(
        "p stays as it is when one number is subtracted from all logits of a row. Which number makes exp harmless?",
        "keepdims=True lets a row's maximum or sum be subtracted from, or divide, the whole row.",
        "The logarithm of a quotient is a difference; log p needs no exp of the true class, so it is never log(0).",
    ),
    mistakes=(
        Mistake("softmax", "np.exp(x - x.max(axis=1, keepdims=True))", "np.exp(x)",
                "Large logits overflow: exp of them is infinite, and the quotient NaN."),
        Mistake("softmax", "x.max(axis=1, keepdims=True)", "x.max()",
                "One maximum is taken for the whole batch: rows with small logits underflow to 0 / 0."),
        Mistake("softmax", "e.sum(axis=1, keepdims=True)", "e.sum(axis=1)",
                "The sums of the rows, (N,), meet the rows' elements instead of the rows: look at how their shapes are "
                "aligned."),
        Mistake("softmax", "e.sum(axis=1, keepdims=True)", "e.sum()",
                "One sum is taken for the whole batch: the probabilities of a picture do not add up to 1."),
        Mistake("softmax", "e.sum(axis=1, keepdims=True)", "e.sum(axis=0, keepdims=True)",
                "The sum runs over the pictures instead of over the classes."),
        Mistake("softmax", "e / e.sum(axis=1, keepdims=True)", "e",
                "The powers come back undivided: they do not add up to 1."),
        Mistake("cross_entropy", "shifted = x - x.max(axis=1, keepdims=True)", "shifted = x",
                "loss and dx: large logits overflow: exp of them is infinite."),
        Mistake("cross_entropy", "shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
                "np.log(np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True))",
                "loss: where the true class has next to no probability, that underflows to 0, and its logarithm is "
                "infinite."),
        Mistake("cross_entropy", ".mean()", ".sum()", "loss: the batch is summed where a mean is asked for."),
        Mistake("cross_entropy", "loss = -log_p", "loss = log_p", "loss: it is negative: the sign is missing."),
        Mistake("cross_entropy", "-log_p[np.arange(N), labels].mean()", "-np.exp(log_p)[np.arange(N), labels].mean()",
                "loss: the probability itself is used, without its logarithm."),
        Mistake("cross_entropy", "-log_p[np.arange(N), labels].mean()", "-log_p.mean()",
                "loss: all classes count, not only the true one."),
        Mistake("cross_entropy", "dx / N", "dx", "dx: the loss is a mean over the batch, the gradient that of a sum."),
        Mistake("cross_entropy", "dx[np.arange(N), labels] -= 1", "dx[np.arange(N), labels] += 1",
                "dx: what belongs to the true class has the wrong sign."),
        Mistake("cross_entropy", "dx[np.arange(N), labels] -= 1", "pass",
                "dx: it is p alone: nothing pulls the true class up."),
        Mistake("cross_entropy", "dx[np.arange(N), labels] -= 1", "dx[:, labels] -= 1",
                "dx: the true classes of all pictures are subtracted in every row."),
    ),
    picture=picture,
)
