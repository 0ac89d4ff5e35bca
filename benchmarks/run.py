"""minivis beside PyTorch, JAX and ONNX Runtime on this machine: times, ratios, peak memory.

    python benchmarks/run.py [--work NAME ...] [--rounds 15] [--threads 2] [--processor]

It needs: pip install 'minivis[bench]'.

The engines take turns, A B C A B C, each after a pause in which the others' threads go to sleep; printed are medians,
minima, and the ratio of minivis to the fastest other. Of one process' memory, the peak over what it held before the
pass (weights, libraries), each in a fresh process: transformed weights count. Weights are random, or Oxford's for
VGG16's body where minivis finds vgg16-notop: no times depend on them. BLAS kernels are the command line's
(minivis/runtime/openblas.py), or what OPENBLAS_CORETYPE says.
"""

# ruff: noqa: E402
import argparse
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy is loaded

import numpy as np
import peers
from threadpoolctl import threadpool_info

from minivis.engine.image_gradient import per_position
from minivis.engine.local_passes import LocalPasses
from minivis.engine.surgery import for_inference
from minivis.figures.line_chart import line_chart
from minivis.images.files import write_image
from minivis.methods.attribution.occlusion import windows
from minivis.models.efficientnet import efficientnet
from minivis.models.embedded import emoji_vgg
from minivis.models.resnet import resnet
from minivis.models.squeezenet import squeezenet
from minivis.models.vgg import BLOCKS, vgg
from minivis.runtime import threads as team
from minivis.training.trainer import Recipe, Trainer
from minivis.weights import catalogue

CLOCK = {"now": time.perf_counter}
MAKERS = {
    "torch": peers.Torch, "torch channels_last": partial(peers.Torch, channels_last=True), "jax": peers.Jax,
    "onnxruntime": peers.OnnxRuntime,
}  # fmt: skip


