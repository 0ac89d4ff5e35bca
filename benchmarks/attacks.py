"""How easily nets are fooled, how far that is from what Foolbox finds, and what it costs.

    python benchmarks/attacks.py                        all of it; --foolbox: beside Foolbox (pip install foolbox torch)
    python benchmarks/attacks.py success --net efficientnet-lite0 --eps 1 2         PGD-40 to random targets
    python benchmarks/attacks.py smallest --few 20                                  L2 of DeepFool, Szegedy, PGD
    python benchmarks/attacks.py speed                                              FGSM of a picture, PGD-40 of 64

emoji-vgg is asked about the pictures of tests/data/emoji.npz that it gets right, any other net about ten photographs of
scikit-image and scikit-learn with ten random targets each. The attacks of Foolbox run on the same weights in PyTorch,
and what all of them find is judged by minivis. Targets and random starts have fixed seeds. ``success`` goes over all
nets, and draws the share that is fooled against eps with --figure FILE; ``smallest`` and ``speed`` take the first.
"""

# ruff: noqa: E402
import argparse
import statistics
import sys
import time
from importlib.resources import files
from pathlib import Path

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy is loaded

import numpy as np

import minivis as mv
from minivis.figures.line_chart import line_chart
from minivis.methods.adversarial.attacks import answers, as_pixels, class_numbers, fgsm, pgd
from minivis.methods.adversarial.deepfool import deepfool, shortened
from minivis.methods.adversarial.fool import fool
from minivis.methods.adversarial.szegedy import szegedy

PHOTOS = {
    "sklearn.datasets.images": ("china.jpg", "flower.jpg"),
    "skimage.data": ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "rocket.jpg",
                     "motorcycle_left.png", "hubble_deep_field.jpg"),
}  # fmt: skip
EMOJI = Path(__file__).parents[1] / "tests" / "data" / "emoji.npz"


def subjects(net, name, count, targets):
    """uint8 pictures (N, H, W, 3) that the net is right about (or just any answer), that answer, and random targets."""
    rng = np.random.default_rng(0)
    if name.startswith("emoji"):
        with np.load(EMOJI) as held:
            pictures, labels = held["images"], held["labels"]
        right = answers(net, as_pixels(net, pictures)) == labels
        pictures = pictures[right][:count]
    else:
        photos = [mv.read_image(str(files(package) / file)) for package, names in PHOTOS.items() for file in names]
        fitted = [net.fit(photo).image for photo in photos]
        pictures = np.stack([np.broadcast_to(f, (*f.shape[:2], 3)) for f in fitted]).repeat(targets, axis=0)[:count]
    label = answers(net, as_pixels(net, pictures))
    classes = net.shapes()[net.role("logits")][-1]
    return pictures, label, (label + rng.integers(1, classes, len(label))) % classes


class Foolbox:
    """The same net in PyTorch, behind Foolbox. Pictures in and out are pixels 0..255, (N, H, W, C)."""

    def __init__(self, net):
        import foolbox
        import torch
        from peers import Torch, run_graph

        self.foolbox, self.torch = foolbox, torch
        H, W = net.input_size
        operations = Torch(net, net.role("logits"), np.zeros((1, H, W, 3), "f4"), 2).operations
        mean, scale = (torch.tensor(v, dtype=torch.float32).reshape(1, 3, 1, 1)
                       for v in (net.preprocessing.mean, net.preprocessing.scale))
        turned = net.preprocessing.channel_order == "BGR"

        class Model(torch.nn.Module):
            def forward(self, x):
                x = 255 * (x.flip(1) if turned else x)
                return run_graph(net, net.role("logits"), (x - mean) / scale, operations)

        self.model = foolbox.PyTorchModel(Model().eval(), bounds=(0, 1), device="cpu")

    def run(self, attack, pictures, classes, targeted, epsilon):
        x = self.torch.tensor(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)), dtype=self.torch.float32) / 255
        classes = self.torch.tensor(classes)
        criterion = (self.foolbox.criteria.TargetedMisclassification if targeted
                     else self.foolbox.criteria.Misclassification)(classes)
        self.torch.manual_seed(0)
        _, found, _ = attack(self.model, x, criterion, epsilons=epsilon)
        return found.permute(0, 2, 3, 1).numpy() * 255


