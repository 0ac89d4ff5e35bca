"""Neural style beside PyTorch: the same loss, the same start, as many evaluations; which L-BFGS gets further?

    python benchmarks/style.py [--net emoji-vgg] [--size 64] [--evaluations 60]     needs: pip install 'minivis[bench]'

Three pairs of pictures, three seeds: from noise, minivis by scipy's L-BFGS-B within 0..255, and PyTorch by
torch.optim.LBFGS (history 20, strong Wolfe, no tolerances), free as such scripts are. Both losses are of the best
picture among the first so many evaluations, as float32 nets gave it, summed in float64. The pictures are those that
come with minivis and with scikit-learn, and painted ones that are drawn here; --styles takes others.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_images

from minivis.commands.common import own_picture
from minivis.images.files import read_image
from minivis.images.resampling import resized
from minivis.layers import AvgPool2D, Conv2D, MaxPool2D, ReLU
from minivis.methods.synthesis.style import style_transfer
from minivis.optimize.problem import Problem
from minivis.weights.catalogue import load

WEIGHTS = {"style_weight": 100.0, "tv_weight": 1.0}


def pictures(paths):
    """Three pairs (name, content, style)."""
    china, flower = load_sample_images().images
    goose = read_image(own_picture())
    y, x = np.mgrid[:256, :256]
    waves = 127 + 120 * np.sin((x + 12 * np.sin(y / 9)) / 5)
    stripes = np.stack([waves, 40 + 0.4 * waves, 255 - waves], axis=2).astype(np.uint8)
    rng = np.random.default_rng(9)
    patches = rng.integers(0, 256, (32, 32, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    drawn = [("waves", stripes), ("flower", flower), ("patches", patches)]
    styles = [(path, read_image(path)) for path in paths] if paths else drawn
    contents = [("goose", goose), ("china", china), ("china", china)]
    return [(f"{a} in the style of {b}", c, s) for (a, c), (b, s) in zip(contents, styles)]


class TorchStyle:
    """The loss of minivis/methods/synthesis/style.py, written for PyTorch."""

    def __init__(self, net, content, style, size, *, content_layers, style_layers, style_weight, tv_weight):
        self.net, self.weights = net, {}
        for name, layer in net.layers.items():
            if isinstance(layer, Conv2D):
                w = torch.tensor(np.ascontiguousarray(layer.params["w"].transpose(3, 2, 0, 1)))
                self.weights[name] = w, torch.tensor(layer.params["b"])
        self.content_layers, self.style_layers = content_layers, style_layers
        self.style_weight, self.tv_weight = style_weight, tv_weight
        self.scale = torch.tensor(net.preprocessing.scale).reshape(1, 3, 1, 1)
        self.mean = torch.tensor(net.preprocessing.mean).reshape(1, 3, 1, 1)
        with torch.no_grad():
            photo, painting = (self.acts(self.levels(resized(p, size))) for p in (content, style))
            self.photo = {name: photo[name] for name in content_layers}
            self.grams = {name: self.gram(painting[name]) for name in style_layers}

    @staticmethod
    def levels(picture):
        return torch.tensor(picture.transpose(2, 0, 1)[None].astype("f4"))

    def acts(self, levels):
        x = levels.flip(1) if self.net.preprocessing.channel_order == "BGR" else levels
        x, found, last = (x - self.mean) / self.scale, {}, max(
            [*self.content_layers, *self.style_layers], key=list(self.net.nodes).index)
        for name, layer in self.net.layers.items():
            if isinstance(layer, Conv2D):
                x = F.conv2d(x, *self.weights[name], layer.stride, layer.padding[0][0])
            elif isinstance(layer, ReLU):
                x = F.relu(x)
            elif isinstance(layer, (MaxPool2D, AvgPool2D)):
                x = F.max_pool2d(x, layer.size, layer.stride)
            found[name] = x
            if name == last:
                return found

    @staticmethod
    def gram(a):
        rows = a[0].flatten(1)
        return rows @ rows.T / rows.numel()

    def loss(self, levels):
        acts, total = self.acts(levels), 0.0
        for name, weight in self.content_layers.items():
            total = total + weight * ((acts[name] - self.photo[name]) ** 2).double().sum() / (
                self.photo[name].double() ** 2).sum()
        for name, weight in self.style_layers.items():
            wanted = self.grams[name]
            total = total + self.style_weight * weight * ((self.gram(acts[name]) - wanted).double() ** 2).sum() / (
                wanted.double() ** 2).sum()
        steps = [((levels[:, :, 1:] - levels[:, :, :-1]) ** 2).double().sum(),
                 ((levels[:, :, :, 1:] - levels[:, :, :, :-1]) ** 2).double().sum()]
        return total + self.tv_weight * sum(steps) / (255**2 * levels.numel())


def by_torch(style, start, evaluations):
    """The least losses after each evaluation, and the last picture."""
    z = torch.tensor(start.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    rule = torch.optim.LBFGS([z], max_iter=10**6, max_eval=evaluations, history_size=20, tolerance_grad=0,
                             tolerance_change=0, line_search_fn="strong_wolfe")
    seen = []

    def closure():
        rule.zero_grad()
        loss = style.loss(z)
        loss.backward()
        seen.append(float(loss.detach()))
        return loss

    while len(seen) < evaluations:
        before = len(seen)
        rule.param_groups[0]["max_eval"] = evaluations - before
        rule.step(closure)
        if len(seen) - before < 2:
            break
    return np.minimum.accumulate(seen[:evaluations])


def by_minivis(net, content, style, size, evaluations, seed):
    """The same of minivis; the picture that it began with; the layers with their weights; and why it ended."""
    seen, starts, gradient = [], [], Problem.gradient

    def watched(self, z, rng=None):
        found, dz = gradient(self, z, rng)
        starts.append(z.copy() if not starts else None)
        seen.append(found.loss)
        return found, dz

    Problem.gradient = watched
    try:
        result = style_transfer(net, content, style, size=size, steps=evaluations, start="noise", seed=seed, **WEIGHTS)
    finally:
        Problem.gradient = gradient
    return np.minimum.accumulate(seen[:evaluations]), starts[0], result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="emoji-vgg")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--styles", nargs=3, metavar="FILE")
    options = parser.parse_args()
    net, ratios = load(options.net), []
    print(f"{options.net}, {options.size} pixels, {options.evaluations} evaluations; PyTorch {torch.__version__}")
    print("| pair | seed | loss at the start | minivis | PyTorch | ratio | why minivis ended |")
    print("|---|---|---|---|---|---|---|")
    for name, content, style in pictures(options.styles):
        for seed in range(options.seeds):
            ours, start, result = by_minivis(net, content, style, options.size, options.evaluations, seed)
            layers = {key: result.settings[key] for key in ("content_layers", "style_layers")}
            theirs = by_torch(TorchStyle(net, content, style, options.size, **layers, **WEIGHTS), start,
                              options.evaluations)
            assert abs(ours[0] / theirs[0] - 1) < 1e-4, f"not the same loss: {ours[0]} and {theirs[0]}"
            ratios.append(ours[-1] / theirs[-1])
            print(f"| {name} | {seed} | {ours[0]:.4g} | {ours[-1]:.4g} | {theirs[-1]:.4g} | {ratios[-1]:.3f} | "
                  f"{result.stopped} |", flush=True)
    print(f"median of the ratios: {np.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    main()
