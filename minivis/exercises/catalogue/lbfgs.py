"""L-BFGS' two-loop recursion."""

from collections.abc import Iterator

import numpy as np

from minivis.exercises.exercise import Case, Exercise, Mistake, case
from minivis.types import Array


def direction(grad: Array, s: Array, y: Array) -> Array:
    """The direction (D,) to go from a point with the gradient grad (D,).

    s (m, D): the last m steps, oldest first; y (m, D): how the gradient changed in each.
    """
    q = grad.copy()
    rho = 1 / (s * y).sum(axis=1)
    alpha = np.zeros(len(s), dtype=grad.dtype)
    for i in reversed(range(len(s))):
        alpha[i] = rho[i] * (s[i] @ q)
        q = q - alpha[i] * y[i]
    r = q * ((s[-1] @ y[-1]) / (y[-1] @ y[-1]))
    for i in range(len(s)):
        beta = rho[i] * (y[i] @ r)
        r = r + s[i] * (alpha[i] - beta)
    return -r


def by_loops(grad: Array, s: Array, y: Array) -> Array:
    """By the matrix itself: BFGS' update of the inverse Hessian, from the oldest pair on."""
    D = len(grad)
    H = np.eye(D) * (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    for one, change in zip(s, y):
        rho = 1 / (one @ change)
        V = np.eye(D) - rho * np.outer(change, one)
        H = V.T @ H @ V + rho * np.outer(one, one)
    return (-H @ grad).astype(grad.dtype)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for D, m in ((3, 1), (5, 2), (6, 4)):
        root = rng.standard_normal((D, D))
        hessian = root @ root.T + np.eye(D)             # of a bowl, so that s . y > 0
        s = rng.standard_normal((m, D))
        yield case("direction", f"{D} numbers, {m} pairs", grad=rng.standard_normal(D), s=s, y=s @ hessian)
    s, y, grad = s.astype("f4"), (s @ hessian).astype("f4"), rng.standard_normal(D).astype("f4")
    yield case("direction", "float32", grad=grad, s=s, y=y)


EXERCISE = Exercise(
    name="lbfgs",
    title="L-BFGS: the two-loop recursion",
    lecture="lecture 6; Nocedal & Wright 2006, algorithm 7.4",
    text="""
Newton's direction is minus the inverse Hessian times the gradient; for a picture of 150,528 pixels the Hessian would
fill 90 GB. L-BFGS never writes it down: it gets the product from the last few steps s and changes of the gradient y, by
two loops over them.
""",
    formula="""
q = grad                        rho[i] = 1 / (y[i] . s[i])
for i from the newest to the oldest:    alpha[i] = rho[i] * (s[i] . q);   q = q - alpha[i] * y[i]
r = gamma * q                   gamma = (s . y) / (y . y)  of the newest pair
for i from the oldest to the newest:    beta = rho[i] * (y[i] . r);       r = r + (alpha[i] - beta) * s[i]
direction = -r
""",
    shapes="grad, direction (D,); s, y (m, D), the oldest pair first.",
    functions=(direction,),
    loops={"direction": by_loops},
    outputs={"direction": ("direction",)},
    cases=cases,
    hints=(
        "The newest pair is s[-1], y[-1]; the first loop begins there.",
        "The second loop needs the alphas of the first one: keep them.",
        "grad must stay as it is: q begins as a copy of it.",
    ),
    mistakes=(
        Mistake("direction", "return -r", "return r", "The sign is wrong: it leads uphill."),
        Mistake("direction", "return -r", "return -grad",
                "It is the direction of steepest descent: s and y are not used."),
        Mistake("direction", "in reversed(range(len(s)))", "in range(len(s))",
                "The first loop begins with the oldest pair."),
        Mistake("direction", "    for i in range(len(s)):\n        beta",
                "    for i in reversed(range(len(s))):\n        beta",
                "The second loop begins with the newest pair."),
        Mistake("direction", "r = q * ((s[-1] @ y[-1]) / (y[-1] @ y[-1]))", "r = q",
                "Between the loops, the scale of the inverse Hessian is missing."),
        Mistake("direction", "(s[-1] @ y[-1]) / (y[-1] @ y[-1])", "(y[-1] @ y[-1]) / (s[-1] @ y[-1])",
                "Between the loops, the scale is that of the Hessian, not of its inverse."),
        Mistake("direction", "((s[-1] @ y[-1]) / (y[-1] @ y[-1]))", "((s[0] @ y[0]) / (y[0] @ y[0]))",
                "Between the loops, the scale is that of the oldest pair."),
        Mistake("direction", "rho[i] * (y[i] @ r)", "rho[i] * (s[i] @ r)",
                "In the second loop, the wrong vector of the pair is multiplied with r."),
        Mistake("direction", "rho[i] * (s[i] @ q)", "rho[i] * (y[i] @ q)",
                "In the first loop, the wrong vector of the pair is multiplied with q."),
        Mistake("direction", "s[i] * (alpha[i] - beta)", "s[i] * (alpha[i] + beta)",
                "In the second loop, beta has the wrong sign."),
        Mistake("direction", "rho = 1 / (s * y).sum(axis=1)", "rho = (s * y).sum(axis=1)",
                "rho is not turned over: it is one divided by the product."),
        Mistake("direction", "q = q - alpha[i] * y[i]", "q = q - alpha[i] * s[i]",
                "In the first loop, the wrong vector of the pair is taken off q."),
        Mistake("direction", "    r = q * (", "    return -q\n    r = q * (", "The second loop is missing."),
    ),
)
