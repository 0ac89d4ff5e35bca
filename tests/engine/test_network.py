"""The contract of design.md section 2: what a pass returns, keeps, frees, refuses, and that it changes nothing."""

import pickle
import sys
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from passes import arrays_in
from tuned import tune

from minivis.convolution import direct
from minivis.engine import plan
from minivis.engine.finite_differences import numerical_gradient
from minivis.engine.network import Network
from minivis.errors import BadValue, MinivisError, MissingExtra, UnknownName
from minivis.layers import RELU_RULES, Add, Concat, Conv2D, Flatten, FullyConnected, Layer, MaxPool2D, ReLU
from minivis.models.tiny import Weights, tiny_branches, tiny_vgg


def picture(net, seed=0, n=2):
    height, width = net.input_size or (19, 14)
    return np.random.default_rng(seed).standard_normal((n, height, width, 3)).astype(net.dtype)


def normal(acts, name, seed=0):
    return np.random.default_rng(seed).standard_normal(acts.shapes[name]).astype(acts.dtype)


def assert_same(some, other):
    assert list(some) == list(other)
    for name in some:
        if isinstance(some[name], dict):
            assert_same(some[name], other[name])
        else:
            np.testing.assert_array_equal(some[name], other[name], err_msg=str(name))


both = pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])


# --- plain mode ---

def without_fast_code(monkeypatch):
    """Whatever is faster than the loops of network.py and the definitions in minivis/layers fails from now on."""
    def fails(*_, **__):
        raise AssertionError("this is not plain")

    for module, names in ((plan, ("run_forward", "run_backward", "forward_steps", "backward_steps")),
                          (direct, ("forward", "input_grad", "param_grads"))):
        for name in names:
            monkeypatch.setattr(module, name, fails)


@both
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_plain_mode_is_the_loop_over_the_layers(make, how, monkeypatch):
    tune(monkeypatch, tiny=0)
    net = make(dtype=np.float64)
    x, last = picture(net), net.role("logits")
    fast = net.forward(x, keep=[last])
    seeds = {last: normal(fast, last)}
    wanted = net.backward(fast, seeds)[0]["input"]
    without_fast_code(monkeypatch)
    with pytest.raises(AssertionError, match="not plain"):
        net.forward(x, keep=[last])
    if how == "environment":
        monkeypatch.setenv("MINIVIS_PLAIN", "1")
    settings = {} if how == "environment" else {"algorithm": "im2col", "fuse": False}
    for keep in (None, [last], [last, "input"]):
        acts = net.forward(x, keep=keep, **settings)
        assert set(acts) == ({"input", *net.nodes} if keep is None else set(keep))
        np.testing.assert_allclose(acts[last], fast[last], rtol=0, atol=1e-12 * abs(fast[last]).max())
        dx = net.backward(acts, seeds)[0]["input"]
        np.testing.assert_allclose(dx, wanted, rtol=0, atol=1e-12 * abs(wanted).max())
    acts = net.forward(x, grad="params", **settings)
    assert net.backward(acts, seeds, param_grads=True)[1]


def test_algorithms_that_are_named_stay_in_plain_mode(vgg, monkeypatch):
    monkeypatch.setenv("MINIVIS_PLAIN", "1")
    x = picture(vgg)
    assert vgg.forward(x).mode.at("conv1_1").algorithm == "im2col"
    named = vgg.forward(x, algorithm={"conv1_2": "shifted"}).mode
    assert (named.at("conv1_1").algorithm, named.at("conv1_2").algorithm) == ("im2col", "shifted")
    assert vgg.forward(x, algorithm="shifted").mode.algorithm == "shifted"


# --- forward ---

@both
def test_forward_is_the_layers_one_after_another(make):
    net = make()
    x = picture(net)
    acts = net.forward(x, training=False)
    assert list(acts) == ["input", *net.nodes] and acts["input"] is x
    for name, (layer, inputs) in net.nodes.items():
        np.testing.assert_array_equal(acts[name], layer.forward(*(acts[i] for i in inputs), mode=acts.mode)[0])
        assert acts.shapes[name] == acts[name].shape == net.shapes(x.shape)[name]
        assert acts[name].dtype == net.dtype


