"""The file of codes: what is written comes back, in blocks, and paths are relative to it."""

import os

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.sweeps import codes_file
from minivis.sweeps.codes_file import near, open_codes, parts_of, write_file
from minivis.sweeps.codes_log import Source

SOURCE = Source("tiny", "f00d", "fc7", 32, 3, "float32")
PATHS = [f"pictures/{i}.png" for i in range(9)] + ["caf\udce9.png"]
HASHES = [f"{i:064x}" for i in range(10)]
CODES = np.arange(30, dtype=np.float32).reshape(10, 3)


@pytest.fixture
def path(tmp_path):
    write_file(tmp_path / "a.h5", SOURCE, [(PATHS[:4], HASHES[:4], CODES[:4]), ([], [], CODES[:0]),
                                           (PATHS[4:], HASHES[4:], CODES[4:])])
    return tmp_path / "a.h5"


def test_holds_what_was_written(path):
    with open_codes(path) as file:
        assert file.source == SOURCE and len(file) == 10 and file.size == 32
        np.testing.assert_array_equal(file.codes[:], CODES)
        assert list(file.names()) == PATHS and [h.decode() for h in file.hashes[:]] == HASHES
        assert file.picture(3) == os.path.join(path.parent, "pictures", "3.png")


@pytest.mark.parametrize("rows, nbytes", [(4, 2**20), (100, 2**20), (100, 50), (100, 1)])
def test_blocks_have_few_rows_and_few_bytes(path, monkeypatch, rows, nbytes):
    monkeypatch.setattr(codes_file, "ROWS", rows)
    monkeypatch.setattr(codes_file, "BLOCK", nbytes)
    with open_codes(path) as file:
        found = list(file.blocks())
    assert max(len(block) for _, block in found) == max(1, min(rows, nbytes // 12, 10))
    assert [first for first, _ in found] == list(np.cumsum([0, *(len(block) for _, block in found)])[:-1])
    np.testing.assert_array_equal(np.concatenate([block for _, block in found]), CODES)


@pytest.mark.parametrize("count", [1, 3, 256])
def test_parts_make_the_same_file_again(path, monkeypatch, count):
    monkeypatch.setattr(codes_file, "PATHS", count)
    write_file(path.with_name("b.h5"), SOURCE, parts_of(path))
    with open_codes(path) as a, open_codes(path.with_name("b.h5")) as b:
        np.testing.assert_array_equal(a.codes[:], b.codes[:])
        assert a.paths[:].tolist() == b.paths[:].tolist() and a.hashes[:].tolist() == b.hashes[:].tolist()


def test_paths_are_relative_to_the_file(tmp_path):
    assert near(tmp_path / "photos" / "a.png", tmp_path / "codes.h5") == "photos/a.png"
    assert near(tmp_path / "a.png", tmp_path / "results" / "codes.h5") == "../a.png"


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
    def parts():
        yield PATHS[:4], HASHES[:4], CODES[:4]
        raise BadFile("no more")

    with pytest.raises(BadFile, match="no more"):
        write_file(tmp_path / "a.h5", SOURCE, parts())
    assert not list(tmp_path.iterdir())
