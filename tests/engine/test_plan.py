"""Fused or one by one, with fresh memory or used: the same numbers, and a caller may see and seed the same."""


import numpy as np
import pytest
from fused_nets import block, chain, names_run
from tuned import tune

from minivis.errors import BadValue, UnknownName
from minivis.layers import Add, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.runtime.threads import set_threads


@pytest.fixture(autouse=True)
def fast_algorithms_even_for_the_tiny(monkeypatch, all_shared):
    tune(monkeypatch, tiny=0)
    yield
    set_threads(None)


def test_what_is_fused(rng):
    net = chain(rng)
    everything = [(name,) for name in net.nodes]
    assert names_run(net.plan()) == everything                          # keep=None: each output stays
    fused = [("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1")]
    fused += [("conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2")]
    assert names_run(net.plan(keep=["pool2"])) == fused
    assert names_run(net.plan(keep=[])) == fused
    assert names_run(net.plan(keep=["conv1_2"]))[1:4] == [("conv1_2",), ("relu1_2",), ("pool1",)]
    assert names_run(net.plan(keep=["relu1_2"]))[:2] == [("conv1_1", "relu1_1", "conv1_2", "relu1_2"), ("pool1",)]
    assert names_run(net.plan(keep=["relu1_1"]))[:2] == [("conv1_1", "relu1_1"), ("conv1_2", "relu1_2", "pool1")]
    assert names_run(net.plan("relu2_2", keep=[]))[-1] == ("conv2_1", "relu2_1", "conv2_2", "relu2_2")
    assert names_run(net.plan("conv2_2", keep=[]))[-2:] == [("conv2_1", "relu2_1"), ("conv2_2",)]


def test_what_two_layers_read_is_not_fused_away(rng):
    net = chain(rng)
    net.add("sum", Add(), "pool2", "pool2").add("again", ReLU(), "relu2_1")
    run = names_run(net.plan(keep=[]))
    assert ("conv2_1", "relu2_1") in run                                # relu2_1 has two readers and ends its step
    net.add("third", ReLU(), "conv2_1")
    assert ("conv2_1",) in names_run(net.plan(keep=[]))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_workspace_changes_no_number_and_nothing_that_is_held(rng, threads):
    """Passes of different sizes and nets alternate on one workspace; every result is compared after all of them."""
    set_threads(threads)
    nets = [chain(rng, np.float32), chain(rng, np.float32, channels=24)]
    xs = [rng.standard_normal((n, *size, 3)).astype("f4") for n, size in [(1, (12, 16)), (2, (9, 9)), (1, (16, 12))]]
    space = nets[0].workspace()
    made = []
    for _ in range(3):
        for net in nets:
            for x in xs:
                for keep in (["pool2"], ["relu1_1", "pool2"], None):
                    results = []
                    for workspace in (space, None):
                        acts = net.forward(x, keep=keep, workspace=workspace)
                        dacts, _ = net.backward(acts, {"pool2": np.ones_like(acts["pool2"])}, keep=("input", "relu1_2"))
                        results.append((dict(acts), dacts))
                    made.append(results)
    for (acts, dacts), (fresh_acts, fresh_dacts) in made:
        assert set(acts) == set(fresh_acts)
        for got, wanted in ((acts, fresh_acts), (dacts, fresh_dacts)):
            for name in wanted:
                np.testing.assert_array_equal(got[name], wanted[name])


def test_a_workspace_uses_memory_again(rng):
    net = chain(rng, np.float32)
    x = rng.standard_normal((1, 16, 16, 3)).astype("f4")
    space = net.workspace()

    def free_after_a_pass():
        acts = net.forward(x, keep=["pool2"], workspace=space)
        dacts, _ = net.backward(acts, {"pool2": np.ones_like(acts["pool2"])})
        held = acts["pool2"], dacts["input"]
        sizes = {size: len(memory) for size, memory in space.free.items() if memory}
        return held, sizes

    held, without = free_after_a_pass()
    del held
    _, after = free_after_a_pass()
    assert sum(after.values()) >= sum(without.values()) > 0
    assert all(free_after_a_pass()[1] == after for _ in range(3))