def test_until_stops_there(vgg):
    x = picture(vgg)
    acts, whole = vgg.forward(x, until="relu1_2"), vgg.forward(x)
    assert list(acts) == ["input", "conv1_1", "relu1_1", "conv1_2", "relu1_2"] == list(acts.shapes)
    np.testing.assert_array_equal(acts["relu1_2"], whole["relu1_2"])
    assert list(vgg.forward(x, until="input")) == ["input"]
    with pytest.raises(UnknownName, match=r"the output of 'fc8' was not reached by this pass: see until="):
        acts["fc8"]


@both
def test_a_pass_starts_after_a_layer(make):
    """With its output, and what comes is what a whole pass has there, on the way up and on the way down."""
    net = make(dtype=np.float64)
    whole = net.forward(picture(net))
    names, last = list(net.nodes), list(net.nodes)[-1]
    seeds = {last: np.random.default_rng(0).standard_normal(whole[last].shape)}
    dacts, _ = net.backward(whole, seeds, keep="all")
    begun = 0
    for start in names[:-1]:
        after = names[names.index(start) + 1 :]
        if any(source != start and source not in after for name in after for source in net.nodes[name].inputs):
            with pytest.raises(BadValue, match=f"a pass cannot start after '{start}': '.*' also needs '.*'"):
                net.forward(whole[start], start_after=start)
            continue
        begun += 1
        acts = net.forward(whole[start], start_after=start)
        assert list(acts) == [start, *after] == list(acts.shapes)
        for name in after:
            np.testing.assert_array_equal(acts[name], whole[name])
        found, _ = net.backward(acts, seeds, keep=[start])
        assert list(found) == [start]
        np.testing.assert_allclose(found[start], dacts[start], rtol=1e-10, atol=1e-14)
        fused = net.forward(whole[start], start_after=start, until=last, keep=[last])
        np.testing.assert_allclose(fused[last], whole[last], rtol=1e-10, atol=1e-14)
        assert list(fused) == [last]
    assert begun >= 3


def test_the_start_lies_before_the_end(vgg):
    x = picture(vgg)
    pool1 = vgg.forward(x)["pool1"]
    with pytest.raises(BadValue, match="'relu1_1' does not come after 'pool1'"):
        vgg.forward(pool1, start_after="pool1", until="relu1_1")
    with pytest.raises(BadValue, match="expects an input of 4 axes ending in 6, got"):
        vgg.forward(pool1[..., :-1], start_after="pool1")
    with pytest.raises(UnknownName, match="pool9"):
        vgg.forward(pool1, start_after="pool9")
    old, new = (vgg.forward(pool1, **{key: "pool1"}) for key in ("since", "start_after"))     # the keyword of before
    np.testing.assert_array_equal(old["fc8"], new["fc8"])


@both
@pytest.mark.parametrize("grad", [None, "image", "params"])
def test_keep_keeps_those_alone_and_changes_nothing_else(make, grad):
    net = make()
    x, names = picture(net), list(net.nodes)
    whole = net.forward(x, grad=grad)
    for kept in ([], ["input"], [names[-1]], names[2:9:3], ["input", *names]):
        kept = set(kept)
        acts = net.forward(x, keep=iter(kept), grad=grad)
        assert set(acts) == kept and acts.shapes == whole.shapes
        for name in kept:
            np.testing.assert_array_equal(acts[name], whole[name])
        assert list(acts.caches) == list(whole.caches)
        for name in acts.caches:                            # caches never depend on keep
            for some, other in zip(arrays_in(acts.caches[name]), arrays_in(whole.caches[name]), strict=True):
                np.testing.assert_array_equal(some, other)
        if grad:
            seeds = {names[-1]: normal(whole, names[-1])}
            assert_same(net.backward(acts, seeds)[0], net.backward(whole, seeds)[0])
    assert set(net.forward(x, keep=names[2])) == {names[2]}
    acts = net.forward(x, keep=[], until=names[3])
    assert not acts
    with pytest.raises(UnknownName, match=f"the output of '{names[2]}' was not kept: name it in keep="):
        acts[names[2]]


