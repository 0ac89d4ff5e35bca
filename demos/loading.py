"""What the demos do not spell out: the command line, loading a net and a picture, and saving the figure."""

import argparse
import sys
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[1]
PAINTING = CHECKOUT / "minivis" / "data" / "strokes.png"
GAP = 225                                               # how bright the lines between maps are
sys.path.insert(0, str(CHECKOUT))                       # so that a demo runs in a clone without installing minivis

import minivis as mv  # noqa: E402
from minivis.data.folder import crops, photos  # noqa: E402
from minivis.data.samples import FAMILIES, folder_called, upright  # noqa: E402, F401
from minivis.data.vowels import speak  # noqa: E402
from minivis.errors import MinivisError  # noqa: E402
from minivis.figures.colormaps import display_limit, signed, unsigned  # noqa: E402
from minivis.figures.compose import bar_chart, contact_sheet, panels  # noqa: E402
from minivis.figures.line_chart import line_chart  # noqa: E402
from minivis.figures.text import chance, percent  # noqa: E402, F401
from minivis.images.collection import Pictures  # noqa: E402
from minivis.images.preprocessing import Preprocessing  # noqa: E402
from minivis.images.resampling import area as shrunk  # noqa: E402, F401
from minivis.images.resampling import linear as enlarged  # noqa: E402, F401
from minivis.layers import Flatten, MaxPool2D, ReLU, Softmax  # noqa: E402
from minivis.methods.adversarial.hog import strokes  # noqa: E402, F401
from minivis.methods.attribution.grabcut import grabcut  # noqa: E402, F401
from minivis.methods.looking.neighbour_sheet import labels_of  # noqa: E402
from minivis.models.tiny import Weights  # noqa: E402


def load(doc, argv, out, whole=False, net="emoji-vgg", size=224):
    """Parse ``argv``; return (net, picture as the net sees it: uint8 (H, W, 3), path to save to).

    whole: do not fit the picture to the net's size, for methods whose layers take any size.
    """
    parser, args = parse(doc, argv, out, CHECKOUT / "minivis" / "data" / "goose.png", "a picture", net, size)
    try:
        net = mv.load(args.net)
        if whole:
            return net, read(args.image, args.size), args.out
        return net, net.fit(mv.read_image(args.image, None if net.input_size else args.size)).image, args.out
    except MinivisError as error:
        parser.error(str(error))


def load_nets(doc, argv, out, names=("emoji-vgg", "emoji-vgg-robust")):
    """`load` with several nets that read pictures of one size, {name: net}: that of --net, or those with ``names``."""
    parser, args = parse(doc, argv, out, CHECKOUT / "minivis" / "data" / "goose.png", "a picture", "")
    try:
        nets = {name: mv.load(name) for name in ([args.net] if args.net else names)}
        net = next(iter(nets.values()))
        return nets, net.fit(mv.read_image(args.image, None if net.input_size else args.size)).image, args.out
    except MinivisError as error:
        parser.error(str(error))


def load_some(doc, argv, out, numbers, net="emoji-vgg"):
    """`load` with a list of pictures: that of --image, or those of tests/data/emoji.npz with these numbers."""
    default = CHECKOUT / "tests" / "data" / "emoji.npz"
    parser, args = parse(doc, argv, out, default, "a picture", net)
    try:
        net = mv.load(args.net)
        some = np.load(default)["images"][list(numbers)] if args.image == default else [mv.read_image(args.image)]
        return net, [net.fit(picture).image for picture in some], args.out
    except MinivisError as error:
        parser.error(str(error))


