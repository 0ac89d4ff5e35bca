"""Any file of weights that minivis knows, told by its content and never by its name."""

import numpy as np

from minivis.errors import BadFile, BadValue
from minivis.weights import native, recognise
from minivis.weights import onnx as onnx_file
from minivis.weights.containers.hdf5 import READABLE, opened
from minivis.weights.keras import layouts, reader


def read_file(path, *, dtype=np.float32, finite=True, **settings):
    """The net in the file at ``path``. Raise BadFile, with one sentence, for anything else.

    ``finite=False`` lets NaN and infinite weights through, for looking into a broken file. ``settings`` (kernels, size)
    are for what a file of another program leaves open: `keras.load`.
    """
    dtype = check_dtype(dtype)
    if onnx_file.is_onnx(path):
        return onnx_file.load(path, dtype=dtype, finite=finite, **settings)
    with recognise.opened(path) as contents:
        if contents is not None:
            return recognise.load(path, contents, dtype=dtype, finite=finite, **settings)
    with opened(path) as source:
        if native.is_native(source):
            if settings:
                raise BadValue(f"{path} is minivis' own file, which leaves nothing open: no {', '.join(settings)}")
            return native.load(source, dtype=dtype, finite=finite)
        if layouts.layout(source):
            return reader.load(source, dtype=dtype, finite=finite, **settings)
        inside = layouts.listed(list(source.file)) or "nothing"
        raise BadFile(f"{path} is an HDF5 file of another kind (it holds {inside}); minivis reads {READABLE}")


def check_dtype(dtype):
    """As a numpy dtype; BadValue unless it is one that a net computes in."""
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise BadValue(f"{dtype!r} is no dtype; a net computes in float32 or float64") from None
    if dtype not in (np.float32, np.float64):
        raise BadValue(f"a net computes in float32 or float64, not in {dtype}")
    return dtype
