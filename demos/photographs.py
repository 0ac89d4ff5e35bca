"""Make the README's first picture: an emoji and photographs, each looked at in four ways.

    python demos/photographs.py             needs: pip install 'minivis[imagenet]' scikit-image

The photographs come with scikit-image and are in the public domain (CC0): Chelsea the cat by Stefan van der Walt, the
coffee by Rachel Michetti.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from loading import CHECKOUT
from PIL import Image

import minivis as mv
from minivis.figures.colormaps import signed
from minivis.figures.compose import contact_sheet, overlay
from minivis.images.files import write_image

HEIGHT = 168                                    # pixels of a tile
WAYS = ("the picture", "guided backprop", "Grad-CAM", "cut out", "dream")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(Path(__file__).with_name("photographs.jpg")))
    args = parser.parse_args(argv)
    photographs = Path(find_spec("skimage").origin).parent / "data"
    tiles, labels = [], []
    for name, file in (("emoji-vgg", CHECKOUT / "minivis" / "data" / "goose.png"),
                       ("squeezenet", photographs / "chelsea.png"), ("squeezenet", photographs / "coffee.png")):
        net, picture = mv.load(name), mv.read_image(file)
        shown, answer = looks(net, picture)
        tiles += [sized(one) for one in shown]
        labels += [f"{answer}\n{name}", *WAYS[1:]]
    write_image(args.out, contact_sheet(tiles, columns=len(WAYS), labels=labels, scale=1), force=True)
    print(f"wrote {args.out}")


def looks(net, picture):
    """The pictures of WAYS, and the net's answer."""
    subject = small(picture)
    guided = mv.backprop(net, picture, rules="guided").gradients["guided"][0]
    cam = mv.saliency(net, picture, kind="gradcam")
    cut = mv.segment(net, picture)
    white = np.where(cut.masks[0][..., None], picture, 255)
    dream = mv.dream(net, small(picture, 224), octaves=3).picture()
    heat = overlay(cam.subject.drawn(0), cam.maps[0], alpha=0.9, fade=True)
    return (subject, signed(guided), heat, white.astype(np.uint8), dream), cam.target.title(0)


def small(picture, height=HEIGHT):
    return sized(picture, height) if picture.shape[0] > height else picture


def sized(picture, height=HEIGHT):
    width = round(picture.shape[1] * height / picture.shape[0])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
