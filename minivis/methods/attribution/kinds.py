"""The kinds of map that `saliency` draws: what each is called, what it shows, and the function that makes it.

A new kind is one entry of `KINDS`; command line, sheets, curves, sanity check and live page read it from there. Its
function takes the net, the pictures and their units, ``seed`` and ``progress``, and those settings
that it names, see settings.py.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from minivis.engine.network import Network
from minivis.layers.relevance import RELEVANCE_RULES, RelevanceRuleName
from minivis.layers.relu import IMAGING_RULES, ImagingRuleName
from minivis.methods.attribution import gradcam as cam
from minivis.methods.attribution.deeplift import deeplift
from minivis.methods.attribution.integrated_gradients import gradient_x_input, integrated_gradients
from minivis.methods.attribution.smoothgrad import smoothgrad
from minivis.methods.shared.gradient import ignores_picture, pixel_gradient, strongest_channel
from minivis.methods.shared.result import Subject
from minivis.types import Progress

SaliencyKind: TypeAlias = Literal[
    "gradient", ImagingRuleName, "smoothgrad", "input", "integrated", "deeplift", RelevanceRuleName, "gradcam",
    "guided-gradcam"]


@dataclass(frozen=True, eq=False)
class Map:
    """``maps`` (N, H, W). ``sums`` (N,): what they should sum to, if anything. ``coarse``: the same before it was
    spread."""

    maps: np.ndarray
    sums: np.ndarray | None = None
    coarse: np.ndarray | None = None
    settings: dict = field(default_factory=dict)        # as they were chosen


class Kind(NamedTuple):
    """One kind of map. ``settings``: those that it takes, see settings.py. ``signed``: whether a pixel may count
    against."""

    title: str
    formula: str                                        # below the title; {name} is the unit
    meaning: str                                        # a sentence for who sees such a map for the first time
    make: Any
    settings: tuple = ()
    signed: bool = False


def by_rule(rule: str) -> Any:
    """The strongest colour of each pixel in a backward pass by a rule."""
    def make(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress) -> Map:
        return Map(strongest_channel(pixel_gradient(net, target, rule)))

    return make


def by_relevance(rule: str) -> Any:
    def make(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress) -> Map:
        return Map(pixel_gradient(net, target, rule)[..., 0], target.values)

    return make


def smooth(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress, samples: Any,
           noise: Any) -> Map:
    gradient = smoothgrad(net, subject, target, samples=samples, noise=noise, seed=seed, progress=progress)
    return Map(strongest_channel(gradient))


def times_input(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress) -> Map:
    return Map(gradient_x_input(net, subject, target))


def integrated(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress, baseline: Any,
               steps: int) -> Map:
    maps, rises, steps = integrated_gradients(net, subject, target, baseline=baseline, steps=steps, seed=seed,
                                              progress=progress)
    return Map(maps, rises, settings={"steps": steps})


def lifted(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress, baseline: Any) -> Map:
    return Map(*deeplift(net, subject, target, baseline=baseline, seed=seed))


def gradcam(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress, layer: str) -> Map:
    maps, coarse, layer = cam.gradcam(net, subject, target, layer=layer)
    return Map(maps, coarse=coarse, settings={"layer": layer})


def guided_gradcam(net: Network, subject: Subject, target: Any, *, seed: Any, progress: Progress, layer: str) -> Map:
    maps, layer = cam.guided_gradcam(net, subject, target, layer=layer)
    return Map(maps, settings={"layer": layer})


WHOSE = {"deconv": "What raises {name}, sent down through every ReLU as if it looked upwards: only what is positive "
                   "passes. It draws shapes{whatever}.",
         "guided": "What raises {name}, by way of units that were on and only where it is positive. It draws clear "
                   "edges{whatever}."}
WHATEVER = ", and hardly depends on the class"
SHARED = ("The value of {name} is handed down layer by layer, to each input by what it contributed. Red pixels speak "
          "for it and blue ones against it; what the layers' biases contributed belongs to no pixel.")

KINDS: dict[Any, Kind] = {
    "gradient": Kind("gradient", "max |d {name} / d pixel|", "A pixel is bright where a small change of it would "
                     "change the score of {name} most.", by_rule("normal")),
    **{name: Kind(rule.title, f'max |.|, rule "{name}"', WHOSE.get(name, rule.meaning), by_rule(name))
       for name, rule in IMAGING_RULES.items()},
    "smoothgrad": Kind("SmoothGrad", "mean of {samples} noisy copies", "The gradient, averaged over {samples} noisy "
                       "copies of the picture: what holds in only one of them goes away.", smooth,
                       ("samples", "noise")),
    "input": Kind("gradient x input", "sum of x d {name} / dx", "The gradient times what the net reads there: what "
                  "each pixel would add to {name} if the net were linear.", times_input, (), True),
    "integrated": Kind("integrated gradients", "from {baseline}, {steps} steps", "What each pixel adds to {name} while "
                       "a picture without content ({baseline}) turns into this one. The parts sum to the rise of the "
                       "score.", integrated, ("baseline", "steps"), True),
    "deeplift": Kind("DeepLIFT", "compared with {baseline}", "What each pixel adds to {name}, compared with a picture "
                     "without content ({baseline}), by how far it changes each layer. The parts sum to the rise of the "
                     "score.", lifted, ("baseline",), True),
    **{name: Kind(rule.title, "part of {name}", SHARED, by_relevance(name), (), True)
       for name, rule in RELEVANCE_RULES.items()},
    "gradcam": Kind("Grad-CAM", "maps of {layer}", "Where the features of {layer} speak for {name}. The net knows this "
                    "only by the cells of that layer; the map is spread smoothly over the picture.", gradcam,
                    ("layer",)),
    "guided-gradcam": Kind("guided Grad-CAM", "Grad-CAM x guided backprop", "Grad-CAM says where, guided "
                           "backpropagation draws what is there.", guided_gradcam, ("layer",)),
}
BLIND = ("Of the picture the deconvnet learns only by switches of max pools, and this net has none: the map shows its "
         "weights and strides, for any picture alike.")
SIGNED = tuple(name for name, kind in KINDS.items() if kind.signed)


def meaning_of(settings: Any, target: Any, i: int) -> str:
    """The sentence that explains a map of unit i; ``settings``: its "kind", and those of the kind."""
    kind = settings["kind"]
    if ignores_picture(target.acts.net, target.units[i].layer, kind):
        return BLIND
    whatever = "" if target.probs is None else WHATEVER         # a neuron is not a class
    return KINDS[kind].meaning.format(name=target.name(i), whatever=whatever, **settings)


def missing(maps: Any, whole: Any) -> Any:
    """(N,) by how much of ``whole`` (N,) the sums of maps miss it; by how much, where it is nearly 0."""
    whole = np.asarray(whole, dtype=np.float64)
    found = maps.reshape(len(maps), -1).sum(axis=1, dtype=np.float64)
    return abs(found - whole) / np.where(abs(whole) > 1e-3, abs(whole), 1)
