"""A file is written whole or not at all, and nobody's file is lost."""

import errno
import hashlib
import os
import sys

import h5py
import pytest

from minivis.errors import BadFile, BadValue
from minivis.runtime.files import (
    atomic_write,
    check_output,
    file_hash,
    open_regular,
    printable,
    read_bytes,
    read_json,
    reading,
    room_for,
    write_all,
)


def no_leftovers(folder, *kept):
    return sorted(p.name for p in folder.iterdir()) == sorted(kept)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_a_device_is_not_replaced():
    with pytest.raises(BadValue, match="/dev/null is a device"):
        check_output("/dev/null", force=True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
def test_atomic_write_leaves_nothing_behind(tmp_path, error):
    (tmp_path / "old.h5").write_text("old")
    with pytest.raises(error), atomic_write(tmp_path / "old.h5", force=True) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path and temporary.suffix == ".h5" and temporary.name != "old.h5"
        raise error
    assert (tmp_path / "old.h5").read_text() == "old" and no_leftovers(tmp_path, "old.h5")


def test_atomic_write_keeps_a_file_that_appeared_meanwhile(tmp_path):
    with pytest.raises(BadValue, match="exists and is kept"), atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("ours")
        (tmp_path / "a.txt").write_text("theirs")
    assert (tmp_path / "a.txt").read_text() == "theirs" and no_leftovers(tmp_path, "a.txt")


def test_atomic_write_follows_links_and_relative_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    os.symlink("there/target.txt", "link.txt")
    with atomic_write("link.txt") as temporary:
        temporary.write_text("new")
    assert os.path.islink("link.txt") and (tmp_path / "there/target.txt").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_new_file_may_be_read_and_written_as_any_other_and_not_run(tmp_path):
    before = os.umask(0)
    try:
        with atomic_write(tmp_path / "a") as temporary:
            temporary.write_text("new")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666


def test_a_file_is_read_to_its_end_however_little_the_system_gives_at_a_time(tmp_path, monkeypatch):
    content = os.urandom(5000)
    (tmp_path / "a.bin").write_bytes(content)
    assert read_bytes(tmp_path / "a.bin") == content
    read, closed = os.read, []
    monkeypatch.setattr(os, "read", lambda file, size: read(file, min(size, 999)))
    monkeypatch.setattr(os, "close", lambda file, close=os.close: closed.append(file) or close(file))
    assert read_bytes(tmp_path / "a.bin") == content
    monkeypatch.setattr(os, "fstat", lambda file, fstat=os.fstat: os.stat_result((*fstat(file)[:6], 6000, 0, 0, 0)))
    assert read_bytes(tmp_path / "a.bin") == content                    # shorter since it was asked for its size
    assert len(closed) == 2


def test_what_cannot_be_read_is_an_error_of_the_systems(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")
    with pytest.raises(OSError):
        read_bytes(tmp_path)


def test_a_files_hash_is_that_of_its_bytes(tmp_path):
    data = bytes(range(256)) * 5000                             # more than one block of 1 MB
    (tmp_path / "data").write_bytes(data)
    assert file_hash(tmp_path / "data") == hashlib.sha256(data).hexdigest()
    assert file_hash(tmp_path / "data", "md5") == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_only_regular_files_are_opened(tmp_path):
    (tmp_path / "data").write_bytes(b"abc")
    with open_regular(tmp_path / "data") as file:
        assert file.read() == b"abc"
    os.mkfifo(tmp_path / "pipe")                                # opening it would wait for a writer
    for path, message in [(tmp_path / "pipe", "is a device or a pipe"), (tmp_path, "is a folder"),
                          (tmp_path / "none", "there is no file"), ("a\0b", "cannot be read")]:
        with pytest.raises(BadFile, match=message):
            open_regular(path)


def test_a_librarys_message_fits_on_a_line():
    assert printable("a\nb\x1b[31m") == "a?b?[31m"
    assert printable("x" * 400 + "y" * 1000 + "z" * 400, most=800) == "x" * 400 + " ... " + "z" * 400


@pytest.mark.parametrize("code, message", [
    (errno.ENOSPC, r"the disk at .+ is full \([\d.]+ MB of [\d.]+ MB are free\); free some space"),
    (errno.EDQUOT, "your quota on the disk at .+ is used up; free some space"),
    (errno.EFBIG, "the file would be larger than the disk at .+, or `ulimit -f`, allows"),
])
def test_a_disk_without_room_is_named_and_nothing_is_left_behind(tmp_path, code, message):
    (tmp_path / "old.h5").write_text("old")
    with pytest.raises(BadFile, match=rf"old\.h5 cannot be written: {message}"), \
            atomic_write(tmp_path / "old.h5", force=True) as temporary:
        temporary.write_text("half")
        raise OSError(code, os.strerror(code))
    assert (tmp_path / "old.h5").read_text() == "old" and no_leftovers(tmp_path, "old.h5")


def test_other_errors_of_a_disk_pass():
    with pytest.raises(PermissionError), room_for("a.h5"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_write_all_goes_on_where_a_system_call_took_less(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    with open(tmp_path / "a", "wb", buffering=0) as file:
        write_all(file.fileno(), b"ten bytes.")
    assert (tmp_path / "a").read_bytes() == b"ten bytes."


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="pipe is a pipe or a device, not a regular file"):
        read_bytes(tmp_path / "pipe")
    with pytest.raises(BadFile, match="/dev/zero is a pipe or a device"):
        read_bytes("/dev/zero")
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", most=5) == b"12345"
    with pytest.raises(BadFile, match=r"a has 0\.0 GB; minivis reads files of up to 0\.0 GB here"):
        read_bytes(tmp_path / "a", most=4)


def test_a_type_error_is_damage_when_h5py_raises_it_and_a_bug_when_we_do(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(BadFile, match="is damaged or half-written"), reading(path) as raw, h5py.File(raw, "r") as file:
        file[1.5]
    with pytest.raises(TypeError), reading(path):
        write_all(0, 1.5)


def test_a_json_file_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert read_json(tmp_path / "a.json", "a list", limit=6) == [1, 2]
    with pytest.raises(BadFile, match=r"a\.json is too large to be a list"):
        read_json(tmp_path / "a.json", "a list", limit=5)
    with pytest.raises(BadFile, match=r"^/dev/zero is a pipe or a device, not a regular file$"):
        read_json("/dev/zero", "a list")
