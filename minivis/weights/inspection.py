"""What is in a file of weights, and whether it looks healthy: what ``minivis weights inspect`` prints."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import some_of
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, FullyConnected
from minivis.runtime.files import file_hash
from minivis.types import PathLike
from minivis.weights.catalogue import CATALOGUE, locate, read
from minivis.weights.containers.hdf5 import SIGNATURE, opened
from minivis.weights.native import is_native

DEAD = 1e-6                                     # of the layer's largest weight: a filter below it never says anything


@dataclass(frozen=True)
class Inspection:
    """One file, described. ``warnings``: one sentence for each thing that looks wrong; empty for a healthy file."""

    path: Path
    bytes: int
    sha256: str
    entry: str | None                           # its name in the catalogue, when the hash says so
    format: str
    architecture: str
    training: str
    licence: str
    preprocessing: Preprocessing
    classes: int
    class_names: tuple[str, ...]
    parameters: int
    about: dict
    warnings: tuple[str, ...]


def inspect_file(name_or_path: PathLike, **settings: Any) -> "Inspection":
    """Read a file of weights and inspect it; NaN and dead filters become warnings. Raises as `catalogue.load`."""
    path = locate(name_or_path)
    return inspect_net(read(name_or_path, finite=False, **settings), path)


def inspect_net(net: Network, path: Path) -> Inspection:
    """The same for a net that was read, with ``finite=False``, from ``path``."""
    ours = False
    with open(path, "rb") as raw:
        hdf5 = raw.read(len(SIGNATURE)) == SIGNATURE
    if hdf5:
        with opened(path) as source:
            ours = is_native(source)
    digest = file_hash(path)
    about = dict(net.about)
    shapes = net.shapes()
    logits = net.roles.get("logits")
    training = about.get("training", "unknown")
    return Inspection(
        path,
        path.stat().st_size,
        digest,
        known_as(path, digest),
        ("minivis HDF5" + ("format" in about) * ", made from ") * ours + about.get("format", ""),
        about.get("architecture", f"{len(net.layers)} layers, {next(iter(net.layers))} to {list(net.layers)[-1]}"),
        training if isinstance(training, str) else "by minivis (the record is in about)",
        about.get("licence", "unknown"),
        net.preprocessing,
        shapes[logits][-1] if logits else 0,
        net.class_names,
        net.parameter_count,
        about,
        tuple(warnings(net)),
    )


def warnings(net: Network) -> Iterator[str]:
    """Yield one sentence for each array with NaN or infinite values, and each layer with filters that are all but 0."""
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            bad = array.size - np.count_nonzero(np.isfinite(array))
            if bad:
                yield f"{name}: {key} is NaN or infinite in {bad} of {array.size} places: the file cannot be used"
        dead = dead_filters(layer)
        if len(dead):
            total = layer.params["w"].shape[-1]
            yield f"{name}: {len(dead)} of {total} filters are all but 0 and say nothing: {some_of(dead, 8)}"


def dead_filters(layer: Any) -> list[Any]:
    """The numbers of the filters whose every weight is below `DEAD` times the layer's largest."""
    if not isinstance(layer, Conv2D | FullyConnected):
        return []
    w = layer.params["w"]
    with np.errstate(invalid="ignore"):
        largest = np.maximum(w.max(axis=tuple(range(w.ndim - 1))), -w.min(axis=tuple(range(w.ndim - 1))))   # (F,)
        known = largest[~np.isnan(largest)]
        return np.flatnonzero(largest <= DEAD * known.max()).tolist() if np.isfinite(known).any() else []


def known_as(path: Path, sha256: str) -> Any:
    """The name of the file in the catalogue, by its hash; None for any other file."""
    for entry in CATALOGUE.values():
        if entry.sha256 and sha256.startswith(entry.sha256):
            return entry.name
        if entry.md5 and entry.bytes == path.stat().st_size and entry.md5 == file_hash(path, "md5"):
            return entry.name
    return None
