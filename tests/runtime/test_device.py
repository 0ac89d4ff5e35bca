"""Whole nets and methods on device arrays: the same numbers, and nothing is taken for NumPy's on the way."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import stand_in
from commandline import scene
from passes import both_ways
from tuned import tune

import minivis as mv
from minivis.convolution import run
from minivis.engine import memory
from minivis.engine.surgery import trunk
from minivis.errors import TooLarge
from minivis.images.provenance import versions
from minivis.layers import Conv2D
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.objectives import activations as ob
from minivis.objectives import priors
from minivis.objectives.base import objective
from minivis.optimize.budget import memory_of
from minivis.optimize.lbfgs import by_two_loops
from minivis.optimize.loop import optimize
from minivis.optimize.parameterize import fourier, pixels
from minivis.optimize.problem import Problem
from minivis.optimize.transforms import blur, crop, jitter, pad, warp
from minivis.optimize.update_rules import LBFGS, Adam, Gradient
from minivis.optimize.watch import Watch
from minivis.runtime.backend import get_xp, to_cpu


@pytest.fixture(params=["plain", "kernels"])
def device(request):
    """The stand-in for CuPy, without and with CUDA kernels; a net goes there by net.to("gpu")."""
    if request.param == "kernels" and not stand_in.COMPILER:
        pytest.skip("no g++ here: the CUDA kernels are not tested")
    with stand_in.installed(request.param == "kernels") as cupy:
        yield cupy


@pytest.fixture
def one_lbfgs(monkeypatch):
    """The device's L-BFGS on the CPU too: within bounds scipy's takes other steps to the same minimum."""
    monkeypatch.setattr("minivis.optimize.loop.by_scipy", by_two_loops)


def test_the_stand_in_refuses_what_cupy_refuses(device):
    here, there = np.ones((2, 3)), device.ones((2, 3))
    for mixed in (
        lambda: here + there, lambda: there + here, lambda: there @ here.T, lambda: np.maximum(there, 0),
        lambda: np.asarray(there), lambda: there.__iadd__(here), lambda: device.maximum(there, here),
        lambda: there.__setitem__(0, here[0]), lambda: there[np.array([0])], lambda: here.__setitem__(0, there[0]),
        lambda: device.matmul(there, there.T, out=np.empty((2, 2))), lambda: np.zeros(3).__setitem__(there[0] > 0, 1),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            mixed()
    assert get_xp(there) is device and isinstance(there.get(), np.ndarray)
    assert float((there * 2).sum()) == 12 and (there.mean(axis=1) == 1).all()


@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_net_passes_forward_and_back(device, make, dtype, rng):
    net = make(dtype=dtype)
    there = net.to("gpu")
    x = rng.standard_normal((2, *(net.input_size or (21, 26)), 3)).astype(dtype)
    last = list(net.nodes)[-1]
    for keep in (None, [last]):
        acts = net.forward(x, grad="params", keep=keep)
        moved = there.forward(device.asarray(x), grad="params", keep=keep)
        assert set(acts) == set(moved)
        for name in acts:
            np.testing.assert_allclose(to_cpu(moved[name]), acts[name], rtol=1e-4, atol=1e-5)
        seed = rng.standard_normal(acts[last].shape).astype(dtype)
        for rule in ("normal", "guided", "deconv"):
            stand_in.transfers.update({"to host": 0, "to device": 0})
            got = there.backward(moved, {last: device.asarray(seed)}, relu_rule=rule, param_grads=True)
            assert stand_in.transfers == {"to host": 0, "to device": 1}, "a pass moves nothing but the seed above"
            wanted = net.backward(acts, {last: seed}, relu_rule=rule, param_grads=True)
            near(got[0]["input"], wanted[0]["input"])
            for name, grads in wanted[1].items():
                for key, grad in grads.items():
                    near(got[1][name][key], grad)


@pytest.mark.parametrize("w_shape, settings", [
    ((3, 3, 16, 20), {"padding": ((2, 0), (1, 1))}),                                            # Winograd
    ((3, 3, 17, 16), {}),
    ((3, 3, 5, 6), {"padding": 1, "stride": (2, 1)}),                                           # windows as rows
    ((3, 2, 4, 6), {"padding": "same", "dilation": (2, 1)}),
    ((5, 3, 2, 6), {"groups": 3, "padding": (2, 0)}),
    ((3, 3, 1, 6), {"groups": 6, "stride": 2, "padding": ((0, 1), (0, 1))}),
    ((1, 1, 18, 16), {"stride": 2}),
])  # fmt: skip
def test_a_convolution_of_every_kind(device, w_shape, settings, rng, monkeypatch):
    tune(monkeypatch, device_rows_bytes=20_000)                  # in several pieces
    w, b = rng.standard_normal(w_shape), rng.standard_normal(w_shape[3])
    x = rng.standard_normal((3, 11, 14, w_shape[2] * settings.get("groups", 1)))
    wanted = both_ways(Conv2D(w, b, **settings), x)
    got = both_ways(Conv2D(w, b, **settings), x, dout=wanted[1], xp=device)
    for index in (0, 2, 3):                                                 # out, dxs, dparams
        near_all(got[index], wanted[index])


def test_the_plan_of_the_cpu_is_the_devices():
    """What is fused here is fused there, and its middle is nowhere; forward takes one step, backward each layer's."""
    if not stand_in.COMPILER:
        pytest.skip("no g++ here: the CUDA kernels are not tested")
    net = tiny_vgg()
    x = net.preprocess(np.full((16, 16, 3), 90, np.uint8))
    with stand_in.installed(kernels=True) as cupy:
        stand_in.launched.clear()
        acts = net.to("gpu").forward(cupy.asarray(x), keep=["fc8"])
        convolutions = sum(isinstance(layer, Conv2D) for layer in net.layers.values())
        assert stand_in.launched.count("finish") == convolutions and list(acts) == ["fc8"]


