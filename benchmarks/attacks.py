"""How easily nets are fooled, how far that is from what Foolbox finds, and what it costs.

    python benchmarks/attacks.py success [--net efficientnet-lite0] [--eps 2 ...]   PGD-40 to random targets
    python benchmarks/attacks.py smallest                                           L2 of DeepFool, Szegedy, PGD
    python benchmarks/attacks.py speed                                              FGSM of a picture, PGD-40 of 64

emoji-vgg is asked about the pictures of tests/data/emoji.npz that it gets right, any other net about ten photographs of
scikit-image and scikit-learn with ten random targets each. With --foolbox the same attacks of Foolbox on the same
weights in PyTorch stand beside (pip install foolbox torch). Targets and random starts have fixed seeds.
"""

# ruff: noqa: E402
import argparse
import statistics
import sys
import time
from importlib.resources import files
from pathlib import Path

from minivis.kernels import take_avx512

take_avx512()                           # before NumPy is loaded

import numpy as np

import minivis as mv
from minivis.methods.attacks import answers, as_pixels, class_numbers, fgsm, pgd
from minivis.methods.deepfool import deepfool, shortened
from minivis.methods.szegedy import szegedy

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


def success(net, name, args):
    """The share of pictures that reach their target, as found and in 8 bits."""
    pictures, label, target = subjects(net, name, args.count, args.targets)
    print(f"{name}: PGD-{args.steps}, {len(label)} attacks, random targets")
    other = Foolbox(net) if args.foolbox else None
    for eps in args.eps:
        began = time.perf_counter()
        found = pgd(net, pictures, target, eps=eps, steps=args.steps, batch=32)
        took = time.perf_counter() - began
        whole = pictures + np.clip(np.rint(found - pictures), -int(eps + 1e-6), int(eps + 1e-6))
        hits = [(answers(net, as_pixels(net, p)) == target).mean() for p in (found, whole)]
        line = f"  eps {eps:>4g}/255: {hits[0]:6.1%}, in 8 bits {hits[1]:6.1%}   ({took:.0f} s)"
        if other:
            attack = other.foolbox.attacks.LinfPGD(steps=args.steps)
            parts = [other.run(attack, pictures[i:i + 50], target[i:i + 50], True, eps / 255)
                     for i in range(0, len(pictures), 50)]
            theirs = np.clip(np.concatenate(parts), 0, 255)
            line += f"   Foolbox {(answers(net, as_pixels(net, theirs)) == target).mean():6.1%}"
        print(line, flush=True)


def smallest(net, name, args):
    """Median L2 (levels of 255) over pictures, untargeted and to random targets, of floats."""
    pictures, label, target = subjects(net, name, args.count, args.targets)
    pixels = as_pixels(net, pictures)
    other = Foolbox(net) if args.foolbox else None

    def report(what, found, classes, targeted):
        hit = (answers(net, found) == classes) == targeted
        lengths = np.linalg.norm((found - pixels).reshape(len(pixels), -1), axis=1)
        print(f"  {what}: fooled {hit.mean():6.1%}, median L2 {np.median(lengths[hit]):.1f}, mean "
              f"{lengths[hit].mean():.1f}", flush=True)

    print(f"{name}: {len(label)} pictures")
    report("DeepFool, any other class", deepfool(net, pictures, label=label), label, False)
    if other:
        attack = other.foolbox.attacks.L2DeepFoolAttack()
        theirs = np.clip(other.run(attack, pictures, label, False, None), 0, 255).astype(np.float32)
        report("Foolbox's DeepFool", theirs, label, False)
    report("DeepFool, random targets", deepfool(net, pictures, target), target, True)
    report("smallest PGD-40 in L2, random targets", smallest_pgd(net, pixels, target), target, True)
    report("Szegedy, random targets", szegedy(net, pictures, target, progress=True), target, True)


def smallest_pgd(net, pixels, target):
    """PGD in L2 at the smallest of a row of eps (a factor of 1.2 apart) that does, then shortened to the boundary."""
    best, todo, eps = pixels.copy(), np.arange(len(pixels)), 60.0
    while len(todo) and eps < 3000:
        found = pgd(net, pixels[todo], target[todo], eps=eps, norm="L2")
        hit = answers(net, found) == target[todo]
        best[todo[hit]] = found[hit]
        todo, eps = todo[~hit], eps * 1.2
    return shortened(net, pixels, best, class_numbers(net, target, len(pixels)), -1)


def speed(net, name, args):
    """Medians of interleaved runs; processor time of all threads, which other programs on the machine change little."""
    pictures, _, target = subjects(net, name, 64, 7)
    fgsm(net, pictures[0])                                  # transforms the weights, once for all
    wall, busy = zip(*(timed(fgsm, net, pictures[0]) for _ in range(20)))
    print(f"{name}: FGSM of one picture {1e3 * statistics.median(wall):.1f} ms, {1e3 * statistics.median(busy):.1f} ms "
          "of processor time (medians of 20)", flush=True)
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


def timed(function, *arguments):
    """(seconds on the clock, seconds of processor time)."""
    wall, busy = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - wall, time.process_time() - busy


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["success", "smallest", "speed"])
    parser.add_argument("--net", default="emoji-vgg")
    parser.add_argument("--eps", type=float, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--count", type=int, default=200, help="at most so many attacks")
    parser.add_argument("--targets", type=int, default=10, help="for each photograph")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--foolbox", action="store_true")
    args = parser.parse_args(argv)
    net = mv.load(args.net)
    {"success": success, "smallest": smallest, "speed": speed}[args.what](net, Path(args.net).stem, args)


if __name__ == "__main__":
    sys.exit(main())