@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
def test_other_graphs(rng, make):
    net = make(dtype=np.float64)
    x = rng.standard_normal((2, 16, 16, 3))
    plain = net.forward(x, algorithm="im2col")
    last = list(plain)[-2]
    acts = net.forward(x, keep=[last])
    np.testing.assert_allclose(acts[last], plain[last], rtol=0, atol=1e-12)
    seeds = {last: rng.standard_normal(plain[last].shape)}
    wanted, found = net.backward(plain, seeds)[0]["input"], net.backward(acts, seeds)[0]["input"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_algorithms_by_name(rng):
    net = chain(rng)
    x = rng.standard_normal((1, 12, 12, 3))
    wanted = net.forward(x, algorithm="im2col")["pool2"]
    for algorithm in ("winograd2", "shifted", {"conv1_2": "winograd2", "conv2_1": "blocked"}):
        for keep in (None, ["pool2"]):
            found = net.forward(x, keep=keep, algorithm=algorithm)["pool2"]
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    net.forward(x, algorithm={"conv1_2": "winograd2"})
    assert {key[0] for key in net.layers["conv1_2"].derived} == {"winograd2"}
    with pytest.raises(UnknownName, match="no algorithm named 'winograd3'; did you mean 'winograd"):
        net.forward(x, algorithm="winograd3")
    with pytest.raises(UnknownName, match="did you mean 'conv1_2'"):
        net.forward(x, algorithm={"conv12": "winograd2"})
    with pytest.raises(BadValue, match="'relu1_1' is not a convolution"):
        net.forward(x, algorithm={"relu1_1": "winograd2"})
    with pytest.raises(BadValue, match=r"pointwise needs a 1x1 kernel .*this convolution is 3x3"):
        net.forward(x, algorithm="pointwise")


def test_where_a_block_is_made(rng):
    """Where nothing in it is asked for, nothing else reads it, and no backward follows."""
    net, whole = block(rng), ("expand", "expand_relu", "depthwise", "depthwise_relu", "project", "sum")
    run = lambda *keep, **how: names_run(net.plan(keep=keep, **{"grad": None, **how}))  # noqa: E731
    assert run("sum") == run() == [("first",), whole, ("relu",)]
    assert whole not in run(grad="image") and whole not in run(grad="params")
    assert run("project") == [("first",), whole[:5], ("sum",), ("relu",)]
    assert run(until="project") == [("first",), whole[:5]]
    assert run("expand_relu") == [("first",), whole[:2], whole[2:5], ("sum",), ("relu",)]
    assert not any(len(names) > 4 for names in run("depthwise"))
    net.add("other", ReLU(), "depthwise_relu")
    assert whole not in run()
    for terms in (("project", "elsewhere"), ("project", "first", "first")):
        net = block(rng, adds=False)
        net.add("elsewhere", ReLU(), "first").add("sum", Add(), *terms)
        del net.nodes["relu"]
        assert whole[:5] in run()
        x = rng.standard_normal((1, 6, 6, 3))
        wanted = net.forward(x, algorithm="im2col")["sum"]
        np.testing.assert_allclose(net.forward(x, keep=["sum"], grad=None)["sum"], wanted, rtol=0, atol=1e-11)


def test_a_plan_is_made_once_and_anew_when_the_net_changes(rng):
    net = chain(rng)
    assert net.plan(keep=["pool2"]) is net.plan(keep=("pool2", "pool2")) is net.plan(keep="pool2")
    assert net.plan(keep=["pool1", "pool2"]) is not net.plan(keep=["pool2"])
    before = net.plan(keep=["pool2"])
    net.nodes["relu1_1"] = net.nodes["relu1_1"]._replace(layer=ReLU(1))
    assert net.plan(keep=["pool2"])[0].run is not before[0].run
    acts = net.forward(rng.standard_normal((1, 8, 8, 3)), keep=["pool2"])
    assert acts.caches.keys() == net.nodes.keys()


def test_plans_are_dropped_when_they_are_many_also_while_one_is_asked_for(rng, monkeypatch):
    class Dropped(dict):
        """Another thread drops all between what this one files and what it takes."""

        def __setitem__(self, key, plan):
            pass

    monkeypatch.setattr("minivis.engine.plan.MOST_PLANS", 2)
    net = chain(rng)
    wanted = []
    for name in net.nodes:
        wanted.append(names_run(net.plan(keep=[name])))
        assert len(net.plans) <= 2
    net.plans = Dropped()
    assert [names_run(net.plan(keep=[name])) for name in net.nodes] == wanted