def near_all(there, here):
    if isinstance(here, np.ndarray):
        return near(there, here, 1e-12)
    assert len(there) == len(here)
    for one, other in zip(*(part.values() if isinstance(part, dict) else part for part in (there, here))):
        near_all(one, other)


def near(there, here, bound=1e-4):
    """Alike in the L2 norm: another order of sums, and in float32 another way to convolve."""
    assert np.linalg.norm(to_cpu(there) - here) <= bound * np.linalg.norm(here)


OBJECTIVES = {
    "score": lambda: ob.score("fc8", 3), "position": lambda: ob.neuron("conv2_1", 2, (1, 2)),
    "strongest": lambda: ob.neuron("relu2_1", 1, "max"), "log p": lambda: ob.log_probability("fc8", 1),
    "p": lambda: ob.probability("prob", 1), "between": lambda: ob.interpolation("conv2_1", 0, 3),
    "energy": lambda: ob.energy("relu2_1"), "alike": lambda: ob.diversity("relu2_1"),
    "direction": lambda: ob.direction("conv2_1", np.linspace(-1, 1, 8)),
    "image": lambda: priors.l2() + 0.1 * priors.tv() + priors.alpha_norm(),
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective(device, name, rng):
    net = tiny_vgg()
    x = rng.standard_normal((2, *net.input_size, 3)).astype("f4")
    wanted, (loss, seeds) = OBJECTIVES[name]().evaluate(net.forward(x)), OBJECTIVES[name]()(net.forward(x))
    got = OBJECTIVES[name]().evaluate(net.to("gpu").forward(device.asarray(x)))
    np.testing.assert_allclose(got.losses, wanted.losses, rtol=1e-4)
    assert got.loss == pytest.approx(loss, rel=1e-4) and set(got.seeds) == set(seeds)
    for layer, seed in seeds.items():
        assert get_xp(got.seeds[layer]) is device
        near(got.seeds[layer], seed)


TRANSFORMS = [jitter(3), blur(0.5, 1.5), warp(scale=(0.9, 1.1), rotate=10, shift=2), pad(3), crop(12, 14)]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_a_transform_and_its_adjoint(device, transform, rng):
    shape = (2, 18, 16, 3)
    x = rng.standard_normal(shape).astype("f4")
    here = transform(np.random.default_rng(5), shape)
    there = transform(np.random.default_rng(5), shape)
    y = here.forward(x)
    near(there.forward(device.asarray(x)), y, 1e-6)
    near(there.adjoint(device.asarray(y)), here.adjoint(y), 1e-6)


@pytest.mark.parametrize("parameterize", [pixels, fourier])
@pytest.mark.parametrize("method", [Adam(1.0), Gradient(1.0, momentum=0.9), LBFGS()], ids=lambda m: type(m).__name__)
def test_an_image_is_optimised(device, one_lbfgs, parameterize, method):
    net = tiny_vgg()
    objective = -1 * ob.score("fc8", 3) + 1e-3 * priors.tv()
    moves = () if isinstance(method, LBFGS) else (jitter(2),)
    losses = []
    for where in (net, net.to("gpu")):
        parameterization = parameterize(where, (1, *net.input_size, 3))
        problem = Problem(where, objective, parameterization, moves)
        start = parameterization.start(np.full((1, *net.input_size, 3), 100.0, np.float32))
        losses.append(optimize(problem, start, method=method, steps=4).loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_step_moves_the_losses_and_nothing_else(device):
    net = tiny_vgg().to("gpu")
    parameterization = fourier(net, (2, *net.input_size, 3))
    problem = Problem(net, -1 * ob.score("fc8", 3) + 1e-3 * priors.l2(), parameterization, (jitter(2),))
    z, memory = parameterization.grey(), {}
    for step in range(3):
        stand_in.transfers.update({"to host": 0, "to device": 0})
        found, dz = problem.gradient(z, np.random.default_rng(step))
        z = Adam(1.0).step(z, dz, memory, step, found.losses)
        assert stand_in.transfers["to device"] <= 1 and stand_in.transfers["to host"] <= 3


def test_the_memory_that_counts_is_the_devices(device):
    net = tiny_vgg()
    assert memory.available(net.to("gpu")) == stand_in.FREE and memory.available(net) == memory.available() > 0
    with pytest.raises(TooLarge, match=r"8\.6 GB are free"):
        memory.check_fits(tiny_branches().to("gpu"), (64, 4000, 4000, 3))


METHODS = {
    "classify": lambda net, image: mv.classify(net, image),
    "activations": lambda net, image: mv.activation_grid(net, image),
    "filters": lambda net, image: mv.filter_grid(net),
    "occlusion": lambda net, image: mv.occlusion(net, image, window=6, stride=4),
    "backprop": lambda net, image: mv.backprop(net, image),
    "a neuron": lambda net, image: mv.backprop(net, image, "conv2_1:2@max"),
    "all kinds of saliency": lambda net, image: mv.saliency_kinds(net, image, samples=3, steps=4),
    "curves": lambda net, image: mv.insertion_deletion(net, image, kinds=("gradient", "gradcam"), steps=4),
    "sanity": lambda net, image: mv.sanity_check(net, image, kinds=("gradient",)),
    "receptive field": lambda net, image: mv.effective_receptive_field(net, images=fitted(net, image)),
    "maximize": lambda net, image: mv.maximize(net, "goose", steps=3),
    "invert": lambda net, image: mv.invert(net, image, "relu2_1", steps=3),
    "dream": lambda net, image: mv.dream(net, image, "relu2_1", octaves=2, steps=2, jitter=3),
    "guided dream": lambda net, image: mv.dream(net, image, "relu2_1", guide=image, octaves=1, steps=2, jitter=3),
    "style": lambda net, image: mv.style_transfer(net, image, image[::-1].copy(), size=32, steps=3),
    "texture": lambda net, image: mv.texture(net, image, size=32, steps=3),
    "fool": lambda net, image: mv.fool(net, image, eps=8, steps=3),
}
ATTACKS = {
    "fgsm": lambda net, x: mv.fgsm(net, x), "pgd": lambda net, x: mv.pgd(net, x, steps=3),
    "pgd, L2": lambda net, x: mv.pgd(net, x, norm="L2", eps=300, steps=3),
    "deepfool": lambda net, x: mv.deepfool(net, x, steps=3),
    "szegedy": lambda net, x: mv.szegedy(net, x, steps=3, searches=2),
}


def fitted(net, image):
    return net.fit(image).image[None]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_gives_the_same_pixels(device, attack):
    net, pictures = tiny_vgg(), fitted(tiny_vgg(), scene())
    here, there = (ATTACKS[attack](one, pictures) for one in (net, net.to("gpu")))
    assert get_xp(there) is device and np.abs(here.astype(float) - there.get()).mean() < 0.05


@pytest.mark.parametrize("method", METHODS)
def test_a_method_gives_the_same_numbers(device, one_lbfgs, method):
    net, image = tiny_vgg(), scene()
    here, there = METHODS[method](net, image), METHODS[method](net.to("gpu"), image)
    compare(here.numbers, there.numbers)
    assert np.abs(here.picture().astype(int) - there.picture()).mean() < 0.5


def compare(here, there):
    """Nested dicts and lists of numbers, alike up to rounding."""
    assert type(here) is type(there)
    if isinstance(here, dict):
        assert set(here) == set(there)
        for key in here:
            compare(here[key], there[key])
    elif isinstance(here, (list, tuple)):
        assert len(here) == len(there)
        for one, other in zip(here, there):
            compare(one, other)
    elif isinstance(here, float):
        assert here == pytest.approx(there, rel=2e-3, abs=1e-5)
    else:
        assert here == there


# ---- what a device lacks ----

@pytest.fixture
def small(device, monkeypatch):
    """A device that runs out of memory in pictures higher than 40 pixels; and tiles that fit."""
    limit, pick = {"height": 40}, run.pick

    def short(layer, direction, like, x_shape, mode):
        if x_shape[1] > limit["height"]:
            raise device.cuda.memory.OutOfMemoryError("Out of memory allocating 3,221,225,472 bytes")
        return pick(layer, direction, like, x_shape, mode)

    monkeypatch.setattr(run, "pick", short)
    monkeypatch.setattr("minivis.optimize.loop.TILE", 32)
    return limit


@pytest.mark.parametrize("method", [Adam(1.0), LBFGS()], ids=lambda m: type(m).__name__)
def test_out_of_memory_it_goes_on_in_tiles(small, method):
    net = trunk(tiny_vgg(), {"relu1_2"}).to("gpu")
    parameterization = pixels(net, (1, 48, 48, 3))
    problem = Problem(net, -1 * ob.energy("relu1_2") + 1e-3 * priors.tv(), parameterization)
    start = parameterization.start(np.random.default_rng(0).uniform(60, 190, (48, 48, 3)))
    freed = []
    net.xp.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=lambda: freed.append(1))
    run = optimize(problem, start, method=method, steps=4)
    assert run.notes == ("memory ran out in step 1; the run continued in tiles of 32 pixels",)
    assert freed and run.steps == 4
    small["height"] = 99
    assert optimize(problem, start, method=method, steps=4).loss == pytest.approx(run.loss, rel=1e-3)


def test_out_of_memory_in_the_middle_it_goes_on_from_there(small):
    net = trunk(tiny_vgg(), {"relu1_2"}).to("gpu")
    problem = Problem(net, -1 * ob.energy("relu1_2"), pixels(net, (1, 48, 48, 3)), (jitter(3),))
    start = problem.parameterization.start(np.random.default_rng(0).uniform(60, 190, (48, 48, 3)))

    def callback(preview):
        small["height"] = 99 if preview.step != 3 else 40

    small["height"] = 99
    run = optimize(problem, start, method=Adam(1.0), steps=6, watch=Watch(callback=callback, every=1))
    assert run.notes == ("memory ran out in step 4; the run continued in tiles of 32 pixels",) and run.steps == 6
    whole = optimize(problem, start, method=Adam(1.0), steps=6)
    near(to_cpu(run.z), to_cpu(whole.z), 1e-4)


def test_out_of_memory_without_tiles_it_says_which_size_to_try(small, monkeypatch):
    net = tiny_vgg().to("gpu")
    loss = objective("mine", ("conv1_1",), lambda acts: (float(acts["conv1_1"].sum()), {"conv1_1": acts["conv1_1"]}))
    mine = Problem(net, loss, pixels(net, (2, 48, 48, 3)))
    with pytest.raises(TooLarge, match=r"48 x 48 pixels do not fit .*: make the longer side 33 pixels or less"):
        optimize(mine, mine.parameterization.grey(), steps=2)
    monkeypatch.setattr(stand_in, "FREE", memory_of(mine, Adam()) // 4)
    with pytest.raises(TooLarge, match="make the longer side 22 pixels or less"):
        optimize(mine, mine.parameterization.grey(), steps=2)


def test_what_the_pool_keeps_is_free(device, monkeypatch):
    monkeypatch.setattr(stand_in.pool, "free_bytes", lambda: 10**9)
    assert memory.available(tiny_vgg().to("gpu")) == stand_in.FREE + 10**9


def test_a_picture_says_whether_tf32_was_asked_for(device, monkeypatch):
    for asked in ("0", "1"):
        monkeypatch.setenv("CUPY_TF32", asked)
        assert versions()["tf32"] == asked and versions()["cupy"] == "stand-in"


def test_nobody_asks_for_tf32():
    """CuPy rounds factors to 10 bits only where CUPY_TF32 is 1; here by CuPy's own word, where it is installed."""
    pytest.importorskip("cupy", reason="no CuPy here: its default for TF32 is not looked at")
    code = ("import minivis.engine.network, cupy, numpy; from cupy._core import get_compute_type; "
            "print(get_compute_type(numpy.float32) == get_compute_type(numpy.float64))")
    env = {key: value for key, value in os.environ.items() if key != "CUPY_TF32"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "True"
