"""Three nets: trained as usual, on augmented pictures, and against an attack; for `minivis robustness`.

    python: nets = hardened()           {"as usual": net, "shifts and noise": net, "against FGSM": net}
            nets = hardened("fashion")  the same of clothes
"""

from functools import partial
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.runtime.progress import bar
from minivis.training.adversary import Adversary
from minivis.training.recipes import digits, fashion
from minivis.training.trainer import Stream
from minivis.types import Array

NOISE = 32                                      # levels of 255
# the recipe, what it changes, and the eps of the attack in training, in levels of 255
KINDS: dict[str, tuple[Any, dict[str, Any], float]] = {
    "digits": (digits, {}, 48),
    "fashion": (partial(fashion, augment=False), {"steps": 400, "warmup": 40}, 16),
}


class Augmented:
    """A stream of pictures, each batch moved by up to a pixel and with noise, by the number of its first picture."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        images, labels = self.stream.batch(first, count)
        rng = np.random.default_rng((first, count))
        moved = np.roll(images, rng.integers(-1, 2, 2), axis=(1, 2)).astype(float)
        return np.rint(np.clip(moved + NOISE * rng.standard_normal(moved.shape), 0, 255)).astype(np.uint8), labels


def hardened(kind: str = "digits", *, seed: int = 0, threads: int = 2, progress: Any = False,
             **changes: Any) -> dict[str, Network]:
    """{how: net}. ``changes`` replace arguments of the recipe and its fields: ``steps``, or ``data`` of clothes."""
    recipe, own, eps = KINDS[kind]
    nets = {}
    for how in ("as usual", "shifts and noise", "against FGSM"):
        adversary = {"adversary": Adversary("fgsm", eps=eps)} if how == "against FGSM" else {}
        training = recipe(seed=seed, threads=threads, **{**own, **changes, **adversary})
        if how == "shifts and noise":
            training.streams = [(stage, Augmented(stream)) for stage, stream in training.streams]
        training.tests = {}
        with bar(training.steps, progress, f"training, {how}") as steps:
            training.run(progress=lambda _, steps=steps: steps.update())
        nets[how] = training.finish()
    return nets
