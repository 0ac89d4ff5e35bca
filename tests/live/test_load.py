"""The live page under load, as the command that a user types: many viewers, and thousands of bad messages.

    python tests/live/test_load.py          the long version: 20 viewers for a minute, 10,000 bad messages
"""

import contextlib
import os
import random
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)

from live_server import Watcher, picture_file  # noqa: E402

PICTURES = Path(__file__).parents[1] / "data" / "emoji.npz"
GROWTH = 80e6                                   # bytes that a server may grow by under load, once it is warm


@contextlib.contextmanager
def command(*words):
    """`minivis live` in a process of its own: yields (port, process id); ends it with Ctrl-C."""
    said = [sys.executable, "-m", "minivis", "live", "--port", "0", "--no-browser", *words]
    with subprocess.Popen(said, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
        try:
            line = process.stdout.readline()
            yield int(re.search(r"http://127.0.0.1:(\d+)/", line)[1]), process.pid
        finally:
            process.send_signal(signal.SIGINT)
            try:
                _, errors = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, errors
    assert errors == "", errors


def memory(pid):
    """Bytes of a process that are in memory."""
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            return Watcher(port)
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def watch(port, files, until, counts, i):
    """One viewer: sends on and on, looks here and there; every fourth reads slowly, one not at all."""
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "fc7"]
    with Watcher(port) as watcher:
        watcher.send(type="view", layer=layers[i % 5], unit=f"{layers[i % 5]}:{i}", rule="guided")
        number = 0
        while time.monotonic() < until:
            number += 1
            watcher.show(files[number % len(files)], number)
            if i == 0:
                time.sleep(0.01)
                continue
            watcher.next("frame", timeout=60)
            counts[i] += 1
            time.sleep(0.2 if i % 4 == 1 else 0.02)


def load(viewers, seconds):
    """(frames of each viewer, memory when warm, at most, and at the end)."""
    with np.load(PICTURES) as data:
        files = [picture_file(np.repeat(np.repeat(im, 2, 0), 2, 1), "JPEG") for im in data["images"][:20]]
    with command() as (port, pid):
        until, counts = time.monotonic() + seconds, [0] * viewers
        threads = [threading.Thread(target=watch, args=(port, files, until, counts, i)) for i in range(viewers)]
        for thread in threads:
            thread.start()
        time.sleep(seconds / 4)
        warm, most = memory(pid), 0
        while time.monotonic() < until:
            most = max(most, memory(pid))
            time.sleep(0.2)
        for thread in threads:
            thread.join(90)
        assert not any(thread.is_alive() for thread in threads)
        with Watcher(port) as watcher:
            watcher.show(files[0], 1)
            watcher.next("frame", number=1)
        return counts, warm, most, memory(pid)


def nonsense(rng, good):
    """One bad message: broken JSON, wrong types, cut and altered pictures, headers that lie."""
    kind = rng.randrange(7)
    if kind == 0:
        return "".join(chr(rng.randrange(32, 127)) for _ in range(rng.randrange(60)))
    if kind == 1:
        return rng.choice(['{"type": 3}', "[]", "null", "[" * 5000, '{"type": "view", "layer": ["x"]}', "{}", '""'])
    if kind == 2:
        return rng.choice(['{"type": "view", "unit": "fc8:9999"}', '{"type": "view", "rule": "sideways"}',
                           '{"type": "explain", "unit": "conv1_1"}', '{"type": "job"}'])
    if kind == 3:
        return rng.randbytes(rng.randrange(200))
    if kind == 4:
        return b"\1\0\0\0" + good[: rng.randrange(3, len(good) - 20)]
    if kind == 5:
        return struct.pack("<I", 7) + good[:2] + rng.randbytes(300)
    return b"\1\0\0\0\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 50_000, 50_000) + rng.randbytes(40)


def bad_messages(count, seed=0):
    """How many were answered by an error; the server must answer a good picture in between and afterwards."""
    rng, good = random.Random(seed), picture_file(np.full((64, 64, 3), 90, np.uint8), "JPEG")
    errors = 0
    with command() as (port, pid), Watcher(port) as watcher:
        watcher.show(good, 0)
        watcher.next("frame")
        before = memory(pid)
        for k in range(count):
            watcher.socket.send(nonsense(rng, good))
            if k % 20 == 19:                # ask, so that answers are read as they come
                watcher.show(good, k)
                while True:
                    head, _ = watcher.receive(60)
                    errors += head["type"] == "error"
                    if head["type"] == "frame" and head["number"] == k:
                        break
        grown = memory(pid) - before
    return errors, grown


def test_many_viewers_for_a_while_in_bounded_memory():
    counts, warm, most, end = load(20, 12)
    assert min(counts[1:]) >= 2                 # everybody gets pictures, whoever does not read (0) or reads slowly
    assert max(most, end) - warm < GROWTH


def test_a_thousand_bad_messages_and_it_still_answers():
    errors, grown = bad_messages(1000)
    assert errors >= 600                        # a bad picture that a newer one replaced is not even looked at
    assert grown < GROWTH


@pytest.mark.parametrize("wait", [0.02, 0.5, 2])
def test_ctrl_c_while_jobs_run_leaves_no_traceback(wait):
    """`command` looks at what was written to standard error."""
    with command() as (port, _), Watcher(port) as watcher:
        watcher.show(picture_file(np.full((64, 64, 3), 90, np.uint8)), 1)
        watcher.next("frame")
        for job in ("patches", "maximize", "occlusion"):
            watcher.send(type="job", job=job, unit="fc8:3")
        time.sleep(wait)


if __name__ == "__main__":
    counts, warm, most, end = load(20, 60)
    print(f"20 viewers, 60 s: {sum(counts)} frames, {min(counts[1:])} to {max(counts)} each; memory "
          f"{warm / 1e6:.0f} MB when warm, at most {most / 1e6:.0f}, {end / 1e6:.0f} at the end")
    errors, grown = bad_messages(10_000)
    print(f"10,000 bad messages: {errors} errors said, memory grew by {grown / 1e6:.0f} MB, and it still answers")
