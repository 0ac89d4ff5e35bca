"""A convolution, its ReLU and its pool as one step: the numbers and caches of the three, one by one."""

import numpy as np
import pytest
from fused_nets import Doubled, Leaky, Smallest, chain, names_run, replaced
from tuned import tune

from minivis.engine.fusion.conv_relu_pool import fusable
from minivis.engine.network import Network
from minivis.layers import Conv2D, MaxPool2D, ReLU
from minivis.runtime.bits import Bits


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


def test_the_maximum_of_a_window_and_its_switch_by_hand():
    """One 1 x 1 filter of weight 1: sums are the picture. 0 and 1 are a window's upper pixels, 2 and 3 the lower."""
    x = np.array([[1.0, 2, -1, -2, 9], [4, 3, -3, -4, 9], [5, 5, 0, 7, 9], [5, 5, 0, 8, 9]]).reshape(1, 4, 5, 1)
    net = Network().add("conv", Conv2D(np.ones((1, 1, 1, 1)))).add("relu", ReLU(6)).add("pool", MaxPool2D(2))
    acts = net.forward(x, keep=["pool"])
    assert names_run(net.plan(keep=["pool"])) == [("conv", "relu", "pool")]
    assert acts["pool"].ravel().tolist() == [4, 0, 5, 6]                        # below 0 and above 6 are cut off
    assert acts.caches["pool"][0].ravel().tolist() == [2, 0, 0, 1]              # a tie goes to the first
    dx = net.backward(acts, {"pool": np.array([10.0, 20, 30, 40]).reshape(1, 2, 2, 1)})[0]["input"]
    wanted = np.zeros((4, 5))
    wanted[1, 0], wanted[2, 0] = 10, 30                 # what was cut off passes nothing back, nor does the odd column
    np.testing.assert_array_equal(dx[0, :, :, 0], wanted)


def test_what_is_fusable_is_of_the_very_classes_and_a_pool_of_two_by_two():
    conv, relu = Conv2D(np.ones((3, 3, 4, 4))), ReLU()
    assert fusable(conv, relu) and fusable(conv, relu, MaxPool2D(2))
    for pool in (MaxPool2D(3), MaxPool2D(2, stride=1), MaxPool2D(2, padding=1), Smallest(2)):
        assert not fusable(conv, relu, pool)
    assert not fusable(conv, Leaky()) and not fusable(Doubled(np.ones((3, 3, 4, 4))), relu)
    assert fusable(Conv2D(np.ones((3, 3, 1, 4)), groups=4), relu)
    assert not fusable(Conv2D(np.ones((3, 3, 2, 4)), groups=2), relu)
