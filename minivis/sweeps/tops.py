"""The strongest places of a layer's units over many pictures, found batch by batch, and the checkpoint of that."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minivis.engine.geometry import ReceptiveField
from minivis.engine.layer_table import fingerprint
from minivis.errors import BadFile
from minivis.images.collection import Pictures, folder_hash
from minivis.runtime import checkpoints
from minivis.sweeps.tally import BatchResult, Tally
from minivis.types import Array

EVERY = 30.0                                    # seconds between checkpoints
KIND = "patches"                                # of checkpoint
PARTS = ("values", "pictures", "row", "column")


@dataclass(frozen=True, eq=False)
class Tops:
    """The strongest so far, (U, k) each, strongest first; a place that is not yet taken has the value -inf."""

    values: np.ndarray
    pictures: np.ndarray
    row: np.ndarray
    column: np.ndarray

    @classmethod
    def none(cls, units: int, k: int) -> "Tops":
        return cls(np.full((units, k), -np.inf), *(np.zeros((units, k), np.int64) for _ in range(3)))

    @property
    def parts(self) -> tuple[Array, Array, Array, Array]:
        return self.values, self.pictures, self.row, self.column

    def merged(self, looked: BatchResult, first: int) -> "Tops":
        """With what a batch has found. Among equals, what was there first stays first."""
        values, pictures, row, column = looked.found
        new = values, first + np.asarray(looked.read)[pictures], row, column
        both = [np.concatenate(pair, axis=1) for pair in zip(self.parts, new)]
        best = np.argsort(-both[0], axis=1, kind="stable")[:, : self.values.shape[1]]
        return Tops(*(np.take_along_axis(part, best, axis=1) for part in both))


def strongest(maps: Array, units: Sequence[int], k: int, per_picture: int, field: ReceptiveField) -> tuple[Array, ...]:
    """Of a batch (n, H, W, C) or (n, C): values, pictures, rows, columns, (units, at most k) each, strongest first."""
    maps = maps.reshape(len(maps), *(maps.shape[1:3] if maps.ndim == 4 else (1, 1)), -1)[..., list(units)]
    n, H, W, U = maps.shape
    free = np.array(maps, np.float64)
    found = []
    for _ in range(min(per_picture, H * W)):
        best = free.reshape(n, H * W, U).argmax(axis=1)                         # (n, U)
        row, column = np.divmod(best, W)
        values = np.take_along_axis(free.reshape(n, H * W, U), best[:, None], axis=1)[:, 0]
        found.append((values, np.broadcast_to(np.arange(n)[:, None], (n, U)), row, column))
        if per_picture > 1:
            near = (close(H, row, field, 0)[:, :, None] & close(W, column, field, 1)[:, None])   # (n, H, W, U)
            free[near] = -np.inf
    parts = [np.stack(part, axis=1).reshape(-1, U).T for part in zip(*found)]   # (U, n * per_picture), by picture
    best = np.argsort(-parts[0], axis=1, kind="stable")[:, :k]
    return tuple(np.take_along_axis(part, best, axis=1) for part in parts)


def close(count: int, place: Array, field: ReceptiveField, axis: int) -> Array:
    """(n, count, U): the rows (or columns) whose fields begin less than half a field from that of ``place`` (n, U)."""
    return abs(np.arange(count)[None, :, None] - place[:, None]) * field.stride[axis] * 2 < field.size[axis]


@dataclass
class Checkpoint:
    """Where a sweep for patches keeps its state: a checkpoint at ``path``, or nowhere."""

    path: str | None
    net: object
    settings: dict                              # what decides the result, beside net and pictures
    saved: float = field(default_factory=time.monotonic)

    def save_sometimes(self, tops: Tops, tally: Tally) -> None:
        if time.monotonic() - self.saved > EVERY:
            self.save(tops, tally)

    def save(self, tops: Tops, tally: Tally) -> None:
        if self.path is None or tally.done == len(tally.unreadable):    # nothing to keep
            return
        checkpoints.write(self.path, KIND, dict(zip(PARTS, tops.parts)),
                          {"settings": self.settings, "net": fingerprint(self.net), **vars(tally)})
        self.saved = time.monotonic()

    def load(self, pictures: Pictures) -> tuple[Tops, Tally]:
        """(Tops, Tally). Raise BadFile unless they are of this net, these settings, and the pictures as they were."""
        kept = checkpoints.read(self.path, KIND, PARTS)
        try:
            tops = Tops(*(kept[name] for name in PARTS))
            tally = Tally(int(kept["done"]), str(kept["digest"]), [(str(a), str(b)) for a, b in kept["unreadable"]])
            settings, net = kept["settings"], kept["net"]
        except (KeyError, TypeError, ValueError):
            raise BadFile(f"{self.path} cannot be read as a checkpoint of patches: --force starts over") from None
        if any(part.shape != (len(self.settings["units"]), self.settings["k"]) for part in tops.parts):
            settings = None
        for what, holds in (
            ("another net", net == fingerprint(self.net)),
            ("other settings", settings == self.settings),
            ("other pictures", tally.done <= len(pictures) and folder_hash(pictures, tally.done) == tally.digest),
        ):  # fmt: skip
            if not holds:
                raise BadFile(f"the checkpoint {self.path} is of {what}: --force starts over")
        return tops, tally
