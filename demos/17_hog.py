"""Hand-made features can be fooled as well: a picture from its HOG alone, and another with the same HOG (lecture 9).

A HOG keeps, for each cell of 8 x 8 pixels, how strong its edges are in nine directions: no colours and no exact places
(Vondrick et al. 2013). So the change is grey, and as smooth as the HOG allows.
"""

import sys

import numpy as np
from loading import PAINTING, load, mv, read, save, strokes

STEPS = 450


def main(argv=None):
    _, image, out = load(__doc__, argv, "17_hog.jpg", whole=True)
    every = -(-max(image.shape) // 96)                              # 12 x 12 cells are enough to see it
    image, painting = image[::every, ::every], read(PAINTING, 224)
    rows, columns = (np.arange(n) * m // n for n, m in zip(image.shape[:2], painting.shape))
    painting = painting[rows][:, columns]
    noise = 128 + 16 * np.random.default_rng(0).standard_normal((*image.shape[:2], 1))
    hog = mv.hog_net()                                              # gradient, cells, hog: layers as those of any net
    wanted = hog.forward(hog.preprocess(image))["hog"]

    figure = {"the picture": image, "its HOG": strokes(wanted[0], 9), "another picture": painting}
    ways = (("from its HOG alone", noise.clip(0, 255), 1e-4), ("the other, with this HOG", painting, 1e-5))
    for what, begun, smooth in ways:
        x = hog.preprocess(begun)
        held = x if begun is painting else 0 * x
        mean, square = np.zeros_like(x), np.zeros_like(x)
        for step in range(1, STEPS + 1):
            acts = hog.forward(x)
            difference = acts["hog"] - wanted
            dacts, _ = hog.backward(acts, {"hog": difference * (2 / (wanted**2).sum())})
            g = dacts["input"].mean(axis=3, keepdims=True)          # the same for all colours: a HOG has none
            for axis in (1, 2):                                     # and smooth: the picture, or its change
                steps = np.roll(x - held, -1, axis) - (x - held)
                g = g + 2 * smooth / x.size * (np.roll(steps, 1, axis) - steps).mean(axis=3, keepdims=True)
            mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g         # Adam
            rate = 8 if step <= STEPS * 2 // 3 else 1               # levels
            x = (x - rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-12)).clip(0, 255)
        made = hog.deprocess(x)[0].round().astype(np.uint8)
        code = hog.forward(hog.preprocess(made))["hog"]
        distance = float(((code - wanted) ** 2).sum() / (wanted**2).sum())
        low, high = (0, 255) if begun is painting else np.percentile(made, (1, 99))     # a HOG has no contrast
        made = np.uint8(((made - low) * (255 / max(1, high - low))).clip(0, 255))
        figure[f"{what}\nHOG distance {distance:.3f}"] = made
    figure["the HOG of the last"] = strokes(code[0], 9)
    save(out, figure, height=288, columns=3)


if __name__ == "__main__":
    sys.exit(main())
