"""The gradient of any unit, carried to the pixels in three ways.

    normal      d unit / d pixel                                the chain rule (Simonyan et al. 2014)
    deconv      through ReLUs only what is positive             Zeiler & Fergus 2014
    guided      only what is positive and came from there       Springenberg et al. 2015

One forward pass feeds all three: the rule is a setting of the sweep back, not of the net.
"""

from dataclasses import dataclass

import numpy as np

from minivis.backend import to_cpu
from minivis.errors import BadValue
from minivis.layers.relu import check_rule
from minivis.methods.result import PANEL, Result, Subject
from minivis.methods.target import Target, aim, asked
from minivis.pictures import display_limit, panels, signed

RULES = {"normal": "gradient", "deconv": "deconvnet", "guided": "guided backprop"}      # the lecture's order


@dataclass(frozen=True, eq=False)
class Backprop(Result):
    """``gradients``: rule -> (N, H, W, C), at the pixels that the net saw."""

    subject: Subject
    target: Target
    gradients: dict[str, np.ndarray]

    def draw(self, i):
        images, titles, bars = [self.subject.seen[i]], [f"the input\n{self.target.title(i)}"], [None]
        for rule, gradient in self.gradients.items():
            images.append(signed(gradient[i]))
            limit = display_limit(gradient[i])
            what = f"d {self.target.name(i)} / d pixel" if rule == "normal" else f'rule "{rule}"'
            titles.append(f"{RULES[rule]}\n{what if limit else 'nothing arrives: the unit is off'}")
            colormap = "grey" if gradient.shape[3] == 3 else "diverging"
            bars.append((colormap, -limit, limit) if limit else None)
        return panels(images, titles, colorbars=bars, height=PANEL)

    def describe(self, i):
        sizes = {rule: float(np.linalg.norm(gradient[i])) for rule, gradient in self.gradients.items()}
        return {**self.target.describe(i), "norms": sizes}

    def __len__(self):
        return len(self.subject)

    def __str__(self):
        return "\n".join(f"{self.target.title(i)}; norm of what arrives at the pixels: " + ", ".join(
            f"{rule} {np.linalg.norm(g[i]):.3g}" for rule, g in self.gradients.items()) for i in range(len(self)))


def backprop(net, image, unit=None, *, rules=tuple(RULES), seed=0, progress=False):
    """Send a unit (default: the score of each picture's first class) back to the pixels under each of ``rules``."""
    rules = (rules,) if isinstance(rules, str) else tuple(rules)
    if not rules:
        raise BadValue(f"name at least one rule of {', '.join(RULES)}")
    for rule in rules:
        check_rule(rule)
    subject = Subject.of(net, image)
    target = aim(net, subject.input(net), unit)
    gradients = {rule: pixel_gradient(net, target, relu_rule=rule) for rule in rules}
    return Backprop(subject, target, gradients, settings={"unit": asked(unit), "rules": list(rules)})


def pixel_gradient(net, target, relu_rule="normal"):
    """The gradient of the target's values at the pixels, (N, H, W, C) in RGB order."""
    dacts, _ = net.backward(target.acts, target.seeds(), relu_rule=relu_rule)
    return to_cpu(net.preprocess_adjoint(dacts["input"]))
