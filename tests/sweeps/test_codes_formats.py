"""Codes in files of other programs: what is written comes back, and files of others are understood."""

import numpy as np
import pytest

from minivis.errors import BadFile, BadValue, MissingExtra
from minivis.sweeps import codes_formats
from minivis.sweeps.codes_file import codes_source, held, open_codes, parts_of, write_file
from minivis.sweeps.codes_log import Source

SOURCE = Source("tiny", "f00d", "fc7", 32, 3, "float32")
PATHS = ["pictures/a, b.png", 'quote".png', "caf\udce9.png", "ünï.png"]
HASHES = [f"{i:064x}" for i in range(4)]
CODES = np.array([[1 / 3, -1e-30, 5], [0.1, 2e20, -0.0], [np.pi, 1, 2], [3, 4, 5]], np.float32)
PARTS = [(PATHS[:1], HASHES[:1], CODES[:1]), (PATHS[1:], HASHES[1:], CODES[1:])]


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_holds_what_was_written(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_file(path, SOURCE, PARTS)
    with open_codes(path) as file:
        np.testing.assert_array_equal(file.codes, CODES)
        assert list(file.names()) == PATHS and [h.decode() for h in file.hashes] == HASHES and len(file) == 4
        assert file.picture(3) == str(tmp_path / "ünï.png")
        assert suffix == ".csv" or file.source == SOURCE
        assert sum(len(codes) for *_, codes in parts_of(path)) == 4


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="no pyarrow here: codes in Parquet are not tested")
    write_file(tmp_path / "a.parquet", SOURCE, PARTS)
    with open_codes(tmp_path / "a.parquet") as file:
        np.testing.assert_array_equal(file.codes, CODES)
        assert file.source == SOURCE and list(file.names())[:2] == PATHS[:2] and list(file.names())[3] == PATHS[3]


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"need pyarrow.*write a \.csv or \.npz"):
        write_file(tmp_path / "a.parquet", SOURCE, PARTS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.txt", "a", "a.xlsx", "a.npy"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(BadValue, match=r"must end in one of \.h5, \.hdf5, \.csv, \.npz, \.parquet"):
        write_file(tmp_path / name, SOURCE, PARTS)


@pytest.mark.parametrize("text, names, codes", [
    ("1,2\n3,4\n", ["0", "1"], [[1, 2], [3, 4]]),
    ("a.png,1,2\nb.png,3,4\n", ["a.png", "b.png"], [[1, 2], [3, 4]]),
    ("name,0,1\n7,1,2\n8,3,4\n", ["7", "8"], [[1, 2], [3, 4]]),
    ("x,y\n1,2\n", ["0"], [[1, 2]]),
    (",x,y\r\n0,1,2\r\n", ["0"], [[1, 2]]),
    ("\ufeffpath,x\na b.png,-1e3\n\n", ["a b.png"], [[-1000]]),
])
def test_tables_of_others(tmp_path, text, names, codes):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with open_codes(tmp_path / "a.csv") as file:
        assert list(file.names()) == names and file.codes.tolist() == codes and file.fingerprint == ""


@pytest.mark.parametrize("text, message", [
    ("", "holds no codes"), ("name,x\n", "holds no codes"), ("a,1\nb,2,3\n", "row 2 is not 1 numbers"),
    ("name,x\na,one\n", "row 2 is not 1 numbers"), ("a\nb\n", "codes are an array"), ("1,nan\n", "infinite or NaN"),
])
def test_tables_that_hold_no_codes(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadFile, match=message), open_codes(tmp_path / "a.csv"):
        pass


def test_arrays_of_others(tmp_path):
    np.save(tmp_path / "a.npy", CODES.astype(np.float64))
    np.savez(tmp_path / "b.npz", embeddings=CODES, names=np.array(["x", "y", "z", "w"]))
    np.savez(tmp_path / "c.npz", one=CODES, two=CODES)
    np.savez(tmp_path / "d.npz", codes=CODES, names=np.array(["x"]))
    np.save(tmp_path / "e.npy", CODES[0])
    with open_codes(tmp_path / "a.npy") as file:
        assert file.nameless and file.codes.dtype == np.float64
    with open_codes(tmp_path / "b.npz") as file:
        assert list(file.names()) == ["x", "y", "z", "w"] and not file.nameless
    for name, message in (("c.npz", "none of it is called codes"), ("d.npz", "4 codes and 1 names"),
                          ("e.npy", "an array \\(N, D\\)")):
        with pytest.raises(BadFile, match=message), open_codes(tmp_path / name):
            pass


def test_what_python_has(tmp_path):
    write_file(tmp_path / "a.h5", SOURCE, PARTS)
    with open_codes(tmp_path / "a.h5") as opened, codes_source(opened) as file:
        assert file is opened
    for codes in (CODES, CODES.tolist(), tmp_path / "a.h5", str(tmp_path / "a.h5")):
        with codes_source(codes) as file:
            np.testing.assert_array_equal(file.codes[:], CODES)
    for codes in (CODES[0], [], ["a"], np.zeros((0, 3))):
        with pytest.raises(BadValue, match="codes are an array"), codes_source(codes):
            pass
    with pytest.raises(BadFile, match="is a folder of pictures"), codes_source(tmp_path):
        pass


def test_pictures_beside_the_codes():
    pictures = np.zeros((4, 5, 6, 3), np.uint8)
    pictures[2] = 7
    with codes_source(CODES, pictures) as file:
        assert (file.read(2)[0] == 7).all() and file.picture(2) == "picture 2" and not file.nameless
    with pytest.raises(BadValue, match="3 pictures and 4 codes"), codes_source(CODES, pictures[:3]):
        pass
    with pytest.raises(BadValue, match="names no pictures"):
        held("these codes", CODES).read(0)


def test_a_file_that_is_no_format_is_left_to_others(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF")
    assert codes_formats.read_other(tmp_path / "a.h5") is None
    assert codes_formats.read_other(tmp_path / "none.csv") is None