def load_many(doc, argv, out):
    """The same with many pictures, uint8 (N, H, W, 3), from a folder or cut from one picture; by default 200 emoji."""
    default = CHECKOUT / "tests" / "data" / "emoji.npz"
    parser, args = parse(doc, argv, out, default, "a folder of pictures, or one to cut up")
    try:
        net, path = mv.load(args.net), Path(args.image)
        side = net.input_size or (min(args.size, 64),) * 2
        most = 200 if max(side) <= 64 else 32                   # in one batch
        if path.suffix == ".npz":
            pictures = list(np.load(path)["images"][:most])
        elif path.is_dir():
            pictures = [mv.read_image(file) for file in sorted(path.iterdir()) if file.is_file()][:most]
        else:
            pictures = squares(mv.read_image(path), 7 if most > 100 else 4)
    except MinivisError as error:
        parser.error(str(error))
    fitted = [net.preprocessing.fit_image(picture, size=side)[0] for picture in pictures]
    return net, np.stack([np.broadcast_to(f, (*f.shape[:2], 3)) for f in fitted]), args.out


def load_families(doc, argv, out):
    """`load_many` with what each picture shows: by default ten emoji each of twenty classes.

    Of a folder, each folder in it is a class; of one picture that is cut up, each row of squares.
    """
    parser, args = parse(doc, argv, out, FAMILIES, "a folder with a folder for each class, or a picture to cut up")
    try:
        net, folder = mv.load(args.net), folder_called(args.image)
        found = Pictures.of(folder)
        pictures = [found.read(i)[0] for i in range(len(found))]
        labels = labels_of([found.path(i) for i in range(len(found))])
        if len(pictures) == 1:
            pictures = squares(pictures[0], 4)
            labels = np.arange(len(pictures)) // 4
        side = net.input_size or (min(args.size, 64),) * 2
        fitted = [net.preprocessing.fit_image(picture, size=side)[0] for picture in pictures]
    except MinivisError as error:
        parser.error(str(error))
    return net, np.stack([np.broadcast_to(f, (*f.shape[:2], 3)) for f in fitted]), np.array(labels), args.out


def load_patches(doc, argv, out, side, count):
    """`load` of a net whose first filters are large, with grey patches of photographs, (count, side, side) of 0..1.

    They are those with the most contrast of twice as many. --image: a folder of photographs.
    """
    parser, args = parse(doc, argv, out, None, "a folder of photographs (default: two that come with scikit-learn)",
                         "emoji-alexnet", 640)
    try:
        net, (pictures, _) = mv.load(args.net), photos(args.image, args.size, 3)
        cut = crops(pictures, (side, side), 2 * count, np.random.default_rng(0)) @ [0.299, 0.587, 0.114] / 255
    except MinivisError as error:
        parser.error(str(error))
    return net, cut[np.argsort(-cut.reshape(len(cut), -1).var(axis=1), kind="stable")[:count]], args.out


