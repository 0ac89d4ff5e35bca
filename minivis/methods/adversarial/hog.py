"""Another picture with the same HOG: hand-made features can be inverted and fooled as a net's code can.

    hog_twin(A, B)      minimise |HOG(x) - HOG(A)|^2 / |HOG(A)|^2 from B: the result looks like B and has A's HOG
    hog_twin(A)         the same from noise: what a HOG tells about its picture (Vondrick et al. 2013)

The HOG is a `Network` of the three layers of layers/hog.py; the blocks have the role "code". The rest is
`objectives.code_distance` and `optimize`, as for the code of any convnet. Adam, with long steps and then short ones,
gets further than L-BFGS, because the clipping and the choice of a colour are kinks. The picture in whole levels is what
counts.

With an ``eps`` of a few levels in the normalisation, invisible edges hardly count; with scikit-image's 1e-5, a rounding
error in a flat area weighs as much as a contour.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import panels
from minivis.figures.text import percent
from minivis.images.preprocessing import Preprocessing, to_uint8
from minivis.layers.hog import BlockNorm, Gradient, OrientationCells
from minivis.methods.adversarial.settings import HogSettings
from minivis.methods.shared.result import Result
from minivis.objectives.activations import code_distance
from minivis.objectives.priors import tv
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import pixels
from minivis.optimize.problem import Problem
from minivis.optimize.recorder import Run
from minivis.optimize.update_rules import Adam
from minivis.optimize.watch import INTERRUPTED
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, SWITCH, among, number, takes, whole
from minivis.types import Array, Picture

RATES = (8.0, 1.0)                              # levels: Adam's rates, for two thirds of the steps and the rest
NOISE = 16.0                                    # levels: the standard deviation of an inversion's start
STROKE = 16                                     # pixels: the side of a cell in a drawing


@takes(channels=among(1, 3), cell=whole(), bins=whole(), soft=SWITCH, block=whole(), eps=number())
def hog_net(
    channels: int = 3, *, cell: int = HogSettings.cell, bins: int = HogSettings.bins, soft: bool = True,
    block: int = HogSettings.block, eps: float = HogSettings.eps,
) -> Network:  # fmt: skip
    """The histogram of oriented gradients (HOG) of pictures as a net; its layer "hog" is the code.

    Parameters
    ----------
    channels : {1, 3}, default 3
        Channels of the pictures.
    cell : int, in pixels, default 8
        Side of a cell.
    bins : int, default 9
        Number of orientations.
    soft : bool, default True
        Share a gradient out to the two nearest orientations and to four cells.
    block : int, in cells, default 2
        Side of a block, within which gradients are normalised.
    eps : float, in levels of 255, default 4
        Constant in the normalisation.

    Returns
    -------
    Network
        Layers gradient, cells and hog.

    References
    ----------
    Dalal & Triggs 2005.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.hog_net(1)
    >>> list(net.layers)
    ['gradient', 'cells', 'hog']
    """
    net = Network(preprocessing=Preprocessing({1: "grey", 3: "RGB"}[channels], (0.0,) * channels, (1.0,) * channels))
    net.add("gradient", Gradient()).add("cells", OrientationCells(cell, bins, soft)).add("hog", BlockNorm(block, eps))
    net.roles["code"] = "hog"
    return net


@dataclass(frozen=True, eq=False)
class HogTwin(Result):
    """``twin`` uint8 (H, W, C): the picture found. ``codes``: the HOGs (h, w, 36) of A, of the start, of the twin."""

    first: np.ndarray                           # A
    start: np.ndarray
    twin: np.ndarray
    codes: tuple
    inverted: bool                              # there was no B
    run: Run

    @property
    def array(self) -> Array:
        return self.twin

    @property
    def ok(self) -> bool:
        return self.fall >= 0.95

    @property
    def parts(self) -> dict[str, Any]:
        return {"picture": self.twin}

    @property
    def distances(self) -> tuple[Any, ...]:
        """|HOG - HOG(A)|^2 / |HOG(A)|^2 of the start and of the twin, on whole levels."""
        wanted = self.codes[0]
        return tuple(float(((code - wanted) ** 2).sum() / (wanted**2).sum()) for code in self.codes[1:])

    @property
    def fall(self) -> Any:
        before, after = self.distances
        return 1 - after / before if before else 1.0

    def picture(self) -> Array:
        (before, after), bins = self.distances, self.settings["bins"]
        twin = stretched(self.twin) if self.inverted else self.twin
        images = [self.first, self.start, twin, *(strokes(code, bins) for code in self.codes)]
        start, made = ("the start: noise", "from its HOG, stretched") if self.inverted else ("B, the start", "the twin")
        titles = ["A", start, f"{made}\n{self._pixels()}", "HOG of A", f"HOG of the start\ndistance {before:.3g}",
                  f"HOG of the result\ndistance {after:.3g}"]
        return panels(images, titles, f"A stroke is an edge; stronger ones are brighter. {self._words()}", columns=3)

    def _pixels(self) -> str:
        numbers = self.numbers
        return f"{numbers['rms_to_start']:.3g} levels from the start, {numbers['rms_to_first']:.3g} from A"

    def _words(self) -> str:
        before, after = self.distances
        return (f"HOG distance to A: {before:.3g} -> {after:.3g}, down by {percent(self.fall)}, judged on "
                f"whole levels.")

    @property
    def numbers(self) -> dict[str, Any]:
        before, after = self.distances
        return {"distance_at_start": before, "distance": after, "fall": self.fall,
                "rms_to_start": rms(self.twin, self.start), "rms_to_first": rms(self.twin, self.first),
                "stopped": self.stopped, "notes": list(self.run.notes)}

    def __str__(self) -> str:
        note = "" if self.ok else " NOT REACHED: the goal is a fall by 95 %; try more steps."
        return f"{self._words()} Root mean square of the pixels: {self._pixels()}.{note}"


@set_by(HogSettings)
@takes(seed=SEED)
def hog_twin(
    first: Picture, start: Picture | None = None, *, settings: HogSettings | None = None,
    steps: int = HogSettings.steps, cell: int = HogSettings.cell, bins: int = HogSettings.bins,
    block: int = HogSettings.block, eps: float = HogSettings.eps, smooth: float | None = HogSettings.smooth,
    seed: int = 0, progress: bool = False,
) -> HogTwin:  # fmt: skip
    """A picture near one picture with the HOG of another: two pictures that a HOG detector cannot tell apart.

    Without ``start`` it begins with grey noise, because a HOG has no colours.

    Parameters
    ----------
    first : uint8 array (H, W, C)
        The picture whose HOG is wanted.
    start : uint8 array (H, W, C), optional
        The picture to begin from, of the same size.

    Returns
    -------
    HogTwin
        ``twin`` uint8 (H, W, C), and the ``codes`` of all three.

    References
    ----------
    Vondrick et al. 2013.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> mv.hog_twin(goose[:24, :24], steps=3).twin.shape
    (24, 24, 1)
    """
    first, inverted = np.asarray(first), start is None
    begun = first if start is None else np.asarray(start)
    for name, picture in {"A": first, "B": begun}.items():
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
            raise BadValue(f"{name} must be a picture, uint8 (H, W, 1 or 3), not {picture.dtype} {picture.shape}")
    H, W = first.shape[:2]
    if begun.shape[:2] != (H, W):
        raise BadValue(f"A is {W} x {H} pixels and B {begun.shape[1]} x {begun.shape[0]}: their HOGs are compared "
                       "cell by cell, so give both the same size")
    if min(H, W) < cell * block:
        raise BadValue(f"A is {W} x {H} pixels, smaller than one block of {cell * block} x {cell * block}")
    if inverted:
        noise = 128 + NOISE * np.random.default_rng(seed).standard_normal((H, W, 1))
        begun, smooth = to_uint8(noise), 1e-4 if smooth is None else smooth
    smooth = 0.0 if smooth is None else smooth
    how: dict[str, Any] = {"cell": cell, "bins": bins, "block": block, "eps": eps}
    net = hog_net(begun.shape[2], **how)
    wanted = code_of(first, how)

    loss = code_distance("hog", wanted) + smooth / begun.size * tv()
    problem = Problem(net, loss, pixels(net, (1, *begun.shape)))
    z, runs = problem.parameterization.start(begun), []
    for rate, count in zip(RATES, (steps - steps // 3, steps // 3)):
        runs.append(optimize(problem, z, method=Adam(rate), steps=count, seed=seed, progress=progress, title="hog"))
        z = runs[-1].z
        if runs[-1].stopped == INTERRUPTED:
            break
    run = runs[-1]
    twin = to_uint8(run.pixels[0])
    codes = (wanted, *(code_of(picture, how) for picture in (begun, twin)))
    return HogTwin(first, begun, twin, tuple(code[0] for code in codes), inverted, run, stopped=run.stopped,
                   settings={**how, "steps": steps, "smooth": smooth})


def code_of(picture: Array, settings: Any) -> Any:
    """The HOG of a picture, (1, h, w, block * block * bins)."""
    net = hog_net(picture.shape[2], **settings)
    return net.forward(net.preprocess(picture), grad=None)["hog"]


def strokes(code: Any, bins: int, side: Any = STROKE) -> Any:
    """Draw a HOG (h, w, block * block * bins), uint8: each cell shows its edges, which are perpendicular to gradients.

    A cell is in several blocks with different normalisations; their mean is drawn.
    """
    h, w, length = code.shape
    block = int(np.sqrt(length // bins))
    cells, count = np.zeros((h + block - 1, w + block - 1, bins)), np.zeros((h + block - 1, w + block - 1, 1))
    for k, part in enumerate(np.split(code, block * block, axis=2)):
        place = np.s_[k // block:k // block + h, k % block:k % block + w]
        cells[place] += part
        count[place] += 1
    cells /= count
    edges = np.stack([stroke(np.pi * (k + 0.5) / bins + np.pi / 2, side) for k in range(bins)])
    drawn = np.einsum("hwk,kyx->hywx", cells, edges).reshape(cells.shape[0] * side, cells.shape[1] * side)
    return to_uint8(255 * np.minimum(1, drawn / (np.quantile(drawn, 0.995) or 1)))[..., None]


def stroke(angle: Any, side: Any, fine: int = 4) -> Any:
    """A line through the middle of a square, (side, side) in 0..1, at this angle (y points down)."""
    picture = Image.new("L", (side * fine, side * fine))
    middle, reach = (side * fine - 1) / 2, 0.46 * side * fine
    x, y = reach * np.cos(angle), reach * np.sin(angle)
    ImageDraw.Draw(picture).line([middle - x, middle - y, middle + x, middle + y], fill=255, width=fine + 2)
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX)) / 255


def stretched(picture: Array) -> Any:
    """Stretch the 1st to the 99th percentile from black to white, because a HOG does not determine the contrast."""
    low, high = np.percentile(picture, (1, 99))
    return to_uint8((picture - low) * (255 / max(1, high - low)))


def rms(a: Any, b: Array) -> float:
    """The root mean square difference of two pictures, in levels; a grey picture is compared with all colours."""
    return float(np.sqrt(np.mean((a.astype(float) - b.astype(float)) ** 2)))
