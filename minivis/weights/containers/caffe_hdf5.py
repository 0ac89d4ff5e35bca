"""Caffe's .caffemodel.h5, as its solvers write it with snapshot_format: HDF5.

    /data/conv1/0       the layer's first blob: a kernel (out, in, H, W) or a matrix (out, in)
    /data/conv1/1       its biases
    /diff/...           gradients, if the solver kept them; not read
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import h5py
import numpy as np

from minivis.weights.containers.hdf5 import child, read_array
from minivis.weights.containers.tensor import Tensor

PARTS = ("weight", "bias")                      # of blobs 0 and 1


def is_caffe(source: Any) -> bool:
    """Whether an open HDF5 file (hdf5.Source) is one of Caffe's."""
    data = child(source.file, "data", h5py.Group)
    return data is not None and any(True for _ in layers(data))


def read(source: Any) -> Any:
    """Name -> `Tensor`: blob 0 of layer conv1 is conv1.weight, blob 1 conv1.bias, a third conv1.2."""
    found = {}
    for layer, blobs in layers(child(source.file, "data", h5py.Group)):
        biases = blobs[1].shape if len(blobs) > 1 else ()
        for i, blob in enumerate(blobs):
            name = f"{layer}.{PARTS[i] if i < len(PARTS) else i}"
            shape = plain_shape(blob.shape, biases) if i == 0 else (math.prod(blob.shape),)
            dtype = "float64" if blob.dtype.itemsize == 8 else "float32"
            found[name] = Tensor(shape, dtype, array=partial(numbers, blob, shape, dtype, source))
    return found


def order(source: Any) -> tuple[Any, ...]:
    """The names of the layers with blobs; Caffe writes no others."""
    return tuple(layer for layer, _ in layers(child(source.file, "data", h5py.Group)))


def layers(group: Any, prefix: str = "", depth: int = 4) -> Iterator[Any]:
    """(name, blobs) of every layer below a group; a layer whose name has a slash is a group in a group."""
    names = list(group)
    blobs = [child(group, str(i), h5py.Dataset) for i in range(len(names))]
    if names and None not in blobs:
        yield prefix.strip("/"), blobs
        return
    for name in names if depth else ():
        inside = child(group, name, h5py.Group)
        if inside is not None:
            yield from layers(inside, f"{prefix}/{name}", depth - 1)


def plain_shape(shape: Any, biases: Any) -> Any:
    """Without the ones that Caffe put before a matrix until 2014. A single number may be a kernel, and stays one."""
    is_matrix = len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == math.prod(biases) and math.prod(shape) > 1
    return shape[2:] if is_matrix else shape


def numbers(blob: Any, shape: Any, dtype: Any, source: Any) -> Any:
    return read_array(blob, np.dtype(dtype), source, finite=False).reshape(shape)
