"""The trainer: updates by hand, threads that change nothing, checkpoints that continue to the bit, nets that learn."""

import errno

import h5py
import numpy as np
import pytest
from commandline import contents
from trainings import Corners, assert_same, little_net, params

from minivis.engine.surgery import for_inference, for_training
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.layers import BatchNorm, Conv2D, Dropout
from minivis.models.embedded import emoji_alexnet, emoji_vgg, fashion_vgg
from minivis.models.tiny import tiny_vgg
from minivis.training.trainer import Recipe, Trainer, accuracy, adam, sgd
from minivis.weights.containers import hdf5_write


def test_sgd_by_hand():
    recipe, slots, w = Recipe(steps=9, optimizer="sgd", momentum=0.5), {}, np.array([1.0, -2.0])
    w = sgd(recipe, 0.1, 0, w, np.array([3.0, 1.0]), slots, 0.1)        # v = dw + 0.1*w = 3.1, 0.8
    np.testing.assert_allclose(w, [1 - 0.31, -2 - 0.08])
    w = sgd(recipe, 0.1, 1, w, np.array([1.0, 0.0]), slots, 0.0)        # v = 0.5*v + dw = 2.55, 0.4
    np.testing.assert_allclose(w, [0.69 - 0.255, -2.08 - 0.04])


def test_adam_by_hand():
    recipe, slots, w = Recipe(steps=9, momentum=0.5, beta2=0.75), {}, np.array([1.0, -2.0])
    w = adam(recipe, 0.1, 0, w, np.array([3.0, -1.0]), slots, 0.0)      # the first step is rate * sign(dw)
    np.testing.assert_allclose(w, [0.9, -1.9], rtol=1e-7)
    w = adam(recipe, 0.1, 1, w, np.array([0.0, -1.0]), slots, 0.0)
    m, v = 0.5 * 1.5 / 0.75, 0.75 * 2.25 / 0.4375                       # of the first weight, bias-corrected
    np.testing.assert_allclose(w, [0.9 - 0.1 * m / np.sqrt(v), -1.8], rtol=1e-7)


def test_adams_decay_acts_on_the_weight_and_not_on_the_gradient():
    w = adam(Recipe(steps=1), 0.1, 0, np.array([2.0]), np.array([0.0]), {}, 0.5)
    np.testing.assert_allclose(w, [2.0 - 0.1 * 0.5 * 2.0])


def test_the_rate_warms_up_and_falls_to_zero():
    recipe = Recipe(steps=30, warmup=10, learning_rate=2.0)
    assert recipe.rate(0) == pytest.approx(0.2)
    assert recipe.rate(9) == recipe.rate(10) == pytest.approx(2.0)
    assert recipe.rate(20) == pytest.approx(1.0)
    assert recipe.rate(30) == pytest.approx(0.0)


def test_one_step_is_the_mean_gradient_of_the_whole_batch():
    """Without batch norm and dropout, shards must not show: SGD by one step equals the formula on the whole batch."""
    net, start = tiny_vgg(channels=1, classes=4), tiny_vgg(channels=1, classes=4)
    recipe = Recipe(steps=1, batch=12, shard=3, optimizer="sgd", learning_rate=0.1, warmup=0, weight_decay=0.01)
    Trainer(net, Corners(), recipe, threads=1).run()

    from minivis.layers import cross_entropy

    images, labels = Corners().batch(0, 12)
    acts = start.forward(start.preprocess(images), until="fc8", grad="params")
    _, dlogits = cross_entropy(acts["fc8"], labels)
    _, dparams = start.backward(acts, {"fc8": dlogits}, param_grads=True)
    for name, grads in dparams.items():
        for key, dw in grads.items():
            w = start.layers[name].params[key]
            expected = w - 0.1 * (dw + (0.01 * w if key == "w" else 0))
            np.testing.assert_allclose(net.layers[name].params[key], expected, rtol=1e-4, atol=1e-6)


