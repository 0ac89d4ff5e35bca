"""HDF5 that a stranger wrote: what is looked up, what is read, and what is refused."""

import io
import zipfile

import h5py
import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.weights.containers.hdf5 import Window, check_stored, child, opened, read_array


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/w"] = np.arange(6, dtype="f4").reshape(2, 3)
        file["whole"] = np.arange(3, dtype=np.int64)
        file["bad"] = np.array([1, np.nan, np.inf])
        file["link"] = h5py.SoftLink("/group/w")
        file.attrs.update({"names0": [b"a", b"b"], "names1": [b"c"], "names3": [b"d"], "one": b"x", "numbers": [1, 2]})
    return tmp_path / "a.h5"


def test_only_hard_links_of_the_kind_asked_for_are_followed(path):
    with opened(path) as source:
        assert child(source.file, "group/w", h5py.Dataset).shape == (2, 3)
        assert child(source.file, "/group/", h5py.Group).name == "/group"
        assert child(source.file, "group/w", h5py.Group) is None and child(source.file, "link", h5py.Dataset) is None
        assert child(source.file, "group/w/deeper", h5py.Dataset) is None


def test_a_list_of_names_may_be_split_and_ends_at_the_first_gap(path):
    with opened(path) as source:
        assert source.strings(source.file, "names") == ["a", "b", "c"]
        assert source.strings(source.file, "one") == ["x"] and source.strings(source.file, "none") is None
        assert source.attribute(source.file, "one") == "x" and source.attribute(source.file, "none") is None
        with pytest.raises(BadFile, match="numbers is not a list of names"):
            source.strings(source.file, "numbers")


def test_a_text_is_one_string_and_nothing_else_is(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"long": "goose", "short": np.bytes_(b"goose"), "names": np.array([b"a", b"b"]), "number": 3.0,
                     "empty": h5py.Empty("S3")})
    with opened(tmp_path / "a.h5") as source:
        texts = {name: source.text(source.file[name]) for name in source.file}
    assert texts == {"long": b"goose", "short": b"goose", "names": None, "number": None, "empty": None}


def test_arrays_are_floats_and_finite_unless_they_need_not_be(path):
    with opened(path) as source:
        found = read_array(source.file["group/w"], np.float64, source)
        assert found.dtype == np.float64 and found.tolist() == [[0, 1, 2], [3, 4, 5]]
        with pytest.raises(BadFile, match="/whole holds int64, not floats"):
            check_stored(source.file["whole"], path)
        with pytest.raises(BadFile, match="/bad is NaN or infinite in 2 of 3 places"):
            read_array(source.file["bad"], np.float64, source)
        assert read_array(source.file["bad"], np.float64, source, finite=False)[0] == 1


@pytest.mark.parametrize("how", ["stored", "compressed", "encrypted"])
def test_in_an_archive_weights_lie_as_they_are(path, tmp_path, how):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED if how == "compressed" else 0) as archive:
        archive.write(path, "model.weights.h5")
    if how == "encrypted":
        data = bytearray((tmp_path / "a.keras").read_bytes())
        data[data.index(b"PK\x01\x02") + 8] |= 1              # bit 0 of the flags in the central directory
        (tmp_path / "a.keras").write_bytes(data)
    if how == "stored":
        with opened(tmp_path / "a.keras") as source:
            assert source.file["whole"][2] == 2
        return
    with pytest.raises(BadFile, match=r"model\.weights\.h5 is compressed in it"), opened(tmp_path / "a.keras"):
        pass


def test_a_window_is_a_file_of_its_own():
    window = Window(io.BytesIO(b"0123456789"), 3, 4)
    assert window.read() == b"3456" and window.read() == b"" and window.tell() == 4
    assert window.seek(-2, io.SEEK_END) == 2 and window.read(9) == b"56"
    window.seek(1)
    assert window.seek(1, io.SEEK_CUR) == 2 and window.read(1) == b"5"


def test_what_is_no_hdf5_is_said(tmp_path):
    for data, message in ((b"", "is empty"), (b"hello world", "is not a file of weights")):
        (tmp_path / "b").write_bytes(data)
        with pytest.raises(BadFile, match=message), opened(tmp_path / "b"):
            pass
