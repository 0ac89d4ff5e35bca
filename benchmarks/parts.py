"""What a step of an optimisation costs beside the net: its parts as a stacked bar for each method.

    python benchmarks/parts.py [natural lucid minivis style] [--net emoji-vgg --size 64] [--figure parts.png]

Of maximize's presets and of style: the passes of the net, forward and back; the objective with its priors; the
parameterisation (Fourier transforms, colours); the random transforms and their transposes; and the rest, which is the
update of the picture, L-BFGS of scipy for style, and Python. Medians of the steps, without the first two.
"""

import argparse
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy computes

import minivis as mv  # noqa: E402
from minivis.engine.network import Network  # noqa: E402
from minivis.figures.compose import above, beside  # noqa: E402
from minivis.figures.text import text_picture  # noqa: E402
from minivis.images.files import write_image  # noqa: E402
from minivis.objectives.base import Objective  # noqa: E402
from minivis.optimize.parameterize import Parameterization  # noqa: E402
from minivis.optimize.problem import Problem  # noqa: E402
from minivis.optimize.transforms import Linear  # noqa: E402

PARTS = {"the net": (53, 106, 160), "objective and priors": (230, 140, 40), "parameterisation": (80, 150, 90),
         "transforms": (170, 80, 130), "update and rest": (170, 170, 170)}
WIDE, HIGH, LABEL = 420, 18, 190        # pixels


class Clock:
    """Seconds by part. What a part calls of another part is the other's alone."""

    def __init__(self):
        self.steps, self.begun, self.open = [], [], []

    def begin_step(self):
        self.steps.append(defaultdict(float))
        self.begun.append(time.perf_counter())

    @contextmanager
    def of(self, part):
        began = time.perf_counter()
        self.open.append(0.0)
        try:
            yield
        finally:
            taken = time.perf_counter() - began
            within = self.open.pop()
            if self.steps:
                self.steps[-1][part] += taken - within
            if self.open:
                self.open[-1] += taken

    def timing(self, part, function):
        def timed(*args, **settings):
            with self.of(part):
                return function(*args, **settings)

        return timed


@contextmanager
def watched(clock):
    """Time the parts of every step within this context."""
    kept = []

    def replace(owner, name, made):
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, made)

    for owner, name, part in ((Network, "forward", "the net"), (Network, "backward", "the net"),
                              (Objective, "evaluate", "objective and priors"),
                              (Parameterization, "forward", "parameterisation"),
                              (Parameterization, "backward", "parameterisation")):
        replace(owner, name, clock.timing(part, getattr(owner, name)))
    draw, gradient = Problem.draw, Problem.gradient

    def drawn(self, shape, rng):
        with clock.of("transforms"):
            moved = draw(self, shape, rng)
        return Linear(clock.timing("transforms", moved.forward), clock.timing("transforms", moved.adjoint), moved.shape)

    def begun(self, z, rng=None):
        clock.begin_step()
        return gradient(self, z, rng)

    replace(Problem, "draw", drawn)
    replace(Problem, "gradient", begun)
    try:
        yield
    finally:
        for owner, name, before in kept:
            setattr(owner, name, before)


def parts_of(run, steps):
    """{part: its median milliseconds of a step} of ``run(steps)``."""
    clock = Clock()
    with watched(clock):
        run(steps)
    whole = np.diff(clock.begun)[2:]
    found = {part: 1e3 * float(np.median([step[part] for step in clock.steps[2:-1]])) for part in list(PARTS)[:-1]}
    return found | {"update and rest": max(0.0, 1e3 * float(np.median(whole)) - sum(found.values()))}


def works(net, photo, size, side):
    """name -> (what it is, a function of the number of steps)."""
    large = np.asarray(Image.fromarray(photo).resize((side, side)))
    found = {preset: (f"maximize, {preset}, {size} pixels", lambda steps, preset=preset: mv.maximize(
        net, 0, preset=preset, size=size, steps=steps)) for preset in ("natural", "lucid", "minivis")}
    found["style"] = (f"style, {side} pixels", lambda steps: mv.style_transfer(
        net, large, large[::-1], size=side, steps=steps))
    return found


def bar(parts):
    """A bar of WIDE pixels, cut in proportion to the parts."""
    ends = np.round(WIDE * np.cumsum(list(parts.values())) / sum(parts.values())).astype(int)
    made = np.empty((HIGH, WIDE, 3), np.uint8)
    for begin, end, color in zip([0, *ends], ends, PARTS.values()):
        made[:, begin:end] = color
    return made


def drawn(found, net):
    rows = [beside([text_picture(name, LABEL), bar(parts), text_picture(
        f"{sum(parts.values()):.0f} ms, {100 * parts['the net'] / sum(parts.values()):.0f} % the net", 130)])
        for name, parts in found.items()]
    legend = beside([piece for part, color in PARTS.items() for piece in (
        np.full((12, 12, 3), color, np.uint8), text_picture(part, 140))], gap=6)
    chart = above([text_picture(f"a step of each method with {net}", 600, size=15), *rows, legend], gap=10)
    return np.pad(chart, ((12, 12), (12, 12), (0, 0)), constant_values=255)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", help="by default all")
    parser.add_argument("--net", default="squeezenet")
    parser.add_argument("--size", type=int, default=128, help="pixels of maximize's image")
    parser.add_argument("--side", type=int, default=256, help="pixels of style's picture")
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    net, photo = mv.load(options.net), mv.read_image(Path(mv.__path__[0]) / "data" / "goose.png")
    print(f"| a step of | {' | '.join(PARTS)} | in all, ms | the net |\n{'|---' * (len(PARTS) + 3)}|")
    found = {}
    for name, (what, run) in works(net, photo, options.size, options.side).items():
        if options.work and name not in options.work:
            continue
        found[what] = parts = parts_of(run, options.steps)
        total = sum(parts.values())
        print(f"| {what} | {' | '.join(f'{value:.1f}' for value in parts.values())} | {total:.0f} | "
              f"{100 * parts['the net'] / total:.0f} % |", flush=True)
    if options.figure:
        write_image(options.figure, drawn(found, options.net), force=True)


if __name__ == "__main__":
    main()
