"""Of large nets one job at a time, and a short one goes before those that take long."""

import threading
import weakref

import pytest

from minivis.live.asked import Stopped
from minivis.live.turns import Turns
from minivis.runtime.threads import scratch

LAST, LONG, SHORT = 2, 1, 0


def never():
    return False


def in_a_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ended(thread):
    thread.join(20)
    return not thread.is_alive()


def waits(turns, short):
    """Return once that many short jobs wait."""
    with turns.change:
        while turns.waiting[SHORT] < short:
            turns.change.wait(0.01)


def test_a_turn_is_had_by_one():
    turns, seen = Turns(), []

    def other():
        with turns.taken(LONG, never):
            seen.append("other")

    with turns.taken(LONG, never):
        thread = in_a_thread(other)
        thread.join(0.3)
        seen.append("one")
    assert ended(thread) and seen == ["one", "other"]


def test_a_long_job_steps_aside_for_short_ones_and_goes_on_after_them():
    turns, seen = Turns(), []

    def short():
        with turns.taken(SHORT, never) as step_aside:
            step_aside()                        # of a short one: nothing
            seen.append("short")

    with turns.taken(LONG, never) as step_aside:
        step_aside()                            # nobody waits
        seen.append("long begins")
        threads = [in_a_thread(short) for _ in range(3)]
        waits(turns, 3)
        step_aside()
        seen.append("long goes on")
        late = in_a_thread(short)
        waits(turns, 1)
        seen.append("long ends")
    assert all(map(ended, [*threads, late]))
    assert seen == ["long begins", *3 * ["short"], "long goes on", "long ends", "short"]
    with turns.taken(LONG, lambda: True):       # left by all
        pass


def test_a_long_job_that_waits_lets_a_short_one_go_first():
    turns, seen = Turns(), []

    def job(kind, name):
        with turns.taken(kind, never):
            seen.append(name)

    with turns.taken(LONG, never):
        threads = [in_a_thread(lambda: job(LONG, "long"))]
        threads[0].join(0.1)
        threads.append(in_a_thread(lambda: job(SHORT, "short")))
        waits(turns, 1)
    assert all(map(ended, threads)) and seen == ["short", "long"]


def test_what_the_page_asked_for_by_itself_steps_aside_for_what_a_person_asked_for_short_or_long():
    turns, seen = Turns(), []

    def job(rank, name):
        with turns.taken(rank, never):
            seen.append(name)

    with turns.taken(LAST, never) as step_aside:
        last = in_a_thread(lambda: job(LAST, "another of the page"))
        long = in_a_thread(lambda: job(LONG, "long"))
        with turns.change:
            while turns.waiting[LAST] + turns.waiting[LONG] < 2:
                turns.change.wait(0.01)
        step_aside()
        seen.append("the page's")
    assert all(map(ended, [last, long])) and seen[0] == "long" and len(seen) == 3


def test_who_is_no_longer_wanted_waits_no_longer():
    turns, gone = Turns(), []
    with turns.taken(LONG, never):
        for kind in (LONG, SHORT):
            with pytest.raises(Stopped), turns.taken(kind, lambda: True):
                pass
    assert not any(turns.waiting.values())

    def stepping():
        with pytest.raises(Stopped), turns.taken(LONG, lambda: bool(gone)) as step_aside:
            waits(turns, 1)
            step_aside()

    with turns.taken(SHORT, never):
        thread = in_a_thread(stepping)
    seen = []

    def short():
        with turns.taken(SHORT, never):
            gone.append(True)                   # the long one, which stepped aside, is stopped now
            seen.append(ended(thread))
            seen.append(turns.is_taken)         # the long one has not left a turn that was not its own

    assert ended(in_a_thread(short)) and seen == [True, True]


def test_a_job_without_a_turn_holds_no_memory_for_blocks():
    """Neither when it has ended nor when it has stepped aside: its thread lives on, and may wait for minutes."""
    turns, held = Turns(), []

    def used():
        return scratch("of a job", (1000,), "f4")

    def short():
        with turns.taken(SHORT, never):
            held.append(weakref.ref(used().base))

    with turns.taken(LONG, never) as step_aside:
        mine = weakref.ref(used().base)
        threads = [in_a_thread(short)]
        waits(turns, 1)
        step_aside()
        assert ended(threads[0]) and mine() is None and held[0]() is None
