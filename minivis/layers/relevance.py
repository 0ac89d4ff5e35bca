"""Layer-wise relevance propagation (LRP, Bach et al. 2015): a score is shared out to the pixels, layer by layer.

An output j of a layer has relevance R_j. Its inputs i get shares of it, by what they contributed, c_ij = x_i w_ij:

    R_i = sum over j of  p_j max(c_ij, 0) + n_j min(c_ij, 0)

z+_j is the sum over i of max(c_ij, 0), z-_j that of min(c_ij, 0), each with the bias if it has that sign; z = z+ + z-.

    rule         p_j                        n_j
    epsilon      R / (z + eps sign(z))      the same                    Bach et al. 2015, equation 58
    gamma        (1 + g) R / (z + g z+)     R / (z + g z+)              Montavon et al. 2019, z >= 0; else with z-
    alpha-beta   a R / z+                   (1 - a) R / z-              Bach et al. 2015, equation 60

Two rules are for the layer that reads the picture, whose values are not activations:

    flat         R_i = sum over j of  R_j / (number of inputs of j)                         Lapuschkin et al. 2019
    box, z^B     shares by  x_i w_ij - l_i max(w_ij, 0) - h_i min(w_ij, 0)                  Montavon et al. 2017

with l and h the lowest and the highest values of a pixel. Relevance is conserved: the inputs together get what the
outputs have, except for what biases and eps absorb. ``Layer.relevance`` says how it goes back through a layer:

    "weighs"     as above: convolutions and FC layers
    "adds"       as above, with equal weights: sums and means
    "routes"     from each output to the input that it copies: max pools, Concat, layers that move numbers
    "passes"     unchanged, since an output has one input: ReLUs and the like, batch norm, LRN with its divisor fixed
    "gates"      to the maps, in equal parts, and nothing to a gate that weighs them (Arras et al. 2017)
    None         not at all: a softmax compares its inputs, so its output is not a sum that could be shared out
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode, Layer
from minivis.runtime.backend import get_xp
from minivis.types import Array, Shape

RelevanceRuleName: TypeAlias = Literal["lrp", "lrp-flat", "lrp-epsilon", "lrp-gamma", "lrp-alpha-beta"]


@dataclass(frozen=True)
class Epsilon:
    """Shares are proportional to the contributions. ``epsilon`` is a fraction of the root mean square of z in each
    picture."""

    epsilon: float = 0.25

    def factors(self, positive: Any, negative: Any, R: Any) -> tuple[Any, Any]:
        factor = divided(R, stabilised(positive + negative, self.epsilon))
        return factor, factor


@dataclass(frozen=True)
class Gamma:
    """Contributions that have the sign of the output count 1 + ``gamma`` times."""

    gamma: float = 0.25

    def factors(self, positive: Any, negative: Any, R: Any) -> tuple[Any, Any]:
        xp, z = get_xp(R), positive + negative
        up = z >= 0
        one = divided(R, z + self.gamma * xp.where(up, positive, negative))
        return xp.where(up, (1 + self.gamma) * one, one), xp.where(up, one, (1 + self.gamma) * one)


@dataclass(frozen=True)
class AlphaBeta:
    """Positive contributions share ``alpha`` times R, and negative ones the rest, (1 - alpha) R. If all have one sign,
    they share R."""

    alpha: float = 2.0

    def factors(self, positive: Any, negative: Any, R: Any) -> tuple[Any, Any]:
        xp = get_xp(R)
        alpha = xp.where(negative == 0, 1, xp.where(positive == 0, 0, self.alpha)).astype(R.dtype)
        return divided(alpha * R, positive), divided((1 - alpha) * R, negative)


@dataclass(frozen=True)
class Flat:
    """Every input of an output gets the same share."""


@dataclass(frozen=True)
class Box:
    """z^B: shares by how far a pixel is from the end of its range that would help the output least."""


@dataclass(frozen=True)
class RelevanceRule:
    """Which of the rules above applies in which kind of layer. A new one is one entry of `RELEVANCE_RULES`; everything
    else reads it there."""

    name: Any
    title: str                  # in figures
    meaning: str                # in the help
    formula: str
    source: str
    maps: Any                   # for convolutions
    rows: Any                   # for FC layers
    first: Any                  # for the layer that reads the picture
    derivative = False
    relevance = True            # what arrives is a share of the score, not a gradient


def everywhere(name: str, title: str, meaning: Any, formula: Any, source: Any, share: Any) -> RelevanceRule:
    return RelevanceRule(name, title, meaning, formula, source, share, share, share)


RELEVANCE_RULES: dict[RelevanceRuleName, RelevanceRule] = {rule.name: rule for rule in (
    RelevanceRule("lrp", "LRP", "shares of the score: z^B at the pixels, gamma in convolutions, epsilon in FC layers",
                  "R · c / Σ c, by layer", "Montavon et al. 2019, section 10.3", Gamma(), Epsilon(), Box()),
    RelevanceRule("lrp-flat", "LRP, flat first", "flat at the pixels, z+ in convolutions, epsilon in FC layers",
                  "R · max(c, 0) / Σ max(c, 0)", "Kohlbrenner et al. 2020", AlphaBeta(1.0), Epsilon(), Flat()),
    everywhere("lrp-epsilon", "LRP, epsilon", "the epsilon rule everywhere", "R · c / (z + ε sign z)",
               "Bach et al. 2015, equation 58", Epsilon(0.01)),
    everywhere("lrp-gamma", "LRP, gamma", "the gamma rule everywhere", "R · (c + γ max(c, 0)) / (z + γ z+)",
               "Montavon et al. 2019, section 10.2", Gamma()),
    everywhere("lrp-alpha-beta", "LRP, alpha-beta", "alpha 2 and beta 1 everywhere",
               "R · (2 max(c, 0) / z+ - min(c, 0) / z-)", "Bach et al. 2015, equation 60", AlphaBeta()),
)}  # fmt: skip


def shared_out(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any = None,
               limits: Any = None) -> Any:
    """The relevance of each of a layer's ``inputs``, as a tuple. Its output ``out`` has the relevance R.

    share: one of the rules above. cache: from the layer's forward pass. limits: (lowest, highest) values of the input,
    for `Box`.
    """
    if layer.relevance not in BY_KIND:
        raise BadValue(f"{type(layer).__name__} has no LRP rule, so relevance cannot be sent back through it")
    return BY_KIND[layer.relevance](layer, inputs, out, cache, R, share, mode or BackwardMode(), limits)


def weighed(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any,
            limits: Any) -> tuple[Any]:
    (x,) = inputs
    xp, w = get_xp(x), layer.params["w"]
    if isinstance(share, Epsilon):                      # one factor for both signs: the layer as it is
        factor = divided(R, stabilised(out, share.epsilon))
        return (x * sent_back(layer, factor, cache, mode),)
    if isinstance(share, Flat):
        plain, ones = layer.with_params(w=xp.ones_like(w)), xp.ones_like(x)
        return (sent_back(plain, divided(R, forward(plain, ones, mode)), cache, mode),)
    up, down = (layer.with_params(w=part) for part in (w.clip(0, None), w.clip(None, 0)))
    if isinstance(share, Box):
        return (boxed(layer.with_params(w=w), up, down, x, limits, cache, R, mode),)
    positive, negative = contributions(up, down, x, mode)
    if "b" in layer.params:
        positive, negative = positive + layer.params["b"].clip(0, None), negative + layer.params["b"].clip(None, 0)
    p, n = share.factors(positive, negative, R)
    above = sent_back(up, p, cache, mode) + sent_back(down, n, cache, mode)
    if not (x < 0).any():
        return (x * above,)
    below = sent_back(down, p, cache, mode) + sent_back(up, n, cache, mode)
    return (x.clip(0, None) * above + x.clip(None, 0) * below,)


def contributions(up: Any, down: Any, x: Array, mode: Any) -> tuple[Any, Any]:
    """z+ and z- without a bias; ``up`` and ``down`` are the layer with only its positive or negative weights."""
    above = x.clip(0, None)
    positive, negative = forward(up, above, mode), forward(down, above, mode)
    if (x < 0).any():
        below = x.clip(None, 0)
        positive, negative = positive + forward(down, below, mode), negative + forward(up, below, mode)
    return positive, negative


def boxed(layer: Layer, up: Any, down: Any, x: Array, limits: Any, cache: Any, R: Any, mode: Any) -> Any:
    low, high = limits
    total = forward(layer, x, mode) - forward(up, low, mode) - forward(down, high, mode)
    factor = divided(R, total)
    return (x * sent_back(layer, factor, cache, mode) - low * sent_back(up, factor, cache, mode)
            - high * sent_back(down, factor, cache, mode))


def added(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any,
          limits: Any) -> tuple[Any, ...]:
    """As `weighed`, for weights that are not negative, so that only positive inputs contribute positively."""
    if isinstance(share, Epsilon):
        dxs, _ = layer.backward(divided(R, stabilised(out, share.epsilon)), cache, mode)
        return tuple(x * dx for x, dx in zip(inputs, dxs))
    parts = [[x.clip(0, None) for x in inputs], [x.clip(None, 0) for x in inputs]]
    sums = (layer.forward(*part, mode=ForwardMode(grad=None))[0] for part in parts)
    backs = [layer.backward(factor, cache, mode)[0] for factor in share.factors(*sums, R)]
    return tuple(above * p + below * n for above, below, p, n in zip(*parts, *backs))


def routed(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any, limits: Any) -> Any:
    return layer.backward(R, cache, mode)[0]


def passed(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any,
           limits: Any) -> tuple[Any]:
    return (R,)


def gated(layer: Layer, inputs: Any, out: Array, cache: Any, R: Any, share: Any, mode: Any,
          limits: Any) -> tuple[Any, ...]:
    signals = [x.shape == out.shape for x in inputs]
    signals = signals if any(signals) else [True] * len(inputs)
    part = R / sum(signals)
    return tuple(summed_to(part, x.shape) if is_signal else get_xp(x).zeros_like(x)
                 for x, is_signal in zip(inputs, signals))


BY_KIND = {"weighs": weighed, "adds": added, "routes": routed, "passes": passed, "gates": gated}


def forward(layer: Layer, x: Any, mode: Any) -> Any:
    return layer.forward(x, mode=ForwardMode(grad=None, algorithm=mode.algorithm))[0]


def sent_back(layer: Layer, factor: Array, cache: Any, mode: Any) -> Any:
    """The sum over outputs j of w_ij times factor_j, at each input i."""
    return layer.backward(factor, cache, replace(mode, param_grads=False))[0][0]


def stabilised(z: Array, epsilon: Any) -> Any:
    """z moved away from 0 by ``epsilon`` times its root mean square in each picture."""
    xp = get_xp(z)
    size = epsilon * xp.sqrt((z * z).mean(axis=tuple(range(1, z.ndim)), keepdims=True))
    return z + xp.where(z >= 0, size, -size).astype(z.dtype)


def divided(a: Array, b: Array | None) -> Any:
    """a / b, and 0 where b is 0, since nothing contributed there."""
    xp = get_xp(a)
    nothing = b == 0
    return xp.where(nothing, 0, a / xp.where(nothing, 1, b)).astype(a.dtype)


def summed_to(a: Array, shape: Shape) -> Any:
    """a, summed over the axes in which ``shape`` has 1."""
    axes = tuple(axis for axis, n in enumerate(shape) if n == 1 and a.shape[axis] > 1)
    return a.sum(axis=axes, keepdims=True) if axes else a
