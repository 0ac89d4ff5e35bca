"""Low layers and high ones of two nets of photographs dream: strokes, and things (DeepDream's notebook; lecture 9).

    python demos/dream_nets.py              needs: pip install "minivis[imagenet,pretrained]"

The loop over sizes is the notebook's, which calls make_step in the same way. The photograph is scikit-learn's
china.jpg, by danielbuechele (CC BY 2.0).
"""

import sys
from pathlib import Path

import numpy as np
from loading import CHECKOUT, enlarged, mv, own_options, save, shrunk
from sklearn import datasets

LAYERS = {"squeezenet": ("fire4/concat", "fire8/concat"),
          "vgg16-tumor": ("functional_1/block3_conv1_1/Relu", "functional_1/block5_conv1_1/Relu")}
SIDE, OCTAVES, SCALE, STEPS = 300, 4, 1.4, 10


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "dream_nets.jpg")
    photo = mv.read_image(Path(datasets.__file__).parent / "images" / "china.jpg", SIDE)
    figure = []
    for name, layers in LAYERS.items():
        net, rng = mv.load(name), np.random.default_rng(0)
        figure.append(("the photograph", photo))
        for layer in layers:
            sizes = [tuple(round(side / SCALE**k) for side in photo.shape[:2]) for k in range(OCTAVES)]
            detail = np.zeros((1, *sizes[-1], 3), np.float32)
            for size in reversed(sizes):
                base = shrunk(photo[None].astype(np.float32), size)
                pixels = base + enlarged(detail, size)              # what the smaller one has found
                for _ in range(STEPS):
                    _, pixels = mv.make_step(net, pixels, mv.objectives.energy(layer), rng, step=1.5, jitter=32)
                detail = pixels - base
            short = layer.replace("functional_1/", "").split("/")[0].removesuffix("_1")
            figure.append((f"more of what {short} sees\n{name.split('-')[0]}", pixels[0].round().astype(np.uint8)))
    save(out, figure, height=photo.shape[0], columns=3)


if __name__ == "__main__":
    sys.exit(main())