def random_vgg(name, *, head=False, classes=1000):
    """VGG of full width with random weights."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: (rng.standard_normal(shape) * (2 / np.prod(shape[:-1])) ** 0.5).astype("f4")  # noqa: E731
    widths = [w for w, count in zip((64, 128, 256, 512, 512), BLOCKS[name]) for _ in range(count)]
    convs = [(draw(3, 3, c, f), 0.1 * draw(f)) for c, f in zip([3, *widths], widths)]
    sizes = [7 * 7 * 512, 4096, 4096, classes]
    return vgg(name, convs, [(draw(d, f), 0.1 * draw(f)) for d, f in pairwise(sizes)] if head else ())


def vgg16_body():
    """VGG16's convolutions: Oxford's own, from a file of Keras, where there is one (weights/README.md says how)."""
    return catalogue.load("vgg16-notop") if catalogue.find("vgg16-notop") else random_vgg("VGG16")


class Minivis:
    def __init__(self, net, until, x, threads, *, reuse=True):
        self.net, self.until, self.x, self.space = net, until, x, net.workspace() if reuse else None

    def forward(self):
        return self.net.forward(self.x, until=self.until, keep=[self.until], grad=None, workspace=self.space)

    def gradient(self):
        acts = self.net.forward(self.x, until=self.until, keep=[self.until], workspace=self.space)
        return self.net.backward(acts, {self.until: np.ones_like(acts[self.until])})[0]["input"]


def compare(title, runs, rounds):
    """Time ``runs`` (name -> function) in turns, and print one line of the table."""
    for run in runs.values():
        run()
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(0.05)
            began = CLOCK["now"]()
            run()
            times[name].append(1e3 * (CLOCK["now"]() - began))
    median, least = ({name: f(t) for name, t in times.items()} for f in (np.median, min))
    others = [name for name in runs if name != "minivis"]
    ratio = [values["minivis"] / min(values[name] for name in others) for values in (median, least)]
    shown = ", ".join(f"{name} {median[name]:.0f}/{least[name]:.0f}" for name in runs)
    print(f"| {title} | {shown} | {ratio[0]:.2f} / {ratio[1]:.2f} |", flush=True)
    return median


def inference(title, net, until, shape, what, engines, options):
    x = np.random.default_rng(1).standard_normal(shape).astype("f4")
    runs = {"minivis": getattr(Minivis(net, until, x, options.threads), what)}
    for name in engines:
        if name in options.engines:
            runs[name] = getattr(MAKERS[name](net, until, x, options.threads), what)
    return compare(title, runs, options.rounds)


def body(options, *, batch=1, what="gradient", size=224, engines=tuple(MAKERS)):
    engines = [name for name in engines if what == "forward" or name != "onnxruntime"]
    words = {"forward": "forward", "gradient": "forward + image gradient"}[what]
    return inference(f"VGG16 body, {size}, batch {batch}, {words}", vgg16_body(), "pool5", (batch, size, size, 3), what,
                     engines, options)  # fmt: skip


def growth(options, *, sizes=(224, 320, 512, 768, 1024), batches=(1, 2, 4, 8, 16, 32)):
    """Forward + image gradient of larger pictures and of larger batches, drawn in growth.png, here."""
    cases = {"larger pictures": [(1, size) for size in sizes], "more pictures": [(batch, 224) for batch in batches]}
    curves = {}
    for name, some in cases.items():
        torch = ["torch", "torch channels_last"]
        found = [body(options, batch=batch, size=size, engines=torch) for batch, size in some]
        pixels = [np.log2(batch * size**2 / 224**2) for batch, size in some]
        curves[name] = pixels, [m["minivis"] / min(v for key, v in m.items() if key != "minivis") for m in found]
    labels = {"x_label": "pixels, in doublings of 224 x 224", "y_label": "time, as a multiple of the faster PyTorch's"}
    picture = line_chart(curves, height=300, low=0, **labels)
    write_image("growth.png", picture, force=True)


def full(options):
    net = random_vgg("VGG16", head=True)
    inference("VGG16 with FC layers, 224, class gradient", net, "fc8", (1, 224, 224, 3), "gradient",
              ["torch", "torch channels_last"], options)  # fmt: skip


def thin(options, *, make, until, name, what, batch=1):
    """A net of many 1x1 and small convolutions, with random weights, its batch norms folded."""
    rng = np.random.default_rng(0)
    draw = lambda p: (np.abs(rng.standard_normal(p.shape)) * (2 / p.size) ** 0.5).astype("f4")  # noqa: E731
    net = for_inference(make().map_params(draw))
    engines = ["torch", "torch channels_last"]
    if make is not efficientnet:                # peers.py has no global average pool for the others
        engines += ["jax", "onnxruntime"] if what == "forward" else ["jax"]
    words = {"forward": "forward", "gradient": "forward + image gradient"}[what]
    inference(f"{name}, 224, batch {batch}, {words}", net, until, (batch, 224, 224, 3), what, engines, options)


def occlusion(options, *, count=32):
    """Local passes beside whole ones, of minivis alone: ``count`` windows of the map at a time."""
    net = random_vgg("VGG16", head=True)
    x = np.random.default_rng(1).standard_normal((1, 224, 224, 3)).astype("f4")
    boxes, cover = windows((224, 224), (32, 32), (8, 8)), np.zeros_like(x)
    local, first = LocalPasses(net, x, ["prob"]), iter(range(0, 10**6, count))

    def whole():
        covered = np.repeat(x, count, axis=0)
        for one, (top, left, bottom, right) in zip(covered, boxes):
            one[top:bottom, left:right] = 0
        net.forward(covered, until="prob", keep=["prob"], grad=None)

    def locally():
        at = next(first) % (len(boxes) - count)         # of the whole map: windows at borders and in the middle
        local.forward(boxes[at : at + count], cover)

    compare(f"occlusion of VGG16, window 32, stride 8, {count} of {len(boxes)} windows, beside whole passes",
            {"minivis": locally, "whole passes": whole}, max(3, options.rounds // 3))  # fmt: skip


def tiled(options, *, size=4096):
    command = [sys.executable, __file__, "--peak", "tiles", str(size), "--threads", str(options.threads)]
    peak = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(f"| peak memory over picture and weights, gradient through VGG16's conv4_1, {size} x {size}, tiles of "
          f"512 | minivis {peak:.0f} MB | - |", flush=True)


class Tiles:
    """DeepDream's energy at conv4_1, tile by tile."""

    def __init__(self, net, until, x, threads):
        self.net, self.x = net, x

    def gradient(self):
        @per_position("conv4_1")
        def energy(acts):
            return float((acts["conv4_1"] ** 2).sum()) / 2, {"conv4_1": acts["conv4_1"]}

        return self.net.image_gradient(self.x, energy, tile=512)


