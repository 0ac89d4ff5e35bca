"""Evolve pictures that show nothing until the net is certain of a class (Nguyen et al. 2015; lecture 9).

MAP-Elites keeps the best picture of each class, its champion. A picture is a sum of sines of the pixel's position, and
its genome is the table of their frequencies, phases and colours. A child is a champion with small changes; it replaces
the champion of every class in which it is better.
"""

import sys

import numpy as np
from loading import chance, load, save

WAVES, CHILDREN, GENERATIONS, SHOWN = 6, 50, 40, 6


def main(argv=None):
    net, image, out = load(__doc__, argv, "15_evolve.png")      # of the picture, only the size matters
    prob, rng = net.role("prob"), np.random.default_rng(0)
    height, width, channels = (*image.shape[:2], net.input_channels)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    places = np.stack([x, y, np.hypot(x, y), np.ones_like(x)], axis=-1)         # (H, W, 4)

    genomes = rng.normal(0, 2, (CHILDREN, 4 + channels, WAVES))
    champions = None
    for _ in range(GENERATIONS):
        waves = np.sin(places @ genomes[:, None, :4])                           # (N, H, W, WAVES)
        colours = waves @ genomes[:, None, 4:].swapaxes(2, 3)                   # (N, H, W, C): every wave has its own
        pictures = np.uint8(127.5 + 127.5 * np.tanh(colours))
        p = net.forward(net.preprocess(pictures), keep=[prob], grad=None)[prob]         # (N, K)
        if champions is None:
            champions, best, shown = genomes[p.argmax(axis=0)], p.max(axis=0), pictures[p.argmax(axis=0)]
        better = p.max(axis=0) > best
        winners = p.argmax(axis=0)[better]
        champions[better], best[better], shown[better] = genomes[winners], p.max(axis=0)[better], pictures[winners]
        genomes = champions[rng.integers(len(champions), size=CHILDREN)]        # parents of any class
        genomes = genomes + rng.normal(0, 0.5, genomes.shape) * (rng.random(genomes.shape) < 0.3)

    names = net.class_names or [f"class {k}" for k in range(len(best))]
    surest = np.argsort(-best, kind="stable")[:SHOWN]
    save(out, {f"{names[k]}\n{chance(best[k])}": shown[k] for k in surest}, height=160)


if __name__ == "__main__":
    sys.exit(main())
