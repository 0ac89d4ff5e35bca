"""One picture in the style of another: content from a deep layer, style from Gram matrices, L-BFGS (lecture 9)."""

import sys

import numpy as np
from loading import PAINTING, load, read, save
from scipy.optimize import minimize


def main(argv=None):
    net, image, out = load(__doc__, argv, "13_style.png", whole=True)
    painting = read(PAINTING, max(image.shape[:2]))
    content_layer, style_layers = net.role("content"), net.role("style")
    last = max([content_layer, *style_layers], key=list(net.nodes).index)

    def gram(a):
        features = a.reshape(-1, a.shape[3])                        # (positions, channels)
        return features.T @ features / a.size                       # which channels fire together

    wanted = net.forward(net.preprocess(image), until=last)[content_layer]
    acts = net.forward(net.preprocess(painting), until=last)
    grams = {layer: gram(acts[layer]) for layer in style_layers}

    def loss_and_gradient(z):
        acts = net.forward(net.preprocess(z.reshape(1, *image.shape).astype(net.dtype)), until=last)
        difference = acts[content_layer] - wanted
        loss = (difference**2).sum() / (wanted**2).sum()
        seeds = {content_layer: difference * (2 / (wanted**2).sum())}
        for layer in style_layers:
            a, D = acts[layer], gram(acts[layer]) - grams[layer]
            weight = 100 / len(style_layers) / (grams[layer] ** 2).sum()
            loss = loss + weight * (D**2).sum()
            seeds[layer] = seeds.get(layer, 0) + a @ (D * (4 * weight / a.size))        # d|D|^2 / da
        dacts, _ = net.backward(acts, seeds)
        g = net.preprocessing.preprocess_adjoint(dacts["input"], image.shape[2])
        return 1e5 * float(loss), 1e5 * g.astype(np.float64).ravel()    # so that a first step can be seen

    found = minimize(loss_and_gradient, image.astype(np.float64).ravel(), jac=True, method="L-BFGS-B",
                     bounds=[(0, 255)] * image.size, options={"maxiter": 100, "maxcor": 20, "ftol": 0, "gtol": 0})
    result = found.x.reshape(image.shape).round().astype(np.uint8)
    save(out, {"content": image, "style": painting, f"result\nloss {found.fun / 1e5:.3g}, {found.nit} steps": result})


if __name__ == "__main__":
    sys.exit(main())
