"""Fixtures for all: random numbers, the two array libraries, small nets."""

import gc
import importlib
import os
import signal

# pytest-xdist's workers share the cores: threads of BLAS would wait for each other, spinning. Before NumPy is imported
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["MINIVIS_TUNING"] = "off"            # results must not hang on what was measured on this machine

import numpy as np
import pytest
import stand_in
from commandline import contents, fill, runner
from hypothesis import HealthCheck, settings
from tuned import tune

from minivis.commands import default_net
from minivis.commands.gallery import run as gallery
from minivis.models.tiny import tiny_branches, tiny_vgg

# while 11,000 tests are read and compiled nothing is garbage, and a quarter of that time went into looking for some
gc.disable()

# a shell's background jobs begin without Ctrl-C, and so would every command that a test starts
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# the same examples on every run and machine: a failure must not wait for somebody else's change
settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
settings.load_profile("suite")

stand_in.kernels()                      # the workers of pytest-xdist inherit its folder: each kernel is compiled once


def pytest_collection_modifyitems(items):
    """What takes longest begins first, so that no worker is busy long after the others."""
    seconds = {item: max((mark.kwargs.get("seconds", 0) for mark in item.iter_markers("slow")), default=0)
               for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: -seconds.get(item, 0))


def pytest_collection_finish():
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def no_net_of_photographs():
    """Which net a test takes, and which chapters its gallery has, must not hang on what is installed here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default_net, "installed", lambda: False)
        patch.setattr(gallery, "chapter_picture", lambda name: None)
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def calls_of(monkeypatch):
    """calls_of("minivis.room.module.function"): the (arguments, keywords) of each call from now on, which is made."""

    def watched(name):
        module, _, function = name.rpartition(".")
        calls, real = [], getattr(importlib.import_module(module), function)
        monkeypatch.setattr(name, lambda *args, **how: calls.append((args, how)) or real(*args, **how))
        return calls

    return watched


@pytest.fixture(params=["numpy", "stand-in", "kernels", "cupy"])
def xp(request):
    """NumPy; a stand-in for CuPy that refuses to be taken for NumPy, without and with CUDA kernels; CuPy where it is.

    Elsewhere the last shows as a skip, so that nobody believes it has run.
    """
    if request.param == "numpy":
        yield np
    elif request.param in ("stand-in", "kernels"):
        if request.param == "kernels" and not stand_in.COMPILER:
            pytest.skip("no g++ here: the CUDA kernels are not tested")
        with stand_in.installed(request.param == "kernels") as cupy:
            yield cupy
    else:
        cupy = pytest.importorskip("cupy", reason="no CuPy here: the GPU's half of this test does not run")
        if cupy.cuda.runtime.getDeviceCount() < 1:
            pytest.skip("CuPy finds no GPU: the GPU's half of this test does not run")
        yield cupy


@pytest.fixture(scope="session")
def vgg():
    """Caffe's names on three convolutions, float64."""
    return tiny_vgg(dtype=np.float64)


@pytest.fixture(scope="session")
def branches():
    """Every kind of layer in one graph, float64."""
    return tiny_branches(dtype=np.float64)


@pytest.fixture
def all_shared(monkeypatch):
    """Threads share out what is too small to be worth it, as nearly everything in these tests is."""
    tune(monkeypatch, share_products=0, share_depthwise=0, share_winograd=0, share_pool=0, alone=0)


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    fill(folder)
    return folder


@pytest.fixture
def here(tmp_path, originals, monkeypatch):
    """A folder of our own with two pictures and three nets in it, and nothing else; we are in it."""
    for file in originals.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here, capsys):
    """Run a command line; return (exit code, stdout, stderr)."""
    return runner(capsys)


@pytest.fixture
def refused(run, here):
    """Run a command line that must be refused: exit code 2, one line, no file made or changed. Return the line."""

    def refused(*words):
        before = contents(here)
        code, out, err = run(*words)
        assert (code, out) == (2, ""), (code, out, err)
        assert err.startswith("minivis: error: ") and err.count("\n") == 1 and err.endswith("\n"), err
        assert contents(here) == before, "something was left behind"
        return err.removeprefix("minivis: error: ")

    return refused
