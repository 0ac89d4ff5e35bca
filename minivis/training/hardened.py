"""Three nets of digits: trained as usual, on augmented pictures, and against an attack; for `minivis robustness`.

    python: nets = hardened()           {"as usual": net, "shifts and noise": net, "against FGSM": net}
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.training.adversary import Adversary
from minivis.training.recipes import Training, digits
from minivis.training.trainer import Stream
from minivis.types import Array

EPS, NOISE = 48, 32                             # levels of 255: of the attack in training, and of the noise


class Augmented:
    """A stream of pictures, each batch moved by up to a pixel and with noise, by the number of its first picture."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        images, labels = self.stream.batch(first, count)
        rng = np.random.default_rng((first, count))
        moved = np.roll(images, rng.integers(-1, 2, 2), axis=(1, 2)).astype(float)
        return np.rint(np.clip(moved + NOISE * rng.standard_normal(moved.shape), 0, 255)).astype(np.uint8), labels


def hardened(*, seed: int = 0, threads: int = 2, progress: Callable[[str, Training], Any] | None = None,
             **changes: Any) -> dict[str, Network]:
    """{how: net}. ``progress(how, training)`` after each step; ``changes`` replace fields of the recipe of digits."""
    nets = {}
    for how in ("as usual", "shifts and noise", "against FGSM"):
        own = {"adversary": Adversary("fgsm", eps=EPS)} if how == "against FGSM" else {}
        training = digits(seed=seed, threads=threads, **changes, **own)
        if how == "shifts and noise":
            training.streams = [(recipe, Augmented(stream)) for recipe, stream in training.streams]
        training.tests = {}
        training.run(progress=partial(progress, how) if progress else None)
        nets[how] = training.finish()
    return nets
