"""ReLU, and three ways to send a gradient back through it.

    out = max(x, 0)                  ReLU6: min(max(x, 0), 6)

    rule          dx                                            source
    "normal"      dout * [x > 0] * [x < max]                    the chain rule
    "deconv"      dout * [dout > 0]                             Zeiler & Fergus 2014, section 2.1
    "guided"      dout * [x > 0] * [x < max] * [dout > 0]       Springenberg et al. 2015, figure 1

Only "normal" is a derivative. The others make pictures, so finite differences cannot test them; `minivis gradcheck`
compares them with their formulas instead.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from minivis.errors import UnknownName
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients
from minivis.runtime.settings import number, takes
from minivis.types import Array, Shape

ImagingRuleName: TypeAlias = Literal["deconv", "guided"]            # those in `IMAGING_RULES`, for type checkers
ReLURuleName: TypeAlias = Literal["normal", ImagingRuleName]        # those in `RELU_RULES`


@dataclass(frozen=True)
class ReLURule:
    """How a gradient passes through a ReLU. A new rule is one entry of `RELU_RULES`; everything else reads it there."""

    name: ReLURuleName
    title: str                  # in figures
    meaning: str                # in the help
    formula: str                # dout times conditions in brackets, each 1 or 0; max is the ReLU's max_value
    source: str
    passes: Callable            # (dout, mask) -> 1 or 0 for each element; mask: where the forward pass let x through
    derivative: bool = False
    relevance = False

    def __call__(self, dout: Array, mask: Any) -> Array:
        return dout * self.passes(dout, mask)

    @property
    def conditions(self) -> list[str]:
        """The formula's conditions, without their brackets."""
        return re.findall(r"\[(.+?)\]", self.formula)


# in the lecture's order
RELU_RULES: dict[ReLURuleName, ReLURule] = {rule.name: rule for rule in (
    ReLURule("normal", "gradient", "the chain rule", "dout * [x > 0] * [x < max]", "the chain rule",
             lambda dout, mask: mask, derivative=True),
    ReLURule("deconv", "deconvnet", "only positive gradients pass", "dout * [dout > 0]",
             "Zeiler & Fergus 2014, section 2.1", lambda dout, mask: dout > 0),
    ReLURule("guided", "guided backprop", "both at once", "dout * [x > 0] * [x < max] * [dout > 0]",
             "Springenberg et al. 2015, figure 1", lambda dout, mask: mask & (dout > 0)),
)}  # fmt: skip
# those that make pictures
IMAGING_RULES: dict[ReLURuleName, ReLURule] = {name: rule for name, rule in RELU_RULES.items() if not rule.derivative}


def relu_forward(x: Array, *, max_value: float | None = None) -> tuple[Array, Array]:
    """Return ``out`` and the mask of where the input passes, which is all that a rule needs to know about x.

    The mask takes a byte per element. A step that fuses this ReLU with its convolution may keep it as
    `runtime.bits.Bits`, a bit per element.
    """
    mask = x > 0
    if max_value is not None:
        mask &= x < max_value
    return x.clip(0, np.inf if max_value is None else max_value), mask       # three times as fast as maximum


def relu_backward(dout: Array, mask: Any, *, rule: str = "normal") -> Array:
    """Gradient (or picture, see above) at the input of a ReLU."""
    check_rule(rule)
    return RELU_RULES[cast(ReLURuleName, rule)](dout, mask[...])


def check_rule(rule: str) -> None:
    if rule not in RELU_RULES:
        raise UnknownName.of("ReLU rule", rule, RELU_RULES)


class ReLU(Layer):
    """max(x, 0), limited to ``max_value`` if one is given (6: ReLU6)."""

    relevance = "passes"
    settings = ("max_value",)
    elementwise = True

    @takes(max_value=number(above=0))
    def __init__(self, max_value: float | None = None) -> None:
        super().__init__()
        self.max_value = max_value

    @property
    def upper_limit(self) -> Any:
        """``max_value`` as a number: infinite where there is none."""
        return np.inf if self.max_value is None else self.max_value

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Inputs 0.2 to 0.8 from zero, or with a max_value at least a tenth of it from either kink."""
        x = (self.max_value or 2) * rng.uniform(0.1, 0.4, shape) * rng.choice([-1, 1], shape)
        if self.max_value is not None:                              # around 0, or around the upper kink
            x += self.max_value * rng.choice([0, 1], shape)
        return x

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(max_value), [(2, 5, 6, 4)]) for max_value in (None, 6)]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        if mode.grad is None:                   # no signs to keep
            return x.clip(0, self.upper_limit), None
        return relu_forward(x, max_value=self.max_value)

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (relu_backward(dout, cache, rule=mode.relu_rule),), {}