def success(nets, args):
    """The share of pictures that reach their target, as found and in 8 bits, for each net and eps."""
    found = {}
    for name, net in nets.items():
        pictures, _, target = subjects(net, name, args.count, args.targets)
        print(f"{name}: PGD-{args.steps}, {len(target)} attacks, random targets", flush=True)
        other = Foolbox(net) if args.foolbox else None
        found[name] = [reached(net, pictures, target, eps, args.steps, other) for eps in args.eps or eps_of(name)]
    if args.figure:
        curves = {f"{name}, {what}": ([np.log2(row["eps"]) for row in rows], [row[what] for row in rows])
                  for name, rows in found.items() for what in ("minivis", "Foolbox") if what in rows[0]}
        chart = line_chart(curves, low=0, high=100, y_label="% led to a random class", width=480,
                           x_label="eps as a power of two: 0 is one level of 255, 4 are sixteen",
                           dashed=[curve for curve in curves if "Foolbox" in curve])
        mv.write_image(args.figure, chart, force=True)
        print(f"wrote {args.figure}")


def reached(net, pictures, target, eps, steps, other):
    """{"eps", what: per cent}: of PGD, of what it found in whole levels (None below one), and of Foolbox's PGD."""
    share = lambda found: 100 * float((answers(net, as_pixels(net, found)) == target).mean())  # noqa: E731
    found = pgd(net, pictures, target, eps=eps, steps=steps, batch=32)
    whole = pictures + np.clip(np.rint(found - pictures), -int(eps + 1e-6), int(eps + 1e-6))
    row = {"eps": eps, "minivis": share(found), "in 8 bits": share(whole) if eps >= 1 else None}
    if other:
        for what, step in (("Foolbox", None), ("Foolbox with our step", 2.5 * eps / steps / 255)):
            attack = other.foolbox.attacks.LinfPGD(steps=steps, abs_stepsize=step)
            parts = [other.run(attack, pictures[i:i + 32], target[i:i + 32], True, eps / 255)
                     for i in range(0, len(pictures), 32)]
            row[what] = share(np.clip(np.concatenate(parts), 0, 255))
    print("  " + ", ".join(f"{what} {value:g}" if what == "eps" else f"{what} {value:.1f} %"
                           for what, value in row.items() if value is not None), flush=True)
    return row


def eps_of(name):
    """Where the share rises: the more pixels a picture has, the less each must change."""
    return [1, 2, 4, 8, 16] if name.startswith("emoji") else [0.125, 0.25, 0.5, 1, 2]


def smallest(nets, args):
    """L2 (levels of 255) of the floats that DeepFool, Szegedy and PGD find."""
    name, net = next(iter(nets.items()))
    pictures, label, target = subjects(net, name, args.count, args.targets)
    other = Foolbox(net) if args.foolbox else None

    def lengths(what, found, classes, targeted):
        """(N,) with infinity where the net is not fooled."""
        hit = (answers(net, found) == classes) == targeted
        far = np.linalg.norm((found - pictures[:len(found)]).reshape(len(found), -1), axis=1)
        print(f"  {what}: fooled {hit.mean():.1%}, median L2 {np.median(far[hit]):.1f}", flush=True)
        return np.where(hit, far, np.inf)

    def compare(ours, theirs, first, second):
        both = np.isfinite(ours) & np.isfinite(theirs)
        ratio = ours[both] / theirs[both]
        print(f"  {first} beside {second}: nearer on {(ratio < 1).mean():.1%} of {both.sum()} pictures, median ratio "
              f"{np.median(ratio):.3f}, largest {ratio.max():.3f}", flush=True)

    print(f"{name}: {len(label)} pictures, away from their class")
    ours = lengths("DeepFool", deepfool(net, pictures, label=label), label, False)
    if other:
        attack = other.foolbox.attacks.L2DeepFoolAttack()
        found = np.concatenate([other.run(attack, pictures[i:i + 32], label[i:i + 32], False, None)
                                for i in range(0, len(pictures), 32)])
        theirs = lengths("Foolbox's DeepFool", np.clip(found, 0, 255).astype(np.float32), label, False)
        compare(ours, theirs, "DeepFool", "Foolbox's")
    pictures, target = pictures[:args.few], target[:args.few]
    print(f"{name}: {len(target)} pictures, to random classes")
    pixels = as_pixels(net, pictures)
    walked = lengths("smallest PGD in L2", smallest_pgd(net, pixels, target), target, True)
    lengths("DeepFool", deepfool(net, pictures, target), target, True)
    searched = lengths("Szegedy", szegedy(net, pictures, target, progress=True), target, True)
    compare(searched, walked, "Szegedy", "PGD")


