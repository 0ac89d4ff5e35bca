"""The settings of the methods that make pictures, each with its default, unit, help and source; see described.py.

The functions, their help and the command line read them here. Instances with the numbers of papers are in presets.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minivis.runtime.described import Settings, documented, setting
from minivis.runtime.settings import FARTHEST, SWITCH, Kind, choice, number, several, whole

GOALS = ("score", "log-score", "probability", "log-probability")
METHODS = ("gradient", "adam", "lbfgs")
SPACES = ("pixels", "fourier")
# update rules for paintings, and their rates: levels in a first step, the best of several; L-BFGS has none
PAINTERS = {"lbfgs": None, "adam": 16.0, "adagrad": 20.0, "gradient": 0.25}
COLOURS, STARTS, POOLINGS = ("free", "kept"), ("content", "noise"), ("max", "average")
LEVELS = "levels of 255"
WEIGHT = number(0)                              # of a term of the loss
HISTORY = "Number of past steps that L-BFGS remembers; more steps need more memory."
STEPS = "Number of steps of L-BFGS: one number for all sizes, or one for each; 0 returns the start."
COLOUR_MODE = "Let the colours change (free), or keep them and change only the brightness (kept)."
NOTEBOOK, GATYS = "Mordvintsev et al. 2015", "Gatys et al. 2015"


@documented
@dataclass(frozen=True, kw_only=True)
class MaximizeSettings(Settings):
    """How `maximize` makes an image that excites a unit. The presets of papers are instances of it."""

    goal: str = setting("score", choice("goal", GOALS), "Quantity to maximize.", source="Simonyan et al. 2014")
    parameterization: str = setting(
        "pixels", choice("parameterization", SPACES), "Variables that the update rule changes.",
        source="Olah et al. 2017")
    spectrum_decay: float = setting(
        1.0, number(), "Power of the frequency by which Fourier coefficients are divided: 1 as in photographs; a "
        "larger one favours coarse structures.", source="Olah et al. 2017")
    finest: float = setting(0.0, number(0), "Length of the shortest waves in an image of parameterization fourier; 0 "
                                            "allows all.", unit="pixels of the net's input", source="this project")
    noise: float = setting(0.0, number(0), "Standard deviation of the noise at the start.",
                           unit="levels of 255, or units of Fourier coefficients")
    method: str = setting("gradient", choice("method", METHODS), "Update rule.")
    rate: float = setting(1.0, number(above=0), "Learning rate.", unit="the variables per unit of gradient")
    momentum: float = setting(0.0, number(), "Part of each gradient step that is repeated in the next.")
    normalize: str = setting("none", choice("normalization", ("none", "mean", "rms", "l2")),
                             "Norm that the gradient is divided by before a gradient step.")
    policy: str = setting("constant", choice("rate policy", ("constant", "progress", "progress01")),
                          "How the rate of gradient steps changes.", source="Yosinski et al. 2015, DeepVis toolbox")
    history: int = setting(20, whole(1), "Number of past steps that L-BFGS remembers.")
    steps: int = setting(200, whole(0), "Number of steps; 0 returns the start.")
    l2: float = setting(0.0, WEIGHT, "Weight of the sum of squares of the pixels.", source="Simonyan et al. 2014")
    tv: float = setting(0.0, WEIGHT, "Weight of the total variation.", source="Mahendran & Vedaldi 2015")
    tv_beta: float = setting(2, number(), "Exponent of the differences in the total variation.",
                             source="Mahendran & Vedaldi 2015")
    contrast: float = setting(
        0.0, number(0), "Mean difference of neighbouring pixels, in levels of 255, at which an image of goal log-score "
        "settles; 0 sets no limit.", unit=LEVELS, source="this project")
    own_size: bool = setting(False, SWITCH, "Show the net an image of a class at the size of its own input, whatever "
                                            "the size of the image.", source="Lucent, 2020")
    diversity: float = setting(0.0, WEIGHT, "Weight of the term that makes the images of a batch differ.",
                               source="Olah et al. 2017")
    jitter: int = setting(0, whole(0, FARTHEST), "Shift the image at random by up to N pixels in each step.",
                          unit="pixels", source="Mordvintsev et al. 2015")
    scale: float = setting(0.0, number(0, below=1), "Enlarge or shrink the image at random by up to this fraction.",
                           source="Olah et al. 2017")
    zoom: float = setting(1.0, number(1), "Enlarge the image at random by up to this factor, where 1 + scale is less.",
                          source="this project")
    rotate: float = setting(0.0, number(0), "Rotate the image at random by up to this many degrees in each step.",
                            unit="degrees", source="Olah et al. 2017")
    shift: float = setting(0.0, number(0), "Shift the image at random, by fractions of a pixel, too.", unit="pixels")
    transform_blur: float = setting(0.0, number(0), "Blur the image at random, by a Gaussian of up to this standard "
                                                    "deviation, in each step.", unit="pixels")
    transform_noise: float = setting(0.0, number(0), "Standard deviation of noise that is added to the image in each "
                                                     "step.", unit=LEVELS)
    decay: float = setting(0.0, number(0, 1), "Fraction by which the image moves towards grey after each step.",
                           source="Yosinski et al. 2015")
    blur: float = setting(0.0, number(0, 1000), "Standard deviation of the Gaussian blur, in pixels.", unit="pixels",
                          source="Yosinski et al. 2015")
    blur_every: int = setting(1, whole(1), "Blur every N steps.", unit="steps", source="Yosinski et al. 2015")
    small_norm: float = setting(0.0, number(0, 100), "Percentile: pixels with a smaller norm are set to grey.",
                                unit="percent", source="Yosinski et al. 2015")
    small_contribution: float = setting(
        0.0, number(0, 100), "Percentile: pixels that contribute less to the score are set to grey.", unit="percent",
        source="Yosinski et al. 2015")


def read_depths(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(more, dict) for _, more in value):
        raise ValueError
    return tuple((number(0, 1).read(end), more) for end, more in value)


DEPTHS = Kind("((part of the layers, {setting: value}), ...)", read_depths)


def one(*kinds: Any) -> Kind:
    """A tuple of these kinds, such as (rate, steps), or an empty one."""
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) not in (0, len(kinds)):
            raise ValueError
        return tuple(kind.read(part) for kind, part in zip(kinds, value))

    return Kind(f"({', '.join(kind.words for kind in kinds)})", read)


def stages(*kinds: Any) -> Kind:
    """The kind of a list of stages, each a tuple of ``kinds``."""
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or not all(value):
            raise ValueError
        return tuple(one(*kinds).read(row) for row in value)

    return Kind(f"a list of stages {one(*kinds).words}", read)


@documented
@dataclass(frozen=True, kw_only=True)
class InvertSettings(Settings):
    """How `invert` finds an image for a code. The presets of papers are instances of it."""

    parameterization: str = setting("pixels", choice("parameterization", ("pixels", "fourier", "spectrum")),
                                    "Variables that the last stage changes.")
    coarse: tuple[Any, ...] = setting(
        (), stages(number(), whole(0)), "First stages (decay of the spectrum, steps), from coarse to fine.",
        source="this project")
    through: int = setting(0, whole(0), "Steps in which the values of the pool before the layer are found, which "
                                        "all stages but the last then aim for.", source="this project")
    rounds: tuple[Any, ...] = setting(
        (), one(whole(0), whole(0)), "Stages with multipliers for a pool behind another: (rounds, steps of each).",
        source="this project")
    smooth: tuple[Any, ...] = setting(
        (), one(number(above=0), number(above=0), whole(0)), "Stages under noise that fades: (levels of noise, rate of "
        "Adam, steps).", source="this project")
    method: str = setting("lbfgs", choice("method", ("lbfgs", "gradient")), "Update rule.")
    steps: int = setting(200, whole(0), "Number of steps; 0 returns the start.")
    history: int = setting(20, whole(1), "Number of past steps that L-BFGS remembers.")
    rates: tuple[Any, ...] | None = setting(
        None, stages(number(above=0), whole(0)), "Rates of gradient steps, in stages (rate, steps).",
        unit="a picture of norm 1", source="Mahendran & Vedaldi 2015", otherwise="none, which gradient steps need")
    momentum: float = setting(0.9, number(), "Part of each gradient step that is repeated in the next.",
                              source="Mahendran & Vedaldi 2015")
    tv: float = setting(1.0, WEIGHT, "Weight of the total variation.", source="Mahendran & Vedaldi 2015")
    tv_beta: float = setting(2, number(), "Exponent of the differences in the total variation.",
                             source="Mahendran & Vedaldi 2015")
    alpha: float = setting(0.0, WEIGHT, "Weight of the sum of sixth powers of the pixels.",
                           source="Mahendran & Vedaldi 2015")
    noise: float = setting(10.0, number(0), "Standard deviation of the noise at the start.", unit=LEVELS)
    by_depth: tuple[Any, ...] = setting(
        (), DEPTHS, "Settings that hold up to a part of the net's layers instead: ((part, {setting: value}), ...).",
        source="Mahendran & Vedaldi 2015, for tv")

    def at(self, depth: float) -> "InvertSettings":
        """Those for a layer at this part of the net's layers, from 0 to 1."""
        more: dict[str, Any] = next((more for end, more in self.by_depth if depth <= end), {})
        return self.but(by_depth=(), **more)


