"""A user's own architecture: a JSON layer table, and any file of weights that fits it.

    {"input": [32, 32], "preprocess": "torch", "classes": ["cat", "dog"],
     "layers": [
        {"name": "conv1", "type": "Conv2D", "padding": 1, "weights": "features.0"},
        {"name": "relu1", "type": "ReLU"},
        {"name": "pool1", "type": "MaxPool2D", "size": 2},
        {"name": "flatten", "type": "Flatten"},
        {"name": "fc2", "type": "FullyConnected", "weights": "classifier"}],
     "roles": {"logits": "fc2"}}

A layer reads the one before it, unless "inputs" names others; "weights" is what the file calls it, if not the same. The
sizes come from the file. Types and settings are those of minivis.layers. `minivis weights table` writes a table to
start from (guess_table.py); its "notes" and a row's "guessed" are for people.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minivis.engine.ending import name_classes
from minivis.engine.layer_table import check_names, check_order
from minivis.engine.network import ROLES, Network
from minivis.engine.roles import name_roles
from minivis.errors import BadFile, BadValue, MinivisError, some_of
from minivis.images.preprocessing import Preprocessing
from minivis.layers import LAYER_TYPES
from minivis.models.known import SUFFIXES
from minivis.runtime.files import read_json
from minivis.types import PathLike
from minivis.weights.arrange import build
from minivis.weights.containers.open import spellings

MOST_LAYERS = 10_000
KEYS = ("layers", "input", "preprocess", "preprocessing", "classes", "class_names", "class_aliases", "roles", "about",
        "notes")  # fmt: skip


def load(table_path: PathLike, path: PathLike, contents: Any, *, dtype: Any, finite: bool) -> Network:
    """The net of the table, with the arrays of an open file's `Contents`."""
    table, prefixes = read(table_path)
    names, table["class_names"] = table["class_names"], []              # named when it is known how the net ends
    aliases, table["class_aliases"] = table["class_aliases"], {}
    wanted = {
        f"{prefixes.get(row['name'], row['name'])}.{suffix}"
        for row in table["layers"]
        for suffix in SUFFIXES.get(row["type"], {}).values()
    }
    tensors = wanted_of(contents, wanted, path)
    if not wanted & set(tensors):
        shown = some_of(contents.tensors, 6) or "nothing at all"
        raise BadFile(f"{path} holds nothing that {table_path} names; it holds {shown}")
    try:
        fit_channels(table, prefixes, tensors, contents.axes)
        net = build(table, lambda name: prefixes.get(name, name), tensors, contents.axes, dtype, path, finite)
        finish(net, names, aliases)
    except BadFile:
        raise
    except MinivisError as error:
        raise BadFile(f"{table_path}: {error}") from None
    net.about.update(format=contents.container, architecture=f"of {Path(table_path).name}", training="unknown")
    unused = sorted(set(tensors) - wanted)
    if unused:
        net.about["unused"] = f"arrays of the file that are not in the table: {some_of(unused, 6)}"
    return net


def wanted_of(contents: Any, wanted: Any, path: PathLike) -> Any:
    """The tensors under the names that the table has, whatever stands before them in the file: the nearest to all."""
    best = max(spellings(contents.tensors), key=lambda found: len(wanted & set(found)))
    counts: Counter[str] = Counter()
    for name in contents.tensors:
        starts = [i + 1 for i, letter in enumerate(name) if letter == "."]
        counts.update(name[:start] for start in starts if name[start:] in wanted)
    most = max(counts.values(), default=0)
    if most <= len(wanted & set(best)):
        return best
    nearest = [prefix.rstrip(".") for prefix, count in counts.items() if count == most]
    if len(nearest) > 1:
        raise BadFile(f"{path} holds {len(nearest)} nets of these names ({', '.join(nearest[:8])}): name one of them, "
                      f"as in --part {nearest[0]}")
    return {name.removeprefix(f"{nearest[0]}."): tensor for name, tensor in contents.tensors.items()}


def fit_channels(table: dict[str, Any], prefixes: Any, tensors: dict[str, Any], axes: Any) -> None:
    """The preprocessing of the table for as many channels as its first convolution reads."""
    for row in table["layers"]:
        kernel = tensors.get(f"{prefixes.get(row['name'], row['name'])}.weight")
        if row["type"] == "Conv2D" and row["inputs"] == ["input"] and "groups" not in row and kernel is not None:
            channels = kernel.shape[1 if axes == "OIHW" else -2] if len(kernel.shape) == 4 else 3
            preprocessing = Preprocessing.from_dict(table["preprocessing"])
            table["preprocessing"] = preprocessing.of_channels(channels).as_dict()
            return


def finish(net: Network, names: Iterable[str], aliases: Any) -> None:
    """Give the layers the roles that the table leaves open, and the classes their names."""
    name_roles(net)
    if not all(isinstance(name, str) for name in names):
        raise BadValue(f"class names must be strings, not {names!r}")
    if names:
        name_classes(net, names)
    net.class_aliases = aliases
    check_names(net, net.shapes())


def read(path: PathLike) -> tuple[dict[Any, Any], Any]:
    """(a table as engine/layer_table.py builds it, layer -> what the file calls it). Raise BadFile with a sentence."""
    table = read_json(path, "a layer table")
    table = {"layers": table} if isinstance(table, list) else table
    if not isinstance(table, dict) or not isinstance(table.get("layers"), list) or not table["layers"]:
        raise BadFile(f'{path} is not a layer table; it should be {{"layers": [...]}}, see weights/README.md')
    if unknown := sorted(set(table) - set(KEYS)):
        raise BadFile(f"{path}: a table has no {some_of(map(repr, unknown), 4)}; it may have {', '.join(KEYS)}")
    if len(table["layers"]) > MOST_LAYERS:
        raise BadFile(f"{path} lists {len(table['layers'])} layers; a table has at most {MOST_LAYERS}")
    rows, prefixes, before = [], {}, "input"
    for number, row in enumerate(table["layers"], 1):
        texts = isinstance(row, dict) and all(isinstance(row.get(key), str) for key in ("name", "type"))
        if not texts or row["type"] not in LAYER_TYPES:
            raise BadFile(f"{path}: layer {number} needs a name and a type, one of {', '.join(LAYER_TYPES)}")
        row = dict(row)
        row.pop("guessed", None)
        prefixes[row["name"]] = str(row.pop("weights", row["name"]))
        inputs = row.get("inputs", [before])
        row["inputs"] = [inputs] if isinstance(inputs, str) else inputs
        rows.append(row)
        before = row["name"]
    try:
        check_order(rows)
    except MinivisError as error:
        raise BadFile(f"{path}: {error}") from None
    return {"layers": rows, **rest(table, rows, path)}, prefixes


def rest(table: dict[str, Any], rows: Any, path: PathLike) -> dict[Any, Any]:
    """Preprocessing, classes and roles of a table."""
    try:
        if "preprocessing" in table:
            preprocessing = Preprocessing.from_dict(table["preprocessing"]).as_dict()
        else:
            preprocessing = Preprocessing.named(table.get("preprocess", "none")).as_dict()
        if "input" in table:
            preprocessing["size"] = list(table["input"])
        return {
            "preprocessing": preprocessing,
            "class_names": list(table.get("classes", table.get("class_names", ()))),
            "class_aliases": dict(table.get("class_aliases", {})),
            "roles": {**dict.fromkeys(ROLES), **table.get("roles", {})},
            "about": dict(table.get("about", {})),
        }
    except (BadValue, LookupError) as error:
        raise BadFile(f"{path}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BadFile(f"{path}: the part beside the layers is damaged ({error})") from None
