"""While others help a caller it stays on its core and they keep off that; and nobody is moved beyond it."""

import os
import threading

import pytest

from minivis.runtime import affinity
from minivis.runtime.affinity import cores, keep_off, staying
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
        keep_off(None)
        seen.append(own_cores())

    thread = threading.Thread(target=helper)
    thread.start()
    thread.join()
    wanted = [everywhere - {core} for core in everywhere] * 2
    assert seen == [*wanted, wanted[-1]]
    os.sched_setaffinity(0, {min(everywhere)})
    with staying() as place:
        assert place is None


def test_a_system_that_refuses_or_does_not_say(monkeypatch, everywhere):
    def refuse(*args):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(os, "sched_setaffinity", refuse)
        assert places(2)[threading.get_ident()] == everywhere
    monkeypatch.setattr(affinity, "core_of_this_thread", None)
    assert places(2)[threading.get_ident()] == everywhere