def test_grad_none_remembers_nothing(vgg):
    acts = vgg.forward(picture(vgg), grad=None)
    assert acts.caches == {}
    assert_same(acts, vgg.forward(picture(vgg)))


def test_an_image_pass_remembers_signs_and_switches_alone(vgg):
    """A bit or a byte an element for ReLUs and pools, and nothing for the rest: what makes saliency of a VGG cheap."""
    acts = vgg.forward(picture(vgg))
    for name, cache in acts.caches.items():
        kinds = {a.dtype for a in arrays_in(cache)}
        expected = {ReLU: {np.dtype(bool)}, MaxPool2D: {np.dtype(np.uint8)}}.get(type(vgg.layers[name]), set())
        assert kinds == (expected if name != "prob" else {acts.dtype})


@pytest.mark.parametrize("change, message", [
    (lambda x: x[0], r"the net reads \(N, H, W, 3\), got \(16, 16, 3\)"),
    (lambda x: x[..., :1], r"the net reads \(N, H, W, 3\), got \(2, 16, 16, 1\)"),
    (lambda x: x[:0], r"the net reads \(N, H, W, 3\), got \(0, 16, 16, 3\)"),
    (lambda x: x.tolist(), r"the net reads \(N, H, W, 3\), got list"),
    (lambda x: x.astype(np.float32), "the net is float64, the input float32; convert with net.astype"),
    (lambda x: (99 * x).astype(np.uint8), "the net is float64, the input uint8"),
    (lambda x: x[:, :8], r"FullyConnected expects an input of 2 axes ending in 128, got \(2, 64\)"),
])  # fmt: skip
def test_wrong_inputs(vgg, change, message):
    with pytest.raises(BadValue, match=message):
        vgg.forward(change(picture(vgg)))


def test_wrong_names_and_settings_of_a_forward(vgg):
    x = picture(vgg)
    for kwargs in ({"until": "conv1_3"}, {"keep": ["conv1_3"]}, {"keep": "conv1_3"}):
        with pytest.raises(UnknownName, match=r"no layer named 'conv1_3'; did you mean 'conv1_[12]'\? Choose from: in"):
            vgg.forward(x, **kwargs)
    with pytest.raises(UnknownName, match="no grad named 'parms'; did you mean 'params'"):
        vgg.forward(x, grad="parms")


# --- backward ---

@both
def test_backward_is_the_gradient_at_every_layer(make):
    """Finite differences along a random direction."""
    net = make(dtype=np.float64)
    x = picture(net, n=1)
    acts = net.forward(x, grad="params")
    last = list(net.nodes)[-1]
    seeds = {last: normal(acts, last)}
    dacts, dparams = net.backward(acts, seeds, param_grads=True)
    d = np.random.default_rng(3).standard_normal(x.shape)
    slope = sum(s * (net.forward(x + s * 1e-6 * d)[last] * seeds[last]).sum() for s in (1, -1)) / 2e-6
    assert (dacts["input"] * d).sum() == pytest.approx(slope, rel=1e-6)
    assert set(dacts) == {"input"}
    assert set(dparams) == {name for name, layer in net.layers.items() if layer.params}


