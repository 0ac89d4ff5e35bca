"""Damaged files and odd options, thousands of them, through every command: none a traceback, a hang or a gigabyte.

MINIVIS_FUZZ_CASES (10,000) and MINIVIS_FUZZ_SEED (0) say how many and which. What became of a case shows

    PYTHONPATH=.:tests python -m fuzz.worker FOLDER SEED NUMBER NUMBER+1 1

with a FOLDER that `fuzz.originals.make_all` has filled.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from fuzz.cases import BASES, EVERY, case, odd_value
from fuzz.mutations import json_changed, mutated
from fuzz.originals import make_all
from fuzz.worker import SECONDS, files_in

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("MINIVIS_FUZZ_CASES", "10000"))
SEED = int(os.environ.get("MINIVIS_FUZZ_SEED", "0"))
SHARES = min(4, os.cpu_count() or 1)
PATIENCE = 180                                  # seconds without a word from a process: it waits for something
RUN = "from fuzz import worker; import sys; worker.main(sys.argv[1], *map(int, sys.argv[2:6]))"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and measures memory as Linux does")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    make_all(folder)
    return folder


def start(folder, first, stop, step, run=RUN):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OPENBLAS_NUM_THREADS": "1",
                   "MINIVIS_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    words = [sys.executable, "-c", run, str(folder), *map(str, (SEED, first, stop, step))]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


def results(folder, first, stop, step, run=RUN):
    """Yield {"end": number, "kind", "code", "wrong", ...} of every case; another process follows one that fell."""
    while first < stop:
        begun = None
        with start(folder, first, stop, step, run) as process:
            for line in lines(process):
                found = json.loads(line)
                assert "failed" not in found, f"case {found['failed']}: {found['why']}"
                if "begin" in found:
                    begun = found
                else:
                    yield {**begun, **found}
                    begun, first = None, found["end"] + step
        if begun is not None:
            why = {-signal.SIGXCPU: f"over {SECONDS} s of processor time", -signal.SIGKILL: "it hung"}
            wrong = why.get(process.returncode, f"died: {process.returncode}")
            yield {**begun, "end": begun["begin"], "code": None, "wrong": wrong, "err": "", "memory": 0}
            first = begun["begin"] + step
        elif first < stop:
            assert not process.returncode, f"the fuzzer itself ended with {process.returncode}"
            return


def lines(process):
    """The lines that a process says; it is killed when it says none for so long."""
    while True:
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        line = process.stdout.readline()
        alarm.cancel()
        if not line:
            return
        yield line


@pytest.mark.slow(seconds=100)
@pytest.mark.parametrize("share", range(SHARES))
def test_fuzz(originals, share):
    """The cases whose numbers are ``share`` beyond multiples of `SHARES`: the suite's workers share all of them."""
    found = list(results(originals, share, CASES, SHARES))
    print("\n".join(f"{count:6} {kind}" for kind, count in sorted(Counter(one["kind"] for one in found).items())))
    print(f"{len(found)} cases; exit codes: {dict(Counter(one['code'] for one in found))}")
    wrong = [f"{one['end']}: minivis {' '.join(one['words'])}\n    {one['wrong']}\n    {one['err'][-300:]!r}"
             for one in found if one["wrong"]]
    assert not wrong, "\n".join(["", *wrong])
    assert sorted(one["end"] for one in found) == list(range(share, CASES, SHARES))


PLANTED = """
import numpy as np, os, signal, sys, warnings
import fuzz.cases, fuzz.worker
from minivis.methods.looking import classify as module
fuzz.cases.case = lambda *_: fuzz.cases.Case("planted", ("classify", "photo.png", "--net", "tiny.h5", "-o", "new.png"))
def fault(*args, **settings):
    {fault}
fuzz.worker.SECONDS = 4
right, module.classify = module.classify, fault
fuzz.worker.main(sys.argv[1], *map(int, sys.argv[2:6]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("fault, wrong", [
    ("return right(*args, **settings)", None), ("raise ZeroDivisionError", "ZeroDivisionError"),
    ("while True: pass", "processor time"), ("np.ones(10**9); return right(*args, **settings)", "memory ran out"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "died"),
    ("warnings.warn('x'); return right(*args, **settings)", "a warning"),
    ("open('.hidden', 'w'); return right(*args, **settings)", "left behind"), ("os._exit(0)", "died: 0"),
    ("from minivis.errors import BadValue; open('x', 'w'); raise BadValue('y')", "left behind: x"),
    ("from minivis.errors import BadValue; print('z', file=sys.stderr); raise BadValue('y')", "not one sentence"),
])  # fmt: skip
def test_a_planted_fault_is_seen(originals, fault, wrong):
    (one,) = results(originals, 0, 1, 1, PLANTED.format(fault=fault))
    assert wrong in one["wrong"] if wrong else one["wrong"] is None and one["code"] == 0


@pytest.mark.slow
def test_each_case_is_the_same_on_every_run(originals):
    files = files_in(originals)
    some = [case(3, number, files) for number in range(100)]
    assert [case(3, number, files) for number in range(100)] == some
    assert some != [case(4, number, files) for number in range(100)]
    changed = [files[name] != data for one in some for name, data in one.files.items()]
    assert sum(changed) > 0.9 * len(changed) > 50 and len(files) > 50


def test_no_command_computes_for_as_long_as_it_was_asked_to():
    """Each has words with which it ends soon, but for those that do so by themselves; and no case asks for minutes."""
    assert set(EVERY) - set(BASES) <= {("atlas",), ("sound",), ("exercise", "list")}
    (minutes,) = (option for option in EVERY["bench", "tune"].params if option.name == "minutes")
    values = {odd_value(random.Random(n), minutes) for n in range(3000)}
    assert {"nan", "-1", "0", "1e400", "gose"} <= values and not values & {"2", "8", "0.5", "1.5", "16", "1_0", "٣"}


def test_mutations_are_decided_by_the_seed():
    data = bytes(range(256)) * 4
    assert [mutated(random.Random(n), "a.h5", data) for n in range(20)] == [
        mutated(random.Random(n), "a.h5", data) for n in range(20)]
    trees = {json_changed(random.Random(n), b'{"a": [1, {"b": "c"}], "d": null}') for n in range(200)}
    assert len(trees) > 100 and all(isinstance(tree, bytes) for tree in trees)
