"""The checkpoint of codes: batches come back whole, and only a run of the same net, layer and size continues it."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.errors import BadFile
from minivis.runtime.block_log import BlockLog
from minivis.sweeps.codes_log import Batch, CodesLog, Source, source_of

SOURCE = Source("tiny", "f00d", "fc7", None, 3, "float32")
BATCHES = [Batch(["a.png", "caf\udce9.png"], ["12", "34"], [("b.png", "b.png", "b.png is broken")],
                 np.arange(6, dtype=np.float32).reshape(2, 3)),
           Batch([], [], [("c.png", "c.png", "c.png is empty")], np.zeros((0, 3), np.float32)),
           Batch(["d.png"], ["56"], [], np.full((1, 3), 7, np.float32))]


@pytest.fixture
def path(tmp_path):
    with CodesLog(tmp_path / "log", SOURCE) as log:
        for batch in BATCHES:
            log.append(batch)
    return tmp_path / "log"


def test_holds_what_was_appended(path):
    assert source_of(path) == SOURCE
    log = CodesLog(path, SOURCE, resume=True)
    assert log.rows == 3 and log.known == {"a.png", "caf\udce9.png", "b.png", "c.png", "d.png"}
    assert log.unreadable == [one for batch in BATCHES for one in batch.unreadable]
    for (_, a), b in zip(log.read(), BATCHES, strict=True):
        assert (a.paths, a.hashes, a.unreadable) == (b.paths, b.hashes, b.unreadable)
        np.testing.assert_array_equal(a.codes, b.codes)


def test_one_that_is_not_resumed_is_replaced_with_its_first_batch(path):
    before = path.read_bytes()
    with CodesLog(path, SOURCE) as log:
        assert path.read_bytes() == before and log.rows == 0
        log.append(BATCHES[2])
    assert CodesLog(path, SOURCE, resume=True).known == {"d.png"}


def test_without_codes_nothing_is_left(tmp_path):
    with CodesLog(tmp_path / "log", SOURCE):
        pass
    with CodesLog(tmp_path / "log", SOURCE) as log:
        log.append(BATCHES[1])
        assert (tmp_path / "log").exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change, message", [
    ({"fingerprint": "beef"}, "holds codes of another net, tiny: name that net with --net"),
    ({"layer": "fc6"}, "holds codes of the layer fc7, not of fc6"), ({"width": 4}, "holds codes of the layer fc7"),
    ({"dtype": "float64"}, "holds codes in float32, and this net computes in float64"),
    ({"size": 8}, "holds codes of pictures of --size None, not 8"),
])
def test_of_something_else(path, change, message):
    before = path.read_bytes()
    with pytest.raises(BadFile, match=message):
        CodesLog(path, replace(SOURCE, **change), resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no log", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_what_is_no_checkpoint(tmp_path, content):
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(BadFile, match="is not a checkpoint of codes that this minivis can continue, or is damaged"):
        CodesLog(tmp_path / "log", SOURCE, resume=True)


@pytest.mark.parametrize("line, numbers", [
    (b"5", b""), (b"[]", b""), (b"{}", b""), (b"[" * 10**5, b""), (b"\xff", b""),
    (b'{"paths": ["a"], "hashes": ["b"], "unreadable": []}', b"123"),
    (b'{"paths": ["a"], "hashes": ["b"], "unreadable": []}', bytes(24)),
    (b'{"paths": ["a"], "hashes": [], "unreadable": []}', bytes(12)),
    (b'{"paths": [5], "hashes": ["b"], "unreadable": []}', bytes(12)),
    (b'{"paths": ["\\ud800"], "hashes": ["b"], "unreadable": []}', bytes(12)),
    (b'{"paths": ["a"], "hashes": ["b"], "unreadable": [["c"]]}', bytes(12)),
    (b'{"paths": ["a"], "hashes": ["b"], "unreadable": 5}', bytes(12)),
], ids=range(12))  # fmt: skip
def test_a_block_that_is_whole_and_no_batch(path, line, numbers):
    with BlockLog(path, path.stat().st_size) as log:
        log.append(line + b"\n", numbers)
    with pytest.raises(BadFile, match="not a checkpoint of codes that this minivis can continue, or is damaged"):
        CodesLog(path, SOURCE, resume=True)
