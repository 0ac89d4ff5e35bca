"""A dream guided by another picture, and a zoom into a dream (DeepDream; lecture 9).

    python demos/dream_zoom.py              needs: pip install "minivis[imagenet]"

Each frame of the zoom is a dream on the frame before, enlarged by 4 %: in the end the picture is the net's alone. The
photographs are scikit-learn's china.jpg, by danielbuechele, and flower.jpg, by dany13 (CC BY 2.0).
"""

import sys
from pathlib import Path

from loading import CHECKOUT, mv, own_options, save
from sklearn import datasets

SIDE, LAYER, FRAMES = 200, "fire8/concat", 60


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "dream_zoom.jpg")
    net, folder = mv.load("squeezenet"), Path(datasets.__file__).parent / "images"
    photo, flower = (mv.read_image(folder / name, SIDE) for name in ("china.jpg", "flower.jpg"))
    guided = mv.dream(net, photo, "fire5/concat", guide=flower).picture()
    frames = mv.dream_zoom(net, photo, LAYER, frames=FRAMES, zoom=0.04, octaves=2, steps=5, progress=True).frames
    figure = {"the photograph": photo, "a guide": flower, "a dream of the guide's features": guided}
    figure.update({f"frame {k} of the zoom": frames[k - 1] for k in (1, 12, 24, 36, 48, 60) if k <= len(frames)})
    save(out, figure, height=160, columns=3)


if __name__ == "__main__":
    sys.exit(main())
