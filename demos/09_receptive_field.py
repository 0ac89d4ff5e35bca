"""What can a unit see, and what does it use? (Luo et al. 2016; lecture 9)

The squared gradient of a layer's central unit, averaged over pictures: most of it lies in a blob that is much smaller
than the receptive field.
"""

import sys

import numpy as np
from loading import load, save


def main(argv=None):
    net, image, out = load(__doc__, argv, "09_receptive_field.png")
    rng = np.random.default_rng(0)

    shifts = rng.integers(0, len(image), (16, 2))
    pictures = np.stack([np.roll(image, shift, axis=(0, 1)) for shift in shifts])       # each with another middle
    x = net.preprocess(pictures)
    acts = net.forward(x)

    figure = {"one of the pictures": pictures[0]}
    for layer in net.role("style"):
        N, H, W, C = acts[layer].shape
        seed = np.zeros_like(acts[layer])
        seed[:, H // 2, W // 2] = rng.choice([-1, 1], (N, C))   # random signs: squared, channels add up on average
        dacts, _ = net.backward(acts, {layer: seed})
        energy = (net.preprocess_adjoint(dacts["input"]) ** 2).mean(axis=0).sum(axis=-1)

        field = net.receptive_field(layer, x.shape)
        middle = [start + step * (n // 2) + (size - 1) / 2 for start, step, n, size in
                  zip(field.start, field.stride, (H, W), field.size)]
        rows, columns = (abs(np.arange(n) - m) for n, m in zip(energy.shape, middle))
        distance = np.maximum(rows[:, None], columns)           # of each pixel from the middle, in squares
        reach = min(d for d in np.unique(distance) if energy[distance <= d].sum() >= 0.95 * energy.sum())
        figure[f"{layer}\nsees {max(field.size)} pixels, 95 % within {2 * reach + 1:.0f}"] = np.sqrt(energy)
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