def test_branches_that_meet_add_up(rng):
    """A layer read by three others, one of them directly by the sum; every gradient by finite differences."""
    weights = Weights(0, np.float64)
    net = Network().add("stem", weights.conv(2, 2, 3, 4)).add("a", weights.conv(1, 1, 4, 4), "stem")
    net.add("b", weights.conv(3, 3, 4, 4, padding=1), "stem").add("sum", Add(), "a", "b", "stem", "stem")
    net.add("all", Concat(), "sum", "stem").add("last", weights.conv(1, 1, 8, 2))
    x = rng.standard_normal((2, 4, 3, 3))
    acts = net.forward(x)
    seeds = {"last": normal(acts, "last"), "b": normal(acts, "b", 1)}
    dacts, _ = net.backward(acts, seeds)

    def both_ends(t):
        acts = net.forward(t)
        return np.array([(acts[name] * seed).sum() for name, seed in seeds.items()])

    np.testing.assert_allclose(dacts["input"], numerical_gradient(both_ends, x, np.ones(2)), rtol=1e-6, atol=1e-8)


@both
@pytest.mark.parametrize("rule", ["normal", "deconv", "guided"])
def test_each_relu_follows_the_rule_by_hand(make, rule):
    """Hidden FC ReLUs as well as convolutional ones: every one that is its input's only reader."""
    net = make(dtype=np.float64)
    acts = net.forward(picture(net))
    logits = net.role("logits")
    dacts, _ = net.backward(acts, {logits: normal(acts, logits)}, relu_rule=rule, keep="all")
    sources = [source for node in net.nodes.values() for source in node.inputs]
    checked = 0
    for name, (layer, (source, *_)) in net.nodes.items():
        if isinstance(layer, ReLU) and sources.count(source) == 1:
            x, dout = acts[source], dacts[name]
            on = (x > 0) & (x < (layer.max_value or np.inf))
            passes = {"normal": on, "deconv": dout > 0, "guided": on & (dout > 0)}[rule]
            np.testing.assert_array_equal(dacts[source], np.where(passes, dout, 0))
            assert passes.any() and not passes.all()
            checked += 1
    assert checked >= 2


@both
def test_the_forward_result_never_depends_on_the_rule(make):
    net = make()
    x, logits = picture(net), net.role("logits")
    before = {name: a.copy() for name, a in net.forward(x).items()}
    acts = net.forward(x)
    pictures = {}
    for rule in [*RELU_RULES, *reversed(RELU_RULES)]:       # one forward feeds them all, in any order
        dacts, _ = net.backward(acts, {logits: normal(acts, logits)}, relu_rule=rule)
        np.testing.assert_array_equal(dacts["input"], pictures.setdefault(rule, dacts["input"]))
        assert_same(acts, before)
        assert_same(net.forward(x), before)
    assert len({p.tobytes() for p in pictures.values()}) == len(RELU_RULES)


@both
def test_seeds_on_several_layers_add_up(make):
    net = make(dtype=np.float64)
    acts = net.forward(picture(net), grad="params")
    names = [*list(net.nodes)[3::4], list(net.nodes)[-1], "input"]
    seeds = {name: normal(acts, name, i) for i, name in enumerate(names)}
    together, dparams = net.backward(acts, seeds, param_grads=True)
    apart = [net.backward(acts, {name: seed}, param_grads=True) for name, seed in seeds.items()]
    np.testing.assert_allclose(together["input"], sum(dacts["input"] for dacts, _ in apart), rtol=0, atol=1e-9)
    for name, grads in dparams.items():
        for key, grad in grads.items():
            total = sum(alone[name][key] for _, alone in apart if name in alone)
            np.testing.assert_allclose(grad, total, rtol=0, atol=1e-9)


def test_a_seed_reaches_only_what_lies_below(vgg):
    acts = vgg.forward(picture(vgg), grad="params")
    dacts, dparams = vgg.backward(acts, {"relu1_2": normal(acts, "relu1_2")}, param_grads=True, keep="all")
    assert set(dacts) == {"input", "conv1_1", "relu1_1", "conv1_2", "relu1_2"}
    assert set(dparams) == {"conv1_1", "conv1_2"}
    seed = normal(acts, "input")
    np.testing.assert_array_equal(vgg.backward(acts, {"input": seed})[0]["input"], seed)


