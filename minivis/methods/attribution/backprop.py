"""Any unit, carried back to the pixels: its gradient in three ways, or its value in shares.

    normal      d unit / d pixel                                the chain rule (Simonyan et al. 2014)
    deconv      through ReLUs only what is positive             Zeiler & Fergus 2014
    guided      only what is positive and came from there       Springenberg et al. 2015
    lrp, ...    each pixel's part of the unit's value           Bach et al. 2015, see layers/relevance.py

One forward pass feeds them all: the rule is a setting of the sweep back, not of the net. A neuron at one position sees
a part of the picture only, its receptive field, and nothing arrives beyond it; ``crop`` shows only that part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import UnitLike, unit_positions
from minivis.errors import BadValue
from minivis.figures.compose import display_limit, panels, signed, unsigned
from minivis.layers.relu import RELU_RULES
from minivis.layers.rules import RULES, RuleName, rule_named
from minivis.methods.attribution.kinds import meaning_of
from minivis.methods.attribution.settings import BackpropSettings
from minivis.methods.shared.gradient import SAME, ignores_picture, nothing, pixel_gradient
from minivis.methods.shared.result import PANEL, BatchResult, Subject
from minivis.methods.shared.target import Target, aim, asked
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, TEXT, several, takes
from minivis.types import Picture, Pictures

IN_A_ROW = 4                                    # panels of the figure
CHANGE = "By how much {name} rises if a pixel's colours rise a little."
ZERO = "Grey is zero; a coloured spot is a pixel whose red, green and blue count differently."


@dataclass(frozen=True, eq=False)
class Backprop(BatchResult):
    """``gradients``: rule -> (N, H, W, C), at the pixels that the net saw; (N, H, W, 1) under an LRP rule."""

    subject: Subject
    target: Target
    gradients: dict[RuleName, np.ndarray]
    fields: tuple = ()                          # per picture: (top, left, bottom, right) that the unit sees; () for all

    @property
    def arrays(self) -> dict[str, Any]:
        return {str(rule): gradient for rule, gradient in self.gradients.items()}

    def draw(self, i: int) -> Picture:
        part, where = np.s_[:, :], ""
        if self.settings["crop"]:
            top, left, bottom, right = self.fields[i]
            part, where = np.s_[top:bottom, left:right], f"\nrows {top} to {bottom - 1}, columns {left} to {right - 1}"
        seen, absolute = self.subject.drawn(i)[part], self.settings["display"] == "absolute"
        images, titles = [seen], [f"the input\n{self.target.title(i)}{where}"]
        bars: list[tuple | None] = [None]
        for rule, gradient in self.gradients.items():
            share = RULES[rule].relevance
            shown = gradient[i][part] if absolute or share else self.subject.shown(gradient[i][part])
            images.append((unsigned if absolute else signed)(shown))
            limit = display_limit(shown)
            what = f"d {self.target.name(i)} / d pixel" if rule == "normal" else f'rule "{rule}"'
            what = f"max |{what}|" if absolute and rule == "normal" else what
            what = f"part of {self.target.name(i)}" if share else what
            what = SAME if ignores_picture(self.target.acts.net, self.target.units[i].layer, rule) else what
            titles.append(f"{RULES[rule].title}\n{what if limit else nothing(self.target, i)}")
            colormap = "inferno" if absolute else "grey" if shown.shape[2] == 3 else "diverging"
            bars.append((colormap, 0.0 if absolute else -limit, limit) if limit else None)
        return panels(images, titles, "\n".join(self.meanings(i)), colorbars=bars, height=PANEL, columns=IN_A_ROW)

    def meanings(self, i: int) -> list[str]:
        """A line for each rule, or for several that are explained alike."""
        said: dict[str, list[str]] = {}
        for rule in self.gradients:
            change, shown = CHANGE.format(name=self.target.name(i)), {"kind": rule}
            meaning = change if rule == "normal" else meaning_of(shown, self.target, i)
            said.setdefault(meaning, []).append(RULES[rule].title)
        coloured = [RULES[rule].title for rule, gradient in self.gradients.items() if gradient.shape[3] == 3]
        sentences = [f"{'; '.join(some)}: {meaning}" for meaning, some in said.items()]
        if coloured and self.settings["display"] == "signed":
            sentences.append(ZERO if len(coloured) == len(self.gradients) else f"{'; '.join(coloured)}: {ZERO}")
        return sentences

    def describe(self, i: int) -> dict[str, Any]:
        sizes = {rule: float(np.linalg.norm(gradient[i])) for rule, gradient in self.gradients.items()}
        found = {**self.target.describe(i), "norms": sizes}
        return {**found, "receptive_field": list(self.fields[i])} if self.fields else found

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        return "\n".join(f"{self.target.title(i)}; norm of what arrives at the pixels: " + ", ".join(
            f"{rule} {np.linalg.norm(g[i]):.3g}" for rule, g in self.gradients.items()) for i in range(len(self)))


@set_by(BackpropSettings)
@takes(rules=several(TEXT), seed=SEED)
def backprop(
    net: Network, image: Pictures, unit: UnitLike = None, *,
    settings: BackpropSettings | None = None, rules: RuleName | Sequence[RuleName] = tuple(RELU_RULES),
    display: str = BackpropSettings.display, crop: bool = BackpropSettings.crop, seed: int = 0, progress: bool = False,
) -> Backprop:  # fmt: skip
    """The gradient of a unit at the pixels, under several ReLU rules.

    Parameters
    ----------
    rules : str or sequence of str, default all ReLU rules
        What passes a ReLU on the way back: "normal", "guided", "deconv", or another name of `layers.RULES`.

    Returns
    -------
    Backprop
        ``arrays``, {rule: gradients (N, H, W, C)}.

    References
    ----------
    Zeiler & Fergus 2014 (deconv); Springenberg et al. 2015 (guided).

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.backprop(net, goose, "conv2_1:3@max", rules=("guided", "deconv"))
    >>> sorted(found.arrays), found.array.shape
    (['deconv', 'guided'], (1, 64, 64, 3))
    """
    names = (rules,) if isinstance(rules, str) else tuple(rules)
    if not names:
        raise BadValue(f"name at least one rule of {', '.join(RULES)}")
    for rule in names:
        rule_named(rule)
    net = answering(net)
    subject = Subject.of(net, image)
    target = aim(net, subject.input(net), unit)
    fields = fields_of(net, target, subject.fitted.shape[1:3])
    if crop and not fields:
        raise BadValue(f"{target.units[0]} looks at the whole picture, so there is nothing to crop to: "
                       "name one position of a layer, as conv3_1:7@max or conv3_1:7@2,5")
    gradients = {rule: pixel_gradient(net, target, rule) for rule in names}
    return Backprop(subject, target, gradients, fields, settings={
        "unit": asked(unit), "rules": list(names), "display": display, "crop": crop})


def fields_of(net: Network, target: Any, image_size: Any) -> Any:
    """Per picture the (top, left, bottom, right) that its unit sees of it; () if a unit is not a single position."""
    if any(unit.where is None for unit in target.units):
        return ()
    field = net.receptive_field(target.units[0].layer, (1, *image_size, net.input_channels))
    places = [unit_positions(target.acts, unit) for unit in target.units]
    return tuple(field.box(int(rows[i]), int(columns[i]), image_size) for i, (rows, columns) in enumerate(places))