def test_batch_norm_keeps_a_running_mean_of_the_batches():
    net = little_net()
    recipe = Recipe(steps=1, batch=8, shard=8, warmup=0, norm_momentum=0.75)
    images, _ = Corners().batch(0, 8)
    seen = net.forward(net.preprocess(images), until="conv1_1")["conv1_1"].reshape(-1, 6)
    Trainer(net, Corners(), recipe, threads=1).run()
    norm = net.layers["bn1_1"].params
    np.testing.assert_allclose(norm["mean"], 0.25 * seen.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm["var"], 0.75 + 0.25 * seen.var(axis=0), rtol=1e-4)


def test_threads_change_nothing():
    recipe = Recipe(steps=3, batch=16, shard=4)
    one, three = (Trainer(little_net(), Corners(), recipe, threads=n).run().net for n in (1, 3))
    assert_same(params(one), params(three))


def test_a_resumed_run_ends_as_if_it_had_never_stopped(tmp_path):
    recipe = Recipe(steps=6, batch=8, shard=4)
    whole = Trainer(little_net(), Corners(), recipe).run().net

    class Stop(Exception):
        pass

    def stop_at_2(trainer):
        if trainer.steps_done == 2:
            raise Stop

    with pytest.raises(Stop):
        Trainer(little_net(), Corners(), recipe).run(progress=stop_at_2, checkpoint=tmp_path / "a.h5")
    again = Trainer(little_net(seed=9), Corners(), recipe).resume(tmp_path / "a.h5")
    assert again.steps_done == 2
    assert_same(params(again.run().net), params(whole))


def test_it_learns_and_the_folded_net_is_the_same_function():
    net, test = little_net(), Corners()
    before = accuracy(net, test, 200)[0]
    Trainer(net, Corners(), Recipe(steps=60, batch=32, shard=16, warmup=5, learning_rate=5e-3)).run()
    share, labels, found = accuracy(net, test, 200)
    assert share > 0.95 > before
    assert share == (labels == found).mean()

    folded = for_inference(net)
    assert not any(isinstance(layer, BatchNorm | Dropout) for layer in folded.layers.values())
    assert list(folded.nodes)[:3] == ["conv1_1", "relu1_1", "pool1"]
    x = net.preprocess(test.batch(0, 8)[0])
    np.testing.assert_allclose(folded.forward(x)["fc8"], net.forward(x)["fc8"], rtol=1e-4, atol=1e-4)


