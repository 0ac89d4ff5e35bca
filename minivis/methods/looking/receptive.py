"""Theoretical and effective receptive fields (Luo et al. 2016): what a unit can see, and what it uses.

    E[i, j] = mean over pictures, sum over channels k of   (d a[centre, k] / d pixel[i, j])^2

a[centre, k] is channel k of a layer at its central position. E may differ from zero in the theoretical field; most of E
lies in a much smaller blob at its middle. The sum over channels is estimated with random signs: with r_k = +1 or -1,
drawn for every picture, the squared gradient of sum_k r_k a[centre, k] has this sum as its mean.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minivis.data.folder import crops, photos
from minivis.engine.activations import Activations
from minivis.engine.geometry import receptive_fields
from minivis.engine.memory import batch_that_fits, check_fits
from minivis.engine.network import Network
from minivis.figures.compose import above, contact_sheet, panels, unsigned
from minivis.figures.line_chart import line_chart
from minivis.layers import AvgPool2D, GlobalAvgPool, MaxPool2D
from minivis.methods.looking.settings import ReceptiveFieldSettings
from minivis.methods.shared.result import Result, input_of
from minivis.runtime.backend import get_xp, to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import NUMBERS, SEED, several, takes, whole
from minivis.types import Array, Picture

SHARE = 0.95                                    # of E lies in the effective field
TILE, BLUE = 112, (86, 180, 233)               # pixels


@dataclass(frozen=True, eq=False)
class ReceptiveFields(Result):
    """For each of ``layers``: ``fields`` (geometry), ``seen`` (top, left, bottom, right), ``energy`` (H, W): E.

    ``sizes``: the side of the smallest square about ``centres``, the field's middle, that holds 95 % of E.
    """

    layers: tuple[str, ...]
    fields: tuple
    seen: tuple
    centres: tuple
    energy: tuple
    sizes: tuple[int, ...]
    drawn: tuple[str, ...]                      # convolutions, pools and fully connected layers: the others look alike
    unreadable: list

    @property
    def arrays(self) -> dict[str, Any]:
        return {name: energy[None] for name, energy in zip(self.layers, self.energy)}

    def picture(self) -> Picture:
        shown = [k for k, name in enumerate(self.layers) if name in self.drawn]
        H, W = self.energy[0].shape
        tiles = [_tile(self.energy[k], self.seen[k], self.centres[k], self.sizes[k]) for k in shown]
        labels = [f"{self.layers[k]}\n{self.sizes[k]} of {max(self.fields[k].size)}" for k in shown]
        sheet = contact_sheet(tiles, min(len(tiles), 7), labels=labels, scale=1, gap=8)
        title = ("what the central unit of each layer uses\nroot of the mean squared gradient in "
                 f"{W} x {H} pixels, each to its own largest; white: what it can see, blue: the square with 95 % of "
                 "the squared gradient; below: the sides of both")
        figure = panels([sheet], [title], height=sheet.shape[0])
        x = np.arange(1, len(shown) + 1)
        curves = {"theoretical": (x, [max(self.fields[k].size) for k in shown]),
                  "effective, 95 %": (x, [self.sizes[k] for k in shown]),
                  "the picture": (x, [max(H, W)] * len(shown))}
        chart = line_chart(curves, width=420, height=220, low=0, dashed=("the picture",), y_label="pixels",
                           x_label="layers, in the order above") if len(shown) > 1 else None
        return figure if chart is None else above(
            [figure, panels([chart], ["the side of the receptive field"], height=chart.shape[0])], gap=0)

    @property
    def numbers(self) -> dict[str, Any]:
        return {"image_size": list(self.energy[0].shape), "pictures": self.settings["pictures"], "layers": [
            {"name": name, "theoretical": list(field.size), "effective": size, "visible": list(box)}
            for name, field, box, size in zip(self.layers, self.fields, self.seen, self.sizes)],
            "unreadable": [path for path, _ in self.unreadable]}

    def __str__(self) -> str:
        lines = [f"{'layer':<14}{'theoretical':>12}{'effective':>12}   (pixels; 95 % of the squared gradient)"]
        lines += [f"{name:<14}{max(field.size):>12}{size:>12}" for name, field, size in
                  zip(self.layers, self.fields, self.sizes)]
        return "\n".join(lines + [f"left out: {why}" for _, why in self.unreadable])


@set_by(ReceptiveFieldSettings)
@takes(images=NUMBERS, size=several(whole()), seed=SEED)
def effective_receptive_field(
    net: Network, *, images: Array | None = None, data: str | None = None,
    settings: ReceptiveFieldSettings | None = None, pictures: Any = ReceptiveFieldSettings.pictures,
    size: int | tuple[int, int] | None = None, seed: int = 0, progress: bool = False,
) -> ReceptiveFields:  # fmt: skip
    """How much of a picture the central unit of each layer can see, and which part of that it uses.

    Parameters
    ----------
    images : uint8 array (N, H, W, C), optional
        Pictures as the net sees them; by default crops of photographs.
    data : str, optional
        The folder of the photographs; by default the two that come with scikit-learn.
    size : int or (int, int), in pixels, optional
        Size of the crops, for a net that takes any.

    Returns
    -------
    ReceptiveFields
        For each layer the theoretical field and the mean size of the gradient in it.

    References
    ----------
    Luo, Li, Urtasun & Zemel 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.effective_receptive_field(net, images=net.fit(goose).image[None])
    >>> "conv1_1" in found.numbers["layers"][0].values()
    True
    """
    rng = np.random.default_rng(seed)
    unreadable: list[tuple[str, str]] = []
    if images is None:
        found, unreadable = photos(data, channels=net.input_channels)
        sides = (size, size) if isinstance(size, int) else size or (224, 224)
        images = crops(found, net.input_size or sides, pictures, rng, drawn_channels(net))
    check_fits(net, (1, *images.shape[1:3], net.input_channels))
    x = input_of(net, images)
    shapes, geometry = net.shapes((1, *x.shape[1:])), receptive_fields(net, (1, *x.shape[1:]))
    names = tuple(net.nodes)
    energy = {name: np.zeros(x.shape[1:3]) for name in names}
    together = batch_that_fits(net, x.shape[1:], most=32)
    for start in track(range(0, len(x), together), progress, "receptive fields"):
        acts = net.forward(x[start : start + together], keep=names[-1:])
        for name in names:
            dacts, _ = net.backward(acts, {name: central_seed(acts, name, rng)})
            pixels = to_cpu(net.preprocess_adjoint(dacts["input"]))
            energy[name] += (pixels.astype(np.float64) ** 2).sum(axis=(0, 3)) / len(x)

    places = [tuple(n // 2 for n in shapes[name][1:3]) if len(shapes[name]) == 4 else (0, 0) for name in names]
    fields = [geometry[name] for name in names]
    seen = [field.box(*place, x.shape[1:3]) for field, place in zip(fields, places)]
    centres = [tuple(start + step * at + (side - 1) / 2 for start, step, at, side in
                     zip(field.start, field.stride, place, field.size)) for field, place in zip(fields, places)]
    sizes = [effective_size(energy[name], centre) for name, centre in zip(names, centres)]
    drawn = [name for name in names if "w" in net.nodes[name].layer.params or isinstance(
        net.nodes[name].layer, (MaxPool2D, AvgPool2D, GlobalAvgPool))]
    return ReceptiveFields(names, tuple(fields), tuple(seen), tuple(centres), tuple(energy.values()), tuple(sizes),
                           tuple(drawn), unreadable, settings={"data": data, "pictures": len(x), "size": size})


def drawn_channels(net: Network) -> Any:
    """Of photographs for the net: three, which a grey net reads as well, or as many as the net reads."""
    return 3 if net.input_channels in (1, 3) else net.input_channels


def central_seed(acts: Activations, name: str, rng: np.random.Generator) -> Any:
    """Random signs at every channel of the central position, or at every unit of a layer without positions."""
    shape = acts.shapes[name]
    seed = np.zeros(shape, acts.dtype)
    signs = rng.choice([-1.0, 1.0], (shape[0], shape[-1])).astype(acts.dtype)
    if len(shape) == 4:
        seed[:, shape[1] // 2, shape[2] // 2] = signs
    else:
        seed[:] = signs
    return get_xp(acts[next(reversed(acts))]).asarray(seed)


def effective_size(energy: Any, centre: Any) -> Any:
    """The side of the smallest square about ``centre`` (row, column) that holds 95 % of ``energy`` (H, W)."""
    rows, columns = (abs(np.arange(n) - c) for n, c in zip(energy.shape, centre))
    distance = np.maximum(rows[:, None], columns)
    order = np.argsort(distance, axis=None, kind="stable")
    held = np.cumsum(energy.ravel()[order])
    if not held[-1]:
        return 0
    enough = np.searchsorted(held, SHARE * held[-1] * (1 - 1e-12))
    return round(2 * float(distance.ravel()[order[enough]]) + 1)


def _tile(energy: Any, box: Any, centre: Any, size: Any) -> Any:
    """E as a small picture with frames: white for what the unit can see, blue for the effective field."""
    scale = max(1, round(TILE / max(energy.shape)))
    picture = unsigned(np.sqrt(energy), percentile=100) if energy.any() else np.zeros((*energy.shape, 3), np.uint8)
    im = Image.fromarray(picture.repeat(scale, axis=0).repeat(scale, axis=1))
    im.thumbnail((2 * TILE, 2 * TILE))
    scale = im.width / energy.shape[1]
    draw = ImageDraw.Draw(im)
    top, left, bottom, right = (scale * side for side in box)
    draw.rectangle((left, top, right - 1, bottom - 1), outline="white")
    if not size:                                        # no energy: there is no effective field
        return np.asarray(im)
    half = size / 2
    draw.rectangle((scale * (centre[1] + 0.5 - half), scale * (centre[0] + 0.5 - half),
                    scale * (centre[1] + 0.5 + half) - 1, scale * (centre[0] + 0.5 + half) - 1), outline=BLUE)
    return np.asarray(im)