@documented
@dataclass(frozen=True, kw_only=True)
class DreamSettings(Settings):
    """How `dream` changes a picture. The defaults are those of 2015."""

    octaves: int = setting(4, whole(1, 1000), "Number of sizes, from small to large.", source=NOTEBOOK)
    octave_scale: float = setting(1.4, number(above=1), "Size ratio between octaves.", source=NOTEBOOK)
    steps: int = setting(10, whole(0), "Number of steps at each size; 0 returns the start.", source=NOTEBOOK)
    step: float = setting(1.5, number(above=0), "Mean change of a pixel in one step, in levels of 255.", unit=LEVELS,
                          source=NOTEBOOK)
    jitter: int = setting(32, whole(0, FARTHEST), "Shift the picture at random by up to N pixels in each step.",
                          unit="pixels", source=NOTEBOOK)
    clip: bool = setting(True, SWITCH, "Clip levels to 0..255 in each step; without it, adjust the contrast at the "
                                       "end.", source=NOTEBOOK)
    colours: str = setting("free", choice("colour mode", COLOURS), COLOUR_MODE)


@documented
@dataclass(frozen=True, kw_only=True)
class TextureSettings(Settings):
    """How `texture` makes more of a texture."""

    steps: int | Sequence[int] = setting(200, several(whole(0)), STEPS)
    tv_weight: float = setting(0.0, WEIGHT, "Weight of the total-variation term, which makes the picture smooth.")
    style_scale: float = setting(
        1.0, number(above=0), "Factor by which the style picture, and with it the strokes, are enlarged.")
    pooling: str = setting("average", choice("kind of pooling", POOLINGS),
                           "Pooling in the net: the net's own (max), or average pooling in its place.", source=GATYS)
    history: int = setting(20, whole(1, 1000), HISTORY)
    histogram: bool = setting(True, SWITCH, "Match the colours of the result to those of the picture at the end.")