def smallest_pgd(net, pixels, target, steps=40):
    """PGD in L2 at the smallest of a row of eps (a factor of 1.2 apart) that does, then shortened to the boundary."""
    best, todo, eps = pixels.copy(), np.arange(len(pixels)), 60.0
    while len(todo) and eps < 3000:
        found = pgd(net, pixels[todo], target[todo], eps=eps, norm="L2", steps=steps)
        hit = answers(net, found) == target[todo]
        best[todo[hit]] = found[hit]
        todo, eps = todo[~hit], eps * 1.2
    return shortened(net, pixels, best, class_numbers(net, target, len(pixels)), -1)


def speed(nets, args):
    """Medians of interleaved runs; processor time of all threads, which other programs on the machine change little."""
    name, net = next(iter(nets.items()))
    pictures, _, target = subjects(net, name, 64, 7)
    for what, one in (("FGSM of one picture", lambda: fgsm(net, pictures[0])),
                      ("mv.fool with it, judged in 8 bits", lambda: fool(net, pictures[0], method="fgsm", eps=8))):
        one()                                               # transforms the weights, once for all
        wall, busy = zip(*(timed(one) for _ in range(20)))
        print(f"{name}: {what} {1e3 * statistics.median(wall):.1f} ms, {1e3 * statistics.median(busy):.1f} ms of "
              "processor time (medians of 20)", flush=True)
    role = net.role("logits")

    def passes():
        """Forward and backward to the image, without anything around it."""
        x = net.preprocess(pictures)
        for _ in range(args.steps):
            acts = net.forward(x, until=role, keep=(role,))
            net.backward(acts, {role: np.ones_like(acts[role])})

    def attack():
        pgd(net, pictures, target, steps=args.steps)

    rounds = [(timed(passes), timed(attack)) for _ in range(args.rounds)]
    for which, what in enumerate(("wall clock", "processor time")):
        ratios = sorted(two[which] / one[which] for one, two in rounds)
        print(f"{name}: PGD-{args.steps} of {len(pictures)} pictures {min(two[which] for _, two in rounds):.2f} s at "
              f"best ({what}); to as many bare passes: median ratio {statistics.median(ratios):.3f}, from "
              f"{ratios[0]:.3f} to {ratios[-1]:.3f}", flush=True)


def timed(function):
    """(seconds on the clock, seconds of processor time)."""
    wall, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - busy


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"success": success, "smallest": smallest, "speed": speed}
    parser.add_argument("what", nargs="*", metavar=" | ".join(parts), default=list(parts))
    parser.add_argument("--net", nargs="+", default=["emoji-vgg", "efficientnet-lite0"])
    parser.add_argument("--eps", type=float, nargs="+", help="by default where the share of each net rises")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--count", type=int, default=200, help="at most so many attacks on a net")
    parser.add_argument("--few", type=int, default=20, help="pictures for Szegedy's attack")
    parser.add_argument("--targets", type=int, default=10, help="for each photograph")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--foolbox", action="store_true")
    parser.add_argument("--figure", metavar="FILE")
    args = parser.parse_args(argv)
    for what in args.what:
        if what not in parts:
            parser.error(f"{what!r} is none of {', '.join(parts)}")
    nets = {Path(name).stem: mv.load(name) for name in args.net}
    for what in args.what:
        parts[what](nets, args)


if __name__ == "__main__":
    sys.exit(main())
