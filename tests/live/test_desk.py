"""What viewers share: the nets, each made when it is asked for, and the lanes of jobs."""

import asyncio

import pytest

from minivis.data.samples import Samples
from minivis.errors import UnknownName
from minivis.live.desk import MOST_NETS, Desk
from minivis.models.tiny import tiny_branches, tiny_vgg


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


def test_a_lane_counts_who_waits(desk):
    async def three():
        waits = [asyncio.create_task(desk.job("patches", seen.append, k)) for k in range(3)]
        await asyncio.sleep(0)
        return desk.waiting["patches"], await asyncio.gather(*waits)

    seen = []
    assert asyncio.run(three())[0] == 3
    assert seen == [0, 1, 2] and desk.waiting["patches"] == 0