@documented
@dataclass(frozen=True, kw_only=True)
class StyleSettings(Settings):
    """How `style_transfer` paints a picture in the style of others."""

    steps: int | Sequence[int] = setting(200, several(whole(0)), STEPS)
    style_weight: float = setting(100.0, WEIGHT, "Weight of the style loss; the content loss has weight 1.")
    tv_weight: float = setting(1.0, WEIGHT, "Weight of the total-variation term, which makes the picture smooth.")
    style_scale: float = setting(
        1.0, number(above=0), "Factor by which the style picture, and with it the strokes, are enlarged.")
    start: str = setting("content", choice("start", STARTS), "Initial image: the content picture, or noise.",
                         source=GATYS)
    colours: str = setting("free", choice("colour mode", COLOURS), COLOUR_MODE, source="Gatys et al. 2016")
    pooling: str = setting("max", choice("kind of pooling", POOLINGS),
                           "Pooling in the net: the net's own (max), or average pooling in its place.", source=GATYS)
    method: str = setting("lbfgs", choice("method", PAINTERS), "Update rule; `style_methods` compares them.",
                          source=GATYS)
    rate: float | None = setting(
        None, number(above=0), "Learning rate, in levels of 255, of adam, adagrad or gradient.", unit=LEVELS,
        otherwise=", ".join(f"{name} {rate:g}" for name, rate in PAINTERS.items() if rate))
    history: int = setting(20, whole(1, 1000), HISTORY)


@documented
@dataclass(frozen=True, kw_only=True)
class BlockSettings(Settings):
    """How `building_blocks` draws what a layer sees at each place."""

    cells: int = setting(6, whole(1), "Most rows and columns of the grid; where the layer has more places, neighbours "
                                      "are averaged.")
    steps: int = setting(64, whole(1), "Number of steps in which the images are made, all at once.")
    side: int | None = setting(None, whole(8), "Side of each image.", unit="pixels",
                               otherwise="what a few places of the layer see")


@documented
@dataclass(frozen=True, kw_only=True)
class AtlasSettings(BlockSettings):
    """How `activation_atlas` lays out what a layer sees."""

    cells: int = setting(12, whole(2), "Rows and columns of the raster.")
    per_picture: int = setting(8, whole(1), "Number of places drawn at random from each picture.")
    most: int = setting(2000, whole(4), "Most places in all.")
    fewest: int = setting(2, whole(1), "Fewest places of a cell that is drawn.")
