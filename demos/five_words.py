"""Understanding, segmenting, inverting, fun and confusion: one picture and one net under five words (lecture 9)."""

import sys

import numpy as np
from loading import CHECKOUT, chance, mv, own_options, save, signed


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "five_words.jpg")
    net, goose = mv.load("emoji-vgg"), mv.read_image(CHECKOUT / "minivis" / "data" / "goose.png")
    seen = mv.backprop(net, goose, rules=["guided"]).gradients["guided"][0]
    cut = mv.segment(net, goose)
    inverted = mv.invert(net, goose, "pool4", progress=True)
    fooled = mv.fool(net, goose, "owl")
    save(out, {
        "the input\ngoose": net.fit(goose).image,
        "understanding\nguided backprop": signed(seen),
        "segmenting\nfrom saliency alone": np.where(cut.masks[0][..., None], goose, np.uint8(255)),
        "inverting\nfrom pool4's activations": inverted.pictures[0],
        "fun\na dream": mv.dream(net, goose, progress=True, octaves=3).picture(),
        f"confusion\n{fooled.names[fooled.after[0].argmax()]} {chance(fooled.after[0].max())}": fooled.made[0],
    }, height=192)


if __name__ == "__main__":
    sys.exit(main())
