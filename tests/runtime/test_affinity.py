"""While others help a caller it stays on its core and they keep off that; and nobody is moved beyond it."""

import os
import threading

import numpy as np
import pytest

from minivis.engine.network import Network
from minivis.layers.relu import ReLU
from minivis.runtime import affinity
from minivis.runtime.affinity import NOWHERE, STAY, cores, keep_off
from minivis.runtime.threads import set_threads, share_out

pytestmark = pytest.mark.skipif(
    not affinity.core_of_this_thread or len(os.sched_getaffinity(0)) < 2, reason="needs Linux, and two cores"
)


def own_cores():
    return os.sched_getaffinity(0)


@pytest.fixture(autouse=True)
def everywhere():
    before = own_cores()
    yield before
    os.sched_setaffinity(0, before)
    set_threads(None)


def places(count):
    """{thread: cores that it may run on}, of ``count`` threads at work together."""
    together, seen = threading.Barrier(count, timeout=10), {}

    def task(_):
        together.wait()
        seen[threading.get_ident()] = own_cores()
        together.wait()

    set_threads(count)
    share_out(task, range(count))
    return seen


def test_the_caller_stays_and_its_helper_keeps_off(everywhere):
    for _ in range(20):
        seen = places(2)
        (core,) = seen.pop(threading.get_ident())
        assert list(seen.values()) == [everywhere - {core}]
        assert own_cores() == everywhere and cores() == len(everywhere)


def test_how_many_cores_there_are_is_asked_before_a_thread_stays_on_one(everywhere):
    cores.cache_clear()
    set_threads(2)
    seen = []
    share_out(lambda _: seen.append(cores()), range(50))
    assert set(seen) == {len(everywhere)}


def test_a_caller_without_help_is_left_alone(everywhere):
    set_threads(1)
    seen = []
    share_out(lambda _: seen.append(own_cores()), range(3))
    assert seen == [everywhere] * 3


def test_after_an_error_everything_is_as_before(everywhere):
    set_threads(2)
    with pytest.raises(ZeroDivisionError):
        share_out(lambda i: 1 // i, range(2))
    assert own_cores() == everywhere


def test_a_helper_follows_the_caller_to_another_core(everywhere):
    """One thread, for callers that were on different cores; then for one that may use a single core itself."""
    seen = []

    def helper():
        for core in [*everywhere] * 2:
            keep_off((core, everywhere))
            seen.append(own_cores())
        keep_off(NOWHERE)
        seen.append(own_cores())

    thread = threading.Thread(target=helper)
    thread.start()
    thread.join()
    wanted = [everywhere - {core} for core in everywhere] * 2
    assert seen == [*wanted, wanted[-1]]
    os.sched_setaffinity(0, {min(everywhere)})
    with STAY:
        assert STAY.place() is NOWHERE


def test_one_stay_lasts_until_the_outermost_context_ends(everywhere):
    """From the first time that somebody asks where it is."""
    with STAY:
        assert own_cores() == everywhere
        with STAY:
            core, allowed = STAY.place()
            assert allowed == everywhere and own_cores() == {core}
        assert own_cores() == {core} and STAY.place() == (core, allowed)
    assert own_cores() == everywhere


def test_a_stay_is_its_threads_own(everywhere):
    seen = []
    with STAY:
        STAY.place()
        os.sched_setaffinity(0, everywhere)                                 # which a new thread takes over
        thread = threading.Thread(target=lambda: seen.append((STAY.depth, STAY.here)))
        thread.start()
        thread.join()
    assert seen == [(0, NOWHERE)]


class Staying(ReLU):
    """A ReLU that shares out work and notes where its thread may run then, and afterwards."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def forward(self, x, *, mode):
        share_out(lambda _: None, range(2))
        self.seen.append(own_cores())
        return super().forward(x, mode=mode)

    def backward(self, dout, cache, mode):
        share_out(lambda _: None, range(2))
        self.seen.append(own_cores())
        return super().backward(dout, cache, mode)


def test_a_fused_pass_is_one_stay(everywhere):
    seen = []
    set_threads(2)
    net = Network().add("relu", Staying(seen))
    acts = net.forward(np.ones((1, 2, 2, 3), "f4"), keep=["relu"])
    assert len(seen) == 1 and len(seen[0]) == 1 and own_cores() == everywhere
    net.backward(acts, {"relu": acts["relu"]})
    assert len(seen) == 2 and len(seen[1]) == 1 and own_cores() == everywhere


def test_a_system_that_refuses_or_does_not_say(monkeypatch, everywhere):
    def refuse(*args):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_setaffinity", refuse)
        assert places(2)[threading.get_ident()] == everywhere
    monkeypatch.setattr(affinity, "core_of_this_thread", None)
    assert places(2)[threading.get_ident()] == everywhere
