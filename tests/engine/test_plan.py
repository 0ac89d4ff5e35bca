"""Fused or one by one, with fresh memory or used: the same numbers, and a caller may see and seed the same."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from tuned import tune

from minivis.engine.fusion import bottleneck
from minivis.engine.network import Network, Node
from minivis.errors import BadValue, UnknownName
from minivis.layers import Add, Conv2D, MaxPool2D, ReLU
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.runtime.bits import Bits
from minivis.runtime.threads import set_threads


def chain(rng, dtype=np.float64, *, channels=16, top=None, groups=1):
    """Two convolutions of each kind that fuses: with a pool behind the ReLU, and without."""
    net, c = Network(), 3
    for block in "12":
        for conv in "12":
            g = groups if c % groups == 0 else 1
            w = rng.standard_normal((3, 3, c // g, channels)) / (9 * c // g) ** 0.5
            layer = Conv2D(w.astype(dtype), 0.1 * rng.standard_normal(channels).astype(dtype), padding=1, groups=g)
            net.add(f"conv{block}_{conv}", layer).add(f"relu{block}_{conv}", ReLU(max_value=top))
            c = channels
        net.add(f"pool{block}", MaxPool2D(2))
    return net


def names_run(steps):
    return [step.names for step in steps]


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


@pytest.fixture
def in_stripes(monkeypatch):
    """Two convolutions in stripes of eight lines, as if the pictures were large."""
    tune(monkeypatch, held_whole=0, stripe=1)


@pytest.mark.parametrize("stripes", [False, True])
@pytest.mark.parametrize("rule", ["normal", "guided", "deconv"])
@pytest.mark.parametrize("top", [None, 0.5])
@pytest.mark.parametrize("size", [(2, 12, 16), (1, 37, 11), (3, 7, 9)])
def test_fused_equals_one_by_one(rng, rule, top, size, stripes, request):
    """Float64, so that no sign flips; the windows that are all zero have their ties at the first place in both."""
    if stripes:
        request.getfixturevalue("in_stripes")
    net = chain(rng, top=top)
    x = rng.standard_normal((*size, 3))
    plain = net.forward(x, algorithm="im2col")
    acts = net.forward(x, keep=["pool2"])
    np.testing.assert_allclose(acts["pool2"], plain["pool2"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(net.forward(x, keep=["pool2"], grad=None)["pool2"], plain["pool2"], rtol=0, atol=1e-12)
    assert acts.shapes == plain.shapes
    for name in ("relu1_1", "relu1_2", "relu2_2"):
        np.testing.assert_array_equal(acts.caches[name][...], plain.caches[name])
    for name in ("pool1", "pool2"):
        np.testing.assert_array_equal(acts.caches[name][0], plain.caches[name][0])
    seeds = {"pool2": rng.standard_normal(plain["pool2"].shape)}
    wanted, _ = net.backward(plain, seeds, relu_rule=rule, keep="all")
    for keep in (("input",), "all"):
        found = net.backward(acts, seeds, relu_rule=rule, keep=keep)[0]
        np.testing.assert_allclose(found["input"], wanted["input"], rtol=0, atol=1e-12)
        for name in found:
            np.testing.assert_allclose(found[name], wanted[name], rtol=0, atol=1e-12)


FIRST = {
    "3x3": ((3, 3, 3, 16), {"padding": 1}), "stem": ((7, 7, 3, 16), {"stride": 2, "padding": ((2, 3), (3, 1))}),
    "dilated": ((5, 3, 3, 24), {"dilation": 2}), "1x1": ((1, 1, 3, 16), {"stride": 2}), "5x5": ((5, 5, 3, 5), {}),
}  # fmt: skip
SECOND = {
    "3x3": ((3, 3), {"padding": ((1, 0), (2, 1))}), "5x5": ((5, 5), {"padding": "same"}), "1x1": ((1, 1), {}),
    "strided": ((3, 5), {"stride": (2, 3), "padding": 1}), "dilated": ((3, 3), {"dilation": 3, "padding": 3}),
    "depthwise": ((3, 3), {"groups": True, "padding": 1}),
}  # fmt: skip


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("second", SECOND)
def test_stripes_of_any_two_convolutions(rng, in_stripes, first, second):
    (shape, how), (kernel, more), net = FIRST[first], SECOND[second], Network()
    F = shape[3]
    w = rng.standard_normal((*kernel, 1 if "groups" in more else F, F)) / F
    net.add("a", Conv2D(rng.standard_normal(shape), rng.standard_normal(F), **how)).add("relu a", ReLU())
    net.add("b", Conv2D(w, rng.standard_normal(F), **{**more, **({"groups": F} if "groups" in more else {})}))
    net.add("relu b", ReLU()).add("pool", MaxPool2D(2))
    x = rng.standard_normal((2, 71, 40, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=["pool"])
    assert [len(step.names) for step in net.plan(keep=["pool"])] == [5]
    np.testing.assert_allclose(acts["pool"], plain["pool"], rtol=0, atol=1e-11)
    seeds = {"pool": rng.standard_normal(plain["pool"].shape)}
    wanted = net.backward(plain, seeds)[0]["input"]
    found = net.backward(acts, seeds)[0]["input"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("grad", ["image", "params"])
def test_stripes_after_a_forward_that_kept_inputs(rng, in_stripes, grad):
    net, x = chain(rng), rng.standard_normal((1, 20, 16, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=["pool2"], grad=grad)
    seeds = {"pool2": rng.standard_normal(plain["pool2"].shape)}
    wanted = net.backward(plain, seeds)[0]["input"]
    np.testing.assert_allclose(net.backward(acts, seeds)[0]["input"], wanted, rtol=0, atol=1e-12)
    assert net.backward(acts, seeds, keep=()) == ({}, {})


def test_stripes_hold_no_whole_between(rng, in_stripes):
    """The memory of a pass, arrays and signs, is less than what lies between the two convolutions."""
    net = Network().add("a", Conv2D(rng.standard_normal((3, 3, 3, 32)), padding=1)).add("relu a", ReLU())
    net.add("b", Conv2D(rng.standard_normal((3, 3, 32, 3)), padding=1)).add("relu b", ReLU())
    x = rng.standard_normal((1, 256, 64, 3))
    set_threads(1)
    run = lambda: net.backward(net.forward(x, keep=["relu b"]), {"relu b": x})  # noqa: E731
    run()                                                               # takes scratch memory, and keeps it
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * 32 / 3 * x.nbytes


@pytest.mark.parametrize("name", ["conv1_2", "relu1_2", "conv2_1", "pool1"])
def test_a_seed_in_the_middle_of_what_was_fused(rng, name):
    net = chain(rng)
    x = rng.standard_normal((1, 12, 12, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=[])
    assert name not in acts
    seeds = {name: rng.standard_normal(plain.shapes[name]), "pool2": rng.standard_normal(plain.shapes["pool2"])}
    wanted = net.backward(plain, seeds, keep=("input", "relu1_1"))[0]
    found = net.backward(acts, seeds, keep=("input", "relu1_1"))[0]
    assert set(found) == {"input", "relu1_1"}
    for key in found:
        np.testing.assert_allclose(found[key], wanted[key], rtol=0, atol=1e-12)


def test_parameter_gradients_after_a_fused_forward(rng):
    net = chain(rng)
    x = rng.standard_normal((2, 9, 10, 3))
    plain, acts = net.forward(x, grad="params", algorithm="im2col"), net.forward(x, grad="params", keep=["pool2"])
    seeds = {"pool2": rng.standard_normal(plain.shapes["pool2"])}
    wanted, found = (net.backward(a, seeds, param_grads=True)[1] for a in (plain, acts))
    assert list(found) == list(wanted)
    for name in found:
        for key in found[name]:
            np.testing.assert_allclose(found[name][key], wanted[name][key], rtol=0, atol=1e-11)


def test_signs_in_bits_and_in_bytes_say_the_same(rng, monkeypatch):
    net = chain(rng, channels=13, groups=1)
    x = rng.standard_normal((2, 12, 14, 3))
    acts = net.forward(x, keep=["pool2"])
    seeds = {"pool2": rng.standard_normal(acts.shapes["pool2"]), "relu1_1": rng.standard_normal(acts.shapes["relu1_1"])}
    tune(monkeypatch, bits_from=0)
    packed = net.forward(x, keep=["pool2"])
    assert isinstance(packed.caches["relu1_2"], Bits)
    assert packed.caches["relu1_2"].packed.nbytes == 2 * 12 * 14 * 2    # 13 channels in 2 bytes
    np.testing.assert_array_equal(packed.caches["relu1_2"][...], acts.caches["relu1_2"])
    for rule in ("normal", "guided", "deconv"):
        for keep in (("input",), "all"):
            a, b = (net.backward(p, seeds, relu_rule=rule, keep=keep)[0] for p in (acts, packed))
            for name in a:
                np.testing.assert_array_equal(a[name], b[name])


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


@pytest.mark.parametrize("groups, filters, fuses", [(1, 8, True), (4, 4, True), (4, 8, False), (2, 4, False)])
def test_grouped_convolutions(rng, groups, filters, fuses):
    """Depthwise fuses as any other; where groups run one after another, ReLU and pool wait for all of them."""
    w, b = rng.standard_normal((3, 3, 4 // groups, filters)), rng.standard_normal(filters)
    conv = Conv2D(w, b, padding=1, groups=groups)
    net = Network().add("first", Conv2D(rng.standard_normal((1, 1, 3, 4)))).add("conv", conv).add("relu", ReLU(6))
    net.add("pool", MaxPool2D(2))
    assert (("conv", "relu", "pool") in names_run(net.plan(keep=[]))) == fuses
    x = rng.standard_normal((2, 8, 9, 3))
    plain, acts = net.forward(x, algorithm="im2col"), net.forward(x, keep=["pool"])
    np.testing.assert_allclose(acts["pool"], plain["pool"], rtol=0, atol=1e-12)
    seeds = {"pool": rng.standard_normal(plain["pool"].shape)}
    wanted, found = net.backward(plain, seeds)[0]["input"], net.backward(acts, seeds)[0]["input"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


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


def block(rng, dtype=np.float64, *, kernel=3, stride=1, channels=6, expansion=4, adds=True, bias=True, top=6):
    """A convolution, a MobileNet's block, a ReLU. Half of what the block's ReLUs see is cut off, at 0 or ``top``."""
    wide, net = channels * expansion, Network()

    def conv(name, size, c, f, *reads, groups=1, **settings):
        w, b = rng.standard_normal((size, size, c // groups, f)), 3 * rng.standard_normal(f)
        parts = (w * 3 / (size * size * c // groups) ** 0.5, b if bias else None)
        return net.add(name, Conv2D(*(p if p is None else p.astype(dtype) for p in parts), groups=groups, **settings))

    conv("first", 1, 3, channels)
    if expansion > 1:
        conv("expand", 1, channels, wide).add("expand_relu", ReLU(top))
    conv("depthwise", kernel, wide, wide, groups=wide, stride=stride, padding="same").add("depthwise_relu", ReLU(top))
    conv("project", 1, wide, channels)
    if adds:
        net.add("sum", Add(), "project", "first")
    return net.add("relu", ReLU())


@pytest.fixture(params=[(1, 96, 8, 2**20), (3, 5, 2, 400)], ids=["whole", "in many shares"])
def shares(request, monkeypatch):
    """Of channels, where a result has less than 9 lines, or else of lines."""
    cores, channels, lines, wide = request.param
    monkeypatch.setattr(bottleneck, "cores", lambda: cores)
    tune(monkeypatch, share_channels=channels, share_lines=lines, share_numbers=wide, few_lines=9)


BLOCKS = {
    "plain": {}, "5x5": {"kernel": 5}, "halved": {"stride": 2, "adds": False}, "no bias": {"bias": False},
    "first": {"expansion": 1, "channels": 12},
    "thirds": {"kernel": 5, "stride": 3, "adds": False, "expansion": 1, "channels": 9},
    "ReLU": {"top": None, "adds": False},
}  # fmt: skip


@pytest.mark.parametrize("size", [(1, 5, 7), (1, 8, 9), (1, 17, 6), (3, 8, 8), (2, 21, 10)])
@pytest.mark.parametrize("form", BLOCKS)
def test_a_block_equals_its_layers(rng, form, size, shares):
    net, x = block(rng, **BLOCKS[form]), rng.standard_normal((*size, 3))
    plain = net.forward(x, algorithm="im2col")
    last = list(net.nodes)[-2]
    assert [len(step.names) for step in net.plan(keep=[last], grad=None)] == [1, len(net.nodes) - 2, 1]
    for threads in (1, 3):
        set_threads(threads)
        acts = net.forward(x, keep=[last, "first"], grad=None)
        assert set(acts) == {last, "first"} and acts.shapes == plain.shapes
        np.testing.assert_allclose(acts[last], plain[last], rtol=0, atol=1e-12 * np.abs(plain[last]).max())
        np.testing.assert_array_equal(acts["first"], net.forward(x, until="first")["first"])


@pytest.mark.parametrize("size", [(1, 8, 9), (1, 30, 17), (3, 8, 8)])
def test_a_block_has_the_same_bits_for_any_number_of_threads(rng, size, shares):
    net, x = block(rng, np.float32, channels=16), rng.standard_normal((*size, 3)).astype("f4")
    set_threads(1)
    wanted = net.forward(x, keep=["sum"], grad=None)["sum"]
    plain = net.forward(x, algorithm="im2col")["sum"]
    np.testing.assert_allclose(wanted, plain, rtol=0, atol=2e-6 * np.abs(plain).max())
    for threads in (2, 3, 5):
        set_threads(threads)
        np.testing.assert_array_equal(net.forward(x, keep=["sum"], grad=None)["sum"], wanted)


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


@pytest.mark.parametrize("groups, filters", [(1, 24), (2, 24), (24, 48)])
def test_what_is_not_depthwise_makes_no_block(rng, groups, filters):
    """ResNet's blocks, ResNeXt's, and two filters for each channel."""
    net = Network().add("expand", Conv2D(rng.standard_normal((1, 1, 3, 24)))).add("relu", ReLU())
    net.add("grouped", Conv2D(rng.standard_normal((3, 3, 24 // groups, filters)), padding=1, groups=groups))
    net.add("relu2", ReLU()).add("project", Conv2D(rng.standard_normal((1, 1, filters, 3))))
    net.add("sum", Add(), "project", "input")
    assert not any("project" in names and "grouped" in names for names in names_run(net.plan(keep=["sum"], grad=None)))
    x = rng.standard_normal((2, 7, 8, 3))
    wanted = net.forward(x, algorithm="im2col")["sum"]
    found = net.forward(x, keep=["sum"], grad=None)["sum"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_a_block_whose_convolutions_go_other_ways(rng, monkeypatch):
    net, x = block(rng), rng.standard_normal((1, 6, 7, 3))
    wanted, passes = net.forward(x, algorithm="im2col")["relu"], []
    monkeypatch.setattr(bottleneck.Bottleneck, "in_shares", lambda *args: passes.append(args))
    for algorithm in ("im2col", {"expand": "blocked"}, {"depthwise": "im2col"}, {"project": "winograd4"}):
        if algorithm == {"project": "winograd4"}:
            with pytest.raises(BadValue, match="winograd4 needs a 3x3 kernel"):
                net.forward(x, keep=["relu"], grad=None, algorithm=algorithm)
            continue
        found = net.forward(x, keep=["relu"], grad=None, algorithm=algorithm)["relu"]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert not passes


class Leaky(ReLU):
    """Passes a tenth of what is below zero."""

    def forward(self, x, *, mode):
        return np.maximum(x, 0.1 * x), np.where(x > 0, 1, 0.1)

    def backward(self, dout, cache, mode):
        return (dout * cache,), {}


class Doubled(Conv2D):
    def forward(self, x, *, mode):
        out, cache = super().forward(x, mode=mode)
        return 2 * out, cache

    def backward(self, dout, cache, mode):
        return super().backward(2 * dout, cache, mode)


class Smallest(MaxPool2D):
    def forward(self, x, *, mode):
        out, cache = super().forward(-x, mode=mode)
        return -out, cache


class Half(Add):
    def forward(self, a, b, *, mode):
        return (a + b) / 2, None

    def backward(self, dout, cache, mode):
        return (dout / 2, dout / 2), {}


def replaced(net, name, kind):
    """The net with a layer of ``kind``, of the same settings, in the place of ``name``."""
    layer, inputs = net.nodes[name]
    other = kind(**layer.params, **layer.config())
    return replace(net, nodes={**net.nodes, name: Node(other, inputs)})


@pytest.mark.parametrize("name, kind", [
    ("conv1_1", Doubled), ("relu1_1", Leaky), ("conv1_2", Doubled), ("relu1_2", Leaky), ("pool1", Smallest),
])  # fmt: skip
def test_a_subclass_is_never_replaced_by_its_parent(rng, name, kind):
    """In a convolution with ReLU and pool, alone and in stripes: it runs as what it is, up and down."""
    parent = chain(rng)
    net = replaced(parent, name, kind)
    x = rng.standard_normal((1, 12, 16, 3))
    whole = net.forward(x, algorithm="im2col", fuse=False)
    fused = net.forward(x, keep=["pool2"])
    np.testing.assert_allclose(fused["pool2"], whole["pool2"], rtol=0, atol=1e-11)
    assert not np.allclose(whole["pool2"], parent.forward(x)["pool2"])
    assert all(len(step.names) == 1 for step in net.plan(keep=["pool2"]) if name in step.names)
    seeds = {"pool2": rng.standard_normal(whole["pool2"].shape)}
    plain, faster = (net.backward(acts, seeds)[0]["input"] for acts in (whole, fused))
    np.testing.assert_allclose(faster, plain, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name, kind", [
    ("expand", Doubled), ("expand_relu", Leaky), ("depthwise", Doubled), ("depthwise_relu", Leaky),
    ("project", Doubled), ("sum", Half),
])  # fmt: skip
def test_a_subclass_in_a_block_is_never_replaced_by_its_parent(rng, name, kind):
    parent = block(rng)
    net = replaced(parent, name, kind)
    x = rng.standard_normal((1, 8, 9, 3))
    last = next(reversed(net.nodes))
    whole = net.forward(x, grad=None, algorithm="im2col", fuse=False)[last]
    np.testing.assert_allclose(net.forward(x, keep=[last], grad=None)[last], whole, rtol=0, atol=1e-11)
    assert not np.allclose(whole, parent.forward(x)[last])


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
