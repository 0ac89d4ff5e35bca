"""Does the cut-out end where the object ends? Over the 200 emoji pictures of the tests, whose outlines are known.

    python benchmarks/segment.py [--cut numpy opencv]

It prints the overlap, |found and object| / |found or object|: the median, the mean, and the share above 0.8. The net is
asked about the class that it puts first, which may be wrong.
"""

import argparse
from pathlib import Path

import numpy as np

import minivis as mv
from minivis.runtime.progress import track

DATA = Path(__file__).parents[1] / "tests" / "data" / "emoji.npz"
OLD = {"kind": "guided", "high": 0.95, "low": 0.3}      # what OpenCV's cut began from


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", nargs="+", default=["numpy", "opencv"])
    parser.add_argument("--net", default="emoji-vgg")
    options = parser.parse_args()
    net = mv.load(options.net)
    with np.load(DATA) as data:
        images, masks = data["images"], data["masks"] > 127
    print("| GrabCut of | overlap, median | mean | above 0.8 |\n|---|---|---|---|")
    for cut in options.cut:
        settings = OLD if cut == "opencv" else {}
        found = [mv.segment(net, image, cut=cut, **settings).masks[0] for image in track(images, True, cut)]
        overlaps = np.array([overlap(one, mask) for one, mask in zip(found, masks)])
        numbers = f"{np.median(overlaps):.3f} | {overlaps.mean():.3f} | {(overlaps > 0.8).mean():.0%}"
        print(f"| {cut} | {numbers} |", flush=True)


def overlap(found, mask):
    """|both| / |either| of two masks, bool (H, W)."""
    return (found & mask).sum() / (found | mask).sum()


if __name__ == "__main__":
    main()
