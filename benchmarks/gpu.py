"""minivis beside PyTorch on one GPU: medians by CUDA events, memory, and first how far from the CPU's numbers.

    python benchmarks/gpu.py [--work gradient style dream forward] [--batch 1 16] [--rounds 30]

It needs a GPU, CuPy (pip install 'minivis[gpu]') and, for its half of the table, PyTorch with CUDA.

    gradient        VGG16's body at 224 pixels, forward and the image gradient
    style           one evaluation of the loss of style and content and its gradient, at 512 pixels
    dream           one DeepDream step at 512 pixels
    forward         VGG16 to its scores, as evolution asks for them

Each engine has a process of its own, in float32 without TF32, and again with it (CUPY_TF32=1 for CuPy, allow_tf32 for
PyTorch, whose cuDNN picks its fastest ways: cudnn.benchmark). The first runs are not counted. Memory is what the
engine's pool has taken by the end, weights included. Weights are random: no times depend on them.
"""

# ruff: noqa: I001
import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import random_vgg                      # first: it chooses the CPU's kernels before NumPy is loaded

import numpy as np

from minivis.runtime.backend import gpu, to_cpu
from minivis.objectives.dream import dream_loss
from minivis.errors import MissingExtra
from minivis.methods.synthesis.dream import make_step
from minivis.methods.shared.result import input_of
from minivis.methods.synthesis.style import smooth
from minivis.models.tiny import tiny_vgg
from minivis.engine.surgery import trunk
from minivis.optimize.problem import Problem
from minivis.optimize.parameterize import pixels
from minivis.objectives.style import content_loss, style_loss, weighed

WORK = ("gradient", "style", "dream", "forward")
ENGINES = ("minivis", "torch", "minivis TF32", "torch TF32")
WARM_UP = 5
STYLE_WEIGHT, TV_WEIGHT, STEP, JITTER = 100.0, 1.0, 1.5, 32
WRONG = 0.05                                    # one sign that flips moves a gradient by a percent


class Task:
    """Net, pictures and sizes of one line of the table: for each engine the same."""

    def __init__(self, work, batch, tiny=False):
        self.work, self.batch = work, batch
        self.net = tiny_vgg() if tiny else random_vgg("VGG16", head=work == "forward")
        side = 16 if tiny else 512 if work in ("style", "dream") else 224
        rng = np.random.default_rng(1)
        self.pictures = rng.integers(0, 256, (batch, side, side, 3), np.uint8)
        self.content, self.painting = rng.integers(0, 256, (2, side, side, 3), np.uint8)
        self.contents, self.styles = weighed(self.net, None, "content"), weighed(self.net, None, "style")
        self.pool = [name for name in self.net.nodes if name.startswith("pool")][-1]
        self.logits = self.net.roles["logits"]

    def title(self):
        return {"gradient": "VGG16 body, 224, forward + image gradient", "style": "style, 512, an evaluation",
                "dream": "DeepDream, 512, a step", "forward": "VGG16 with FC layers, 224, forward"}[self.work]

    def levels(self):
        return self.pictures.astype(np.float32)


def minivis(task, device):
    """The function that is timed. It returns an array."""
    net = task.net.to(device)
    if task.work in ("gradient", "forward"):
        x, space = net.xp.asarray(net.preprocess(task.pictures)), net.workspace()
        until = task.pool if task.work == "gradient" else task.logits

        def passes():
            acts = net.forward(x, until=until, keep=[until], workspace=space,
                               grad="image" if task.work == "gradient" else None)
            if task.work == "forward":
                return acts[until]
            return net.backward(acts, {until: net.xp.ones_like(acts[until])})[0]["input"]

        return passes
    z = net.xp.asarray(task.levels())
    if task.work == "dream":
        layer = net.role("dream")
        body = trunk(net, {layer})
        loss = dream_loss(body, body.preprocess(z), {layer: 1.0})
        return lambda: make_step(body, z, loss, np.random.default_rng(0), step=STEP, jitter=JITTER)[1] - z
    body = trunk(net, {*task.contents, *task.styles})
    x = input_of(body, task.content)
    loss = content_loss(body, x, task.contents) + smooth(x, TV_WEIGHT) + STYLE_WEIGHT * style_loss(
        body, x.shape, [input_of(body, task.painting)], task.styles)
    problem = Problem(body, loss, pixels(body, x.shape))
    return lambda: problem.gradient(z)[1]


def pytorch(task, device):
    """The same for PyTorch; its array is (N, H, W, C) too."""
    import peers
    import torch

    net, nhwc = task.net, lambda a: a.detach().movedim(1, -1) if a.ndim == 4 else a.detach()
    torch.set_default_device(device)
    if task.work in ("gradient", "forward"):
        until = task.pool if task.work == "gradient" else task.logits
        engine = peers.Torch(net, until, net.preprocess(task.pictures), 1)
        return lambda: nhwc(getattr(engine, task.work)())
    z = torch.tensor(task.levels().transpose(0, 3, 1, 2).copy())
    if task.work == "style":
        from style import TorchStyle

        style = TorchStyle(net, task.content, task.painting, task.content.shape[0], content_layers=task.contents,
                           style_layers=task.styles, style_weight=STYLE_WEIGHT, tv_weight=TV_WEIGHT)

        def evaluation():
            leaf = z.clone().requires_grad_(True)
            style.loss(leaf).backward()
            return nhwc(leaf.grad)

        return evaluation
    layer = net.role("dream")
    engine = peers.Torch(net, layer, net.preprocess(task.pictures), 1)
    mean, scale = (torch.tensor(np.float32(a)).reshape(1, 3, 1, 1) for a in (
        net.preprocessing.mean, net.preprocessing.scale))

    def step():
        down, right = (int(s) for s in np.random.default_rng(0).integers(-JITTER, JITTER + 1, 2))
        leaf = torch.roll(z, (down, right), (2, 3)).requires_grad_(True)
        x = leaf.flip(1) if net.preprocessing.channel_order == "BGR" else leaf
        (peers.run_graph(net, layer, (x - mean) / scale, engine.operations) ** 2).sum().backward()
        moved = (leaf + STEP / leaf.grad.abs().mean() * leaf.grad).clamp(0, 255)
        return nhwc(torch.roll(moved, (-down, -right), (2, 3)) - z)

    return step


