"""Where the members of a zip archive lie, and archives that are not to be trusted."""

import struct
import zipfile

import pytest

from minivis.errors import BadFile
from minivis.weights.containers import zip as archive


def write(path, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("first", b"one" * 20)
        file.writestr("folder/second", b"two" * 20)
    return path


def test_a_stored_member_lies_where_it_is_said_to(tmp_path):
    path = write(tmp_path / "a.zip")
    whole = path.read_bytes()
    with open(path, "rb") as raw:
        found = archive.members(raw, path)
        assert list(found) == ["first", "folder/second"]
        for info, text in zip(found.values(), (b"one" * 20, b"two" * 20)):
            assert whole[archive.stored_at(raw, info, path) :].startswith(text)


def test_the_length_of_the_list_of_contents_is_the_records(tmp_path):
    path = write(tmp_path / "a.zip")
    with open(path, "rb") as raw:
        # 46 bytes an entry and its name
        assert archive.directory_bytes(raw, path.stat().st_size) == 2 * 46 + len("first") + len("folder/second")
    (tmp_path / "b").write_bytes(b"no archive")
    with open(tmp_path / "b", "rb") as raw:
        assert archive.directory_bytes(raw, 10) == 0


def test_a_packed_member_is_refused(tmp_path):
    path = write(tmp_path / "a.zip", zipfile.ZIP_DEFLATED)
    with open(path, "rb") as raw:
        info = archive.members(raw, path)["first"]
        with pytest.raises(BadFile, match="first is compressed or encrypted"):
            archive.stored_at(raw, info, path)


def test_a_member_may_end_with_the_file_and_not_a_byte_later(tmp_path):
    path = write(tmp_path / "a.zip")
    with open(path, "rb") as raw:
        info = archive.members(raw, path)["folder/second"]
        start = archive.stored_at(raw, info, path)
    for length, fits in ((start + 60, True), (start + 59, False)):
        (tmp_path / "b.zip").write_bytes(path.read_bytes()[:length])
        with open(tmp_path / "b.zip", "rb") as raw:
            if fits:
                assert archive.stored_at(raw, info, path) == start
            else:
                with pytest.raises(BadFile, match="ends before folder/second does"):
                    archive.stored_at(raw, info, path)


def test_a_list_of_contents_longer_than_the_file_is_not_read(tmp_path):
    whole = bytearray(write(tmp_path / "a.zip").read_bytes())
    struct.pack_into("<I", whole, whole.rindex(b"PK\x05\x06") + 12, len(whole) + 1)
    (tmp_path / "a.zip").write_bytes(whole)
    with open(tmp_path / "a.zip", "rb") as raw, pytest.raises(BadFile, match="list of contents is damaged"):
        archive.members(raw, tmp_path / "a.zip")