def squares(picture, across):
    """Of a half and a third of its shorter side, ``across`` x ``across`` of each, evenly spread over it."""
    cut = []
    for part in (2, 3):
        size = max(1, min(picture.shape[:2]) // part)
        tops, lefts = (np.linspace(0, n - size, across).astype(int) for n in picture.shape[:2])
        cut += [picture[top:top + size, left:left + size] for top in tops for left in lefts]
    return cut


def parse(doc, argv, out, image, what, net="emoji-vgg", size=224):
    """(the parser, the options) of a demo's command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default=net, help="a name of `minivis weights list`, or a file")
    parser.add_argument("--image", default=image, help=what)
    parser.add_argument("--size", type=int, default=size, help="its longer side, where any size will do")
    parser.add_argument("--out", default=out, help=f"where to save the figure (default {out}; it is replaced)")
    return parser, parser.parse_args(argv)


def read(path, size):
    """The picture of a file, uint8 (H, W, 3), shrunk to ``size`` pixels on its longer side."""
    return mv.read_image(path, size)


def load_net(name):
    """A net that a demo needs whatever picture it is given."""
    return mv.load(name)


def outlined():
    """The 200 test pictures, uint8 (200, 64, 64, 3), and where the object is in each, bool (200, 64, 64)."""
    with np.load(CHECKOUT / "tests" / "data" / "emoji.npz") as data:
        return data["images"], data["masks"] > 127


def own_options(doc, argv, out):
    """Parse ``argv`` of a demo whose net and data are its own; return the path to save to."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=out, help=f"where to save the figure (default {out}; it is replaced)")
    return parser.parse_args(argv).out


def spoken(vowel):
    """A vowel, (2048,) of -1 to 1, by one speaker."""
    return speak(vowel, np.random.default_rng((0, 9)))


def bars(x, w):
    """The products of x and w as bars, uint8 (H, W, 3)."""
    names = [f"x{k} = {value:g}, w{k} = {weight:g}" for k, (value, weight) in enumerate(zip(x, w))]
    return bar_chart(names, x * w, percent=False)


def sheet_of(pictures, columns):
    return contact_sheet(pictures, columns, scale=1)


def digits(doc, argv, out, count=False, steps=600):
    """Parse ``argv``; return scikit-learn's digits, uint8 (1797, 8, 8, 1), their labels, and the options.

    steps: the default of --steps. count: --count is an option, the number of digits, instead of --steps.
    """
    from sklearn.datasets import load_digits

    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if count:
        parser.add_argument("--count", type=int, default=1797, help="number of digits (default 1797, all)")
    else:
        parser.add_argument("--steps", type=int, default=steps, help=f"steps of training (default {steps})")
    parser.add_argument("--out", default=out, help=f"where to save the figure (default {out}; it is replaced)")
    options, data = parser.parse_args(argv), load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))      # they come sorted by who wrote them
    order = order[:options.count] if count else order
    return np.uint8(data.images * 255 / 16)[order, ..., None], data.target[order], options


def digits_net():
    """Two convolutions and a fully connected layer for 8 x 8 grey pixels, with random weights."""
    weights = Weights(seed=0)
    net = mv.Network(preprocessing=Preprocessing("grey", (78.0,), (96.0,), size=(8, 8)))
    net.add("conv1", weights.conv(3, 3, 1, 16, padding=1)).add("relu1", ReLU())
    net.add("conv2", weights.conv(3, 3, 16, 32, padding=1)).add("relu2", ReLU()).add("pool2", MaxPool2D(2))
    net.add("flatten", Flatten()).add("fc3", weights.fc(4 * 4 * 32, 10)).add("prob", Softmax())
    net.roles["logits"] = "fc3"
    return net


def chart(curves, x_label="evaluations of loss and gradient", x=None, faint=()):
    """{name: values} as lines over x, or over 1, 2, 3, ..., in one chart, uint8 (H, W, 3); ``faint`` ones are pale."""
    lines = {name: (np.arange(1, len(values) + 1) if x is None else x, values) for name, values in curves.items()}
    return line_chart(lines, height=210, x_label=x_label, faint=faint)


def save(path, figure, height=256, columns=None):
    """Save {title: picture}, or a list of (title, picture), in one row, or in rows of ``columns`` pictures.

    A picture is uint8, or numbers: (H, W, 3) with a sign, or (H, W) without; where they are NaN, a gap is drawn.
    """
    images, bars, figure = [], [], list(figure.items() if isinstance(figure, dict) else figure)
    for _, values in figure:
        gap = np.isnan(values)
        is_picture, values = values.dtype == "uint8", np.where(gap, 0, values)
        limit = None if is_picture else display_limit(values[~gap])
        kind = None if is_picture else "grey" if values.ndim == 3 else "diverging" if values.min() < 0 else "inferno"
        draw = {None: lambda v, limit: v, "grey": signed, "diverging": signed, "inferno": unsigned}[kind]
        images.append(draw(values, limit=limit or None))
        if gap.any():
            images[-1][gap] = GAP
        bars.append(limit and (kind, 0 if kind == "inferno" else -limit, limit))
    titles = [title for title, _ in figure]
    mv.write_image(path, panels(images, titles, colorbars=bars, height=height, columns=columns), force=True)
    print(f"wrote {path}")
