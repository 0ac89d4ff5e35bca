"""The live page's memory, an hour of use in fast motion.

    python benchmarks/live_memory.py                        10,000 frames, a line for each 1000
    python benchmarks/live_memory.py --frames 2000 --nets emoji-vgg,efficientnet-lite2

`minivis live` runs as a user starts it. One viewer sends a frame as soon as the last one is answered, and changes the
layer every 5 frames, the unit every 9, the rule and the tool every 25, the net every 100. A second one sits at the
largest net and asks for one job after the other, long ones and asked ones at once. Read from /proc: the server's memory
at each step, and its peak since the last one.
"""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

import minivis as mv

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from live_server import Watcher, picture_file  # noqa: E402

from minivis.layers.rules import RULES  # noqa: E402
from minivis.live.jobs import JOBS, TOOLS  # noqa: E402
from minivis.weights.catalogue import entries  # noqa: E402

SIZE = 300                                      # pixels of the frames' longer side


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--step", type=int, default=1000, help="frames between two lines")
    parser.add_argument("--nets", default=",".join(installed()), help="the last one has the second viewer")
    args = parser.parse_args(argv)
    names, highest = args.nets.split(","), 0.0
    with server(names[0]) as (port, process), Watcher(port) as watcher:
        stop = threading.Event()
        second = threading.Thread(target=ask_on, args=(port, names[-1], stop))
        second.start()
        began, files = time.monotonic(), pictures()
        print(f"{'frames':>7} {'seconds':>8} {'now':>8} {'peak':>8}   {', '.join(names)}")
        for number in range(args.frames + 1):
            if number % args.step == 0:
                now, peak = memory(process.pid)
                highest = max(highest, peak)
                took = time.monotonic() - began
                print(f"{number:7} {took:8.0f} {now / 1e6:5.0f} MB {peak / 1e6:5.0f} MB", flush=True)
            change(watcher, names, number)
            watcher.show(files[number % len(files)], number + 1)
            frame(watcher, number + 1)
        stop.set()
        second.join()
        print(f"at most {highest / 1e6:.0f} MB")


def installed():
    """The catalogue's nets whose files are here and that read pictures."""
    names = [one.name for one, file in entries() if file]
    sized = [(net.parameter_count, name) for name in names if (net := mv.load(name)).input_channels == 3]
    return [name for _, name in sorted(sized)]


@contextlib.contextmanager
def server(net):
    said = [sys.executable, "-u", "-m", "minivis", "live", "--port", "0", "--no-browser", "--net", net]
    with subprocess.Popen(said, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(re.search(r":(\d+)/", process.stdout.readline())[1]), process
        finally:
            process.send_signal(signal.SIGINT)


def memory(pid):
    """(bytes in memory now, and at most since the last call)."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, peak = (1024 * int(re.search(rf"{key}:\s+(\d+)", status)[1]) for key in ("VmRSS", "VmHWM"))
    Path(f"/proc/{pid}/clear_refs").write_text("5")         # resets the peak
    return now, peak


def pictures():
    from PIL import Image

    from minivis.data.samples import Samples

    return [picture_file(np.asarray(Image.fromarray(one).resize((SIZE, SIZE * 3 // 4))), "JPEG")
            for one in Samples().images[:16]]


def change(watcher, names, number):
    """What a restless viewer does before frame ``number``."""
    if number % 100 == 0:
        watcher.send(type="net", net=names[number // 100 % len(names)])
        watcher.hello = greeted(watcher)
    layers = [one for one in watcher.hello["layers"] if one["name"] != "input"]
    layer = layers[number * 7 // 5 % len(layers)]
    if number % 5 == 0:
        watcher.send(type="view", layer=layer["name"])
    if number % 9 == 0:
        watcher.send(type="view", unit=f"{layer['name']}:{number % layer['shape'][-1]}")
        for job in ("patches", "maximize"):
            watcher.send(type="job", job=job, unit=f"{layer['name']}:{number % layer['shape'][-1]}")
    if number % 25 == 0:
        watcher.send(type="view", rule=list(RULES)[number // 25 % len(RULES)])
        if number % 100:
            watcher.send(type="job", job=list(TOOLS)[number // 25 % len(TOOLS)], unit=f"{layer['name']}:0")


def greeted(watcher):
    """The greeting of the net that was chosen; what was still on its way is dropped."""
    while (head := watcher.receive(120)[0])["type"] != "hello":
        pass
    return head


def frame(watcher, number):
    """Wait for an answer to that frame; what cannot be done (a rule that a layer has not) is an answer too."""
    while True:
        head, _ = watcher.receive(120)
        if head["type"] == "frame" and head["number"] == number:
            return
        if head["type"] == "error" and head["about"] == "picture":
            watcher.send(type="view", rule="normal", unit="")
            return


def ask_on(port, name, stop):
    """The second viewer: one job of each lane after the other, for as long as it goes."""
    with Watcher(port) as watcher:
        watcher.send(type="net", net=name)
        hello = greeted(watcher)
        watcher.show(pictures()[0], 1)
        frame(watcher, 1)
        layers = [one for one in hello["layers"] if one["name"] != "input"]
        number = 0
        while not stop.is_set():
            layer = layers[number * 13 % len(layers)]
            for job in list(JOBS)[number % 3 :: 3]:
                watcher.send(type="job" if job != "explain" else "explain", job=job, unit=f"{layer['name']}:0")
            number += 1
            until = time.monotonic() + 4
            while time.monotonic() < until and not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    watcher.receive(1)


if __name__ == "__main__":
    main()
