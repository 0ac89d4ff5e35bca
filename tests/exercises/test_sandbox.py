"""A student's file in a process of its own: whatever it does, one sentence comes back."""

import subprocess
import sys
import time

import pytest

from minivis.exercises import read, sandbox

RELU = read.get("relu")


def run(tmp_path, code, **settings):
    file = tmp_path / "relu.py"
    file.write_text("import numpy as np\n" + code, "utf-8")
    return sandbox.run_file(RELU, "relu", str(file), **settings)


def test_answers_come_back(tmp_path):
    code = "def relu_forward(x):\n    print('so far')\n    return np.maximum(x, 0)\n"
    found = run(tmp_path, code + "def relu_backward(dout, x, rule):\n    return x.foo\n")
    assert found.problem is None and found.printed[0] == "so far"
    forward, backward = found.outcomes[0], found.outcomes[-1]
    assert forward.values[0].min() == 0
    assert backward.problem.line == 6 and "line 6 raises AttributeError" in backward.problem.says


@pytest.mark.parametrize("code, kind, words", [
    ("def relu_forward(x):\n    while True:\n        pass\n", "time", " does not come to an end within 1 s"),
    ("import os\nos._exit(3)\n", "exit", "the file ends the whole program (with exit code 3)"),
    ("def relu_forward(x)\n    return x\n", "exception", "line 2 raises SyntaxError"),
    ("import no_such_module\n", "exception", "line 2 raises ModuleNotFoundError"),
], ids=["loop", "exit", "syntax", "import"])
def test_the_file_as_a_whole(tmp_path, code, kind, words):
    found = run(tmp_path, code, seconds=1 if kind == "time" else None)
    assert found.problem.kind == kind and words in found.problem.says, found.problem
    assert kind != "time" or found.problem.line in (3, 4)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by RLIMIT_AS")
def test_too_much_memory(tmp_path):
    found = run(tmp_path, "def relu_forward(x):\n    return np.ones(10**12)\n")
    problem = found.outcomes[0].problem
    assert problem.kind == "memory" and "line 3 asks for more memory" in problem.says


def test_a_process_that_hangs_is_stopped_with_all_that_it_started():
    before = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
    assert sandbox.finish(process, 0.1) is None and process.poll() is not None
    assert time.monotonic() - before < 50


def test_what_a_stopped_process_leaves_to_say(tmp_path):
    (tmp_path / "begun").write_text("0")
    assert "relu_forward does not come back within 20 seconds" in sandbox.read(tmp_path, None, RELU, 0, 20).problem.says
    assert "by signal 11" in sandbox.read(tmp_path, -11, RELU, 0, 20).problem.says
