"""`minivis train`, on a few pictures: what it writes, what Ctrl-C leaves, what --resume makes of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fashion_files import write_fashion

import minivis as mv
from minivis.cli import main
from minivis.training import recipes, trainer


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a very small Fashion-MNIST; small batches; the test after training looks at 20 pictures."""
    write_fashion(tmp_path / "data")
    (stage,) = recipes.STAGES["fashion-vgg"]
    small = replace(stage, recipe=replace(stage.recipe, batch=8, shard=4))
    monkeypatch.setitem(recipes.STAGES, "fashion-vgg", (small,))
    few = lambda net, data, count, *how, **rest: trainer.accuracy(net, data, 20, *how, **rest)  # noqa: E731
    monkeypatch.setattr(recipes, "accuracy", few)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_fashion(here, capsys):
    assert main(["train", "fashion", "--data", "data", "--steps", "3", "--json"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert err == "" and said["files"] == ["fashion-vgg.h5"] and said["settings"]["steps"] == 3
    net = mv.load("fashion-vgg.h5")
    assert net.about["training"] == said["numbers"] and "bag" in net.class_names
    assert set(said["numbers"]["accuracy"]) == {"the 10,000 test pictures"}
    assert sorted(p.name for p in here.iterdir()) == ["data", "fashion-vgg.h5"], "the checkpoint is still there"
    assert main(["classify", "--net", "fashion-vgg.h5", "--quiet"]) == 0


def test_ctrl_c_leaves_a_checkpoint_that_resume_takes_up(here, capsys, monkeypatch):
    assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "whole.h5", "-q"]) == 0
    step = trainer.Trainer.step

    def stopped(self, *args):
        if self.steps_done == 2:
            raise KeyboardInterrupt
        step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "step", stopped)
        assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5"]) == 130
    assert "a.h5.checkpoint holds the training so far; --resume continues from there" in capsys.readouterr().err
    assert not (here / "a.h5").exists()
    assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5"]) == 2      # not by mistake
    assert "a.h5.checkpoint exists and is kept" in capsys.readouterr().err
    assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5", "--resume", "-q"]) == 0
    for name, layer in mv.load("whole.h5").layers.items():
        for key, array in layer.params.items():
            np.testing.assert_array_equal(mv.load("a.h5").layers[name].params[key], array)


def test_adversarial_training_says_so_in_the_file(here, capsys):
    command = ["train", "fashion", "--data", "data", "--steps", "3", "--adversarial", "pgd", "--eps", "6",
               "--eps-warmup", "2", "-o", "hard.h5", "--json"]  # fmt: skip
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["adversary"]["steps"] == 3
    record = mv.load("hard.h5").about["training"]
    assert record["command"] == ("minivis train fashion --adversarial pgd --eps 6 --attack-steps 3 --norm Linf "
                                 "--share 1 --eps-warmup 2")
    assert record["stages"][0]["adversary"] == said["settings"]["adversary"]
    assert list(record["accuracy"]) == ["the 10,000 test pictures",
                                        "1,000 of the test pictures, moved by PGD-10 at Linf 6/255"]


@pytest.mark.parametrize("wrong, message", [
    (["--eps", "8"], "--eps-warmup need --adversarial fgsm or pgd"),
    (["--adversarial", "pdg"], "no attack to train against named 'pdg'; did you mean 'pgd'"),
    (["--adversarial", "fgsm", "--eps", "-1"], "'--eps': -1.0 is not in the range"),
    (["--adversarial", "fgsm", "--attack-steps", "4"], "fgsm is a single step"),
    (["--adversarial", "pgd", "--share", "2"], "'--share': 2.0 is not in the range"),
])  # fmt: skip
def test_mistakes_about_the_adversary(here, capsys, wrong, message):
    assert main(["train", "fashion", "--data", "data", "-o", "a.h5", *wrong]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not list(here.glob("a.h5*"))


def test_emoji_starts_from_the_sprites(here, capsys):
    (here / "sprites.npz").write_text("no sprites")
    assert main(["train", "emoji", "--sprites", "sprites.npz", "-o", "a.h5"]) == 2
    assert "sprites.npz" in capsys.readouterr().err and not (here / "a.h5").exists()


def test_digits_with_its_curve_film_and_gradient_checks(here, capsys):
    assert main(["train", "digits", "--steps", "3", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == ["digits-net.h5", "digits-net.png", "digits-net.gif"]
    assert all((here / name).stat().st_size > 0 for name in said["files"])
    assert {when: found["failed"] for when, found in said["numbers"]["gradcheck"].items()} == {"before": 0, "after": 0}
    net = mv.load("digits-net.h5")
    assert net.class_names == tuple("0123456789") and net.about["training"]["command"] == "minivis train digits"
    for words, message in ((["-q"], "exists and is kept"), (["-o", "b.h5", "--film", "b.mov"], "must end in")):
        assert main(["train", "digits", *words]) == 2 and message in capsys.readouterr().err
