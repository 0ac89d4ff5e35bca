"""Hand-made features can be fooled as well: another picture with the same HOG (lecture 9)."""

import sys

import numpy as np
from loading import PAINTING, load, mv, read, save, strokes


def main(argv=None):
    _, image, out = load(__doc__, argv, "17_hog.jpg", whole=True)
    every = -(-max(image.shape) // 96)                              # 12 x 12 cells are enough to see it
    image, painting = image[::every, ::every], read(PAINTING, 224)
    rows, columns = (np.arange(n) * m // n for n, m in zip(image.shape[:2], painting.shape))
    painting = painting[rows][:, columns]
    hog = mv.hog_net()                                              # gradient, cells, hog: layers as those of any net

    wanted = hog.forward(hog.preprocess(image))["hog"]
    x = hog.preprocess(painting)
    mean, square = np.zeros_like(x), np.zeros_like(x)
    distances = []
    for step in range(1, 451):
        acts = hog.forward(x)
        difference = acts["hog"] - wanted
        distances.append(float((difference**2).sum() / (wanted**2).sum()))
        dacts, _ = hog.backward(acts, {"hog": difference * (2 / (wanted**2).sum())})
        g = dacts["input"]
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g         # Adam
        rate = 8 if step <= 300 else 1                              # levels
        x = x - rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-12)
        x = x.clip(0, 255)
    twin = hog.deprocess(x)[0].round().astype(np.uint8)
    code = hog.forward(hog.preprocess(twin))["hog"]
    distance = float(((code - wanted) ** 2).sum() / (wanted**2).sum())
    save(out, {
        "the picture": image, "its HOG": strokes(wanted[0], 9), "another picture": painting,
        f"its twin\nHOG distance {distances[0]:.3g} -> {distance:.3g}": twin, "the twin's HOG": strokes(code[0], 9),
    }, height=160)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
