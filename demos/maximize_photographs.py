"""Which image has the highest score for goose, to a net of photographs? Geese in water (lecture 9).

    python demos/maximize_photographs.py    needs: pip install "minivis[imagenet]"
"""

import sys

from loading import CHECKOUT, chance, mv, own_options, save

SIDE, STARTS = 224, 2


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "maximize_photographs.jpg")
    net, figure = mv.load("squeezenet"), []
    zero = mv.maximize(net, "goose", preset="simonyan", size=SIDE, progress=True)
    found = mv.maximize(net, "goose", preset="natural", size=SIDE, count=STARTS, progress=True)
    for title, result in (("from zero, with L2", zero), ("moved, and as smooth as photographs", found)):
        for picture in result.pictures:
            p = net.forward(net.preprocess(net.fit(picture).image), grad=None)["prob"][0]
            figure.append((f"{title}\n{net.class_names[p.argmax()]} {chance(p.max())}", picture))
    save(out, figure, height=SIDE)
    print("\n".join(title.replace("\n", ": ") for title, _ in figure))


if __name__ == "__main__":
    sys.exit(main())
