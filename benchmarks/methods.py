"""Whole methods beside those of other packages, and what a command costs before it computes.

    python benchmarks/methods.py                step share style occlusion start; or some of them
    python benchmarks/methods.py --processor --threads 1        processor time, for a machine that is busy otherwise

It needs: pip install 'minivis[bench]' captum torchvision, and without their own requirements
torch-lucent and kornia==0.4.1.

Engines take turns; printed are medians and the ratio of minivis to the other, the median over turns. Weights are
random: no times depend on them.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import suppress

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy is loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402
from style import TorchStyle, pictures  # noqa: E402

import minivis as mv  # noqa: E402
from minivis.engine.surgery import for_inference  # noqa: E402
from minivis.models.squeezenet import squeezenet  # noqa: E402
from minivis.optimize.problem import Problem  # noqa: E402
from minivis.runtime import threads as team  # noqa: E402
from run import random_vgg  # noqa: E402

CLOCK = {"now": time.perf_counter}


def timed(run):
    began = CLOCK["now"]()
    run()
    return CLOCK["now"]() - began


def compare(title, ours, other, options, unit=1e3):
    """A line of the table: ``ours`` and ``other`` return seconds, and take turns."""
    times = np.array([[ours(), other()] for _ in range(options.rounds + 1)])[1:] * unit
    median, ratio = np.median(times, axis=0), np.median(times[:, 0] / times[:, 1])
    print(f"| {title} | {median[0]:.1f} | {median[1]:.1f} | {ratio:.2f} |", flush=True)


def random_squeezenet():
    rng = np.random.default_rng(0)
    net = squeezenet().map_params(lambda p: (rng.standard_normal(p.shape) * (2 / p[..., 0].size) ** 0.5).astype("f4"))
    net.class_names = tuple(map(str, range(1000)))
    return net


def step(options, *, size=128, steps=12):
    """One step of class maximisation, with all that belongs to it, beside one of Lucent's: by Lucid's recipe, where the
    net sees as many pixels as there, and by the default, where it sees them enlarged to its own 224."""
    net, model = random_squeezenet(), torch_squeezenet()
    from lucent.optvis import param, render

    def ours(count, preset):
        return timed(lambda: mv.maximize(net, 7, size=size, steps=count, preset=preset))

    def lucent(count):
        return timed(lambda: render.render_vis(
            model, "classifier:7", lambda: param.image(size), thresholds=(count,), fixed_image_size=size,
            show_image=False, progress=False, verbose=False))

    for preset in ("lucid", "natural"):
        compare(f"maximize, {preset}, one step, SqueezeNet 1.1, {size} | Lucent",
                lambda preset=preset: (ours(steps + 2, preset) - ours(2, preset)) / steps,
                lambda: (lucent(steps + 2) - lucent(2)) / steps, options)  # fmt: skip


def torch_squeezenet():
    for operator in ("nms", "qnms"):                            # where torchvision's own are not for this PyTorch
        with suppress(RuntimeError):
            torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
    from torchvision.models import squeezenet1_1

    return squeezenet1_1(weights=None).eval()


def share(options, *, size=128, steps=12):
    """Of such a step, how much are the net's own passes; the rest is priors, transforms and the update."""
    net = random_squeezenet()
    inner = for_inference(net)
    x, space = np.zeros((1, size, size, 3), "f4"), inner.workspace()
    last = inner.role("logits")

    def passes():
        acts = inner.forward(x, until=last, keep=[last], workspace=space)
        inner.backward(acts, {last: np.ones_like(acts[last])})

    whole = lambda count: timed(lambda: mv.maximize(net, 7, size=size, steps=count, preset="lucid"))  # noqa: E731
    compare(f"the net's passes alone, of one step, {size} | the whole step", lambda: timed(passes),
            lambda: (whole(steps + 2) - whole(2)) / steps, options)  # fmt: skip


