"""Open a file of arrays that another program wrote, recognised by its content: names and `Tensor`s, still unread."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from minivis.errors import BadFile, BadValue
from minivis.runtime.files import reading
from minivis.types import PathLike
from minivis.weights.containers import caffe, matconvnet, npz, pickle, safetensors
from minivis.weights.containers import torch as torch_file
from minivis.weights.containers import zip as archive
from minivis.weights.containers.named import layers_of
from minivis.weights.containers.net_in_checkpoint import named_part
from minivis.weights.containers.reparametrized import plain_weights

DEEPEST = 8                                     # of prefixes such as module.model. before all names
COUNTERS = "num_batches_tracked"                # of PyTorch's batch norm: a count of batches, which no net needs
WRAPPERS = ("module", "model", "_orig_mod", "net")      # DataParallel, Lightning, torch.compile, and what people write


@dataclass(frozen=True)
class Contents:
    """What a file holds: name -> `Tensor`; its container; "OIHW" or "HWIO"; and what some files tell besides."""

    tensors: dict
    container: str
    axes: str = "OIHW"
    order: tuple = ()                           # the names of all layers
    title: str = ""
    class_names: tuple = ()


@contextmanager
def opened(path: PathLike, part: str | None = None) -> Iterator[Any]:
    """The `Contents` of the file at ``path``; None if it is none of these kinds, as HDF5 is not."""
    with reading(path) as raw:
        start, size = raw.read(64), os.fstat(raw.fileno()).st_size
        hdf5 = start.startswith((b"\x89HDF", matconvnet.START_V7_3))
        found = None if hdf5 else contents(raw, start, size, path, part)
        if found is not None and found.axes == "OIHW":
            found = replace(found, tensors=plain_weights(found.tensors))
        if part is not None:
            if found is None:
                raise BadValue(f"{path} is one net: leave --part {part} out")
            if not found.container.startswith("PyTorch"):
                found = replace(found, tensors=named_part(found.tensors, part))
        yield found


def contents(raw: Any, start: bytes, size: Any, path: PathLike, part: str | None = None) -> Any:
    """The `Contents` of an open file that begins with ``start``. Raise BadFile for other files that are often given."""
    if start.startswith(b"PK"):
        names = archive.members(raw, path)
        if torch_file.is_archive(names):
            return Contents(torch_file.read_archive(raw, path, part), "PyTorch state dict (zip)")
        if npz.is_npz(names):
            return npz_contents(npz.read(raw, path))
        return None
    if torch_file.is_stream(start):
        return Contents(torch_file.read_stream(raw, path, part), "PyTorch state dict (before 1.6)")
    if start.startswith(matconvnet.START):
        tensors, order, classes = matconvnet.read(raw, path)
        return Contents(tensors, "MatConvNet .mat", "HWIO", order, class_names=classes)
    if safetensors.is_safetensors(start, size):
        return Contents(safetensors.read(raw, path), "safetensors")
    if start.startswith(npz.START):
        return npy_contents(raw, path)
    if pickle.is_pickle(start):
        raw.seek(0)
        return pickled_contents(raw, path, "pickle of NumPy arrays")
    check_mistaken(raw, start, path)
    if caffe.looks_like(start, size):
        tensors, order, title = caffe.read(raw, path)
        return Contents(tensors, ".caffemodel", "OIHW", order, title)
    return None


def check_mistaken(raw: Any, start: bytes, path: PathLike) -> None:
    """Raise BadFile for other files that are often given the name of a file of weights."""
    raw.seek(257)
    if raw.read(5) == b"ustar":
        raise BadFile(f"{path} is a tar archive, as PyTorch wrote before 0.1.11; load and save it again in PyTorch")
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise BadFile(f"{path} is a web page, not weights: the download went wrong")
    if start.startswith(b"version https://git-lfs"):
        raise BadFile(f"{path} is a pointer of Git LFS, not the file itself: git lfs pull brings it")
    if start.startswith(b"\x1f\x8b"):
        raise BadFile(f"{path} is compressed with gzip: unpack it first")


def npz_contents(tensors: dict[str, Any]) -> Contents:
    """Of names as Frossard's vgg16_weights.npz has them (conv1_1_W), as ours (conv1_1.w, conv1_1/w), or PyTorch's."""
    renamed, axes = layers_of(tensors)
    return Contents(renamed, ".npz", axes)


def pickled_contents(raw: Any, path: PathLike, container: str) -> Contents:
    """Of a pickle at the file's position that holds arrays in dicts and lists."""
    saved = pickle.read(raw, path)
    tensors = pickle.named(saved)
    if not tensors:
        raise BadFile(f"{path} is a pickle without an array of numbers in it; a net is a dict of arrays by name")
    renamed, axes = layers_of(tensors)
    return Contents(renamed, container, axes)


def npy_contents(raw: Any, path: PathLike) -> Any:
    """Of NumPy's .npy: numpy.save of a dict writes an array of one object, which is a pickle."""
    shape, place = npz.read_one(raw, path)
    if place is None:
        raise BadFile(f"{path} is one array {list(shape)}, not a net; minivis reads numpy.save of a dict of arrays")
    raw.seek(place)
    return pickled_contents(raw, path, ".npy of a dict")


def spellings(tensors: dict[str, Any]) -> Iterator[Any]:
    """The tensors under the names that they have; without what all names begin with (module.); and without
    what wrappers add anywhere, as DataParallel around only VGG's features does (features.module.0)."""
    kept = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
    yield kept
    yield from without_prefixes(kept)
    bare = {".".join(part for part in name.split(".") if part not in WRAPPERS): t for name, t in kept.items()}
    if len(bare) == len(kept) and bare.keys() != kept.keys():
        yield bare
        yield from without_prefixes(bare)


def without_prefixes(kept: Any) -> Iterator[Any]:
    """The tensors under their names without what all of them begin with, one part after another."""
    for _ in range(DEEPEST):
        first = next(iter(kept), "").partition(".")[0] + "."
        if len(kept) < 2 or not all(name.startswith(first) for name in kept):
            return
        kept = {name[len(first) :]: tensor for name, tensor in kept.items()}
        yield kept
