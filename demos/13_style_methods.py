"""Why L-BFGS? One painting by four update rules, with as many evaluations of the loss for each (lecture 9).

L-BFGS needs no learning rate. The others have the best of four or five that were tried, in levels of 255.
"""

import sys

import numpy as np
from loading import PAINTING, chart, load, read, save
from scipy.optimize import minimize

EVALUATIONS = 100
RULES = {                                                       # from the gradient and running means, in step k
    "Adam": lambda g, mean, square, total, way, k: 16 * mean / (1 - 0.9**k) / np.sqrt(square / (1 - 0.999**k)),
    "Adagrad": lambda g, mean, square, total, way, k: 40 * g / np.sqrt(total),
    "gradient": lambda g, mean, square, total, way, k: 0.25 * way,                  # with momentum
}


def main(argv=None):
    net, image, out = load(__doc__, argv, "13_style_methods.jpg", whole=True, size=96)
    painting, content, styles = read(PAINTING, max(image.shape)), net.role("content"), net.role("style")
    last = max([content, *styles], key=list(net.nodes).index)

    def gram(a):
        return np.tensordot(a, a, ([0, 1, 2], [0, 1, 2])) / a.size                  # which channels fire together
    wanted, acts = (net.forward(net.preprocess(one), until=last) for one in (image, painting))
    wanted, grams, losses, best = wanted[content], {layer: gram(acts[layer]) for layer in styles}, {}, {}

    def loss_and_gradient(z, name):
        acts = net.forward(net.preprocess(z.reshape(1, *image.shape).astype(net.dtype)), until=last)
        seeds = {content: (acts[content] - wanted) * (2 / (wanted**2).sum())}
        loss = ((acts[content] - wanted) ** 2).sum() / (wanted**2).sum()
        for layer in styles:
            a, D = acts[layer], gram(acts[layer]) - grams[layer]
            weight = 100 / len(styles) / (grams[layer] ** 2).sum()
            loss = loss + weight * (D**2).sum()
            seeds[layer] = seeds.get(layer, 0) + a @ (D * (4 * weight / a.size))    # d|D|^2 / da
        losses.setdefault(name, []).append(float(loss))
        if loss <= min(losses[name][:EVALUATIONS]):
            best[name] = np.uint8(np.rint(z)).reshape(image.shape)
        g = net.preprocessing.preprocess_adjoint(net.backward(acts, seeds)[0]["input"], image.shape[2])
        return 1e5 * float(loss), 1e5 * g.astype(np.float64).ravel()                # so that a first step can be seen

    minimize(loss_and_gradient, image.astype(np.float64).ravel(), ("L-BFGS",), jac=True, method="L-BFGS-B",
             bounds=[(0, 255)] * image.size, options={"maxfun": EVALUATIONS, "maxcor": 20, "ftol": 0, "gtol": 0})
    for name, rule in RULES.items():
        z, mean, square, total, way = image.astype(np.float64).ravel(), 0, 1e-12, 1e-12, 0
        for k in range(1, EVALUATIONS + 1):
            g = loss_and_gradient(z, name)[1]
            mean, square, total = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g, total + g * g
            way = 0.9 * way + g / abs(g).mean()
            z = (z - rule(g, mean, square, total, way, k)).clip(0, 255)
    lines = {name: np.log10(np.minimum.accumulate(row[:EVALUATIONS])) for name, row in losses.items()}
    pictures = {f"{name}\nloss {10 ** lines[name][-1]:.3g}": z for name, z in best.items()}
    save(out, {f"log10 of the lowest loss so far\n{EVALUATIONS} evaluations for each": chart(lines), **pictures})


if __name__ == "__main__":
    sys.exit(main())