def test_unfolding_gives_a_net_to_train_on_with_the_same_function():
    """Whatever it was unfolded with, folding it again gives the weights back."""
    learned = little_net()
    Trainer(learned, Corners(), Recipe(steps=20, batch=16, shard=8, warmup=5)).run()
    folded = for_inference(learned)
    x = folded.preprocess(Corners().batch(500, 40)[0])
    again = for_training(folded, little_net(seed=3), x)
    other = again.preprocess(Corners().batch(900, 8)[0])
    np.testing.assert_allclose(again.forward(other)["fc8"], folded.forward(other)["fc8"], rtol=1e-4, atol=1e-4)
    for (name, key), w in params(for_inference(again)).items():
        np.testing.assert_allclose(w, folded.layers[name].params[key], rtol=1e-4, atol=1e-5, err_msg=f"{name} {key}")
    in_training = again.forward(x, training=True, rng=np.random.default_rng(0))["bn1_1"]     # its own mean and variance
    np.testing.assert_allclose(in_training, folded.forward(x, keep=None)["conv1_1"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("build, megabytes", [(emoji_vgg, 6), (emoji_alexnet, 6), (fashion_vgg, 6)])
def test_the_nets_to_be_trained_have_their_roles_and_fit_their_size(build, megabytes):
    net = for_inference(build(10))
    shapes = net.shapes()
    assert shapes["fc8"] == shapes["prob"] == (1, 10)
    assert net.parameter_count * 2 < megabytes * 1e6                    # as float16
    assert all(net.role(role) for role in ("logits", "prob", "code", "content", "style", "dream"))


def test_emoji_alexnet_has_a_7x7_first_layer_groups_and_lrn():
    layers = emoji_alexnet(10).layers
    assert layers["conv1"].params["w"].shape[:2] == (7, 7)
    assert layers["conv2"].groups == 2
    assert "norm1" in layers
    convs = [layer for layer in emoji_vgg(10).layers.values() if isinstance(layer, Conv2D)]
    assert all(conv.params["w"].shape[:2] == (3, 3) for conv in convs)


@pytest.mark.parametrize("settings, message", [
    ({"batch": 10, "shard": 4}, "a batch of 10 does not divide into shards of 4"),
    ({"learning_rate": 0.0}, "the rate above 0"),
    ({"steps": -1}, "steps must be 0 or more"),
])  # fmt: skip
def test_wrong_recipes(settings, message):
    with pytest.raises(BadValue, match=message):
        Recipe(**{"steps": 1, **settings})


def test_wrong_optimizer_and_threads():
    with pytest.raises(UnknownName, match="no optimizer named 'adm'; did you mean 'adam'"):
        Recipe(steps=1, optimizer="adm")
    with pytest.raises(BadValue, match="threads must be 1 or more"):
        Trainer(little_net(), Corners(), Recipe(steps=1), threads=0)


def test_wrong_checkpoints(tmp_path):
    path, recipe = tmp_path / "a.h5", Recipe(steps=1, batch=4, shard=4)
    trainer = Trainer(little_net(), Corners(), recipe)
    with pytest.raises(BadFile, match="there is no file"):
        trainer.resume(path)
    path.write_bytes(b"nothing")
    with pytest.raises(BadFile, match="is no checkpoint of this net that can be continued"):
        trainer.resume(path)
    trainer.save(path)
    with pytest.raises(BadFile, match="another recipe"):
        Trainer(little_net(), Corners(), Recipe(steps=2, batch=4, shard=4)).resume(path)
    with pytest.raises(BadFile, match="checkpoint of this net"):
        Trainer(tiny_vgg(), Corners(), recipe).resume(path)


@pytest.mark.parametrize("name, value", [
    ("params/conv1_1/w", np.zeros((3, 3, 1, 7), "f4")), ("params/conv1_1/w", np.zeros((3, 3, 1, 6), "f8")),
    ("params/fc8/b", None), ("slots/conv1_1/w/m", np.zeros(3, "f4")), ("slots/conv1_1/w", np.zeros(3)),
    ("steps_done", -1), ("steps_done", 10), ("steps_done", np.zeros(3)), ("steps_done", "x"), ("steps_done", None),
    ("recipe", 5), ("format", "minivis codes"),
])  # fmt: skip
def test_a_checkpoint_that_was_changed_is_refused_and_leaves_the_net_alone(tmp_path, name, value):
    recipe = Recipe(steps=3, batch=4, shard=4)
    Trainer(little_net(), Corners(), recipe).run(checkpoint=tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        place = file if "/" in name else file.attrs
        if name in place:
            del place[name]
        if value is not None:
            place[name] = value
    trainer = Trainer(little_net(), Corners(), recipe)
    before = params(trainer.net)
    with pytest.raises(BadFile) as caught:
        trainer.resume(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)
    assert_same(params(trainer.net), before)


def test_a_full_disk_keeps_the_checkpoint_that_is_there(tmp_path, monkeypatch):
    trainer = Trainer(little_net(), Corners(), Recipe(steps=1, batch=4, shard=4))
    trainer.save(tmp_path / "a.h5")
    before = contents(tmp_path)

    def write_all(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hdf5_write, "write_all", write_all)
    with pytest.raises(BadFile, match=r"a\.h5 cannot be written: the disk at .* is full"):
        trainer.save(tmp_path / "a.h5")
    assert contents(tmp_path) == before


def test_a_recipes_dropout_is_not_left_in_the_callers_net():
    net = little_net()
    name = next(name for name, layer in net.layers.items() if isinstance(layer, Dropout))
    rate = net.layers[name].rate
    trainer = Trainer(net, Corners(), Recipe(steps=1, batch=4, shard=4, dropout=rate / 2)).run()
    assert net.layers[name].rate == rate and trainer.net.layers[name].rate == rate / 2
    assert_same(params(net), params(trainer.net))                       # what is learned is learned by the caller's net
