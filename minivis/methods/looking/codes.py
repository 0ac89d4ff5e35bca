"""Codes: the activations of a layer near the end for a picture, as one vector; by default fc7, as in the lecture.

Pictures that are similar for a net have codes that lie close together, whatever their pixels. `codes` returns the
codes; `write_codes` writes those of any number of pictures to a file. A run that was stopped can be continued, and more
pictures can be added.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minivis.engine.layer_table import fingerprint
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.images.collection import Pictures
from minivis.runtime.checkpoints import check_unfinished
from minivis.runtime.files import check_output
from minivis.runtime.locks import only_one
from minivis.runtime.settings import CODES, NUMBERS, PATH, SWITCH, several, takes, whole
from minivis.sweeps.codes_file import check_ending, codes_source, near, open_codes, parts_of, write_file
from minivis.sweeps.codes_log import Batch, CodesLog, Source
from minivis.sweeps.sweep import check_workers, shown, sweep
from minivis.sweeps.tally import Tally
from minivis.types import Array, PathLike


@dataclass(frozen=True, eq=False)
class Codes:
    """``values`` (N, D) of the pictures ``names``; ``unreadable``: (name, reason) of pictures that were left out."""

    values: np.ndarray
    names: tuple
    layer: str
    unreadable: tuple = ()
    root: str | None = None                     # the folder that the names are relative to; None for arrays

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        N, D = self.values.shape
        left_out = f"; {len(self.unreadable)} more could not be read" if self.unreadable else ""
        return f"Codes of {N} pictures: {D} numbers of {self.layer} each{left_out}"


def flat(acts: Array) -> Array:
    """(n, D): a layer with positions row by row."""
    return acts.reshape(len(acts), -1)


@takes(size=several(whole()), jobs=whole())
def codes(
    net: Network, pictures: Any, layer: str | None = None, *, size: int | None = None, jobs: int = 1,
    backend: Literal["loky", "dask"] = "loky", scheduler: str | None = None, progress: bool = False,
) -> Codes:  # fmt: skip
    """The codes of pictures: the activations of a layer, each as one vector.

    Parameters
    ----------
    pictures : str, list of str, or arrays
        A folder, a picture file, a list of files, or uint8 arrays (H, W, C).
    layer : str, optional
        The layer; by default that of the net's role code, such as fc7.
    size : int, in pixels, optional
        Shrink the longer side of each picture to this first; for nets that take any size, the side of the squares.

    Returns
    -------
    Codes
        ``values`` (N, D), the ``names`` of the pictures, and those that were ``unreadable``.

    Raises
    ------
    BadFile
        No picture could be read.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> mv.codes(net, [goose, goose[:, ::-1]])
    Codes of 2 pictures: 256 numbers of fc7 each
    """
    layer = net.check_name(layer or net.role("code"))
    pictures, tally, values, names = Pictures.of(pictures), Tally(), [], []
    for first, looked in sweep(net, pictures, layer, flat, size=size, jobs=jobs, backend=backend, scheduler=scheduler,
                               progress=progress, title="codes"):
        tally.add(pictures, first, looked)
        names += [pictures.name(first + i) for i in looked.read]
        values += [looked.found] * bool(looked.read)
    check_some(len(values), tally.unreadable, pictures)
    return Codes(np.concatenate(values), tuple(names), layer, tuple(tally.unreadable), pictures.root)


@dataclass(frozen=True)
class Written:
    """What `write_codes` did: the number of pictures in the file and of new ones, the length of a code, and the
    pictures that could not be read."""

    path: str
    layer: str
    pictures: int
    new: int
    width: int
    unreadable: tuple


@takes(path=PATH, size=several(whole()), jobs=whole(), resume=SWITCH, force=SWITCH)
def write_codes(
    net: Network, folder: Any, path: PathLike, layer: str | None = None, *, net_name: str = "", resume: bool = False,
    force: bool = False, size: int | None = None, jobs: int = 1,
    backend: Literal["loky", "dask"] = "loky", scheduler: str | None = None, progress: bool = False,
) -> Written:  # fmt: skip
    """Write the codes of a folder of pictures to a file, batch by batch; it may be stopped and continued.

    The results of a stopped run are in ``path``.checkpoint. A continued run ends with the same bits as an unbroken one.

    Parameters
    ----------
    folder : str
        The folder, searched with all folders in it.
    path : str
        The HDF5 file to write.
    layer : str, optional
        The layer; by default that of the net's role code, such as fc7.
    net_name : str, optional
        What the file calls the net.
    resume : bool, default False
        Continue a run that was stopped, or add to an existing file; pictures that it holds are not read again.
    force : bool, default False
        Replace an existing file.
    size : int, in pixels, optional
        Shrink the longer side of each picture to this first.

    Returns
    -------
    Written
        The number of pictures, how many are new, the width of a code, and the pictures that were unreadable.

    Raises
    ------
    BadFile
        The file exists, or belongs to another net or layer.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     mv.write_image(f"{folder}/goose.png", goose)
    ...     mv.write_codes(net, folder, f"{folder}/codes.h5").pictures
    1
    """
    layer = net.check_name(layer or net.role("code"))
    check_ending(path)
    check_workers(jobs, backend, scheduler)
    pictures = Pictures.of(folder)
    width = int(np.prod(net.shapes((1, *shown(net, size)))[layer][1:]))
    source = Source(net_name, fingerprint(net), layer, size, width, str(net.dtype))
    check_output(path, force or resume)
    with only_one(path):
        if not resume:
            check_unfinished(checkpoint_of(path), force)
        old, known = 0, set()
        if resume and os.path.exists(path):
            with open_codes(path) as file:
                if not file.fingerprint:
                    raise BadFile(f"{path} does not say of which net its codes are, so none can be added to it: give "
                                  "another name")
                source.check(path, file.source)
                old, known = len(file), set(file.names())
        with CodesLog(checkpoint_of(path), source, resume) as log:
            before = log.rows
            find_codes(net, pictures, path, known, log, size=size, jobs=jobs, backend=backend, scheduler=scheduler,
                       progress=progress)
            unreadable = tuple((name, why) for _, name, why in log.unreadable)
            check_some(old + log.rows, unreadable, pictures)
        if log.rows:
            parts = ((batch.paths, batch.hashes, batch.codes) for _, batch in log.read())
            write_file(path, source, chain(parts_of(path), parts) if old else parts, force=force or resume)
            os.unlink(log.path)
        return Written(os.fspath(path), layer, old + log.rows, log.rows - before, width, unreadable)


def find_codes(net: Network, pictures: Any, path: Any, known: Any, log: Any, **settings: Any) -> None:
    """Add to ``log`` the codes of all pictures that neither it nor ``known`` has."""
    kept = [near(os.path.join(pictures.root, name), path) for name in pictures.names]
    numbers = [i for i, one in enumerate(kept) if one not in known and one not in log.known]
    names, kept = tuple(pictures.names[i] for i in numbers), [kept[i] for i in numbers]
    todo = Pictures(pictures.root, names)
    for first, looked in sweep(net, todo, log.source.layer, flat, title="codes", **settings):
        found = looked.found if looked.read else np.zeros((0, log.source.width), log.source.dtype)
        log.append(Batch([kept[first + i] for i in looked.read], [looked.hashes[i] for i in looked.read],
                         [(kept[first + i], names[first + i], why) for i, why, _ in looked.failed], found))


@contextmanager
def codes_at(net: Network, source: Any, *, progress: bool = False) -> Iterator[Any]:
    """The path of a file of codes: ``source``, or a temporary one if that is a folder of pictures."""
    if not os.path.isdir(source):
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "codes.h5")
        write_codes(net, source, path, progress=progress)
        yield path


def checkpoint_of(path: Any) -> str:
    return f"{os.fspath(path)}.checkpoint"


def check_some(count: int, unreadable: Any, pictures: Any) -> None:
    """Raise BadFile if no picture could be read."""
    if not count:
        raise BadFile(f"none of the {len(pictures)} pictures can be read; the first: {unreadable[0][1]}")


@takes(codes=CODES, code=NUMBERS, k=whole())
def nearest(
    codes: Any, code: NDArray[Any], k: int = 12, *, metric: str = "cosine",
) -> tuple[NDArray[Any], NDArray[Any]]:  # fmt: skip
    """The rows of many codes that are nearest to one code, nearest first.

    Parameters
    ----------
    codes : array (N, D), Codes, or str
        The codes: an array, what `codes` returns, or a file of `write_codes`, which is read block by block.
    code : array (D,)
        The code to compare with.
    k : int, default 12
        How many.
    metric : {"cosine", "l2"}, default "cosine"
        1 - cos of the angle between two codes, or the length of their difference.

    Returns
    -------
    numbers, distances : arrays (k,)
        The numbers of the rows, and their distances.

    Examples
    --------
    >>> import minivis as mv
    >>> numbers, distances = mv.nearest([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 0.1], k=2)
    >>> numbers.tolist()
    [0, 2]
    """
    if isinstance(codes, (str, os.PathLike)):
        with codes_source(codes) as file:
            return nearest(file, code, k, metric=metric)
    if metric not in METRICS:
        raise UnknownName.of("metric", metric, METRICS)
    blocks = codes.blocks() if hasattr(codes, "blocks") else [(0, np.asarray(getattr(codes, "values", codes)))]
    code = np.asarray(code, np.float64).ravel()
    numbers, distances = np.zeros(0, np.int64), np.zeros(0)
    for first, block in blocks:
        if block.shape[1:] != code.shape:
            raise BadValue(f"the code has {code.size} numbers, but the other codes have {block.shape[1]}: "
                           "they come from different layers")
        numbers = np.concatenate([numbers, first + np.arange(len(block))])
        distances = np.concatenate([distances, METRICS[metric](block.astype(np.float64), code)])
        best = np.argsort(distances, kind="stable")[:k]
        numbers, distances = numbers[best], distances[best]
    return numbers, distances


def cosine(rows: Any, code: Any) -> Any:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(code)
    return 1 - np.divide(rows @ code, lengths, out=np.zeros(len(rows)), where=lengths > 0)


def l2(rows: Any, code: Any) -> Any:
    return np.linalg.norm(rows - code, axis=1)


METRICS = {"cosine": cosine, "l2": l2}
