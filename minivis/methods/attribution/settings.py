"""The settings of the methods that explain an answer, each with its default, unit and help; see described.py."""

from dataclasses import dataclass
from typing import Any, Literal

from minivis.runtime.described import Settings, documented, setting
from minivis.runtime.settings import COLOUR, SWITCH, TEXT, choice, number, several, whole

FILLS, MEASURES = ("grey", "mean", "blur", "noise"), ("prob", "score")
DISPLAYS = ("signed", "absolute")
SIDES = several(whole(1))


@documented
@dataclass(frozen=True, kw_only=True)
class SaliencySettings(Settings):
    """Settings of single kinds of saliency map; each kind takes its own."""

    samples: int = setting(50, whole(1), "Number of noisy copies that smoothgrad averages over.",
                           source="Smilkov et al. 2017")
    noise: float = setting(0.15, number(0, 1), "Standard deviation of the noise of smoothgrad, as a fraction of the "
                                               "range of the pixels.", source="Smilkov et al. 2017")
    baseline: Any = setting("grey", COLOUR, "Picture without content from which integrated gradients start.",
                            source="Sundararajan et al. 2017")
    steps: int = setting(32, whole(1), "Smallest number of points on the path of integrated gradients; more are added "
                                       "until the map is complete within 1 %.", source="Sundararajan et al. 2017")
    layer: str | None = setting(None, TEXT, "Layer whose feature maps Grad-CAM weighs.", source="Selvaraju et al. 2017",
                                otherwise="the last ReLU with feature maps")


@documented
@dataclass(frozen=True, kw_only=True)
class CurveSettings(SaliencySettings):
    """How `insertion_deletion` measures maps, and the settings of single kinds of map."""

    steps: int = setting(32, whole(1), "Number of parts of the pixels that are covered one after the other.")
    fill: Any = setting("grey", COLOUR, "What covers the pixels; insertion starts from the blurred picture.",
                        source="Petsiuk et al. 2018")


@documented
@dataclass(frozen=True, kw_only=True)
class WindowSettings(Settings):
    """How `first_classes` covers a picture, window by window."""

    window: int | tuple[int, int] | None = setting(
        None, SIDES, "Size of the occluding window, in pixels of the net's input.", unit="pixels",
        otherwise="0.3 of the input")
    stride: int | tuple[int, int] | None = setting(
        None, SIDES, "Distance from one window to the next, in pixels of the net's input.", unit="pixels",
        otherwise="a quarter of the window")
    fill: Any = setting("grey", COLOUR, "Content of the window.", source="Zeiler & Fergus 2014")
    batch: int | None = setting(None, whole(1), "Number of occluded pictures that the net sees at once.",
                                otherwise="as many as fit into memory")


@documented
@dataclass(frozen=True, kw_only=True)
class OcclusionSettings(WindowSettings):
    """How `occlusion` covers a picture, and what it measures."""

    measure: str | None = setting(
        None, choice("measure", MEASURES), "Quantity to measure: the probability of a class, or the value of a unit.",
        otherwise="prob for a class, score for any other unit")


@documented
@dataclass(frozen=True, kw_only=True)
class SegmentSettings(SaliencySettings):
    """How `segment` starts from a saliency map, and the settings of single kinds of map."""

    high: float = setting(0.9, number(0, 1), "Quantile of saliency above which a pixel is taken as part of the "
                                              "object.")
    low: float = setting(0.2, number(0, 1), "Quantile of saliency below which a pixel certainly belongs to the "
                                            "background.")
    blur: float = setting(0.05, number(0, 1), "Standard deviation of the blur of the map, as a fraction of the "
                                              "picture's height.")
    rounds: int = setting(5, whole(1), "Iterations of GrabCut.", source="Rother et al. 2004")


@documented
@dataclass(frozen=True, kw_only=True)
class BackpropSettings(Settings):
    """How `backprop` draws a gradient."""

    display: Literal["signed", "absolute"] = setting(
        "signed", choice("display", DISPLAYS), "Draw the gradient in colours about grey, or the largest absolute value "
        "of the three colours.")
    crop: bool = setting(False, SWITCH, "Show only the receptive field; needs a unit at @max or @row,column.")
