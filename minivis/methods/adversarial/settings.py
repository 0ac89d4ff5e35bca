"""The settings of the methods that fool nets, each with its default, unit, help and source; see described.py."""

from dataclasses import dataclass
from typing import Literal

from minivis.runtime.described import Settings, documented, setting
from minivis.runtime.settings import choice, number, whole

# of each attack, its number of steps: one step, or many, or until a boundary is crossed
STEPS = {"pgd": 40, "bim": 10, "fgsm": 1, "deepfool": 50, "szegedy": 40, "one-pixel": 30, "jsma": 200}
NORMS = ("Linf", "L2")
SURE = 0.99                                     # for pictures made from noise or a flat colour
ENCODINGS = ("cppn", "direct")
LEVELS = "levels of 255"


@documented
@dataclass(frozen=True, kw_only=True)
class FoolSettings(Settings):
    """How `fool` changes a picture."""

    method: str = setting(
        "pgd", choice("method", STEPS), "Attack: one step (fgsm), many steps (bim, or pgd from a random point), the "
        "nearest decision boundary (deepfool), the smallest change by L-BFGS (szegedy), one to three pixels by "
        "evolution (one-pixel), or as few pixels as it takes, one after the other (jsma).", source="Madry et al. 2018")
    norm: Literal["Linf", "L2"] = setting(
        "Linf", choice("norm", NORMS), "Norm that bounds the change in fgsm, bim and pgd: that of each pixel (Linf) or "
        "of the whole picture (L2).")
    eps: float | None = setting(None, number(0), "Bound of the change, in levels of 255.", unit=LEVELS,
                                otherwise="the smallest that fools the net")
    steps: int | None = setting(
        None, whole(1), "Number of steps of the attack; of jsma the most pixels, of one-pixel generations.",
        otherwise=", ".join(f"{count} for {name}" for name, count in STEPS.items()))
    sure: float | None = setting(None, number(0, below=1), "Probability that the new class must reach.",
                                 otherwise=f"{SURE} from noise or a colour; otherwise the class only has to come first")


@documented
@dataclass(frozen=True, kw_only=True)
class EvolveSettings(Settings):
    """How `evolve` breeds pictures."""

    encoding: Literal["cppn", "direct"] = setting(
        "cppn", choice("encoding", ENCODINGS), "Genome that mutates: a small net that draws the picture (cppn), or the "
        "pixels (direct).", source="Nguyen et al. 2015")
    generations: int = setting(100, whole(1), "Number of generations in all, those before a resumed run included.")
    population: int = setting(200, whole(1, 100_000), "Number of new pictures in each generation.")
    best: int | None = setting(None, whole(1), "Number of pictures to draw, large and the surest ones first.",
                               otherwise="the best of every class")


@documented
@dataclass(frozen=True, kw_only=True)
class HogSettings(Settings):
    """How `hog_twin` changes a picture until its HOG is that of another."""

    steps: int = setting(450, whole(0), "Number of steps of the optimisation.")
    cell: int = setting(8, whole(1), "Side of a cell.", unit="pixels", source="Dalal & Triggs 2005")
    bins: int = setting(9, whole(1), "Number of orientations.", source="Dalal & Triggs 2005")
    block: int = setting(2, whole(1), "Side of a block, within which gradients are normalised.", unit="cells",
                         source="Dalal & Triggs 2005")
    eps: float = setting(4.0, number(above=0), "Constant in the normalisation of HOG's blocks, in levels of 255; edges "
                                               "weaker than that hardly count.", unit=LEVELS)
    smooth: float | None = setting(None, number(0), "Weight of the mean square of the differences of neighbouring "
                                                    "pixels.", otherwise="0, and 1e-4 from noise")


@documented
@dataclass(frozen=True, kw_only=True)
class LinearSettings(Settings):
    """How `linear_fool` trains its classifier."""

    l2: float = setting(1e-3, number(0), "Weight decay, on inputs scaled to unit variance.")
    held_out: float = setting(0.2, number(above=0, below=1), "Fraction of the rows to test on.")
    steps: int = setting(200, whole(0), "Number of steps of training.")


@documented
@dataclass(frozen=True, kw_only=True)
class RobustnessSettings(Settings):
    """How `robustness` attacks."""

    steps: int = setting(10, whole(1), "Number of steps of PGD.", source="Madry et al. 2018")


@documented
@dataclass(frozen=True, kw_only=True)
class SoundSettings(Settings):
    """How `sound_fool` changes a sound."""

    snr: float | None = setting(None, number(), "Least signal-to-noise ratio of the addition, in dB.", unit="dB",
                                otherwise="the largest that fools the net")
    steps: int = setting(60, whole(1), "Number of steps of the attack.")
    sure: float = setting(0.9, number(0, below=1), "Probability that the class must reach.")
