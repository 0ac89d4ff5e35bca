"""Do the maps find the object? Over the 200 emoji pictures of the tests, whose outlines are known to the pixel.

    python benchmarks/localisation.py                       a row for each kind of saliency map, and for occlusion

For each: the median of (mean of the map on the object / mean beside it), and how often its largest value is on the
object (pointing game). The map is asked about the true class. To compare with: how much of a picture is object, and how
often the middle of the picture is.

    inside / outside        mean of the map on the object, over its mean beside it
    pointing game           is the map's largest value on the object? (Zhang et al. 2016, section 4.2)

In a map with a sign, values below zero speak against the unit and count as zero. Both measures say where a map looks,
not whether the net looks there too; for that, see curves.py and sanity.py in minivis/methods/attribution.
"""

import argparse
from pathlib import Path

import numpy as np

import minivis as mv
from minivis.errors import BadValue
from minivis.methods.attribution.saliency import KINDS
from minivis.runtime.progress import track

DATA = Path(__file__).parents[1] / "tests" / "data" / "emoji.npz"
TOGETHER = 20
SETTINGS = {"smoothgrad": {"samples": 10}, "integrated": {"steps": 16, "together": 1}}


def pictures():
    """images (200, 64, 64, 3), masks (200, 64, 64) bool, labels (200,)."""
    with np.load(DATA) as data:
        return data["images"], data["masks"] > 127, data["labels"]


def inside_over_outside(maps, masks):
    """(N,) mean of each map (N, H, W) over its mask (N, H, W; True on the object), over its mean outside."""
    maps, masks = _checked(maps, masks)
    inside = (maps * masks).sum(axis=(1, 2)) / masks.sum(axis=(1, 2))
    outside = (maps * ~masks).sum(axis=(1, 2)) / (~masks).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside == outside, 1.0, inside / outside)       # an empty map says nothing: 1


def hits(maps, masks):
    """(N,) bool: whether the largest value of each map, the first of several, lies on its mask."""
    maps, masks = _checked(maps, masks)
    largest = maps.reshape(len(maps), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), largest]


def _checked(maps, masks):
    maps, masks = np.asarray(maps, dtype=np.float64), np.asarray(masks)
    if maps.ndim != 3 or maps.shape != masks.shape or masks.dtype != bool:
        raise BadValue(f"maps and masks are (N, H, W) of one shape, masks of bool; not {maps.shape} and "
                       f"{masks.dtype} {masks.shape}")
    covered = masks.sum(axis=(1, 2))
    if not (covered.all() and (covered < masks[0].size).all()):
        raise BadValue("a mask must have pixels on the object and beside it")
    return maps.clip(0), masks


def maps_of(net, kind, images, labels, *, progress=False):
    """(N, H, W): the maps of one kind, or of "occlusion"."""
    settings = dict(SETTINGS.get(kind, {}))
    together = settings.pop("together", TOGETHER)
    units = [f"{net.role('logits')}:{k}" for k in labels]
    found = []
    for k in track(range(0, len(images), together), progress, kind):
        some, asked = images[k:k + together], units[k:k + together]
        if kind == "occlusion":
            found.append(mv.occlusion(net, some, asked, stride=8).maps)
        else:
            found.append(mv.saliency(net, some, asked, kind=kind, **settings).maps)
    return np.concatenate(found)


def measure(net, kind, images, masks, labels, *, progress=False):
    """(median of inside / outside, share of hits)."""
    maps = maps_of(net, kind, images, labels, progress=progress)
    return float(np.median(inside_over_outside(maps, masks))), float(hits(maps, masks).mean())


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="emoji-vgg")
    parser.add_argument("--kinds", nargs="+", default=[*KINDS, "occlusion"], choices=[*KINDS, "occlusion"])
    args = parser.parse_args(argv)
    net, (images, masks, labels) = mv.load(args.net), pictures()
    middle = masks[:, masks.shape[1] // 2, masks.shape[2] // 2].mean()
    print(f"{len(images)} pictures; {masks.mean():.1%} of a picture is object, its middle is in {middle:.1%}\n")
    print("| map | on the object / beside it, median | pointing game |\n|---|---|---|", flush=True)
    for kind in args.kinds:
        ratio, share = measure(net, kind, images, masks, labels, progress=True)
        print(f"| {KINDS[kind].title if kind in KINDS else kind} | {ratio:.2f} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
