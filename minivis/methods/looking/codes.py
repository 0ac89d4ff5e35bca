"""Codes: what a layer near the end says about a picture, as one vector; by default fc7, as in the lecture.

Pictures that a net finds alike have codes that lie close together, whatever their pixels. `codes` returns them;
`write_codes` streams those of any number of pictures into a file, which can be stopped, gone on with, and added to.
"""

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from minivis.engine.layer_table import fingerprint
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.images.collection import Pictures
from minivis.runtime.files import check_output
from minivis.sweeps.codes_file import create, near, open_codes
from minivis.sweeps.sweep import Tally, shown, sweep


@dataclass(frozen=True, eq=False)
class Codes:
    """``values`` (N, D) of the pictures called ``names``; ``unreadable``: (name, why) of those that are left out."""

    values: np.ndarray
    names: tuple
    layer: str
    unreadable: tuple = ()

    def __len__(self):
        return len(self.values)


def flat(acts):
    """(n, D): a layer with positions row by row."""
    return acts.reshape(len(acts), -1)


def codes(net, pictures, layer=None, *, size=None, jobs=1, backend="loky", scheduler=None, progress=False):
    """The codes of pictures (a folder, a list of files, or arrays) at ``layer`` (default: the net's code layer)."""
    layer = net.check_name(layer or net.role("code"))
    pictures, tally, values, names = Pictures.of(pictures), Tally(), [], []
    for first, looked in sweep(net, pictures, layer, flat, size=size, jobs=jobs, backend=backend, scheduler=scheduler,
                               progress=progress, title="codes"):
        tally.add(pictures, first, looked)
        names += [pictures.name(first + i) for i in looked.read]
        values += [looked.found] * bool(looked.read)
    check_some(values, tally, pictures)
    return Codes(np.concatenate(values), tuple(names), layer, tuple(tally.unreadable))


@dataclass(frozen=True)
class Written:
    """What `write_codes` did: pictures in the file now, new ones, the width of a code, who could not be read."""

    path: str
    layer: str
    pictures: int
    new: int
    width: int
    unreadable: tuple


def write_codes(net, folder, path, layer=None, *, net_name="", resume=False, force=False, size=None, jobs=1,
                backend="loky", scheduler=None, progress=False):
    """Write the codes of a folder of pictures to ``path``.

    resume: go on with what a stopped run has left, or add to a file that is there; pictures that it has already are not
    read again. Raise BadFile where that file is of another net or layer.
    """
    layer = net.check_name(layer or net.role("code"))
    pictures = Pictures.of(folder)
    growing = checkpoint_of(path)
    width = int(np.prod(net.shapes((1, *shown(net, size)))[layer][1:]))
    own = {"fingerprint": fingerprint(net), "layer": layer, "size": size}
    if resume and (os.path.exists(growing) or os.path.exists(path)):
        check_same(growing if os.path.exists(growing) else path, width, **own)
        if not os.path.exists(growing):
            shutil.copyfile(path, growing)
    else:
        if not resume:
            check_output(path, force)
            check_output(growing, force)
        create(growing, width, net.dtype, net_name, **own)
    tally = Tally()
    try:
        with open_codes(growing, write=True) as file:
            before = file.trim()
            known = set(file.names())
            names = tuple(n for n in pictures.names if near(os.path.join(pictures.root, n), path) not in known)
            todo = Pictures(pictures.root, names)
            for first, looked in sweep(net, todo, layer, flat, size=size, jobs=jobs, backend=backend,
                                       scheduler=scheduler, progress=progress, title="codes"):
                tally.add(todo, first, looked)
                if looked.read:
                    file.append([todo.path(first + i) for i in looked.read],
                                [looked.hashes[i].encode() for i in looked.read], looked.found)
            count = len(file)
            check_some(range(count), tally, pictures)
    except BaseException:
        with suppress(OSError), open_codes(growing) as file:
            if not len(file):
                os.unlink(growing)
        raise
    os.replace(growing, path)
    return Written(os.fspath(path), layer, count, count - before, width, tuple(tally.unreadable))


@contextmanager
def codes_at(net, source, *, progress=False):
    """The path of a file of codes: ``source``; or of a temporary one, where that is a folder of pictures."""
    if not os.path.isdir(source):
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "codes.h5")
        write_codes(net, source, path, progress=progress)
        yield path


def checkpoint_of(path):
    return f"{os.fspath(path)}.checkpoint"


def check_same(path, width, fingerprint, layer, size):
    """Raise BadFile unless the codes at ``path`` were made in just this way."""
    with open_codes(path) as file:
        if file.fingerprint != fingerprint:
            raise BadFile(f"{path} holds codes of another net, {file.net}: give it as --net, or write another file")
        if (file.layer, file.codes.shape[1]) != (layer, width):
            raise BadFile(f"{path} holds codes of the layer {file.layer}, not of {layer}: write another file")
        if file.size != size:
            raise BadFile(f"{path} holds codes of pictures of --size {file.size}, not {size}: write another file")


def check_some(values, tally, pictures):
    if not len(values):
        raise BadFile(f"none of the {len(pictures)} pictures can be read; the first: {tally.unreadable[0][1]}")


def nearest(codes, code, k=12, *, metric="cosine"):
    """(numbers, distances) of the k rows of ``codes`` (N, D) that are nearest to ``code`` (D,), nearest first.

    metric: "cosine", 1 - cos of the angle between them; or "l2", the length of their difference. ``codes`` may be an
    array, `Codes`, or an open file of codes, which is read block by block.
    """
    if metric not in METRICS:
        raise UnknownName.of("metric", metric, METRICS)
    blocks = codes.blocks() if hasattr(codes, "blocks") else [(0, np.asarray(getattr(codes, "values", codes)))]
    code = np.asarray(code, np.float64).ravel()
    numbers, distances = np.zeros(0, np.int64), np.zeros(0)
    for first, block in blocks:
        if block.shape[1:] != code.shape:
            raise BadValue(f"a code of {code.size} numbers among codes of {block.shape[1]}: they are of other layers")
        numbers = np.concatenate([numbers, first + np.arange(len(block))])
        distances = np.concatenate([distances, METRICS[metric](block.astype(np.float64), code)])
        best = np.argsort(distances, kind="stable")[:k]
        numbers, distances = numbers[best], distances[best]
    return numbers, distances


def cosine(rows, code):
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(code)
    return 1 - np.divide(rows @ code, lengths, out=np.zeros(len(rows)), where=lengths > 0)


def l2(rows, code):
    return np.linalg.norm(rows - code, axis=1)


METRICS = {"cosine": cosine, "l2": l2}