def style(options, *, size=512, evaluations=4):
    """One evaluation of style's loss and gradient, VGG16."""
    net = random_vgg("VGG16")
    _, content, painting = pictures([])[1]
    moments, gradient = [], Problem.gradient

    def watched(self, z, rng=None):
        began = CLOCK["now"]()
        found = gradient(self, z, rng)
        moments.append(CLOCK["now"]() - began)
        return found

    def ours():
        moments.clear()
        Problem.gradient = watched
        try:
            made = mv.style_transfer(net, content, painting, size=size, steps=evaluations)
        finally:
            Problem.gradient = gradient
        layers.update(made.settings)
        return float(np.median(moments[1:]))

    layers = {}
    ours()
    plain = TorchStyle(net, content, painting, size, content_layers=as_weights(layers["content_layers"]),
                       style_layers=as_weights(layers["style_layers"]), style_weight=100.0, tv_weight=1.0)  # fmt: skip
    z = plain.levels(mv.style_transfer(net, content, painting, size=size, steps=1).array).requires_grad_(True)

    def evaluation():
        z.grad = None
        plain.loss(z).backward()

    compare(f"style, one evaluation, VGG16, {size} | PyTorch", ours, lambda: timed(evaluation), options)


def as_weights(layers):
    return dict(layers) if isinstance(layers, dict) else {name: 1 / len(layers) for name in layers}


def occlusion(options, *, window=32, stride=8, windows=32):
    """A window of occlusion: minivis' whole map, and captum's for as many windows as a batch holds."""
    from captum.attr import Occlusion

    net = random_vgg("VGG16", head=True)
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    counts = ((224 - window) // stride + 1) ** 2
    conv = [layer for layer in net.layers.values() if "w" in layer.params]
    body, pools = [], {"pool1", "pool2", "pool3", "pool4", "pool5"}
    for name, layer in net.layers.items():
        if name in pools:
            body.append(torch.nn.MaxPool2d(2))
        elif layer in conv and layer.params["w"].ndim == 4:
            module = torch.nn.Conv2d(*layer.params["w"].shape[2:], 3, padding=1)
            module.weight.data = torch.tensor(np.ascontiguousarray(layer.params["w"].transpose(3, 2, 0, 1)))
            body.append(module)
        elif layer in conv:
            body += [torch.nn.Flatten()] if name == "fc6" else []
            body.append(torch.nn.Linear(*layer.params["w"].shape))
        elif name.startswith("relu"):
            body.append(torch.nn.ReLU())
    model = torch.nn.Sequential(*body).eval()
    x = torch.randn(1, 3, 224, 224)

    def captum():
        with torch.no_grad():                                   # 7 x 7 windows that do not overlap
            Occlusion(model).attribute(x, (3, window, window), strides=(3, 32, 32), target=7, baselines=0,
                                       perturbations_per_eval=windows)  # fmt: skip

    compare(f"occlusion, one window of {window} at stride {stride}, VGG16 | captum, batches of {windows}",
            lambda: timed(lambda: mv.occlusion(net, image, 7, window=window, stride=stride)) / counts,
            lambda: timed(captum) / 50, options)  # fmt: skip


def start(options):
    """What a command costs before it computes: seconds of the clock and of the processor."""
    for words in (["-c", "import minivis"], ["-m", "minivis", "--help"], ["-m", "minivis", "classify"]):
        taken = []
        for _ in range(options.rounds):
            before, began = os.times(), time.perf_counter()
            subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            taken.append((time.perf_counter() - began, spent))
        clock, processor = np.median(taken, axis=0)
        print(f"| {' '.join(words)} | {clock:.2f} s | {processor:.2f} s of the processor | |", flush=True)


WORK = {"step": step, "share": share, "style": style, "occlusion": occlusion, "start": start}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", choices=[*WORK, []], default=list(WORK))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true")
    options = parser.parse_args()
    team.set_threads(options.threads)
    torch.set_num_threads(options.threads)
    if options.processor:
        CLOCK["now"] = time.process_time
    print("| what | beside | minivis, ms | the other, ms | ratio |\n|---|---|---|---|---|")
    for name in options.work:
        WORK[name](options)


if __name__ == "__main__":
    main()
