"""What viewers share: the nets, each made when it is asked for, and the lanes of jobs."""

import asyncio
import contextlib
import time
from types import SimpleNamespace

import numpy as np
import pytest

from minivis.data.samples import Samples
from minivis.errors import UnknownName
from minivis.live.asked import Stopped
from minivis.live.desk import MOST_NETS, Bench, Desk
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.runtime import allocator


@pytest.fixture
def desk():
    made = []

    def other():
        made.append(True)
        return tiny_branches()

    one = Desk({"vgg": tiny_vgg(), "branches": other}, Samples())
    one.made = made
    yield one
    one.close()


def test_another_net_is_loaded_when_it_is_asked_for_and_once(desk):
    assert desk.first == "vgg" and not desk.made
    assert desk.bench("branches") is desk.bench("branches")
    assert len(desk.made) == 1 and desk.bench("branches").microscope.name == "branches"
    with pytest.raises(UnknownName, match="did you mean 'branches'"):
        desk.bench("branch")


def test_the_first_net_and_those_chosen_last_are_kept():
    made = []

    def maker(name):
        def make():
            made.append(name)
            return tiny_branches()
        return make

    desk = Desk({"first": tiny_vgg(), **{name: maker(name) for name in "abcd"}}, Samples())
    first = desk.bench("first")
    for name in "abacadcb":
        desk.bench(name)
    desk.close()
    assert made == list("abcdcb")           # a is chosen again and again, and goes when c and d came after it
    assert len(desk.benches) == MOST_NETS and desk.bench("first") is first


def test_of_a_large_net_one_job_runs_at_a_time_and_of_small_ones_any_number(desk, monkeypatch):
    bench, waits = desk.bench("vgg"), lambda: False
    assert not bench.is_large
    monkeypatch.setattr("minivis.live.desk.LARGE", 10)
    large = Bench(desk, tiny_vgg(), "large")
    assert large.is_large
    with desk.turn(large, "maximize", waits):
        with desk.turn(bench, "long", waits) as step_aside:
            step_aside()
        for lane in ("long", "asked"):
            with pytest.raises(Stopped), desk.turn(large, lane, lambda: True):
                pass
    with desk.turn(large, "long", waits):
        large.microscope.net.layers["conv1_1"].derive("test", lambda: 1)
    assert not large.microscope.net.layers["conv1_1"].derived      # a job's passes need others than a picture's


def test_in_a_turn_of_a_large_net_memory_goes_back_at_once_and_what_a_person_asked_for_is_first(desk, monkeypatch):
    monkeypatch.setattr("minivis.live.desk.LARGE", 10)
    large, said = Bench(desk, tiny_vgg(), "large"), []

    @contextlib.contextmanager
    def taken(rank, ended):
        said.append(rank)
        yield None

    monkeypatch.setattr(desk.turns, "taken", taken)
    before = allocator.inside
    for lane in ("asked", "long", "maximize", "patches"):
        with desk.turn(large, lane, lambda: False):
            said.append(allocator.inside - before)
    # patches, which take seconds, go before maximised images, which take a minute
    assert said == [0, 1, 1, 1, 3, 1, 2, 1] and allocator.inside == before
    with desk.turn(desk.bench("vgg"), "long", lambda: False):
        assert allocator.inside == before               # a small net's passes stay as fast


def test_a_lane_counts_who_waits(desk):
    async def three():
        waits = [asyncio.create_task(desk.job("patches", seen.append, k)) for k in range(3)]
        await asyncio.sleep(0)
        return desk.waiting["patches"], await asyncio.gather(*waits)

    seen = []
    assert asyncio.run(three())[0] == 3
    assert seen == [0, 1, 2] and desk.waiting["patches"] == 0


def test_a_net_that_nobody_looks_through_lets_go_of_the_memory_of_its_passes(monkeypatch):
    clock = iter([0.0, 0.6, 1.2, 1.8, 2.0])
    monkeypatch.setattr("minivis.live.desk.time", SimpleNamespace(monotonic=lambda: next(clock)))
    desk = Desk({name: tiny_vgg() for name in "abc"}, Samples())
    benches = {name: desk.bench(name) for name in "abc"}

    def look(name):
        desk.looked(lambda bench: bench.microscope.workspace.empty((4,), np.float32).sum(), benches[name])
        return [other for other in "abc" if benches[other].microscope.workspace.free]

    held = [look(name) for name in "abacb"]
    desk.close()
    assert held == [["a"], ["a", "b"], ["a", "b"], ["a", "c"], ["a", "b", "c"]]     # at 1.8, b has rested for 1.2


def test_a_net_that_rests_lets_go_of_its_transformed_weights_unless_a_job_runs(monkeypatch):
    clock = iter([0, 10, 20, 30, 40])
    monkeypatch.setattr("minivis.live.desk.time", SimpleNamespace(monotonic=lambda: next(clock)))
    desk = Desk({name: tiny_vgg() for name in "ab"}, Samples())
    a, b = (desk.bench(name) for name in "ab")

    def holds():
        return any(layer.derived for layer in a.microscope.net.layers.values())

    desk.looked(lambda bench: bench.microscope.top_of(np.zeros((16, 16, 3), np.uint8)), a)
    a.microscope.net.layers["conv1_1"].derive("test", lambda: 1)
    with desk.turn(a, "long", lambda: False):
        desk.looked(lambda bench: None, b)               # at 10, while the job runs
        during = holds()
    desk.looked(lambda bench: None, b)                   # at 30, after its end at 20
    desk.close()
    assert during and not holds()


def test_on_the_cpu_the_arithmetic_takes_the_net_itself(desk):
    bench = desk.bench("vgg")
    assert bench.on_cpu is bench.microscope.net


def test_what_is_kept_of_all_nets_has_one_limit(desk):
    assert desk.bench("vgg").kept is desk.bench("branches").kept


def test_pictures_are_worked_on_one_at_a_time(desk):
    """They share the net's workspace."""
    inside, most = [], []

    def work(bench):
        inside.append(bench)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()

    async def three():
        await asyncio.gather(*(desk.look(work, desk.bench("vgg")) for _ in range(3)))

    asyncio.run(three())
    assert most == [1, 1, 1]


def test_threads_of_the_page_share_one_arena(monkeypatch):
    called = []
    monkeypatch.setattr(allocator, "share_one_arena", lambda: called.append(True))
    Desk({"vgg": tiny_vgg()}, Samples()).close()
    assert called == [True]
