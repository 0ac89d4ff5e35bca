"""OpenBLAS' first product: once a process, by all workers at the same time, after a fork again, only where it helps."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from minivis.runtime import threads, warm_blas
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.threads import Team

needs_blas = pytest.mark.skipif(not ONE_BLAS_THREAD.works, reason="this NumPy's BLAS cannot be held to one thread")


@pytest.fixture
def warmed(monkeypatch):
    """The threads that warm, in order; on any machine."""
    seen, real = [], warm_blas.warm

    def warm(together, product):
        seen.append(threading.get_ident())
        real(together, product)

    monkeypatch.setattr(warm_blas, "warm", warm)
    monkeypatch.setattr(warm_blas, "helps", lambda libraries: True)
    return seen


def team_of(count):
    team = Team()
    team.asked = count
    return team


@needs_blas
@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_worker_once_a_process(warmed, count):
    team = team_of(count)
    assert warmed == []                                                 # not when the team is made or imported
    for _ in range(3):
        team.share_out(lambda _: None, range(8))
    assert len(warmed) == len(set(warmed)) == count


@needs_blas
def test_all_at_the_same_time(monkeypatch):
    inside, most = [], []

    def product():
        inside.append(1)
        most.append(len(inside))
        both.wait()                                                     # alone, it would fail
        inside.pop()

    both = threading.Barrier(3, timeout=10)
    monkeypatch.setattr(warm_blas, "helps", lambda libraries: True)
    monkeypatch.setattr(warm_blas, "first_product", lambda: product)
    team_of(3).share_out(lambda _: None, range(8))
    assert max(most) == 3


@needs_blas
def test_a_team_that_grows_warms_again_and_one_that_shrinks_does_not(warmed):
    team = team_of(1)
    for count, total in ((1, 1), (3, 4), (2, 4), (3, 4)):
        team.asked = count
        team.share_out(lambda _: None, range(8))
        assert len(warmed) == total


@needs_blas
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_warms_its_own(warmed, monkeypatch):
    monkeypatch.setattr(threads.TEAM, "asked", 2)
    threads.share_out(lambda _: None, range(4))
    child = os.fork()
    if child == 0:
        warmed.clear()
        threads.share_out(lambda _: None, range(4))
        os._exit(len(warmed))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


@needs_blas
def test_a_thread_that_comes_too_late_does_not_stop_the_others():
    together = threading.Barrier(2, timeout=0.01)
    done = []
    warm_blas.warm(together, lambda: done.append(1))
    assert together.broken and done == [1, 1]


@pytest.mark.parametrize("api, kernels, wanted", [
    ("openblas", "Haswell", True), ("openblas", "Zen", True), ("openblas", "SkylakeX", False),
    ("openblas", "Nehalem", False), ("openblas", "armv8", False), ("mkl", "Haswell", False),
])  # fmt: skip
def test_only_for_the_kernels_that_prefetch_too_far(warmed, monkeypatch, api, kernels, wanted):
    monkeypatch.undo()
    assert warm_blas.helps([SimpleNamespace(internal_api=api, architecture=kernels)]) == wanted
    assert not warm_blas.helps([SimpleNamespace(internal_api="blis")])
    assert not warm_blas.helps([])


@needs_blas
def test_where_it_does_not_help_nothing_is_done(warmed, monkeypatch):
    monkeypatch.setattr(warm_blas, "helps", lambda libraries: False)
    team_of(2).share_out(lambda _: None, range(8))
    assert warmed == []


def test_the_product_needs_more_rows_and_columns_than_openblas_takes_at_a_time():
    """320 and 12: a smaller one leaves the pages untouched that it is made for."""
    a, b = warm_blas.first_product().args
    assert min(len(a), b.shape[1]) > 320 and a.dtype == b.dtype == np.float32


def test_importing_warms_nothing():
    code = "import minivis.runtime.threads as t; import threading; print(t.TEAM.warmed, threading.active_count())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["0", "1"]
