"""What is style? Which features fire together, a Gram matrix; and how style and content fight it out (lecture 9).

Gatys et al. 2015. The result's Gram matrix becomes that of the painting; what the style gains, the content loses.
"""

import sys

import numpy as np
from loading import PAINTING, chart, load, percent, read, save
from scipy.optimize import minimize


def main(argv=None):
    net, image, out = load(__doc__, argv, "13_style_grams.jpg", whole=True, size=112)
    painting, content, styles = read(PAINTING, max(image.shape)), net.role("content"), net.role("style")
    last = max([content, *styles], key=list(net.nodes).index)

    def gram(a):
        return np.tensordot(a, a, ([0, 1, 2], [0, 1, 2])) / a.size                  # which channels fire together
    photo, acts = (net.forward(net.preprocess(one), until=last) for one in (image, painting))
    wanted, grams, fight = photo[content], {layer: gram(acts[layer]) for layer in styles}, {"content": [], "style": []}

    def loss_and_gradient(z):
        acts = net.forward(net.preprocess(z.reshape(1, *image.shape).astype(net.dtype)), until=last)
        of_content, of_style = ((acts[content] - wanted) ** 2).sum() / (wanted**2).sum(), 0
        seeds = {content: (acts[content] - wanted) * (2 / (wanted**2).sum())}
        for layer in styles:
            a, D = acts[layer], gram(acts[layer]) - grams[layer]
            weight = 1 / len(styles) / (grams[layer] ** 2).sum()
            of_style = of_style + weight * (D**2).sum()
            seeds[layer] = seeds.get(layer, 0) + a @ (D * (100 * 4 * weight / a.size))      # d|D|^2 / da
        fight["content"].append(float(of_content))
        fight["style"].append(float(of_style))
        g = net.preprocessing.preprocess_adjoint(net.backward(acts, seeds)[0]["input"], image.shape[2])
        return 1e5 * float(of_content + 100 * of_style), 1e5 * g.astype(np.float64).ravel()

    z = minimize(loss_and_gradient, image.astype(np.float64).ravel(), jac=True, method="L-BFGS-B", bounds=[
        (0, 255)] * image.size, options={"maxiter": 60, "maxcor": 20, "ftol": 0, "gtol": 0}).x
    result = np.uint8(np.rint(z)).reshape(image.shape)

    layer = styles[max(0, len(styles) - 2)]                     # one of them is drawn
    found = net.forward(net.preprocess(result), until=last)
    maps = {"content": photo[layer], "style": acts[layer], "result": found[layer]}
    G = {name: gram(a) for name, a in maps.items()}
    order = np.argsort(-np.diag(G["style"]), kind="stable")     # channels that are strong in the style first
    figure = {"content": image, "style": painting, "result": result}
    for name, matrix in G.items():
        apart = ((matrix - G["style"]) ** 2).sum() / (G["style"] ** 2).sum()
        figure[f"Gram matrix of {layer}, {name}\ndistance from the style's {apart:.2g}"] = matrix[order][:, order]
    for c, d in order[:4].reshape(2, 2):
        shares = [percent(((a[..., c] > 0) & (a[..., d] > 0)).mean()) for a in maps.values()]
        often = ", ".join(f"{share} of the {name}" for share, name in zip(shares, maps))
        both = np.minimum(maps["style"][0, :, :, c], maps["style"][0, :, :, d])     # bright where both fire
        figure[f"channels {c} and {d} in the style\nboth fire in {often}"] = both
    figure["the two fight it out\neach loss without its weight"] = chart(fight)
    save(out, figure, columns=3)


if __name__ == "__main__":
    sys.exit(main())