def test_the_gradient_before_and_after_a_softmax(vgg):
    """A seed at fc8 leaves the softmax out: other classes do not leak in (Simonyan et al. 2014)."""
    acts = vgg.forward(picture(vgg))
    seed = np.eye(5)[[1, 2]]
    plain, leaked = vgg.backward(acts, {"fc8": seed})[0], vgg.backward(acts, {"prob": seed})[0]
    assert not np.allclose(plain["input"], leaked["input"])


@both
def test_keep_of_a_backward(make):
    net = make()
    acts, logits = net.forward(picture(net)), net.role("logits")
    seeds = {logits: normal(acts, logits)}
    whole, _ = net.backward(acts, seeds, keep="all")
    assert set(whole) == set(acts.shapes) - {"prob"}
    for keep in ((), ("input",), ["input", logits], (list(net.nodes)[2],), "input", list(net.nodes)[3]):
        dacts, _ = net.backward(acts, seeds, keep=keep)
        assert set(dacts) == ({keep} if isinstance(keep, str) else set(keep))
        for name in dacts:
            np.testing.assert_array_equal(dacts[name], whole[name])


def test_input_is_not_kept_unasked_even_where_branches_read_it(rng):
    weights = Weights(0)
    net = Network().add("a", weights.conv(1, 1, 3, 3)).add("sum", Add(), "a", "input")
    acts = net.forward(rng.standard_normal((1, 2, 2, 3)).astype(np.float32))
    seeds = {"sum": normal(acts, "sum"), "input": normal(acts, "input")}
    assert set(net.backward(acts, seeds, keep=("a",))[0]) == {"a"}
    assert set(net.backward(acts, seeds)[0]) == {"input"}


def test_seeds_are_left_as_they_are(vgg):
    acts = vgg.forward(picture(vgg))
    seeds = {"fc8": normal(acts, "fc8"), "relu1_1": normal(acts, "relu1_1")}
    copies = {name: seed.copy() for name, seed in seeds.items()}
    for seed in seeds.values():
        seed.flags.writeable = False
    vgg.backward(acts, seeds, keep="all")
    assert_same(seeds, copies)


class Counted(Layer):
    """Passes on, and counts how many arrays that it has made are alive."""

    def __init__(self):
        super().__init__()
        self.made, self.most = [], 0

    def new(self, array):
        array = array + 1
        self.made.append(weakref.ref(array))
        self.most = max(self.most, sum(ref() is not None for ref in self.made))
        return array

    def forward(self, x, *, mode):
        return self.new(x), None

    def backward(self, dout, cache, mode):
        return (self.new(dout),), {}


def counted_chain(length=8):
    net, layer = Network(), Counted()
    for i in range(length):
        net.add(f"layer{i}", layer)
    return net, layer, np.zeros((1, 2, 2, 3), np.float32)


def test_outputs_that_nobody_needs_are_freed_on_the_way():
    net, layer, x = counted_chain()
    acts = net.forward(x, keep=["layer2"])
    assert layer.most <= 3                                  # the kept one, the one read, the one written
    assert set(acts) == {"layer2"}


def test_gradients_are_freed_on_the_way():
    net, layer, x = counted_chain()
    acts = net.forward(x)
    for keep, most in ((("input",), 2), (("layer5",), 3), ("all", 8)):
        layer.made, layer.most = [], 0
        net.backward(acts, {"layer7": np.ones_like(x)}, keep=keep)
        assert layer.most <= most


class Asked(Layer):
    """Notes whether it ran backwards, and whether its dx was wanted."""

    ran = asked = False

    def forward(self, x, *, mode):
        return x, None

    def backward(self, dout, cache, mode):
        self.ran, self.asked = True, mode.input_grads
        return (dout,), {}


def test_the_gradient_at_the_image_costs_nothing_when_nobody_wants_it():
    """Training: the first convolution makes no dx."""
    x = np.zeros((1, 2, 2, 3), np.float32)
    for keep, wanted in ((("first",), False), ((), False), (("input",), True)):
        first, second = Asked(), Asked()
        net = Network().add("first", first).add("second", second)
        net.backward(net.forward(x, grad="params"), {"second": x}, keep=keep, param_grads=True)
        assert (first.asked, second.asked) == (wanted, True) and first.ran


