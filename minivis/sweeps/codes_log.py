"""Codes that are being made: the checkpoint of a run, a file that only grows and becomes a file of codes at the end.

Its first block is JSON: of which net, layer and size the codes are. Each further block is a batch of the sweep: a line
of JSON with the pictures that it read (path, SHA-256) and those that it could not read (path, name, why), then the
codes. So a batch is there whole or not at all, and a run that goes on composes its batches as an unbroken run would.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minivis.errors import BadFile
from minivis.runtime.block_log import BlockLog, blocks
from minivis.runtime.files import atomic_write
from minivis.types import PathLike

FORMAT, VERSION = "minivis codes checkpoint", 2
NO_CHECKPOINT = ("{path} is not a checkpoint of codes that this minivis can continue, or is damaged: --force starts "
                 "over")
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)     # of JSON that is something else


@dataclass(frozen=True)
class Source:
    """What decides the codes of a picture; ``net`` is a name or path, for people."""

    net: str
    fingerprint: str
    layer: str
    size: int | None
    width: int
    dtype: str

    def check(self, path: PathLike, other: "Source") -> None:
        """Raise BadFile unless the codes at ``path``, which are of ``other``, were made in just this way."""
        if other.fingerprint != self.fingerprint:
            raise BadFile(f"{path} holds codes of another net, {other.net}: name that net with --net, or write "
                          "another file")
        if (other.layer, other.width) != (self.layer, self.width):
            raise BadFile(f"{path} holds codes of the layer {other.layer}, not of {self.layer}: write another file")
        if other.dtype != self.dtype:
            raise BadFile(f"{path} holds codes in {other.dtype}, and this net computes in {self.dtype}: write another "
                          "file")
        if other.size != self.size:
            raise BadFile(f"{path} holds codes of pictures of --size {other.size}, not {self.size}: write another file")


@dataclass
class Batch:
    """One batch of a sweep: paths and hashes (hex) of the pictures read, and their codes (n, D).

    ``unreadable``: (path, name, why) of the others.
    """

    paths: list
    hashes: list
    unreadable: list
    codes: np.ndarray


class CodesLog:
    """The checkpoint at ``path``.

    With ``resume`` what is there already is read once: ``known``, the paths of its pictures, and those ``unreadable``.
    Else a file that is there is replaced when the first batch comes.
    """

    def __init__(self, path: PathLike, source: Source, resume: bool = False) -> None:
        self.path, self.source = path, source
        self.known: set[str] = set()
        self.unreadable: list[tuple[str, str, str]] = []
        self.rows, self.end = 0, 0
        self.log: Any = None                            # the `BlockLog`, from the first batch on
        if resume and os.path.exists(path):
            source.check(path, source_of(path))
            for end, batch in self.read():
                self.known.update(batch.paths, (path for path, _, _ in batch.unreadable))
                self.unreadable += batch.unreadable
                self.rows, self.end = self.rows + len(batch.paths), end

    def read(self) -> Iterator[tuple[int, Batch]]:
        """Yield (where it ends in the file, the `Batch`) for each batch so far."""
        whole = blocks(self.path)
        next(whole)                                     # the header
        for end, block in whole:
            try:
                batch = batch_of(block, self.source)
            except DAMAGED:
                raise BadFile(NO_CHECKPOINT.format(path=self.path)) from None
            yield end, batch

    def append(self, batch: Batch) -> None:
        """Keep one more batch: it is in the file, whole, when this returns. The first one makes the file."""
        if self.log is None:
            self.open()
        about = {"paths": batch.paths, "hashes": batch.hashes, "unreadable": batch.unreadable}
        self.log.append(json.dumps(about).encode() + b"\n", np.ascontiguousarray(batch.codes))
        self.end, self.rows = self.log.end, self.rows + len(batch.paths)
        self.unreadable += batch.unreadable

    def open(self) -> None:
        header = json.dumps({"format": FORMAT, "version": VERSION, **asdict(self.source)}).encode()
        if not self.end:
            # whole or not at all, so that it can always be recognised
            with atomic_write(self.path, force=True) as temporary, BlockLog(temporary) as log:
                log.append(header)
                self.end = log.end
        self.log = BlockLog(self.path, self.end)

    def close(self) -> None:
        """Close the file; remove it if it holds no codes."""
        if self.log is not None:
            self.log.close()
            if not self.rows:
                os.unlink(self.path)
        self.log = None

    def __enter__(self) -> "CodesLog":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def source_of(path: PathLike) -> Source:
    """The `Source` of the checkpoint at ``path``; BadFile for another file."""
    try:
        _, block = next(blocks(path))
        about = json.loads(block)
        known = about.pop("format") == FORMAT and about.pop("version") == VERSION
        if known:
            return Source(**about)
    except (StopIteration, *DAMAGED):
        pass
    raise BadFile(NO_CHECKPOINT.format(path=path))


def batch_of(block: bytes, source: Source) -> Batch:
    """The `Batch` in a block; an error of `DAMAGED` for a block that is not a batch, though its checksum is right."""
    line, _, numbers = block.partition(b"\n")
    about = json.loads(line)
    paths, hashes, unreadable = list(about["paths"]), list(about["hashes"]), list(map(tuple, about["unreadable"]))
    codes = np.frombuffer(numbers, source.dtype).reshape(-1, source.width)
    texts = [*paths, *hashes, *(text for one in unreadable for text in one)]
    if not len(paths) == len(hashes) == len(codes) or any(len(one) != 3 for one in unreadable):
        raise ValueError
    for text in texts:
        text.encode("utf-8", "surrogateescape")         # as the file of codes will hold it
    return Batch(paths, hashes, unreadable, codes)
