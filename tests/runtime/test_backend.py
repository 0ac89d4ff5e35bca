"""NumPy or CuPy by the array's type, and what is said where the GPU cannot be used."""

import configparser
import sys

import numpy as np
import pytest
import stand_in
from processes import ROOT

import minivis as mv
from minivis.errors import MissingExtra
from minivis.models.tiny import tiny_vgg
from minivis.runtime.backend import constant, get_xp, gpu, to_cpu, to_gpu


def refusing(error):
    def call(*args, **kwargs):
        raise error

    return call


def test_an_array_knows_its_library(xp):
    array = xp.ones((2, 3))
    assert get_xp(array) is xp and get_xp(to_cpu(array)) is np
    np.testing.assert_array_equal(to_cpu(array), np.ones((2, 3)))
    assert to_cpu(array) is array or xp is not np


def test_to_gpu_moves_once():
    with stand_in.installed() as cupy:
        before = stand_in.transfers["to device"]
        array = to_gpu(np.arange(6.0))
        assert get_xp(array) is cupy and stand_in.transfers["to device"] == before + 1
        np.testing.assert_array_equal(to_cpu(array), np.arange(6.0))


def test_a_constant_is_moved_once(xp):
    like = xp.ones(2, np.float32)
    made = constant(((1.0, 2.0), (3.0, 4.0)), like)
    assert constant(((1.0, 2.0), (3.0, 4.0)), like) is made
    assert get_xp(made) is xp and made.dtype == np.float32
    np.testing.assert_array_equal(to_cpu(made), [[1, 2], [3, 4]])


def test_without_cupy_the_gpu_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingExtra, match=r"not installed: pip install 'minivis\[gpu\]'$"):
        gpu()


def test_without_a_device_the_gpu_says_so():
    with stand_in.installed() as cupy:
        cupy.cuda.runtime.getDeviceCount = lambda: 0
        with pytest.raises(MissingExtra, match=r"^CuPy is installed, but .* shows it no GPU; use --device cpu$"):
            gpu()
        error = cupy.cuda.runtime.CUDARuntimeError("driver too old")
        cupy.cuda.runtime.getDeviceCount = refusing(error)
        with pytest.raises(MissingExtra, match=r"shows it no GPU \(driver too old\); use --device cpu$"):
            gpu()


MISSING = [
    ("add", RuntimeError("CuPy failed to load libnvrtc.so.12: OSError: libnvrtc.so.12: no such file\nand more")),
    ("add", type("CompileException", (Exception,), {})("cannot open source file \"cuda_fp16.h\"")),
    ("matmul", ImportError("libcublas.so.12: cannot open shared object file")),
    ("matmul", OSError()),
]


@pytest.mark.parametrize("function, error", MISSING)
def test_a_part_of_cuda_that_is_missing_is_told_in_one_sentence(function, error):
    """By `gpu` itself: CuPy counts devices without it, and only the first kernel or product fails."""
    wanted = r"^CuPy finds a GPU, but not all of CUDA \((.+)\): pip install 'cupy-cuda12x\[ctk\]' .*use --device cpu$"
    with stand_in.installed() as cupy:
        setattr(cupy, function, refusing(error))
        for attempt in (gpu, lambda: to_gpu(np.ones(2)), lambda: tiny_vgg().to("gpu")):
            with pytest.raises(MissingExtra, match=wanted) as caught:
                attempt()
            assert "\n" not in str(caught.value) and caught.value.__cause__ is None
        with pytest.raises(MissingExtra, match=wanted):
            mv.load("emoji-alexnet", device="gpu")
        delattr(cupy, function)                                         # installed meanwhile
        assert gpu() is cupy


def test_a_full_device_lacks_nothing():
    with stand_in.installed() as cupy:
        full = cupy.cuda.memory.OutOfMemoryError("out of memory")
        cupy.ones = refusing(full)
        with pytest.raises(MemoryError, match="out of memory"):
            gpu()


def test_cuda_is_tried_once_and_moves_nothing():
    tried = []
    with stand_in.installed() as cupy:
        real = cupy.matmul
        cupy.matmul = lambda *args: tried.append(1) or real(*args)
        before = dict(stand_in.transfers)
        assert [gpu() for _ in range(3)] == [cupy] * 3
        assert len(tried) == 1 and stand_in.transfers == before


def test_the_extra_names_all_that_the_gpu_needs():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options.extras_require"]["gpu"] == "cupy-cuda12x[ctk]"
