"""Adversarial training: before a net learns from its pictures, each is moved against the net as it is at that moment.

    min over weights of  mean of  max over |d| <= eps of  loss(x + d, label)          Madry et al. 2018, equation 2.1

The inner maximum is an attack of methods/attacks.py: one step of the gradient's sign from a random point of the ball
(fgsm: Goodfellow et al. 2015, section 6; the random start is of Wong et al. 2020, without it a net learns to hide its
gradient), or some steps of PGD.
"""

from dataclasses import dataclass
from typing import Any, Literal

from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.runtime.described import check_fields
from minivis.runtime.settings import NUMBER, TEXT, whole
from minivis.types import Array

ATTACKS = ("fgsm", "pgd")


@dataclass(frozen=True)
class Adversary:
    """How pictures are moved. ``eps`` in levels of 0..255, as in the whole of minivis."""

    attack: str = "fgsm"
    eps: float = 8.0
    steps: int = 1                              # of PGD
    norm: Literal["Linf", "L2"] = "Linf"        # L2: eps is the length of the whole difference
    share: float = 1.0                          # of the pictures; the rest is learned from as it is
    warmup: int = 0                             # steps of the training in which eps grows from 0

    def __post_init__(self) -> None:
        from minivis.methods.adversarial.attacks import check_settings

        check_fields(self, attack=TEXT, eps=NUMBER, steps=whole(), norm=TEXT, share=NUMBER, warmup=whole())
        if self.attack not in ATTACKS:
            raise UnknownName.of("attack to train against", self.attack, ATTACKS)
        check_settings(norm=self.norm, eps=self.eps, steps=self.steps)
        if self.attack == "fgsm" and self.steps != 1:
            raise BadValue(f"fgsm is a single step, not {self.steps}: use pgd for several")
        if not 0 < self.share <= 1 or self.warmup < 0:
            raise BadValue(f"share must be above 0 and at most 1, and warmup at least 0, not {self.share} and "
                           f"{self.warmup}")

    def __str__(self) -> str:
        name = "FGSM" if self.attack == "fgsm" else f"PGD-{self.steps}"
        return f"{name} at {self.norm} {self.eps:g}/255"

    @property
    def options(self) -> str:
        """As `minivis train` is told."""
        steps = "" if self.attack == "fgsm" else f" --attack-steps {self.steps}"
        words = f"--adversarial {self.attack} --eps {self.eps:g}{steps} --norm {self.norm}"
        return f"{words} --share {self.share:g} --eps-warmup {self.warmup}"

    def eps_at(self, step: int) -> float:
        return self.eps * min(1, (step + 1) / max(1, self.warmup))

    def move(self, net: Network, images: Array, labels: Any, *, step: int | None = None, seed: Any = 0) -> Array:
        """uint8 pictures (N, H, W, C) -> pixels of the net's dtype, the first ``share`` of them moved from ``labels``.

        step: of the training, for ``eps_at``; None after it.
        """
        from minivis.methods.adversarial.attacks import pgd

        eps = self.eps if step is None else self.eps_at(step)
        pixels = images.astype(net.dtype)
        moved = round(self.share * len(images))
        # a stride of 1.25 eps reaches nearly all of the ball from nearly everywhere in it (Wong et al. 2020, section 4)
        stride = 2.5 * eps / max(2, self.steps)
        if moved:
            numbers = [int(label) for label in labels[:moved]]
            pixels[:moved] = pgd(net, pixels[:moved], label=numbers, eps=eps, step=stride, steps=self.steps,
                                 norm=self.norm, seed=seed)
        return pixels
