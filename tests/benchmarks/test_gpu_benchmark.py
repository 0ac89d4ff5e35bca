"""benchmarks/gpu.py as it is typed, on the stand-in and a tiny net: its lines, its parity; and what it says without."""

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import stand_in

TOP = Path(__file__).parents[2]
CUPY = "import sys, stand_in\nsys.modules['cupy'] = cupy = stand_in.module(True)\n"


def bench(folder, *words, cupy=CUPY):
    """rc, stdout, stderr; ``import cupy`` runs the text, in all processes."""
    (folder / "cupy.py").write_text(cupy)
    path = ":".join(map(str, [folder, TOP / "tests", TOP, *filter(None, sys.path)]))
    done = subprocess.run([sys.executable, TOP / "benchmarks" / "gpu.py", *words], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path})
    return done.returncode, done.stdout, done.stderr


def test_wrong_numbers_are_said(tmp_path):
    """A device whose products are off."""
    wrong = CUPY + "stand_in.ndarray.__matmul__ = lambda a, b: stand_in.made(1.5 * (a._values @ b._values))"
    code, out, err = bench(tmp_path, "--tiny", "--rounds", "1", "--work", "forward", "--batch", "1", cupy=wrong)
    assert code == 1 and "wrong: float32 on the device is off by" in err and "VGG16 with FC layers" in out


@pytest.fixture
def gpu(monkeypatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(str(TOP / "benchmarks"))
    for name in ("run", "gpu"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("gpu")


def test_the_table(gpu, monkeypatch, capsys):
    """Each engine in this process, which saves four starts of Python."""
    if not stand_in.COMPILER:
        pytest.skip("no g++ here: the CUDA kernels are not tested")

    def run(command, **_):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = gpu.main(command[2:])
        return SimpleNamespace(returncode=code, stdout=said.getvalue(), stderr="")

    monkeypatch.setattr(gpu, "subprocess", SimpleNamespace(run=run))
    with stand_in.installed(True):
        assert gpu.main(["--tiny", "--rounds", "1", "--batch", "2", "--work", "gradient", "style"]) == 0
    out, err = capsys.readouterr()
    first, _, head, rule, *lines = out.splitlines()
    assert re.fullmatch(r"a CPU as a GPU; driver for CUDA 12\.8; CuPy stand-in, PyTorch .*; \d{4}-\d\d-\d\d", first)
    assert err == "" and len(lines) == 2 and {line.count("|") for line in (head, rule, *lines)} == {9}
    for line, batch in zip(lines, (2, 1)):
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[1].endswith(f"batch {batch}") and re.fullmatch(r"[\d.]+ ms, 0 MB", cells[2])
        assert float(cells[8].split(",")[0]) < 1e-3                     # off the CPU's numbers


@pytest.mark.parametrize("cupy, sentence", [
    (None, "the GPU needs CuPy, which is not installed: pip install 'minivis[gpu]'"),
    (stand_in.module(True), "this machine shows it no GPU; use --device cpu"),
])
def test_without_a_gpu(gpu, monkeypatch, capsys, cupy, sentence):
    monkeypatch.setitem(sys.modules, "cupy", cupy)              # None: it cannot be imported
    if cupy:
        cupy.cuda.runtime.getDeviceCount = lambda: 0
    assert gpu.main([]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and err.startswith("benchmarks/gpu.py: ") and sentence in err


@pytest.mark.parametrize("work", ["gradient", "style", "dream", "forward"])
def test_each_work_gives_the_cpus_numbers(gpu, work):
    task = gpu.Task(work, 1 if work == "style" else 2, tiny=True)
    wanted = gpu.minivis(task, "cpu")()
    with stand_in.installed():
        found = gpu.measure("minivis", task, wanted, 1)
    assert found["off"] < 1e-4 and found["milliseconds"] > 0 and wanted.any()


@pytest.mark.parametrize("work", ["gradient", "style", "dream", "forward"])
def test_pytorch_does_the_same_work(gpu, work):
    pytest.importorskip("torch", reason="no PyTorch here: its half of the benchmark is not compared")
    task = gpu.Task(work, 1, tiny=True)
    np.testing.assert_allclose(gpu.pytorch(task, "cpu")().numpy(), gpu.minivis(task, "cpu")(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("users", ["0", "1"])
def test_tf32_is_on_where_it_is_measured_and_only_there(gpu, monkeypatch, users):
    seen = {}

    def run(command, env, **_):
        seen[command[command.index("--engine") + 1]] = env["CUPY_TF32"]
        return SimpleNamespace(returncode=0, stdout="{}")

    monkeypatch.setenv("CUPY_TF32", users)
    monkeypatch.setattr(gpu.subprocess, "run", run)
    for engine in gpu.ENGINES:
        gpu.in_process(engine, "style", 1, "expected.npy", SimpleNamespace(rounds=1, tiny=False))
    assert seen == {"minivis": "0", "torch": "0", "minivis TF32": "1", "torch TF32": "1"}
