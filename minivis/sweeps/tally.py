"""What a sweep found in a batch of pictures, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minivis.images.collection import Pictures, chained


@dataclass
class BatchResult:
    """The result of one batch: ``found`` is what ``digest`` returned for the pictures ``read``, if any."""

    found: Any
    read: list
    hashes: list                                        # SHA-256 of each picture of the batch, read or not
    failed: list                                        # (number, why, whether there is no such file)


@dataclass
class Tally:
    """The progress of a sweep; a checkpoint stores it, so that the sweep can be continued."""

    done: int = 0
    digest: str = ""                                    # of the names and contents of the pictures so far
    unreadable: list = field(default_factory=list)      # (name, why)

    def add(self, pictures: Pictures, first: int, looked: BatchResult) -> None:
        for i, digest in enumerate(looked.hashes):
            self.digest = chained(self.digest, pictures.name(first + i), digest)
        self.unreadable += [(pictures.name(first + i), why) for i, why, _ in looked.failed]
        self.done = first + len(looked.hashes)


def listed(unreadable: Sequence[tuple[str, str]]) -> list[str]:
    """Lines that say which pictures could not be read."""
    return [f"{len(unreadable)} could not be read:"] * bool(unreadable) + [
        f"  {why if name.rpartition('/')[2] in why else f'{name}: {why}'}" for name, why in unreadable]
