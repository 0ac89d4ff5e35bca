"""Blocks come back whole, whatever happens to the end of the file."""

import errno
import os

import pytest

from minivis.errors import BadFile
from minivis.runtime import block_log
from minivis.runtime.block_log import BlockLog, blocks

BLOCKS = [b"first", b"", b"the third, which is longer"]


@pytest.fixture
def path(tmp_path):
    with BlockLog(tmp_path / "log") as log:
        for block in BLOCKS:
            log.append(block)
    return tmp_path / "log"


def test_holds_what_was_appended(path):
    assert [block for _, block in blocks(path)] == BLOCKS
    assert [end for end, _ in blocks(path)] == [17, 29, 67] and path.stat().st_size == 67


def test_a_block_may_come_in_parts(path):
    with BlockLog(path, 67) as log:
        log.append(b"in ", b"two parts")
        assert log.end == path.stat().st_size
    assert [block for _, block in blocks(path)][3:] == [b"in two parts"]


@pytest.mark.parametrize("size", range(67))
def test_cut_short_anywhere_it_gives_the_whole_blocks(path, size):
    os.truncate(path, size)
    assert [block for _, block in blocks(path)] == BLOCKS[: sum(end <= size for end in (17, 29, 67))]


@pytest.mark.parametrize("place, whole", [(0, 0), (7, 0), (9, 0), (14, 0), (30, 2), (37, 2), (66, 2)])
def test_reading_stops_at_damage(path, place, whole):
    data = bytearray(path.read_bytes())
    data[place] ^= 64
    path.write_bytes(data)
    assert [block for _, block in blocks(path)] == BLOCKS[:whole]


def test_goes_on_after_a_given_end(path):
    with BlockLog(path, 17) as log:
        log.append(b"another")
    assert [block for _, block in blocks(path)] == [b"first", b"another"]


def test_a_full_disk_keeps_the_blocks_before(path, monkeypatch):
    def write_all(file, data):
        os.write(file, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    with BlockLog(path, 67) as log:
        with monkeypatch.context() as patch:
            patch.setattr(block_log, "write_all", write_all)
            with pytest.raises(BadFile, match=r"log cannot be written: the disk at .* is full"):
                log.append(b"more")
        assert path.read_bytes() == before
        log.append(b"more")                             # there is room again
    assert [block for _, block in blocks(path)] == [*BLOCKS, b"more"]
