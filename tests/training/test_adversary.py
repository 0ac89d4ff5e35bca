"""Adversarial training: how pictures are moved, what it costs nothing to get wrong, and that it makes a net harder."""

import numpy as np
import pytest
from trainings import Corners, assert_same, little_net, params

from minivis.engine.network import Network
from minivis.engine.surgery import for_inference
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Flatten, FullyConnected
from minivis.training.adversary import Adversary
from minivis.training.trainer import Recipe, Trainer, accuracy


def linear_net(w):
    """Two classes over 2 x 3 grey pixels: the first wins where w * pixels is above 0."""
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (2.0,), size=(2, 3), crop_fraction=1.0))
    net.add("flatten", Flatten()).add("fc8", FullyConnected(np.stack([w, -w], axis=1), np.zeros(2, "f4")))
    net.roles.update(logits="fc8")
    return net


W = np.array([1, -2, 3, -4, 5, -6], np.float32) / 100


def test_fgsm_by_hand():
    """Away from class 0 is -sign(w). It starts in [-eps, eps], goes 1.25 eps and stays in the ball: at least eps/4."""
    images = np.full((40, 2, 3, 1), 100, np.uint8)
    moved = Adversary("fgsm", eps=8).move(linear_net(W), images, np.zeros(40, int), seed=3) - 100
    along = moved.reshape(40, 6) * -np.sign(W)
    assert along.min() >= 2 - 1e-4 and along.max() <= 8 + 1e-4
    assert (along > 8 - 1e-4).mean() > 0.55               # all that began above -eps/4: five in eight, here
    other = Adversary("fgsm", eps=8).move(linear_net(W), images, np.ones(40, int), seed=3) - 100
    assert (other.reshape(40, 6) * np.sign(W)).min() >= 2 - 1e-4


def test_pgd_ends_at_the_worst_point_of_the_ball_of_a_linear_net():
    images = np.full((5, 2, 3, 1), 100, np.uint8)
    moved = Adversary("pgd", eps=12, steps=8).move(linear_net(W), images, np.zeros(5, int)) - 100
    np.testing.assert_allclose(moved.reshape(5, 6), np.tile(-12 * np.sign(W), (5, 1)), atol=1e-4)

    moved = Adversary("pgd", eps=12, steps=30, norm="L2").move(linear_net(W), images, np.zeros(5, int)) - 100
    moved = moved.reshape(5, 6)                     # from the side the way to it is long: it comes within 2 %
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 12, rtol=1e-4)
    assert (moved @ -W / np.linalg.norm(W)).min() > 0.98 * 12


def test_a_net_that_is_sure_is_moved_too():
    """Its p is 1 and d -log p / d pixels is 0 in float32; the direction is there all the same."""
    images = np.full((9, 2, 3, 1), 100, np.uint8)
    moved = Adversary("fgsm", eps=8).move(linear_net(1000 * W), images, np.ones(9, int)) - 100
    assert (moved.reshape(9, 6) * np.sign(W)).min() >= 2 - 1e-4


def test_pictures_stay_pictures():
    images = np.array([0, 3, 100, 252, 255, 1], np.uint8).reshape(1, 2, 3, 1)
    moved = Adversary("pgd", eps=20, steps=4).move(linear_net(W), images, [0])
    assert moved.min() >= 0 and moved.max() <= 255 and moved.dtype == np.float32


def test_only_a_share_is_moved_and_only_as_far_as_the_warm_up_has_come():
    images, labels = np.full((10, 2, 3, 1), 100, np.uint8), np.zeros(10, int)
    adversary = Adversary("fgsm", eps=8, share=0.3, warmup=4)
    moved = abs(adversary.move(linear_net(W), images, labels, step=1) - 100).max(axis=(1, 2, 3))
    np.testing.assert_allclose(moved, [4] * 3 + [0] * 7, atol=1e-4)
    assert [adversary.eps_at(step) for step in (0, 1, 3, 50)] == [2, 4, 8, 8]
    assert abs(adversary.move(linear_net(W), images, labels) - 100).max() == pytest.approx(8)     # after the training


def test_threads_change_nothing():
    recipe = Recipe(steps=3, batch=16, shard=4, adversary=Adversary("fgsm", eps=10, share=0.5))
    one, three = (Trainer(little_net(), Corners(), recipe, threads=n).run().net for n in (1, 3))
    assert_same(params(one), params(three))
    plain = Trainer(little_net(), Corners(), Recipe(steps=3, batch=16, shard=4), threads=1).run().net
    assert (params(plain)["fc8", "w"] != params(one)["fc8", "w"]).any()


def test_training_against_it_makes_a_net_harder_to_mislead():
    """And not impossible: with a larger eps there are adversarial pictures for the new net too."""
    recipe = Recipe(steps=60, batch=32, shard=32, warmup=5, learning_rate=1e-2)
    attack = Adversary("pgd", eps=25, steps=5)
    plain, hard = little_net(), little_net()
    Trainer(plain, Corners(), recipe).run()
    Trainer(hard, Corners(), Recipe(**{**vars(recipe), "adversary": Adversary("fgsm", eps=25, warmup=20)})).run()
    plain, hard = for_inference(plain), for_inference(hard)
    assert accuracy(plain, Corners(), 200)[0] > 0.95
    assert accuracy(hard, Corners(), 200)[0] > 0.95
    before, after = (accuracy(net, Corners(), 200, attack)[0] for net in (plain, hard))
    assert after > before + 0.2
    assert accuracy(hard, Corners(), 200, Adversary("pgd", eps=70, steps=10))[0] < 0.1


@pytest.mark.parametrize("settings, message", [
    ({"attack": "pdg"}, "no attack to train against named 'pdg'; did you mean 'pgd'"),
    ({"eps": 0}, "eps must be a number of levels above 0"),
    ({"attack": "fgsm", "steps": 2}, "fgsm is a single step, not 2: use pgd for several"),
    ({"share": 0.0}, "share must be above 0 and at most 1"),
    ({"warmup": -1}, "warmup at least 0"),
    ({"norm": "L3"}, "no norm named 'L3'"),
])  # fmt: skip
def test_wrong_adversaries(settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        Adversary(**settings)


def test_it_is_named_as_papers_name_it_and_as_the_command_line_does():
    adversary = Adversary("pgd", eps=8, steps=3, warmup=40)
    assert str(adversary) == "PGD-3 at Linf 8/255"
    assert adversary.options == "--adversarial pgd --eps 8 --attack-steps 3 --norm Linf --share 1 --eps-warmup 40"
