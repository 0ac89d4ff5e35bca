"""A dog in a bush: DeepDream by a net of ImageNet, whose features know 118 breeds of dogs (lecture 9).

    python demos/dream_dog.py               needs: pip install "minivis[pretrained]"

The photograph is scikit-learn's china.jpg, by danielbuechele (CC BY 2.0).
"""

import sys
from pathlib import Path

import numpy as np
from loading import CHECKOUT, mv, own_options, percent, save
from sklearn import datasets

DOGS = slice(151, 269)                                          # ImageNet's breeds of dogs
BUSH = (slice(139, 249), slice(288, 398))                       # of the picture with a longer side of 400 pixels


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "dream_dog.jpg")
    net = mv.load("efficientnet-lite0")
    photo = mv.read_image(Path(datasets.__file__).parent / "images" / "china.jpg", 400)
    dreamed = mv.dream(net, photo, progress=True).picture()
    figure = {"the photograph": photo, "after a dream": dreamed}
    for name, picture in (("the bush", photo), ("the bush after the dream", dreamed)):
        part = np.ascontiguousarray(picture[BUSH])
        p = net.forward(net.preprocess(net.fit(part).image), grad=None)["prob"][0]
        title = f"{name}\n{percent(p[DOGS].sum())} dog, first: {net.class_names[p.argmax()]}"
        figure[title] = part
    save(out, figure, columns=2)
    print("\n".join(figure))


if __name__ == "__main__":
    sys.exit(main())
