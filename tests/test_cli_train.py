"""`minivis train`, on a few pictures: what it writes, what Ctrl-C leaves, what --resume makes of it."""

import gzip
import json
import struct

import numpy as np
import pytest

import minivis as mv
from minivis import recipes, train
from minivis.cli import main


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


@pytest.fixture
def here(tmp_path, monkeypatch, rng):
    """A folder with a very small Fashion-MNIST; the test after training looks at 20 pictures."""
    (tmp_path / "data").mkdir()
    for stem, count in (("train", 80), ("t10k", 20)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = (rng.integers(0, 40, (count, 28, 28)) + 20 * labels[:, None, None]).astype(np.uint8)
        (tmp_path / "data" / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / "data" / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    monkeypatch.setattr(recipes, "accuracy", lambda net, data, count, **rest: train.accuracy(net, data, 20, **rest))
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
    step = train.Trainer.step

    def stopped(self, *args):
        if self.steps_done == 2:
            raise KeyboardInterrupt
        step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(train.Trainer, "step", stopped)
        assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5"]) == 130
    assert "a.h5.checkpoint holds what was learned so far; --resume goes on from there" in capsys.readouterr().err
    assert not (here / "a.h5").exists()
    assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5"]) == 2      # not by mistake
    assert "a.h5.checkpoint exists and is kept" in capsys.readouterr().err
    assert main(["train", "fashion", "--data", "data", "--steps", "4", "-o", "a.h5", "--resume", "-q"]) == 0
    for name, layer in mv.load("whole.h5").layers.items():
        for key, array in layer.params.items():
            np.testing.assert_array_equal(mv.load("a.h5").layers[name].params[key], array)


def test_emoji_starts_from_the_sprites(here, capsys):
    (here / "sprites.npz").write_text("no sprites")
    assert main(["train", "emoji", "--sprites", "sprites.npz", "-o", "a.h5"]) == 2
    assert "sprites.npz" in capsys.readouterr().err and not (here / "a.h5").exists()