class CuPy:
    """Clock and memory of CuPy. TF32 is asked for by CUPY_TF32, in the process' environment."""

    def __init__(self, tf32):
        self.cupy = gpu()

    def event(self):
        event = self.cupy.cuda.Event()
        event.record()
        return event

    def milliseconds(self, begin, end):
        end.synchronize()
        return self.cupy.cuda.get_elapsed_time(begin, end)

    def memory(self):
        return self.cupy.get_default_memory_pool().total_bytes()


class Torch:
    """Clock and memory of PyTorch."""

    def __init__(self, tf32):
        import torch

        self.torch, self.cuda = torch, torch.cuda
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True

    def event(self):
        event = self.cuda.Event(enable_timing=True)
        event.record()
        return event

    def milliseconds(self, begin, end):
        end.synchronize()
        return begin.elapsed_time(end)

    def memory(self):
        return self.cuda.max_memory_reserved()


def measure(engine, task, expected, rounds):
    """{milliseconds, megabytes, off}: of one engine, in this process."""
    ours, tf32 = engine.startswith("minivis"), engine.endswith("TF32")
    library = (CuPy if ours else Torch)(tf32)
    run = minivis(task, "gpu") if ours else pytorch(task, "cuda")
    result = run()
    result = to_cpu(result) if ours else result.cpu().numpy()
    for _ in range(WARM_UP):
        run()
    times = []
    for _ in range(rounds):
        begin = library.event()
        run()
        times.append(library.milliseconds(begin, library.event()))
    off = np.linalg.norm(result - expected) / np.linalg.norm(expected)
    return {"milliseconds": float(np.median(times)), "megabytes": library.memory() / 1e6, "off": float(off)}


def in_process(engine, work, batch, expected, options):
    """`measure` in a fresh process: what the last one took of the device is free again, and TF32 is off or on."""
    command = [sys.executable, __file__, "--engine", engine, "--expected", str(expected), "--work", work, "--batch",
               str(batch), "--rounds", str(options.rounds), *(["--tiny"] if options.tiny else [])]
    env = {**os.environ, "CUPY_TF32": str(int(engine.endswith("TF32")))}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        print(f"{engine}, {work}, batch {batch}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def line(task, expected, cpu_ms, engines, options):
    """Print a line of the table; return how far float32 is from the CPU."""
    found = {name: in_process(name, task.work, task.batch, expected, options) for name in engines}
    cells = [f"{f['milliseconds']:.2f} ms, {f['megabytes']:.0f} MB" if f else "failed" for f in found.values()]
    cells += [""] * (len(ENGINES) - len(cells))
    ours, theirs = found["minivis"], found.get("torch")
    ratio = f"{ours['milliseconds'] / theirs['milliseconds']:.2f}" if ours and theirs else ""
    cpu = f"{cpu_ms / ours['milliseconds']:.0f}" if ours else ""
    off = ", ".join(f"{f['off']:.0e}" if f else "-" for f in found.values())
    print(f"| {task.title()}, batch {task.batch} | {' | '.join(cells)} | {ratio} | {cpu} | {off} |", flush=True)
    return ours["off"] if ours else np.inf


def torch_with_cuda():
    try:
        import torch
    except ImportError:
        return None
    return torch.__version__ if torch.cuda.is_available() else None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 16], help="style is of one picture always")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--tiny", action="store_true", help="a tiny net in VGG16's place: tries the script")
    for hidden in ("--engine", "--expected"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.engine:
        task = Task(options.work[0], options.batch[0], options.tiny)
        print(json.dumps(measure(options.engine, task, np.load(options.expected), options.rounds)))
        return 0
    try:
        cupy = gpu()
    except MissingExtra as error:
        print(f"benchmarks/gpu.py: {error}", file=sys.stderr)
        return 2
    torch = torch_with_cuda()
    engines = [name for name in ENGINES if torch or name.startswith("minivis")]
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    driver = cupy.cuda.runtime.driverGetVersion()
    print(f"{name}; driver for CUDA {driver // 1000}.{driver % 1000 // 10}; CuPy {cupy.__version__}, PyTorch "
          f"{torch or 'with CUDA is not here'}; {datetime.date.today()}\n")
    print(f"| work | {' | '.join(ENGINES)} | minivis to PyTorch, float32 | times the CPU | off the CPU's numbers |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for work in options.work:
            for batch in [1] if work == "style" else options.batch:
                task, file = Task(work, batch, options.tiny), Path(folder) / "expected.npy"
                run = minivis(task, "cpu")
                np.save(file, run())
                began = time.perf_counter()
                run()
                cpu_ms = 1e3 * (time.perf_counter() - began)
                worst = max(worst, line(task, file, cpu_ms, engines, options))
    if worst > WRONG:
        print(f"\nwrong: float32 on the device is off by {worst:.2g} of the CPU's numbers", file=sys.stderr)
    return int(worst > WRONG)


if __name__ == "__main__":
    sys.exit(main())
