"""What excites a neuron of any layer most? Gradient ascent as for a class, and only the part that it sees (lecture 9).

Yosinski et al. 2015, figure 4. Layers and channels are evenly spaced, and the neurons lie in the middle of their maps:
nobody has chosen them. A layer's values are taken before its ReLU, behind which a neuron may give no gradient.
"""

import sys

import numpy as np
from loading import load, save, sheet_of

LAYERS, CHANNELS, STEPS, SIDE = 6, 6, 60, 64                    # channels of each layer; pixels of one as drawn


def main(argv=None):
    net, image, out = load(__doc__, argv, "10_neurons.jpg", net="emoji-vgg-robust")
    rng = np.random.default_rng(0)
    zero = np.zeros_like(net.preprocess(image)).repeat(CHANNELS, axis=0)        # zero is the mean colour
    figure = {}
    learned = [name for name, layer in net.layers.items() if "w" in layer.params]
    for layer in [learned[k] for k in sorted(set(np.linspace(0, len(learned) - 1, LAYERS).astype(int)))]:
        shape = net.shapes((1, *image.shape[:2], zero.shape[3]))[layer]
        channels = np.linspace(0, shape[-1] - 1, CHANNELS).astype(int)
        middle = tuple(n // 2 for n in shape[1:-1])                             # (i, j), or () without places
        field = net.receptive_field(layer, zero.shape)
        top, left, bottom, right = field.box(*(middle or (0, 0)), zero.shape[1:3])
        x = zero + 0.3 * rng.standard_normal(zero.shape).astype(zero.dtype)
        moves = min(bottom - top, 48) // 8                                      # less than a neuron sees
        for step in range(STEPS):
            shift = rng.integers(-moves, moves + 1, 2)
            acts = net.forward(np.roll(x, shift, axis=(1, 2)), until=layer)
            seed = np.zeros_like(acts[layer])
            for n, channel in enumerate(channels):
                seed[(n, *middle, channel)] = 1                                 # one neuron of each picture
            g = np.roll(net.backward(acts, {layer: seed})[0]["input"], -shift, axis=(1, 2))
            x = 0.99 * x + 0.05 * g / (abs(g).mean(axis=(1, 2, 3), keepdims=True) + 1e-12)      # 0.99: L2
            if step % 2:
                for axis in (1, 2):                                             # a blur of 1 2 1
                    x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
        made = (net.deprocess(x) - net.deprocess(zero))[:, top:bottom, left:right]
        made = np.uint8(127.5 + 127.5 * made / (abs(made).max(axis=(1, 2, 3), keepdims=True) + 1e-12))
        rows, columns = (np.arange(SIDE) * n // SIDE for n in made.shape[1:3])
        title = f"{layer}, sees {right - left} x {bottom - top}\nchannels {', '.join(map(str, channels))}"
        figure[title] = sheet_of(made[:, rows][:, :, columns], CHANNELS)
    save(out, figure, height=SIDE, columns=2)


if __name__ == "__main__":
    sys.exit(main())
