"""Checkpoints come back as they were written, and whatever is none is refused in one sentence."""

import errno
import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from minivis.errors import BadFile, BadValue
from minivis.runtime import checkpoints


@pytest.fixture
def path(tmp_path):
    checkpoints.write(tmp_path / "a", {"net": "x"}, {"z": np.arange(3.0), "memory": {"m": np.ones(2)}}, {"step": 7})
    return tmp_path / "a"


def test_holds_what_was_written(path):
    kept = checkpoints.read(path, {"net": "x"}, ("z",))
    assert kept["step"] == 7 and set(kept) == {"z", "memory", "step"}
    np.testing.assert_array_equal(kept["z"], np.arange(3.0))
    np.testing.assert_array_equal(kept["memory"]["m"], np.ones(2))


def test_of_another_run(path):
    with pytest.raises(BadFile, match="a is the checkpoint of another run: net, pictures, objective"):
        checkpoints.read(path, {"net": "y"}, ("z",))


@pytest.mark.parametrize("name", [None, "nowhere", "folder"])
def test_none_there(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadFile, match=r"there is no checkpoint .*: nothing to resume; leave out --resume"):
        checkpoints.read(name and tmp_path / name, {})


def test_damage_at_any_place_is_one_sentence(path, rng):
    data = path.read_bytes()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        with pytest.raises(BadFile, match="a is not a minivis checkpoint, or is damaged"):
            checkpoints.read(path, {"net": "x"}, ("z",))
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with suppress(BadFile):
            checkpoints.read(path, {"net": "x"}, ("z",))


@pytest.mark.parametrize("about", [[], 3, {}, {"format": 2, "identity": {}}, {"format": 1}, "deep"])
def test_a_description_that_is_none(tmp_path, about):
    text = "[" * 100_000 + "]" * 100_000 if about == "deep" else json.dumps(about)
    with open(tmp_path / "a", "wb") as file:
        np.savez(file, about=np.array(text), z=np.ones(1))
    with pytest.raises(BadFile, match="not a minivis checkpoint"):
        checkpoints.read(tmp_path / "a", {}, ("z",))


def test_a_full_disk_keeps_the_one_before(path, monkeypatch):
    def savez(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(BadFile, match="a cannot be written: the disk at"):
        checkpoints.write(path, {}, {}, {})
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["a"]


def test_an_unfinished_run_is_not_replaced_without_a_word(path):
    with pytest.raises(BadValue, match="a holds an unfinished run: --resume continues it, --force starts over"):
        checkpoints.check_unfinished(path, force=False)
    checkpoints.check_unfinished(path, force=True)
    checkpoints.check_unfinished(path.with_name("b"), force=False)


@pytest.mark.parametrize("changed", [
    {"z": np.arange(4.0)}, {"z": np.arange(3)}, {"z": np.arange(3.0)[::-1]}, {"z": np.float64(0)},
    {"memory.m": np.zeros(2)}, {"memory.n": np.ones(2)}, {"sha256": np.array("0" * 64)},
    {"about": np.array('{"format": 2, "identity": {"net": "x"}, "step": "7"}')},
])
def test_what_no_run_has_left_is_not_continued(path, changed):
    """Sound in itself, with all checksums of zip right, and yet not what was written."""
    with np.load(path) as file:
        arrays = dict(file)
    with open(path, "wb") as file:
        np.savez(file, **{**arrays, **changed})
    with pytest.raises(BadFile, match="not a minivis checkpoint, or is damaged"):
        checkpoints.read(path, {"net": "x"}, ("z",))


@pytest.mark.parametrize("shape", [f"({10**30},)", f"({2**40},)", "(-1,)", "(2, 2)"])
def test_a_shape_that_cannot_be(path, shape):
    data = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"(3,)", shape.encode()) if name == "z.npy" else content)
    path.write_bytes(data.getvalue())
    with pytest.raises(BadFile, match="not a minivis checkpoint, or is damaged"):
        checkpoints.read(path, {"net": "x"}, ("z",))
