"""Our own file: one net in one HDF5 file that explains itself.

    /                   attributes: format "minivis", version 1
    /net                JSON: everything but the arrays
    /layers/conv1_1     w, b (of a batch norm: gamma, beta, mean, var); float16 allowed, float32 comes out

The JSON holds ``layers``, a list of {"name", "type", "inputs", "parameters", and the settings of that type}, then
``preprocessing``, ``class_names``, ``class_aliases``, ``roles`` and ``about`` (origin, licence, training record).
"""

import json
from typing import Any

import h5py
import numpy as np

from minivis.engine.layer_table import as_plain, build, describe
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue
from minivis.layers import LAYER_TYPES
from minivis.runtime.backend import to_cpu
from minivis.runtime.settings import PATH, SWITCH, Kind, takes
from minivis.types import PathLike
from minivis.weights.containers.hdf5 import child, read_array
from minivis.weights.containers.hdf5_write import new_hdf5

VERSION = 1


@takes(path=PATH, dtype=Kind("a dtype, such as float16", np.dtype), force=SWITCH)
def save(net: Network, path: PathLike, *, dtype: Any = None, force: bool = False) -> None:
    """Write a net to an HDF5 file of ours, from which `load` builds it again.

    Parameters
    ----------
    net : Network
        The net.
    path : str or Path
        The file to write.
    dtype : str or dtype, optional
        The type of the stored numbers; "float16" halves the size. By default the net's own.
    force : bool, default False
        Replace an existing file.

    Returns
    -------
    None
        The file is complete.

    Raises
    ------
    BadValue
        The file exists, a layer is not one of minivis.layers, or a number is not finite in ``dtype``.

    Examples
    --------
    >>> import minivis as mv, tempfile
    >>> net = mv.load("digits-net")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mv.save(net, f"{folder}/digits.h5")
    ...     list(mv.load(f"{folder}/digits.h5").nodes) == list(net.nodes)
    True
    """
    for name, layer in net.layers.items():
        if type(layer).__name__ not in LAYER_TYPES:
            raise BadValue(f"{name}: a file can only hold the layers of minivis.layers, not {type(layer).__name__}")
    with new_hdf5(path, force, track_order=True) as (file, sink):
        # texts of fixed length: the HDF5 library trips over damage in the heap that keeps the other kind
        file.attrs.update(format=np.bytes_("minivis"), version=VERSION)
        # a dataset, for an attribute ends at 64 KiB, which 1000 class names may pass; JSON as written here is ASCII
        file.create_dataset("net", data=np.bytes_(json.dumps(describe(net), default=as_plain)))
        for name, layer in net.layers.items():
            for key, array in layer.params.items():
                with np.errstate(over="ignore", invalid="ignore"):  # said below, with the layer's name
                    array = np.asarray(to_cpu(array), dtype=dtype)
                    finite = np.isfinite(array.sum())               # no second array, unless the sum overflows
                if not finite and not np.isfinite(array).all():
                    raise BadValue(f"{name}: {key} is not finite in {array.dtype}; the file was not written")
                try:
                    file.create_dataset(f"layers/{name}/{key}", data=array)
                except (ValueError, TypeError):                     # "a" with an array "w", beside a layer "a/w"
                    raise BadValue(f"{name}: in an HDF5 file this name and that of another layer are the same place; "
                                   "rename one of them") from None
                sink.check()


def is_native(source: Any) -> bool:
    """Whether a `Source` is one of our files."""
    found = source.attribute(source.file, "format")
    return isinstance(found, str) and found == "minivis"


def load(source: Any, *, dtype: Any = np.float32, finite: bool = True) -> Network:
    """The net of a `Source` of ours. Raise BadFile, with one sentence, for anything that does not fit."""
    file, path, version = source.file, source.path, source.attribute(source.file, "version")
    if not isinstance(version, (int, np.integer)):
        raise BadFile(f"{path} is one of our files without a version: it is damaged or half-written")
    if version > VERSION:
        raise BadFile(f"{path} is of version {version} of our format; this minivis reads up to {VERSION}: update "
                      "minivis")
    dataset = child(file, "net", h5py.Dataset)
    text: Any = None if dataset is None else source.text(dataset)
    try:
        table = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:        # TypeError: no such dataset, or no text in it
        raise BadFile(f"{path} has no readable description of its net ({error}): damaged or half-written") from None
    layers = child(file, "layers", h5py.Group)
    return build(table, lambda layer: _arrays(source, child(layers, layer, h5py.Group), dtype, finite), path)


def _arrays(source: Any, group: Any, dtype: Any, finite: bool) -> dict[Any, Any]:
    datasets = {key: child(group, key, h5py.Dataset) for key in group or ()}
    return {key: read_array(d, dtype, source, finite=finite) for key, d in datasets.items() if d is not None}
