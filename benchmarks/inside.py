"""Looking inside: what a method costs beside the passes that it consists of, and what memory a large folder needs.

    python benchmarks/inside.py                         occlusion codes memory map; or some of them
    python benchmarks/inside.py memory --pictures 100000

With emoji-vgg and the pictures of tests/data/emoji.npz, saved as PNG files. Larger folders
hold further names of the same files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy is loaded

import numpy as np  # noqa: E402

import minivis as mv  # noqa: E402
from minivis.images.collection import Pictures  # noqa: E402
from minivis.runtime.threads import get_threads  # noqa: E402
from minivis.sweeps.sweep import batch_size, read_batch  # noqa: E402

EMOJI = Path(__file__).resolve().parents[1] / "tests" / "data" / "emoji.npz"


def folder_of(count, where):
    """A folder of ``count`` PNG files: the 200 emoji, and further names for the same files."""
    images = np.load(EMOJI)["images"]
    folder = Path(where) / str(count)
    if folder.exists():
        return folder
    for i in range(count):
        path = folder / f"{i // 1000:03d}" / f"{i:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i < len(images):
            mv.write_image(path, images[i])
        else:
            os.link(folder / "000" / f"{i % len(images):06d}.png", path)
    return folder


def in_turns(runs, rounds):
    """name -> the median seconds of ``rounds`` runs, which take turns."""
    times = {name: [] for name in runs}
    for _ in range(rounds + 1):                         # the first of each warms up
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: float(np.median(taken[1:])) for name, taken in times.items()}


def occlusion(net, where, options):
    image = np.load(EMOJI)["images"][0]
    taken = in_turns({"map": lambda: mv.occlusion(net, image, window=8, stride=2)}, options.rounds)["map"]
    print(f"| occlusion map, 64 x 64, window 8, stride 2 | {taken:.2f} s |", flush=True)


def codes(net, where, options):
    folder = folder_of(1000, where)
    pictures = Pictures.of(folder)
    count = batch_size(net)
    batches = [read_batch(net, pictures.part(i, count), None)[0] for i in range(0, len(pictures), count)]

    def bare():
        for x in batches:
            net.forward(x, until="fc7", keep=["fc7"], grad=None)

    taken = in_turns({"codes": lambda: mv.codes(net, folder), "bare": bare}, options.rounds)
    print(f"| fc7 codes of 1,000 files / forward passes of the same batches, already read | {taken['codes']:.2f} s / "
          f"{taken['bare']:.2f} s = {taken['codes'] / taken['bare']:.2f} |", flush=True)


def memory(net, where, options):
    for what in ("codes", "patches"):
        peaks = []
        for count in (options.pictures, 1000, 100):             # 100 do not fill the batches that are held at a time
            command = [sys.executable, __file__, "--peak", what, str(folder_of(count, where)), where]
            peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        print(f"| peak memory of {what}, {options.pictures:,} pictures / 1,000 / 100 | "
              f"{' / '.join(f'{peak:.0f}' for peak in peaks)} MB |", flush=True)


def peak(net, what, folder, where):
    """Sweep the folder; print this process' peak, MB."""
    if what == "codes":
        mv.write_codes(net, folder, Path(where) / "codes.h5", force=True)
    else:
        mv.top_patches(net, folder, "relu4_1")
    with open("/proc/self/status") as file:
        print(next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")))


def tsne_map(net, where, options):
    count, side = 4096, 4096
    mv.write_codes(net, folder_of(count, where), Path(where) / "map.h5")
    began = time.perf_counter()
    picture = mv.tsne_grid(Path(where) / "map.h5", side=side).picture()
    taken, (height, width) = time.perf_counter() - began, picture.shape[:2]
    print(f"| map of {count:,} pictures, {width} x {height} | {taken:.0f} s |", flush=True)
    if options.out:
        mv.write_image(options.out, picture, force=True)


WORK = {"occlusion": occlusion, "codes": codes, "memory": memory, "map": tsne_map}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="*", choices=[*WORK, []], help="by default all")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="keep the map")
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    net = mv.load("emoji-vgg")
    if options.peak:
        return peak(net, *options.peak)
    print(f"{get_threads()} threads\n\n| work | |\n|---|---|")
    with tempfile.TemporaryDirectory() as where:
        for name in options.work or WORK:
            WORK[name](net, where, options)


if __name__ == "__main__":
    sys.exit(main())
