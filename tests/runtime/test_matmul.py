"""Matrix products shared out over threads."""

import ctypes
import os
from types import SimpleNamespace

import numpy as np
import pytest
from tuned import tune

from minivis.runtime import matmul as module
from minivis.runtime import threads, tuning
from minivis.runtime.matmul import product


@pytest.mark.parametrize("shapes", [((1, 700), (700, 901)), ((65, 300), (300, 7)), ((2, 9, 640), (2, 640, 9)),
                                    ((2, 50, 3), (3, 31)), ((1, 8), (8, 1))])
def test_the_product_is_that_of_matmul_and_the_same_for_any_number_of_threads(shapes, rng, monkeypatch):
    a, b = (rng.standard_normal(shape) for shape in shapes)
    tune(monkeypatch, alone=0)
    monkeypatch.setattr(module, "cores", lambda: 3)
    found = []
    for count in (1, 2, 5):
        with threads.threads(count):
            found.append(product(a, b))
    np.testing.assert_allclose(found[0], a @ b, rtol=1e-12, atol=1e-12)
    assert found[0].shape == (a @ b).shape
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_a_transposed_matrix_and_single_precision(rng):
    a, b = rng.standard_normal((3, 2000), "f4"), rng.standard_normal((1500, 2000), "f4").T
    assert a.shape[0] * b.size > tuning.PRODUCTS.alone
    found = product(a, b)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, a.astype("f8") @ b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("architecture, pieces", [("SkylakeX", 2), ("Cooperlake", 2), ("Haswell", 1), ("Zen", 1)])
def test_only_kernels_that_pack_nothing_get_the_product_in_pieces(architecture, pieces, rng, monkeypatch):
    """All others would pack the same rows for each piece again."""
    blas = SimpleNamespace(libraries=[SimpleNamespace(architecture=architecture)])
    monkeypatch.setattr(module, "ONE_BLAS_THREAD", blas)
    monkeypatch.setattr(module, "packs_nothing", module.packs_nothing.__wrapped__)
    tune(monkeypatch, small_product=24 * 64 * 3)
    x, w, out = rng.standard_normal((2, 7, 24)), rng.standard_normal((24, 128)), np.empty((2, 7, 128))
    calls, real = [], np.matmul
    monkeypatch.setattr(module.np, "matmul", lambda *a, **kw: calls.append(a) or real(*a, **kw))
    stored = module.in_pieces(w)
    assert stored.shape == (1, pieces, 24, 128 // pieces)
    module.multiply(x, stored, out)
    np.testing.assert_allclose(out, real(x, w), rtol=1e-13, atol=1e-13)
    assert len(calls) == (3 if pieces > 1 else 1)                   # 3, 3 and 1 rows, or all 7 of them


@pytest.mark.parametrize("packs_nothing, rows", [(False, [0, 4, 4, 8, 52]), (True, [0, 1, 4, 5, 49])])
def test_products_that_pack_have_whole_rows(packs_nothing, rows, monkeypatch):
    """OpenBLAS' other kernels make four at a time, so that 49 take longer than 52."""
    monkeypatch.setattr(module, "packs_nothing", lambda: packs_nothing)
    assert [module.whole_rows(n) for n in (0, 1, 4, 5, 49)] == rows


@pytest.mark.parametrize("api, layer, architecture, alone", [
    ("openblas", "pthreads", "Haswell", True), ("openblas", "pthreads", "SkylakeX", False),
    ("openblas", "openmp", "Haswell", False), ("mkl", "intel", None, False),
])  # fmt: skip
def test_small_products_are_made_by_one_thread_at_a_time_where_each_takes_a_lock(api, layer, architecture, alone,
                                                                                 monkeypatch):
    lib = SimpleNamespace(internal_api=api, threading_layer=layer, architecture=architecture)
    monkeypatch.setattr(module, "ONE_BLAS_THREAD", SimpleNamespace(libraries=[lib]))
    for name in ("packs_nothing", "locks_to_pack"):
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    for columns, locked in ((128, alone), (129, False)):
        with module.small_products(columns):
            assert threads.TEAM.small_products.locked() == locked
    assert not threads.TEAM.small_products.locked()


def test_blas_has_one_thread_meanwhile(monkeypatch, rng):
    """Threads of its own would spin in the way of the next convolution."""
    inside = []
    tune(monkeypatch, alone=0)
    real = np.matmul

    def watched(*args, **kw):
        inside.append(threads.ONE_BLAS_THREAD.inside)
        return real(*args, **kw)

    monkeypatch.setattr(module.np, "matmul", watched)
    product(rng.standard_normal((2, 3)), rng.standard_normal((3, 4)))
    assert set(inside) == {1}


class Garbage(ctypes.Structure):
    """Handed over by value, it leaves 64 kB of signalling NaNs below this function's part of the stack."""

    _fields_ = (("words", ctypes.c_uint32 * 2**14),)


@pytest.mark.skipif(os.name != "posix", reason="getpid of the C library is called")
def test_what_lies_behind_the_numbers_raises_no_warning(rng):
    """OpenBLAS reads it, for 5 float32 numbers: about one in ten runs on a busy machine said "invalid value" here."""
    leave = ctypes.PyDLL(None).getpid
    leave.argtypes = (Garbage,)
    garbage = Garbage()
    np.frombuffer(garbage, np.uint32)[:] = 0x7F800001
    a, w = rng.standard_normal((1, 5), "f4"), rng.standard_normal((7, 5), "f4")
    leave(garbage)
    found = product(a, w.T)
    np.testing.assert_allclose(found, a.astype("f8") @ w.T, rtol=1e-5, atol=1e-6)