class Pictures:
    """A batch of noise, again and again."""

    def __init__(self, count, size, classes):
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8)
        self.labels = rng.integers(0, classes, count)

    def batch(self, first, count):
        first %= len(self.images)
        return self.images[first : first + count], self.labels[first : first + count]


def training(options, *, classes=116):
    import torch
    from torch import nn

    data, net = Pictures(64, 64, classes), emoji_vgg(classes)
    trainer = Trainer(net, data, Recipe(steps=10**6), threads=options.threads)
    runs = {"minivis": partial(trainer.step, team.map_out)}
    labels = torch.tensor(data.labels)
    torch.set_num_threads(options.threads)
    for name, form in (("torch", torch.contiguous_format), ("torch channels_last", torch.channels_last)):
        layers, c = [], 3
        for block in ((16, 24), (48, 48), (96, 96), (160, 160)):
            for f in block:
                layers += [nn.Conv2d(c, f, 3, padding=1, bias=False), nn.BatchNorm2d(f), nn.ReLU(inplace=True)]
                c = f
            layers.append(nn.MaxPool2d(2))
        layers, c = [*layers, nn.Flatten()], c * 16
        for f in (512, 256):
            layers += [nn.Linear(c, f, bias=False), nn.BatchNorm1d(f), nn.ReLU(inplace=True), nn.Dropout(0.3)]
            c = f
        model = nn.Sequential(*layers, nn.Linear(c, classes)).train().to(memory_format=form)
        optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-4)
        x = (torch.tensor(data.images.astype("f4").transpose(0, 3, 1, 2).copy()) - 128) / 64
        runs[name] = partial(torch_step, model, optimizer, x.contiguous(memory_format=form), labels)
    compare("training step of emoji-vgg, batch 64", runs, options.rounds)


def torch_step(model, optimizer, x, labels):
    from torch.nn.functional import cross_entropy

    optimizer.zero_grad()
    cross_entropy(model(x), labels).backward()
    optimizer.step()


def memory(options, *, size=1024):
    """The peak of VGG19's image gradient from conv5_1, each engine in a process of its own."""
    peak = {}
    for name in ("minivis", "torch"):
        if name == "minivis" or name in options.engines:
            command = [sys.executable, __file__, "--peak", name, str(size), "--threads", str(options.threads)]
            peak[name] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    ratio = peak["minivis"] / peak.get("torch", np.nan)
    shown = ", ".join(f"{name} {value:.0f} MB" for name, value in peak.items())
    print(f"| peak memory, VGG19 to conv5_1, image gradient, {size} | {shown} | {ratio:.2f} |", flush=True)


def print_peak(name, size, threads):
    net = random_vgg("VGG16" if name == "tiles" else "VGG19")
    x = np.random.default_rng(1).standard_normal((1, size, size, 3), "f4")
    engine = {"minivis": partial(Minivis, reuse=False), "tiles": Tiles, **MAKERS}[name](net, "conv5_1", x, threads)
    before = status("VmRSS")
    engine.gradient()
    print(status("VmHWM") - before)


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key))


