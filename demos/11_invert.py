"""What does each layer still know? Several images with the same code, from different noise (lecture 9).

    image = argmin |phi(image) - phi0|^2 / |phi0|^2 + a little total variation          Mahendran & Vedaldi 2015

What all of them share is what the code determines. An image is noise under a spectrum that falls with the frequency, so
that large shapes move first.
"""

import sys

import numpy as np
from loading import load, percent, save
from scipy.optimize import minimize

STEPS, TV = 120, 1e-6


def main(argv=None):
    net, image, out = load(__doc__, argv, "11_invert.png")
    layers = list(net.nodes)
    first, last = net.role("style")[0], net.roles["code"] or layers[-1]
    deep = ([name for name in layers[:layers.index(last)] if name.startswith("pool")] or [net.role("content")])[-1]
    shape = (1, *image.shape[:2], net.input_channels)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(shape[1]), np.fft.fftfreq(shape[2]), indexing="ij"))
    spectrum = 1 / frequency.clip(1 / max(shape[1:3]))[None, ..., None]

    def through(z):                                                 # its own adjoint, as the spectrum is symmetric
        return np.fft.ifft2(spectrum * np.fft.fft2(z.reshape(shape), axes=(1, 2)), axes=(1, 2)).real

    def loss(z, layer, phi0):
        pixels = 128 + through(z)
        acts = net.forward(net.preprocess(pixels), until=layer)
        difference = acts[layer] - phi0
        dacts, _ = net.backward(acts, {layer: 2 * difference / (phi0**2).sum()})
        g = net.preprocess_adjoint(dacts["input"], shape[3]).astype(float)
        total = float((difference**2).sum() / (phi0**2).sum())
        for axis in (1, 2):                                         # the total variation, round the edges
            steps = np.roll(pixels, -1, axis) - pixels
            total += TV / pixels.size * (steps**2).sum()
            g += 2 * TV / pixels.size * (np.roll(steps, 1, axis) - steps)
        return total, through(g).ravel()

    figure = {"the input": image}
    for layer, starts in ((first, 1), (deep, 3), (last, 3)):
        phi0 = net.forward(net.preprocess(image), until=layer)[layer]       # all that we keep of the picture
        for start in range(starts):
            z = np.random.default_rng(start).standard_normal(np.prod(shape))
            z = minimize(loss, z, (layer, phi0), "L-BFGS-B", jac=True, options={"maxiter": STEPS}).x
            made = (128 + through(z)).clip(0, 255).round().astype(np.uint8)
            code = net.forward(net.preprocess(made), until=layer)[layer]
            off = np.linalg.norm(code - phi0) / np.linalg.norm(phi0)
            alike = np.corrcoef(made[0].mean(axis=2).ravel(), image.mean(axis=2).ravel())[0, 1]
            figure[f"{layer}, start {start + 1}\ncode {percent(off)} off, pixels' r = {alike:.2f}"] = made[0]
    save(out, figure, height=192)


if __name__ == "__main__":
    sys.exit(main())
