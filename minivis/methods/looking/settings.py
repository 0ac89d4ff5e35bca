"""The settings of the methods that look into a net, each with its default, unit and help; see described.py."""

from dataclasses import dataclass
from typing import Literal

from minivis.runtime.described import Settings, documented, setting
from minivis.runtime.settings import SWITCH, choice, number, whole

ORDERS, SCALES = ("channel", "strength"), ("shared", "channel")
LAYOUTS, METRICS = ("grid", "plane", "both"), ("cosine", "l2")
MOST = 4096                                     # pictures: 64 x 64 tiles of 64 pixels fill 4096 x 4096


@documented
@dataclass(frozen=True, kw_only=True)
class ClassifySettings(Settings):
    """How many classes `classify` names."""

    top: int = setting(5, whole(1), "Number of classes to print, most probable first.")


@documented
@dataclass(frozen=True, kw_only=True)
class ActivationSettings(Settings):
    """How `activation_grid` draws feature maps."""

    channels: int = setting(64, whole(1), "Draw at most N maps, those of the strongest channels.")
    order: str = setting("channel", choice("order", ORDERS),
                         "Sort the maps by channel number, or put the strongest first.")
    scale: str = setting("shared", choice("scale", SCALES), "Use one colour scale for all maps, which makes them "
                                                            "comparable, or one for each channel.")


@documented
@dataclass(frozen=True, kw_only=True)
class FilterSettings(Settings):
    """How many filters `filter_grid` draws."""

    rows: int = setting(24, whole(1), "Draw at most N filters of a deep layer, one in each row.")
    columns: int = setting(48, whole(1), "Draw at most N input channels of each filter of a deep layer.")


@documented
@dataclass(frozen=True, kw_only=True)
class NeighbourSettings(Settings):
    """Which neighbours `neighbours` finds."""

    k: int = setting(12, whole(1), "Number of neighbours to show.")
    metric: str = setting("cosine", choice("metric", METRICS), "Distance between two codes.")
    pixels: bool = setting(False, SWITCH, "Also show the pictures whose pixels are nearest, for comparison.")


@documented
@dataclass(frozen=True, kw_only=True)
class TsneSettings(Settings):
    """How `tsne_grid` draws its map."""

    perplexity: float = setting(50.0, number(above=0), "Effective number of neighbours of each picture; it is lowered "
                                                       "if there are few pictures.", source="van der Maaten 2008")
    layout: Literal["grid", "plane", "both"] = setting(
        "grid", choice("layout", LAYOUTS), "Place each picture in its own cell of a grid, at its point, or both side "
        "by side.")
    side: int | None = setting(None, whole(1), "Side of the map in pixels.", unit="pixels",
                               otherwise="as large as the pictures need, at most 4096")
    most: int = setting(MOST, whole(4), "Largest number of pictures; if there are more, N of them are chosen at even "
                                        "intervals.")


@documented
@dataclass(frozen=True, kw_only=True)
class PatchSettings(Settings):
    """How many patches `top_patches` finds."""

    k: int = setting(9, whole(1), "Number of patches for each unit.")
    per_picture: int = setting(1, whole(1), "Most patches of one picture; they lie at least half a receptive field "
                                            "apart.")


@documented
@dataclass(frozen=True, kw_only=True)
class ReceptiveFieldSettings(Settings):
    """What `effective_receptive_field` averages over."""

    pictures: int = setting(32, whole(1), "Number of crops of the photographs to average over.")
