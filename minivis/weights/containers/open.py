"""Open a file of arrays that another program wrote, told by its content: the names and `Tensor`s in it, unread."""

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace

from minivis.errors import BadFile, BadValue
from minivis.runtime.files import reading
from minivis.weights.containers import caffe, matconvnet, npz, pickle, safetensors
from minivis.weights.containers import torch as torch_file
from minivis.weights.containers import zip as archive
from minivis.weights.containers.checkpoint import named_part

DEEPEST = 8                                     # of prefixes such as module.model. before all names
COUNTERS = "num_batches_tracked"                # of PyTorch's batch norm: a count of batches, which no net needs
LARGEST_KERNEL = 11                             # AlexNet's
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
def opened(path, part=None):
    """The `Contents` of the file at ``path``; None where it is of none of these kinds (HDF5, for one)."""
    with reading(path) as raw:
        start, size = raw.read(64), os.fstat(raw.fileno()).st_size
        hdf5 = start.startswith((b"\x89HDF", matconvnet.START_V7_3))
        found = None if hdf5 else contents(raw, start, size, path, part)
        if part is not None and found is None:
            raise BadValue(f"{path} is one net: leave --part {part} out")
        if part is not None and not found.container.startswith("PyTorch"):
            found = replace(found, tensors=named_part(found.tensors, part))
        yield found


def contents(raw, start, size, path, part=None):
    """The `Contents` of an open file that starts so. Raise BadFile with a sentence for what is often met instead."""
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
    if pickle.is_pickle(start):
        raw.seek(0)
        return pickle_contents(pickle.read(raw, path), path)
    check_mistaken(raw, start, path)
    if caffe.looks_like(start, size):
        tensors, order, title = caffe.read(raw, path)
        return Contents(tensors, ".caffemodel", "OIHW", order, title)
    return None


def check_mistaken(raw, start, path):
    """Raise BadFile for other files that end up under the name of one with weights."""
    raw.seek(257)
    if raw.read(5) == b"ustar":
        raise BadFile(f"{path} is a tar archive, PyTorch's format of before 0.1.11; load and save it again in PyTorch")
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise BadFile(f"{path} is a web page, not weights: the download went wrong")
    if start.startswith(b"version https://git-lfs"):
        raise BadFile(f"{path} is a pointer of Git LFS, not the file itself: git lfs pull brings it")
    if start.startswith(b"\x1f\x8b"):
        raise BadFile(f"{path} is compressed with gzip: unpack it first")


def npz_contents(tensors):
    """Names as Frossard's vgg16_weights.npz has them (conv1_1_W), as ours (conv1_1.w, conv1_1/w), or as PyTorch's."""
    renamed = {}
    for name, tensor in tensors.items():
        short = re.sub(r"[_./]W$|[./](w|kernel)$", ".weight", name)
        short = re.sub(r"(_b|[./]b)$", ".bias", short)
        renamed[re.sub(r"/(weight|bias|running_mean|running_var)$", r".\1", short)] = tensor
    plain = all(re.search(r"([_./]W|[./]w|[./]kernel|[_./]b|[./]bias)$", name) for name in tensors)
    return Contents(renamed, ".npz", "HWIO" if plain and any(".bias" not in n for n in tensors) else "OIHW")


def pickle_contents(value, path):
    """The arrays of a pickle: {"conv1": [w, b]}, {"conv1": {"weights": w, "biases": b}}, or by their full names.

    Their axes are TensorFlow's or PyTorch's, as the sizes of the kernels say.
    """
    found = pickle.named(value)
    if not found:
        raise BadFile(f"{path} is a pickle without an array of numbers in it; a net is a dict of arrays by name")
    named = dict(with_parts_named(found))
    kernels = [tensor.shape for tensor in named.values() if len(tensor.shape) == 4]
    last_in_file = bool(kernels) and all(is_kernel(shape[:2]) for shape in kernels)
    first_in_file = bool(kernels) and all(is_kernel(shape[2:]) for shape in kernels)
    return Contents(named, "pickle of NumPy arrays", "HWIO" if last_in_file and not first_in_file else "OIHW")


def with_parts_named(tensors):
    """Yield (name, tensor), where a layer's two arrays, a kernel or matrix and a vector, are its .weight and .bias."""
    layers: dict[str, list] = {}
    for name in tensors:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    for layer, names in layers.items():
        axes = [len(tensors[name].shape) for name in names]
        pair = layer and sorted(axes) in ([1, 2], [1, 4])
        for name, count in zip(names, axes):
            yield (f"{layer}.{'bias' if count == 1 else 'weight'}" if pair else name), tensors[name]


def is_kernel(sides):
    """Whether these two sides may be those of a kernel, not two numbers of channels."""
    return sides[0] == sides[1] <= LARGEST_KERNEL


def spellings(tensors):
    """The tensors under the names that they have; under those less what all names begin with (module.); and less
    what wrappers add anywhere, as DataParallel around VGG's features alone does (features.module.0)."""
    kept = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
    yield kept
    yield from without_prefixes(kept)
    bare = {".".join(part for part in name.split(".") if part not in WRAPPERS): t for name, t in kept.items()}
    if len(bare) == len(kept) and bare.keys() != kept.keys():
        yield bare
        yield from without_prefixes(bare)


def without_prefixes(kept):
    """The tensors under their names less what all of them begin with, one part after the other."""
    for _ in range(DEEPEST):
        first = next(iter(kept), "").partition(".")[0] + "."
        if len(kept) < 2 or not all(name.startswith(first) for name in kept):
            return
        kept = {name[len(first) :]: tensor for name, tensor in kept.items()}
        yield kept
