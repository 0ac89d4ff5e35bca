"""The guard that holds BLAS to one thread: whoever comes and goes, in whatever order, and whatever BLAS it is."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from minivis.runtime import one_blas_thread as module
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD, OneBlasThread
from minivis.runtime.threads import Team

needs_blas = pytest.mark.skipif(not ONE_BLAS_THREAD.works, reason="this NumPy's BLAS cannot be held to one thread")


class Library:
    """What threadpoolctl says of a BLAS whose number of threads each thread has for itself, at first 4."""

    def __init__(self, internal_api, layer, usual=4):
        self.internal_api, self.layer, self.usual, self.here = internal_api, layer, usual, threading.local()

    def info(self):
        return {"threading_layer": self.layer}

    @property
    def num_threads(self):
        return getattr(self.here, "count", self.usual)

    def set_num_threads(self, count):
        self.here.count = count


def guard_of(*libraries):
    guard = OneBlasThread()
    guard.libraries = list(libraries)
    return guard


def blas_threads():
    """What the libraries say that were there when the guard first looked: OpenCV brings one that nobody uses."""
    return {lib.num_threads for lib in ONE_BLAS_THREAD.libraries}


@needs_blas
def test_whichever_thread_comes_first_every_other_can_hold_blas():
    """The user's own threads as well: threadpoolctl 3.8 heeds the first that sets OpenBLAS and, silently, no other."""
    def held():
        with ONE_BLAS_THREAD:
            return blas_threads()

    def as_users():
        with threadpool_limits(3, "blas"):
            return blas_threads(), held(), blas_threads()

    before = blas_threads()
    assert held() == {1} and blas_threads() == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(held).result() == {1} and blas_threads() == before
        assert as_users() == ({3}, {1}, {3}) and blas_threads() == before       # while the other thread still lives
        assert pool.submit(as_users).result() == ({3}, {1}, {3}) and blas_threads() == before
        with threadpool_limits(3, "blas"):
            assert pool.submit(held).result() == {1} and blas_threads() == {3}
        assert blas_threads() == before


@needs_blas
def test_the_guard_under_any_interleaving(rng):
    """Random comings and goings: one inside holds it, the last to go restores what the first had found."""
    guard = OneBlasThread()
    for _ in range(50):
        users = int(rng.integers(1, 4))
        with threadpool_limits(users, "blas"):
            inside = 0
            for _ in range(20):
                if inside and rng.random() < 0.5:
                    guard.__exit__(None, None, None)
                    inside -= 1
                else:
                    guard.__enter__()
                    inside += 1
                assert blas_threads() == ({1} if inside else {users})
            for _ in range(inside):
                guard.__exit__(None, None, None)
            assert blas_threads() == {users}


@pytest.mark.parametrize("internal_api, layer, own", [
    ("openblas", "pthreads", False), ("openblas", "openmp", True), ("blis", "openmp", False), ("blis", None, False),
    ("mkl", "intel", True), ("mkl", "gnu", True), ("mkl", "tbb", True), ("mkl", "sequential", False),
])  # fmt: skip
def test_whose_number_of_threads_it_is(internal_api, layer, own):
    lib = Library(internal_api, layer)
    guard = guard_of(lib)
    assert (guard.of_threads, guard.of_process) == (([lib], []) if own else ([], [lib]))


def test_each_thread_holds_and_restores_a_number_of_its_own():
    """Also where another thread is inside already, and leaves later."""
    lib = Library("mkl", "intel")
    guard = guard_of(lib)

    def other():
        before = lib.num_threads
        with guard:
            with guard:
                inside = lib.num_threads
            still = lib.num_threads
        return before, inside, still, lib.num_threads

    with ThreadPoolExecutor(1) as pool, guard:
        assert lib.num_threads == 1 and pool.submit(other).result() == (4, 1, 1, 4)
        assert lib.num_threads == 1
    assert lib.num_threads == 4 and guard.inside == 0


def test_workers_hold_their_own_number(monkeypatch):
    """Of a team that is new: its threads start where each has four."""
    lib, team = Library("openblas", "openmp"), Team()
    team.asked = 3
    monkeypatch.setattr(module.ONE_BLAS_THREAD, "libraries", [lib])
    for name in ("of_threads", "of_process"):
        monkeypatch.delitem(module.ONE_BLAS_THREAD.__dict__, name, raising=False)
    together, seen = threading.Barrier(3, timeout=10), []

    def task(_):
        together.wait()
        seen.append((threading.get_ident(), lib.num_threads))

    try:
        team.share_out(task, range(3))
        assert len({ident for ident, _ in seen}) == 3 and {count for _, count in seen} == {1} and lib.num_threads == 4
    finally:
        team.pool.shutdown()
        for name in ("of_threads", "of_process"):
            module.ONE_BLAS_THREAD.__dict__.pop(name, None)


@pytest.mark.parametrize("blas, libraries, variable, works", [
    ("scipy-openblas", [Library("openblas", "pthreads")], None, True), ("", [Library("mkl", "gnu")], None, True),
    ("", [], "1", False),                                                       # nobody knows of its threads
    ("accelerate", [Library("openblas", "pthreads")], None, False),             # scipy's, beside NumPy's
    ("accelerate", [], "2", False), ("accelerate", [], "1", True),
])  # fmt: skip
def test_which_blas_can_be_held_to_one_thread(monkeypatch, blas, libraries, variable, works):
    monkeypatch.delenv("VECLIB_MAXIMUM_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", variable)
    monkeypatch.setattr(module, "numpys_blas", lambda: blas)
    assert guard_of(*libraries).works is works


def test_a_numpy_that_does_not_say_its_blas(monkeypatch):
    for says in (lambda: None, lambda mode: {}, lambda mode: {"Build Dependencies": {"blas": {}}}):
        monkeypatch.setattr(np, "show_config", says)
        assert module.numpys_blas() == ""
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "Accelerate"}}})
    assert module.numpys_blas() == module.ACCELERATE