@pytest.mark.parametrize("fuse", [True, False])
def test_a_backward_pass_runs_nothing_below_what_is_asked_for(fuse):
    x = np.ones((1, 2, 2, 3), np.float32)
    for keep, runs in ((("first",), (False, True)), ((), (False, False)), (("input",), (True, True)),
                       (("second",), (False, False)), ("all", (True, True))):
        first, second = Asked(), Asked()
        net = Network().add("first", first).add("second", second)
        dacts, _ = net.backward(net.forward(x, fuse=fuse), {"second": x}, keep=keep)
        assert (first.ran, second.ran) == runs
        assert set(dacts) == ({"input", "first", "second"} if keep == "all" else set(keep))


@pytest.mark.parametrize("seeds, kwargs, kind, message", [
    (lambda a: {}, {}, BadValue, r"backward needs a seed: \{layer name: gradient there\}"),
    (lambda a: {"fc9": a["fc7"]}, {}, UnknownName, "no layer named 'fc9'; did you mean 'fc[678]'"),
    (lambda a: {"fc8": np.ones((2, 5))}, {}, BadValue, "a seed at 'fc8', but this pass ended before it, at 'relu7'"),
    (lambda a: {"fc7": a["fc7"][:1]}, {}, BadValue, r"seed at 'fc7' must be float64 \(2, 7\), got float64 \(1, 7\)"),
    (lambda a: {"fc7": a["fc7"].astype(np.float32)}, {}, BadValue, r"must be float64 .*, got float32 \(2, 7\)"),
    (lambda a: {"fc7": 1.0}, {}, BadValue, r"the seed at 'fc7' must be float64 \(2, 7\), got a float"),
    (lambda a: {"fc7": a["fc7"]}, {"relu_rule": "Guided"}, UnknownName, "'Guided'; did you mean 'guided'"),
    (lambda a: {"fc7": a["fc7"]}, {"keep": ["fc9"]}, UnknownName, "no layer named 'fc9'"),
    (lambda a: {"fc7": a["fc7"]}, {"param_grads": True}, BadValue,
     "this forward pass did not keep the layers' inputs: run it with grad='params' for param_grads"),
])  # fmt: skip
def test_mistakes_of_a_backward(vgg, seeds, kwargs, kind, message):
    acts = vgg.forward(picture(vgg), until="relu7")
    with pytest.raises(kind, match=message):
        vgg.backward(acts, seeds(acts), **kwargs)


def test_backward_needs_a_forward_of_this_net_that_remembered(vgg):
    acts = vgg.forward(picture(vgg), grad=None)
    with pytest.raises(BadValue, match="this forward pass kept nothing for a backward pass: run it with grad='image'"):
        vgg.backward(acts, {"fc8": acts["fc8"]})
    acts = vgg.forward(picture(vgg))
    with pytest.raises(BadValue, match="these activations come from a different net"):
        tiny_vgg(1, np.float64).backward(acts, {"fc8": acts["fc8"]})


# --- stateless ---

def fingerprint(net):
    """All that a net is, as one text to compare."""
    nodes = [
        (name, inputs, repr(layer), {k: (p.dtype, p.tobytes()) for k, p in layer.params.items()})
        for name, (layer, inputs) in net.nodes.items()
    ]
    return repr((nodes, net.preprocessing, net.class_names, net.class_aliases, net.roles, net.about))


@both
def test_a_net_is_unchanged_after_any_call(make):
    net = make()
    before, x, logits = fingerprint(net), picture(net), net.role("logits")
    for training in (False, True):
        for grad in (None, "image", "params"):
            acts = net.forward(x, grad=grad, training=training, rng=np.random.default_rng(0))
            for rule in RELU_RULES if grad else ():
                net.backward(acts, {logits: acts[logits]}, relu_rule=rule, param_grads=grad == "params", keep="all")
    net.shapes(x.shape), net.receptive_field(logits, x.shape), net.astype(np.float64), net.role("code")
    with pytest.raises(MinivisError):
        net.forward(x, until="nothing")
    assert fingerprint(net) == before
    for layer in net.layers.values():
        for p in layer.params.values():
            assert not p.flags.writeable