def accuracy(options, *, size=224):
    """Float32 beside float64, of minivis alone: what each way to convolve loses."""
    net = random_vgg("VGG16", head=True)
    x = np.random.default_rng(1).standard_normal((1, size, size, 3), "f4")
    seed = np.random.default_rng(2).standard_normal((1, 1000)).astype("f4")
    wide = net.astype("f8").forward(x.astype("f8"), until="fc8", algorithm="im2col")
    small = {name: "winograd2" for name in net.layers if name.startswith("conv") and name != "conv1_1"}
    for title, algorithm in (("auto", "auto"), ("winograd2", small), ("im2col", "im2col")):
        acts = net.forward(x, until="fc8", algorithm=algorithm)
        gradient = net.backward(acts, {"fc8": seed})[0]["input"]
        flips = {"relu": 0, "pool": 0}
        for name in acts.caches:
            if name[:4] in flips:
                some, other = (one.caches[name] for one in (acts, wide))
                some, other = (some[0], other[0]) if isinstance(some, tuple) else (some, other)
                flips[name[:4]] += int((some != other).sum())
        logits = np.abs(acts["fc8"] - wide["fc8"]).max() / np.abs(wide["fc8"]).max()
        own = wide.caches.copy()
        wide.caches.update(acts.caches)                 # the same signs and switches
        exact = wide.net.backward(wide, {"fc8": seed.astype("f8")})[0]["input"]
        wide.caches.update(own)
        away = np.linalg.norm(gradient - exact) / np.linalg.norm(exact)
        print(f"| accuracy, VGG16, {title} | logits {logits:.1e}, gradient {away:.1e}, signs that flipped "
              f"{flips['relu']}, switches {flips['pool']} | - |", flush=True)


THIN = [
    ("squeezenet", "SqueezeNet 1.1", squeezenet, "relu_conv10"),
    ("resnet18", "ResNet-18", partial(resnet, "ResNet-18"), "res5b_relu"),
    ("resnet50", "ResNet-50", partial(resnet, "ResNet-50"), "res5c_relu"),
    ("efficientnet", "EfficientNet-Lite0", efficientnet, "fc"),
]
WORK = {
    "gradient": body,
    "forward": partial(body, what="forward"),
    "batch": partial(body, batch=8),
    "full": full,
    **{f"{name} {what}": partial(thin, make=make, until=until, name=title, what=what)
       for name, title, make, until in THIN for what in ("forward", "gradient")},
    "efficientnet batch": partial(thin, make=efficientnet, until="fc", name="EfficientNet-Lite0", what="forward",
                                  batch=8),
    "training": training,
    "occlusion": occlusion,
    "growth": growth,
    "memory": memory,
    "tiles": tiled,
    "accuracy": accuracy,
}


def sgemm_rate():
    """GFLOP/s of one large product on one thread: the limit of all."""
    a = np.ones((2048, 2048), "f4")
    seconds = []
    with team.ONE_BLAS_THREAD:
        for _ in range(5):
            began = time.perf_counter()
            a @ a
            seconds.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(seconds) / 1e9


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", nargs="+", choices=MAKERS, default=list(MAKERS))
    parser.add_argument("--processor", action="store_true",
                        help="processor time in place of the clock on the wall: for one thread, on a busy machine")
    parser.add_argument("--peak", nargs=2, metavar=("ENGINE", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    team.set_threads(options.threads)
    if options.peak:
        return print_peak(options.peak[0], int(options.peak[1]), options.threads)
    if options.processor:
        CLOCK["now"] = time.process_time
    blas = {lib.get("architecture", lib["internal_api"]) for lib in threadpool_info() if lib["user_api"] == "blas"}
    kind = "processor time, " if options.processor else ""
    print(f"{kind}{options.threads} threads; BLAS kernels: {', '.join(blas)}, {sgemm_rate():.0f} GFLOP/s a core\n")
    print("| work | median/least, ms | minivis to the fastest other, medians / least |\n|---|---|---|")
    for name in options.work:
        WORK[name](options)


if __name__ == "__main__":
    main()
