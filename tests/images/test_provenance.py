"""The record inside a picture: it comes back as it was, and files that changed since are named."""

import hashlib

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.images.files import write_image
from minivis.images.provenance import as_text, beside, input_hash, read_record, unchanged, versions
from minivis.runtime import tuned

RECORD = {"command": ["saliency", "photo.jpg"], "net": {"name": "net.h5", "sha256": "ab"}, "image": None,
          "seed": 0, "threads": 2, "versions": {"numpy": "2.0"}}


def written(path, record):
    write_image(str(path), np.zeros((2, 3, 3), np.uint8), text=as_text(record))
    return str(path)


def test_a_record_comes_back_as_it_was(tmp_path):
    assert read_record(written(tmp_path / "a.png", RECORD)) == {**RECORD, "inputs": {}}
    further = {**RECORD, "inputs": {"folder": {"name": "here", "sha256": "cd"}}, "whole": False}
    assert read_record(written(tmp_path / "b.png", further)) == further


def test_the_same_record_is_the_same_text_in_any_order():
    assert as_text(RECORD) == as_text(dict(reversed(RECORD.items())))
    assert list(as_text(RECORD)) == ["minivis"]


@pytest.mark.parametrize("change", [
    {"command": []}, {"command": ["saliency", 3]}, {"threads": 0}, {"threads": True}, {"net": {"name": "net.h5"}},
    {"versions": {"numpy": 2}}, {"inputs": {"folder": {"name": "here", "sha256": 3}}}, {"further": [{"name": "b"}]},
], ids=str)  # fmt: skip
def test_a_record_that_makes_no_sense_is_damaged(tmp_path, change):
    with pytest.raises(BadFile, match="has a damaged record of how it was made"):
        read_record(written(tmp_path / "a.png", {**RECORD, **change}))


def test_a_picture_without_a_record_says_so(tmp_path):
    write_image(str(tmp_path / "a.png"), np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(BadFile, match="has no record of how it was made"):
        read_record(str(tmp_path / "a.png"))


def test_a_picture_from_the_live_page_is_not_called_a_strangers(tmp_path):
    write_image(str(tmp_path / "a.png"), np.zeros((2, 2, 3), np.uint8), text={"minivis-live": "{}"})
    with pytest.raises(BadFile, match="saved from the live page"):
        read_record(tmp_path / "a.png")


def test_a_file_that_changed_since_is_named(tmp_path):
    file = tmp_path / "net.h5"
    file.write_bytes(b"weights")
    expected = hashlib.sha256(b"weights").hexdigest()
    assert input_hash(str(file)) == expected and unchanged("net", str(file), expected, "a.png") == str(file)
    file.write_bytes(b"others")
    with pytest.raises(BadFile, match=f"net.h5 has changed since a.png was made: its SHA-256 was {expected[:12]}"):
        unchanged("net", str(file), expected, "a.png")
    file.unlink()
    with pytest.raises(BadFile, match="which is missing"):
        unchanged("net", str(file), expected, "a.png")


def test_a_file_is_looked_for_where_it_was_then_beside_the_picture(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "net.h5").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert beside("net.h5", "pictures/a.png") == str(tmp_path / "pictures" / "net.h5").removeprefix(f"{tmp_path}/")
    assert beside("other.h5", "pictures/a.png") == "other.h5"
    (tmp_path / "net.h5").write_bytes(b"")
    assert beside("net.h5", "pictures/a.png") == "net.h5"


def test_tuned_numbers_are_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_TUNING", str(tmp_path / "tuning.json"))
    assert "tuning" not in versions()
    tuned.save({"tiny": 2**17, "band_bytes": 2**22})
    assert versions()["tuning"] == "band_bytes=4194304, tiny=131072"
