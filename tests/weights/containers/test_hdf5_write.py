"""New HDF5 files: what is written can be read, and a disk that is full costs one sentence and nothing else."""

import errno
import sys

import h5py
import numpy as np
import pytest
from commandline import contents
from disks import small_disk, with_file_limit  # noqa: F401
from processes import finish

from minivis.errors import BadFile
from minivis.models.tiny import tiny_vgg
from minivis.weights.containers import hdf5_write
from minivis.weights.containers.hdf5_write import new_hdf5
from minivis.weights.native import save

ROWS = np.arange(400_000.0).reshape(1000, 400)


def write(path):
    with new_hdf5(path) as (file, sink):
        file.attrs["kind"] = "rows"
        for first in range(0, 1000, 100):
            if not first:
                file.create_dataset("rows", (0, 400), "f8", maxshape=(None, 400), chunks=(7, 400), compression="gzip")
            file["rows"].resize(first + 100, axis=0)
            file["rows"][first:] = ROWS[first : first + 100]
            sink.check()


def test_holds_what_was_written(tmp_path):
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["kind"] == "rows"
        np.testing.assert_array_equal(file["rows"][:], ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("room", [0, 100, 3000, 20_000, 100_000, 300_000])
def test_a_write_that_fails_at_any_point_is_told_once(tmp_path, monkeypatch, room):
    (tmp_path / "a.h5").write_bytes(b"what was there")
    left = [room]

    def write_all(descriptor, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(descriptor, data)

    whole = hdf5_write.write_all
    monkeypatch.setattr(hdf5_write, "write_all", write_all)
    with pytest.raises(BadFile, match=r"b\.h5 cannot be written: the disk at .+ is full \([\d.]+ MB of [\d.]+ MB are"):
        write(tmp_path / "b.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_an_error_of_the_writer_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), new_hdf5(tmp_path / "a.h5") as (file, _):
        file["rows"] = ROWS
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
@pytest.mark.parametrize("size", [0, 2048, 10_000])
def test_weights_import_within_a_limit(tmp_path, size):
    save(tiny_vgg(), tmp_path / "tiny.h5")
    before = contents(tmp_path)
    code, out, err = with_file_limit(size, "weights", "import", "tiny.h5", "-o", "b.h5", cwd=tmp_path)
    assert (code, out) == (2, "") and err.startswith("minivis: error: b.h5 cannot be written: the file would be larger")
    assert err.count("\n") == 1 and contents(tmp_path) == before


@pytest.mark.parametrize("size", [4096, 12288])
def test_weights_import_onto_a_full_disk(tmp_path, small_disk, size):  # noqa: F811
    disk = small_disk(size)
    save(tiny_vgg(), tmp_path / "tiny.h5")
    code, out, err = finish("-m", "minivis", "weights", "import", "tiny.h5", "-o", str(disk / "b.h5"), cwd=tmp_path)
    assert (code, out) == (2, "") and f"b.h5 cannot be written: the disk at {disk} is full" in err
    assert err.count("\n") == 1 and not list(disk.iterdir())


@pytest.mark.parametrize("first, size", [(0, 10), (0, 5), (2, 3), (3, 1), (4, 6), (5, 2), (7, 3)])
def test_what_the_disk_refused_is_read_as_if_it_were_there(tmp_path, monkeypatch, first, size):
    """Six bytes on the disk, three written over and behind them that it does not take, and one more over these."""
    (tmp_path / "a").write_bytes(b"abcdef")
    sink = hdf5_write.Sink(tmp_path / "a")

    def write_all(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hdf5_write, "write_all", write_all)
    for offset, data in ((3, b"XYZW"), (4, b"!")):
        sink.seek(offset)
        assert sink.write(data) == len(data)
    sink.seek(first)
    assert sink.read(size) == b"abcX!ZW\0\0\0"[first : first + size] and sink.tell() == first + size
    with pytest.raises(OSError, match="No space left"):
        sink.check()
    sink.close()