@pytest.fixture
def often():
    """Threads take turns every few microseconds: what could go wrong, goes wrong here."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@both
def test_many_threads_share_one_net(make, often):
    """Passes of different pictures by all rules at once equal those one after another, bit for bit."""
    net = make()
    logits = net.role("logits")

    def one(i):
        acts = net.forward(picture(net, seed=i), grad="params", training=i % 2 == 1)
        rule = list(RELU_RULES)[i % 3]
        return net.backward(acts, {logits: normal(acts, logits, i)}, relu_rule=rule, param_grads=True, keep="all")

    serial = [one(i) for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            for got, expected in zip(pool.map(one, range(24)), serial, strict=True):
                assert_same(got[0], expected[0])
                assert_same(got[1], expected[1])


def test_derived_weights_are_made_once_for_all_threads(often):
    layer, made = Conv2D(np.ones((1, 1, 1, 1))), []
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda i: layer.derive("key", lambda: made.append(i) or len(made)), range(100)))
    assert len(made) == 1 and set(values) == {1}


def layers_in(run):
    """The layers that a step of a plan runs."""
    if hasattr(run, "layer"):
        return [run.layer]
    return run.layers if hasattr(run, "layers") else [*run.first.layers, *run.second.layers]


@both
def test_nets_pickle(make):
    net = make()
    first = next(layer for layer in net.layers.values() if layer.params)
    first.derive("transformed", lambda: 1)
    copy = pickle.loads(pickle.dumps(net))
    assert fingerprint(copy) == fingerprint(net)
    for layer in copy.layers.values():
        assert layer.derived == {} and layer.lock is not first.lock
        assert all(not p.flags.writeable for p in layer.params.values())
    assert first.derived
    copy.layers[next(iter(copy.nodes))].derive("again", lambda: 2)
    x = picture(net)
    last = next(reversed(net.nodes))
    assert_same(copy.forward(x, keep=[last]), net.forward(x, keep=[last]))
    again = pickle.loads(pickle.dumps(net))                 # with the plans that it has by now
    assert_same(again.forward(x), net.forward(x))
    run = {id(layer) for plan in again.plans.values() for step in plan for layer in layers_in(step.run)}
    assert run and run <= {id(layer) for layer in again.layers.values()}
    acts = pickle.loads(pickle.dumps(net.forward(x)))
    logits = net.role("logits")
    acts.net.backward(acts, {logits: acts[logits]})         # a pass travels with its net


@both
def test_astype_is_a_new_net(make):
    net = make()
    wide, before = net.astype(np.float64), fingerprint(net)
    assert (wide.dtype, net.dtype) == (np.float64, np.float32) and fingerprint(net) == before
    assert {p.dtype for layer in wide.layers.values() for p in layer.params.values()} == {np.dtype("float64")}
    x = picture(net)
    logits = net.role("logits")
    np.testing.assert_allclose(wide.forward(x.astype(np.float64))[logits], net.forward(x)[logits], atol=1e-4)
    assert fingerprint(wide.astype(np.float32)) == before


# --- building ---

def test_facts(vgg):
    assert vgg.input_size == (16, 16) and vgg.input_channels == 3 and Network().input_size is None
    assert vgg.dtype == np.float64 and Network().dtype == np.float32
    assert vgg.parameter_count == sum(p.size for layer in vgg.layers.values() for p in layer.params.values())
    assert vgg.shapes()["pool2"] == (1, 4, 4, 8) and vgg.shapes((3, 16, 16, 3))["fc8"] == (3, 5)


def test_pictures_in_and_out(vgg, rng):
    image = rng.integers(0, 256, (40, 30, 3), np.uint8)
    fitted = vgg.fit(image)
    assert fitted.image.shape == (16, 16, 3) and (fitted.box.height, fitted.box.width) == (26, 26)
    x = vgg.preprocess(fitted)
    assert x.dtype == vgg.dtype and x.shape == (1, 16, 16, 3)
    np.testing.assert_array_equal(x, vgg.preprocess(fitted.image))
    np.testing.assert_allclose(vgg.deprocess(x)[0], fitted.image, atol=1e-9)
    np.testing.assert_allclose(vgg.preprocess_adjoint(x), x / 60)
    assert vgg.fit(image, how="squash").box.height == 40


def test_grey_nets_run_too():
    net = tiny_vgg(channels=1)
    x = np.ones((1, 16, 16, 1), np.float32)
    acts = net.forward(x)
    assert net.backward(acts, {"fc8": acts["fc8"]})[0]["input"].shape == x.shape
    with pytest.raises(BadValue, match=r"the net reads \(N, H, W, 1\)"):
        net.forward(np.ones((1, 16, 16, 3), np.float32))


# --- devices, without a device ---

def test_devices(vgg, monkeypatch):
    assert fingerprint(vgg.to("cpu")) == fingerprint(vgg)
    with pytest.raises(UnknownName, match=r"no device named 'cuda'\. Choose from: cpu, gpu"):
        vgg.to("cuda")
    monkeypatch.setitem(sys.modules, "cupy", None)          # import cupy: ImportError
    with pytest.raises(MissingExtra, match=r"the GPU needs CuPy, which is not installed: pip install 'minivis\[gpu\]'"):
        vgg.to("gpu")


def test_a_machine_without_a_gpu(vgg, monkeypatch):
    class CUDARuntimeError(RuntimeError):
        pass

    def absent():
        raise CUDARuntimeError("cudaErrorNoDevice")

    for count, message in ((lambda: 0, "this machine shows it no GPU; use"), (absent, r"no GPU \(cudaErrorNoDevice\)")):
        runtime = types.SimpleNamespace(getDeviceCount=count, CUDARuntimeError=CUDARuntimeError)
        fake = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime), ndarray=type("ndarray", (), {}))
        monkeypatch.setitem(sys.modules, "cupy", fake)
        with pytest.raises(MissingExtra, match=message):
            vgg.to("gpu")


def test_net_and_input_on_different_devices(vgg, monkeypatch):
    class Elsewhere(np.ndarray):
        pass

    fake = types.SimpleNamespace(ndarray=Elsewhere)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    with pytest.raises(BadValue, match=r"different devices; move the net with net.to\('cpu' \| 'gpu'\)"):
        vgg.forward(picture(vgg).view(Elsewhere))


def test_an_empty_net_and_one_without_parameters(rng):
    x = rng.standard_normal((1, 2, 2, 3)).astype(np.float32)
    acts = Network().forward(x)
    assert list(acts) == ["input"]
    net = Network().add("f", Flatten())
    np.testing.assert_array_equal(net.forward(x)["f"], x.reshape(1, 12))
    wide = x.astype(np.float64)                             # nothing to disagree with
    assert net.backward(net.forward(wide), {"f": wide.reshape(1, 12)})[0]["input"].dtype == np.float64
    with pytest.raises(BadValue, match="the net is float32, the input uint8"):
        net.forward(np.ones((1, 2, 2, 3), np.uint8))


def test_a_net_may_end_in_several_layers(rng):
    weights = Weights(0, np.float64)
    net = Network().add("f", Flatten()).add("one", weights.fc(12, 2), "f").add("two", weights.fc(12, 3), "f")
    acts = net.forward(rng.standard_normal((1, 2, 2, 3)))
    dacts, _ = net.backward(acts, {"two": np.ones((1, 3))})
    assert isinstance(net.layers["one"], FullyConnected)
    np.testing.assert_allclose(dacts["input"].ravel(), net.layers["two"].params["w"].sum(axis=1))
