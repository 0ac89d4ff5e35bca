"""Training in stages: one after the other, resumed in the right one, and what the file says of it."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from trainings import Corners, assert_same, little_net, params

import minivis as mv
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.layers import BatchNorm, Dropout
from minivis.training import recipes
from minivis.training.adversary import Adversary
from minivis.training.recipes import STAGES, EmojiStream, FirstPictures, Training, stages_of
from minivis.training.trainer import Recipe
from minivis.weights.catalogue import CATALOGUE


class Stop(Exception):
    pass


def training(steps=(3, 2)):
    first = Recipe(steps=steps[0], batch=8, shard=4, warmup=1)
    second = Recipe(steps=steps[1], batch=16, shard=8, warmup=1, dropout=0.0, seed=1)
    streams = [(first, Corners()), (second, Corners())]
    return Training("emoji-vgg", little_net(), streams, {"corners": (Corners(), 40)}, {"licence": "MIT"}, threads=2)


def test_the_stages_run_one_after_the_other():
    run, seen = training(), []
    run.run(progress=lambda t: seen.append((t.steps_done, t.trainer.recipe.batch)))
    assert seen == [(1, 8), (2, 8), (3, 8), (4, 16), (5, 16)]
    assert run.steps == 5
    rates = [[layer.rate for layer in net.layers.values() if isinstance(layer, Dropout)]
             for net in (run.trainer.net, run.net, little_net())]
    assert rates[0] == [0, 0] and rates[1] == rates[2] and all(rates[1])        # the recipe's are the trainer's alone


def test_the_command_names_an_adversary_that_its_net_does_not_have_by_itself():
    def command(name, adversary):
        streams = [(Recipe(steps=1, adversary=adversary), Corners())]
        return Training(name, little_net(), streams, {}, {}, threads=1).command

    other = Adversary("fgsm", eps=3)
    own = next((name, stages[0].recipe.adversary) for name, stages in STAGES.items() if stages[0].recipe.adversary)
    assert command("emoji-vgg", other) == f"minivis train emoji --net emoji-vgg {other.options}"
    assert command("fashion-vgg", other) == f"minivis train fashion {other.options}"
    assert command(*own) == f"minivis train emoji --net {own[0]}" and command(own[0], other).endswith(other.options)


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_a_run_stopped_in_any_stage_ends_as_if_it_had_not_been(tmp_path, stop):
    whole = training().run()

    def stop_there(run):
        if run.steps_done == stop:
            raise Stop

    with pytest.raises(Stop):
        training().run(progress=stop_there, checkpoint=tmp_path / "a.h5")
    again, seen = training(), []
    again.run(progress=lambda t: seen.append(t.steps_done), checkpoint=tmp_path / "a.h5", resume=True)
    assert seen == list(range(stop + 1, 6))
    assert_same(params(again.net), params(whole.net))


def test_a_checkpoint_of_other_stages_is_refused(tmp_path):
    training(steps=(1, 1)).run(checkpoint=tmp_path / "a.h5")
    for stages in (2, 1):
        run = training()
        del run.streams[stages:]
        with pytest.raises(BadFile, match="another recipe"):
            run.run(checkpoint=tmp_path / "a.h5", resume=True)
    with pytest.raises(BadFile, match=r"there is no file .*none\.h5"):
        training().run(checkpoint=tmp_path / "none.h5", resume=True)


def test_a_run_goes_on_only_from_a_checkpoint():
    begun, fresh = training(), training()
    with pytest.raises(BadValue, match="resume needs a checkpoint"):
        begun.run(resume=True)
    assert begun.steps_done == 0
    assert_same(params(begun.net), params(fresh.net))


def test_the_record_says_how_it_came_about_and_holds_what_the_file_will_hold():
    net = training().run().finish()
    record = net.about["training"]
    assert net.about["licence"] == "MIT"
    assert record["command"] == "minivis train emoji --net emoji-vgg"
    assert record["pictures"] == 3 * 8 + 2 * 16
    assert [stage["batch"] for stage in record["stages"]] == [8, 16]
    assert 0 <= record["accuracy"]["corners"] <= 1
    assert not any(isinstance(layer, BatchNorm | Dropout) for layer in net.layers.values())
    for layer in net.layers.values():
        for p in layer.params.values():
            np.testing.assert_array_equal(p, p.astype(np.float16).astype(np.float32))


def test_each_stage_has_a_seed_of_its_own_and_takes_changes():
    stages = stages_of("emoji-vgg", 7, steps=3)
    assert [s.recipe.seed for s in stages] == [7, 8, 9]
    assert [s.recipe.steps for s in stages] == [3, 3, 3]


@pytest.mark.parametrize("wrong", ["emoji-vg", "fashion-vgg"])
def test_the_nets_to_train_on_emoji(wrong):
    with pytest.raises(UnknownName, match=f"no net to train named '{wrong}'"):
        recipes.emoji(wrong)


def test_an_emoji_stream_shows_each_class_once_a_round_and_changes_pictures_on_time():
    class Pictures:
        class_names = tuple("abcdefg")

        def __init__(self, name):
            self.name = name

        def batch(self, numbers, seed):
            return [(self.name, n) for n in numbers], [n % 7 for n in numbers], None

    stream = EmojiStream(Pictures("plain"), Pictures("varied"), until=14, seed=3)
    rounds = [stream.batch(start, 7)[1] for start in (0, 7, 14)]
    assert [sorted(r) for r in rounds] == [list(range(7))] * 3
    assert rounds[0] != rounds[1]
    assert [stream.batch(start, 7)[0][0][0] for start in (0, 7, 14)] == ["plain", "plain", "varied"]
    assert stream.batch(3, 4) == tuple(part[3:] for part in stream.batch(0, 7)[:2])     # by number alone


@pytest.mark.parametrize("name", [name for name in STAGES if CATALOGUE.get(name)])
def test_a_recipe_is_that_which_the_net_of_this_name_was_trained_by(name):
    """As its file says; a field that came later has its default there, and one that is gone was not set."""
    fresh = asdict(Recipe(steps=1))
    recorded = [{**fresh, **stage} for stage in mv.load(name).about["training"]["stages"]]
    assert {stage.pop("schedule", None) for stage in recorded} == {None}
    assert recorded == json.loads(json.dumps([asdict(stage.recipe) for stage in stages_of(name, 0)]))


def test_every_net_to_train_has_a_builder_and_stages():
    assert recipes.STAGES.keys() == recipes.BUILDERS.keys()


def test_the_first_pictures_come_again_and_are_asked_for_once():
    """In order, whatever the batches, from any number on."""
    asked = []

    class Numbers:
        def batch(self, first, count):
            asked.append((first, count))
            return np.full((count, 2, 3, 1), first), np.full(count, 10 * first)

    pictures = FirstPictures(Numbers(), 3)
    for first, count, expected in ((0, 2, [0, 1]), (2, 2, [2, 0]), (1, 7, [1, 2, 0, 1, 2, 0, 1]), (300, 1, [0])):
        images, labels = pictures.batch(first, count)
        assert images.shape == (count, 2, 3, 1) and images[:, 1, 2, 0].tolist() == expected
        assert labels.tolist() == [10 * n for n in expected]
    assert asked == [(0, 1), (1, 1), (2, 1)]
