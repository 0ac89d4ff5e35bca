"""Cut out the object (Simonyan et al. 2014, section 3.2): GrabCut, with saliency as its only hint.

    object      saliency above its 90 % quantile                background  not above its 20 % quantile
    between     undecided; GrabCut begins with object above the 40 % quantile

The saliency is guided backpropagation, which finds details, added to Grad-CAM, which covers the object. A net that
takes any size sees the whole picture for it; what a net does not see stays undecided. GrabCut (grabcut.py) learns two
mixtures from the colours of both, and cuts where neighbouring pixels differ most. No outline is drawn, in training or
here: the net knows only the names of classes.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import UnitLike
from minivis.errors import BadValue, MissingExtra, UnknownName
from minivis.figures.compose import above, overlay, panels
from minivis.figures.text import percent
from minivis.methods.attribution.grabcut import BACKGROUND, MAYBE, MAYBE_NOT, OBJECT, grabcut, nearest
from minivis.methods.attribution.saliency import KINDS, SaliencyKind, mapped, used
from minivis.methods.attribution.settings import SegmentSettings
from minivis.methods.shared.result import PANEL, BatchResult, Subject, seen_by
from minivis.methods.shared.target import Target, aim, asked
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, choice, takes
from minivis.types import Array, Pictures

SegmentKind: TypeAlias = SaliencyKind | Literal["guided+gradcam"]

BOTH: SegmentKind = "guided+gradcam"
SHOWS = ("figure", "mask", "cut-out")
CUTS = ("numpy", "opencv")
START = 0.4                                     # quantile above which pixels begin as object; with 0.5 cats lost cheeks
GRADCAM = 0.5                                   # weight of Grad-CAM beside guided backpropagation, each at most 1
SIDE = 480                                      # pixels: OpenCV cuts larger pictures at this size
LONGEST = 4                                     # times the net's own size: longer pictures are cropped
CHECKERS = 8                                    # pixels of a square of what stands for transparency


@dataclass(frozen=True, eq=False)
class Segmentation(BatchResult):
    """``masks``: for each picture bool (H, W), of its own size; ``maps``: the saliency map (h, w) behind each."""

    subject: Subject
    target: Target
    maps: tuple
    masks: tuple
    seeds: tuple                                # per picture uint8 (h, w): 255 object, 0 background, 170 and 85 between

    @property
    def arrays(self) -> dict[str, Any]:
        masks = {"mask": np.stack([mask.astype(np.uint8) for mask in self.masks])}
        return masks if self.settings["show"] == "mask" else {**masks, "map": np.stack(self.maps)}

    def picture(self) -> Array:
        """The figure or, with ``show``, the mask (H, W, 1) or the cut-out (H, W, 4) of one picture, at its own size."""
        if self.settings["show"] == "mask":
            return above([np.where(mask, 255, 0).astype(np.uint8) for mask in self.masks])
        return self.cut_out(0) if self.settings["show"] == "cut-out" else super().picture()

    def cut_out(self, i: int) -> Any:
        """Picture i with a transparent background, uint8 (H, W, 4)."""
        picture = np.broadcast_to(self.subject.picture(i), (*self.masks[i].shape, 3))
        return np.dstack([picture, np.where(self.masks[i], 255, 0).astype(np.uint8)])

    def box(self, i: int) -> tuple[int, int, Any, Any] | None:
        """(top, left, bottom, right) around the object, in pixels of the picture; None if nothing was found."""
        rows, columns = (np.flatnonzero(self.masks[i].any(axis=axis)) for axis in (1, 0))
        return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) else None

    def draw(self, i: int) -> Array:
        picture, small_box = self.subject.small(i)
        small = np.asarray(Image.fromarray(self.masks[i]).resize(picture.shape[1::-1]))
        heat = overlay(picture, self.maps[i], alpha=0.9, box=small_box, fade=True)
        rgb = np.broadcast_to(picture, (*picture.shape[:2], 3))
        rows, columns = np.indices(rgb.shape[:2]) // CHECKERS
        squares = np.where((rows + columns) % 2, 255, 225).astype(np.uint8)[..., None]
        cut = np.where(small[..., None], rgb, squares)
        edge = small ^ _shrunk(small)
        outlined = rgb.copy()
        outlined[_grown(edge)] = 255
        outlined[edge] = (214, 40, 40)
        part = self.masks[i].mean()
        return panels(
            [heat, self.seeds[i], outlined, cut],
            [f"{titled(self.settings['kind'])}\n{self.target.title(i)}",
             "hints\nwhite: object, black: background, grey: undecided",
             f"GrabCut\n{percent(part)} of the picture" if part else "GrabCut\nfound no object", "cut out"],
            height=PANEL)

    def describe(self, i: int) -> dict[str, Any]:
        return {**self.target.describe(i), "box": self.box(i), "area": float(self.masks[i].mean()),
                "pixels": int(self.masks[i].sum())}

    def __len__(self) -> int:
        return len(self.subject)

    def __str__(self) -> str:
        lines = []
        for i in range(len(self)):
            box = self.box(i)
            lines.append(f"{self.target.title(i)}: {percent(self.masks[i].mean())} of the picture, rows {box[0]} to "
                         f"{box[2] - 1}, columns {box[1]} to {box[3] - 1}" if box else
                         f"{self.target.title(i)}: GrabCut found no object; try other quantiles or another map")
        return "\n".join(lines)


@set_by(SegmentSettings)
@takes(show=choice("figure to show", SHOWS), cut=choice("GrabCut", CUTS), seed=SEED)
def segment(
    net: Network, image: Pictures, unit: UnitLike = None, *, kind: SegmentKind = BOTH,
    settings: SegmentSettings | None = None, high: float = SegmentSettings.high, low: float = SegmentSettings.low,
    blur: float = SegmentSettings.blur, rounds: int = SegmentSettings.rounds, show: str = "figure", cut: str = "numpy",
    seed: int = 0, progress: bool = False, **of_map: Any,
) -> Segmentation:  # fmt: skip
    """Cut out what a unit responds to by GrabCut, which starts from a saliency map.

    Parameters
    ----------
    kind : str, default "guided+gradcam"
        The saliency map to start from: "guided+gradcam", which adds two of them, or one as in `saliency`.
    show : {"figure", "mask", "cut-out"}, default "figure"
        What ``picture()`` draws: all steps, only the mask, or the picture with a transparent background.
    cut : {"numpy", "opencv"}, default "numpy"
        GrabCut of minivis on the whole picture; or OpenCV's, which sees only what the net sees by itself, and needs
        minivis[segment].

    Returns
    -------
    Segmentation
        ``masks``, bool (H, W) of each picture.

    Raises
    ------
    MissingExtra
        OpenCV is asked for and not installed.

    References
    ----------
    Simonyan, Vedaldi & Zisserman 2014, section 3.2; Rother, Kolmogorov & Blake 2004.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> mv.segment(net, goose, kind="gradient", rounds=1).masks[0].shape == goose.shape[:2]
    True
    """
    cv2 = load_opencv() if cut == "opencv" else None
    if low >= high:
        raise BadValue(f"low must be below high, and {low} is not below {high}")
    net = answering(net)
    subject = Subject.of(net, image)
    if show == "cut-out" and len(subject) > 1:
        raise BadValue("show='cut-out' takes one picture: use `cut_out(i)` for those of a batch")
    target = aim(net, subject.input(net), unit)
    if cut == "opencv":
        groups = [(subject, target)]
    else:
        wholes = [whole_picture(net, subject, i, unit) for i, unit in enumerate(target.units)]
        groups = [(one, aim(net, one.input(net), unit)) for one, unit in zip(wholes, target.units)]
    maps, smooth = zip(*(pair for one, aimed in groups for pair in heats(
        net, one, aimed, kind, blur, seed=seed, progress=progress, **of_map)))
    boxes = tuple(box for one, _ in groups for box in one.boxes)
    seeds = [seeds_of(heat, high, low) for heat in smooth]
    pictures = [subject.picture(i) for i in range(len(subject))]
    if cut == "opencv":
        masks = [grab_cut(cv2, *each, rounds, seed) for each in zip(pictures, boxes, seeds)]
    else:
        seeds = [laid_out(*each) for each in zip(pictures, boxes, seeds)]
        masks = [grabcut(*each, rounds) for each in zip(pictures, seeds)]
    return Segmentation(replace(subject, boxes=boxes), target, maps, tuple(masks), tuple(seeds), settings={
        "unit": asked(unit), "kind": kind, "high": high, "low": low, "blur": blur, "rounds": rounds, "show": show,
        "cut": cut, **used(of_map, *(("guided", "gradcam") if kind == BOTH else (kind,)))})


def titled(kind: SegmentKind) -> str:
    """The name of a map, as figures write it."""
    return " + ".join(KINDS[one].title for one in kind.split("+"))


def whole_picture(net: Network, subject: Subject, i: int, unit: Any) -> Any:
    """Picture i at the scale in which the net sees it, and as a whole where the net takes that: a `Subject` of one.

    A unit at a position has it in the part that the net sees by itself, so for that it stays with that part.
    """
    (H, W), box, side = subject.pictures[i].shape[:2], subject.boxes[i], subject.fitted.shape[1:3]
    size = round(H * side[0] / box.height), round(W * side[1] / box.width)
    at_a_position = isinstance(unit.where, tuple)
    if size == side or max(size) > LONGEST * max(side) or at_a_position or not one_answer(net, size, side):
        return Subject.of(net, subject.pictures[i])
    fitted, box = subject.look.fit_image(subject.pictures[i], size=size, how="squash")
    return Subject((subject.pictures[i],), fitted[None], seen_by(net, fitted[None]), (box,), subject.look)


def one_answer(net: Network, size: Any, side: Any) -> bool:
    """Whether the net gives a picture of this size as many scores as one of ``side``, its own."""
    last = net.roles.get("logits") or list(net.nodes)[-1]
    try:
        here, there = (net.shapes((1, *hw, net.input_channels))[last] for hw in (size, side))
    except BadValue:
        return False
    return here == there


def heats(net: Network, subject: Subject, target: Any, kind: str, blur: Any, **settings: Any) -> list[Any]:
    """For each picture: its map, and the blurred one from which its hints are read."""
    def found(name: str) -> tuple[Any, list[Any]]:
        maps = mapped(net, subject, target, name, **settings).maps
        return maps, [gaussian_filter(heat.clip(0), blur * maps.shape[1]) for heat in maps]

    if kind != BOTH:
        return list(zip(*found(kind)))
    smooth = [_at_most_1(heat) for heat in found("guided")[1]]
    with suppress(UnknownName):                 # if there are no feature maps below the unit
        smooth = [heat + GRADCAM * _at_most_1(cam) for heat, cam in zip(smooth, found("gradcam")[0])]
    return [(heat, heat) for heat in smooth]


def seeds_of(heat: Any, high: Any, low: Any) -> Any:
    """uint8 (h, w): OBJECT above the ``high`` quantile of ``heat``, BACKGROUND up to the ``low`` one, two between."""
    most, start, least = np.quantile(heat, [high, max(low, min(high, START)), low])
    return np.select([heat > most, heat > start, heat > least], [OBJECT, MAYBE, MAYBE_NOT], BACKGROUND).astype(np.uint8)


def laid_out(picture: Array, box: Any, marks: Any) -> Any:
    """The hints of ``box``, the part that the net saw, on the whole picture, (H, W); the rest is undecided."""
    H, W = picture.shape[:2]
    inside = np.s_[max(0, -box.top):H - box.top, max(0, -box.left):W - box.left]
    part = nearest(marks, (box.height, box.width))[inside]
    out = np.full((H, W), MAYBE_NOT, np.uint8)
    out[max(0, box.top):, max(0, box.left):][:part.shape[0], :part.shape[1]] = part
    return out


def grab_cut(cv2: Any, picture: Array, box: Any, marks: Any, rounds: int, seed: Any) -> Any:
    """The object, bool (H, W) of the whole picture. ``box``: the part that the net saw; beyond it all is background."""
    H, W = picture.shape[:2]
    top, left, bottom, right = box.top, box.left, box.top + box.height, box.left + box.width
    inside = np.s_[max(0, top):min(H, bottom), max(0, left):min(W, right)]
    seen = np.broadcast_to(picture[inside], (*picture[inside].shape[:2], 3))
    h, w = seen.shape[:2]
    shrink = min(1, SIDE / max(h, w))
    size = max(1, round(w * shrink)), max(1, round(h * shrink))
    # the hints cover the whole box, which is larger than the picture with "pad"
    rows = ((np.arange(size[1]) + 0.5) / size[1] * h + max(0, -top)) / box.height * marks.shape[0]
    columns = ((np.arange(size[0]) + 0.5) / size[0] * w + max(0, -left)) / box.width * marks.shape[1]
    hints = marks[np.ix_(rows.astype(int).clip(0, marks.shape[0] - 1), columns.astype(int).clip(0, marks.shape[1] - 1))]
    mask = np.select([hints == OBJECT, hints == MAYBE, hints == MAYBE_NOT], [cv2.GC_FGD, cv2.GC_PR_FGD, cv2.GC_PR_BGD],
                     cv2.GC_BGD).astype(np.uint8)
    whole = np.zeros((H, W), bool)
    if not (hints == OBJECT).any() or not (hints == BACKGROUND).any():              # a flat map gives no hints
        return whole
    small = np.asarray(Image.fromarray(seen).resize(size, Image.Resampling.LANCZOS))
    cv2.setRNGSeed(seed % 2**31)                                                # of its k-means
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), mask, None, *models, rounds, cv2.GC_INIT_WITH_MASK)
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    whole[inside] = np.asarray(Image.fromarray(np.where(found, 255, 0).astype(np.uint8)).resize(
        (w, h), Image.Resampling.BILINEAR)) > 127
    return whole


def load_opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingExtra("cut='opencv' needs OpenCV, which is not installed: pip install 'minivis[segment]'; "
                           "cut='numpy' needs nothing") from None
    return cv2


def _at_most_1(heat: Any) -> Any:
    return heat / (heat.max() or 1)


def _shrunk(mask: Any) -> Any:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return inner


def _grown(mask: Any) -> Any:
    return ~_shrunk(~mask)
