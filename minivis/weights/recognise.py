"""From the arrays of another program's file to a net: which architecture it is, and each array where it belongs.

    container       torch_file, safetensors_file, caffe, matconvnet, npz: names and `Tensor`s, unread
    recognise       the architecture whose names these are, and whose kernels have these sizes (models/known.py)
    arrange         axes: (out, in, KH, KW) to (KH, KW, in, out); the rows of the first FC layer from C, H, W to H, W, C
    finish          whose training it is, by oxford.py; batch norm folded; roles, classes, preprocessing
"""

import os
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.folding import for_inference
from minivis.errors import BadFile, BadValue, MinivisError, UnknownName
from minivis.images.preprocessing import CAFFE_VGG, EFFICIENTNET_LITE, IDENTITY, TORCH, UNIT, Preprocessing
from minivis.models.known import AS_OURS, SUFFIXES, architectures
from minivis.models.vgg import input_size
from minivis.runtime.files import open_regular, printable
from minivis.weights import native, oxford
from minivis.weights.containers import caffe, matconvnet, npz, safetensors
from minivis.weights.containers import torch as torch_file
from minivis.weights.containers import zip as archive
from minivis.weights.containers.tensor import check_finite

PREPROCESSINGS = {                              # what --preprocess may say
    "caffe": CAFFE_VGG, "torch": TORCH, "tensorflow": Preprocessing("RGB", (127.5,) * 3, (127.5,) * 3),
    "efficientnet-lite": EFFICIENTNET_LITE, "unit": UNIT, "none": IDENTITY,
    "matconvnet": Preprocessing("RGB", mean=CAFFE_VGG.mean[::-1]),
}  # fmt: skip
COUNTERS = "num_batches_tracked"


@dataclass(frozen=True)
class Contents:
    """What a file holds: name -> `Tensor`; its container; "OIHW" or "HWIO"; and what some files tell besides."""

    tensors: dict
    container: str
    axes: str = "OIHW"
    order: tuple = ()                           # the names of all layers
    title: str = ""
    class_names: tuple = ()


# ---- containers ----

@contextmanager
def opened(path):
    """The `Contents` of the file at ``path``; None where it is of none of these kinds (HDF5, for one)."""
    try:
        with open_regular(path) as raw:
            start, size = raw.read(64), os.fstat(raw.fileno()).st_size
            ours = start.startswith((b"\x89HDF", matconvnet.START_V7_3))
            yield None if ours else contents(raw, start, size, path)
    except MinivisError as error:
        if (said := printable(error)) != str(error):    # a damaged file puts anything into the names in it
            raise type(error)(said) from None
        raise
    except MemoryError:
        raise BadFile(f"{path} asks for more memory than there is: damaged, or too large for this machine") from None
    except (OSError, zipfile.BadZipFile) as error:
        said = printable(error)[:160] or type(error).__name__
        raise BadFile(f"{path} is damaged or half-written ({said}); fetch or copy it again") from error


def contents(raw, start, size, path):
    """The `Contents` of an open file that starts so. Raise BadFile with a sentence for what is often met instead."""
    if start.startswith(b"PK"):
        names = archive.members(raw, path)
        if torch_file.is_archive(names):
            return Contents(torch_file.read_archive(raw, path), "PyTorch state dict (zip)")
        if npz.is_npz(names):
            return npz_contents(npz.read(raw, path))
        return None
    if torch_file.is_stream(start):
        return Contents(torch_file.read_stream(raw, path), "PyTorch state dict (before 1.6)")
    if start.startswith(matconvnet.START):
        tensors, order, classes = matconvnet.read(raw, path)
        return Contents(tensors, "MatConvNet .mat", "HWIO", order, class_names=classes)
    if safetensors.is_safetensors(start, size):
        return Contents(safetensors.read(raw, path), "safetensors")
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
    if start.startswith(b"\x80") and start[1:2] in b"\x02\x03\x04\x05":
        raise BadFile(f"{path} is a pickle, but not one of PyTorch's; pickles of other programs are not opened")
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


# ---- which architecture ----

def recognise(contents, path, arch=None):
    """The `Known` whose names and kernels these are, and the tensors under its names; or BadFile with the nearest."""
    known = architectures()
    if arch is not None:
        known = [k for k in known if k.name.lower() == str(arch).lower()]
        if not known:
            raise UnknownName.of("architecture", arch, dict.fromkeys(k.name for k in architectures()), listed=40)
    candidates, nearest = [], (-1, "", "")
    for tensors in spellings(contents.tensors):
        for one in known:
            difference, score = compare(one, tensors, contents.axes)
            if difference is None:
                candidates.append((one, tensors))
            elif score > nearest[0]:
                nearest = (score, one, difference)
        if candidates:
            return min(candidates, key=lambda found: disorder(found[0], contents))
    shown = ", ".join(f"{name} {list(t.shape)}" for name, t in list(contents.tensors.items())[:4])
    more = f", ... ({len(contents.tensors)} in all)" if len(contents.tensors) > 4 else ""
    _, one, difference = nearest
    near = f"nearest is {one.name} ({one.program}'s names), but {difference}" if one else "it is empty"
    raise BadFile(
        f"{path} ({contents.container}) is of no architecture that minivis knows: {near}. It holds {shown or 'nothing'}"
        f"{more}; for a net of your own, describe its layers: --arch table.json"
    )


def spellings(tensors):
    """The tensors under the names that they have, and under those less what all names begin with (module.)."""
    kept = {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTERS)}
    yield kept
    while kept:
        first = next(iter(kept)).partition(".")[0] + "."
        if len(kept) < 2 or not all(name.startswith(first) for name in kept):
            return
        kept = {name[len(first) :]: tensor for name, tensor in kept.items()}
        yield kept


def compare(known, tensors, axes):
    """(None, 1) where these tensors are that architecture's, at any width; else (the first difference, how near)."""
    wanted = known.arrays
    there = [name for name in wanted if name in tensors]
    score = len(there) / max(len(wanted), len(tensors), 1)
    for name, (_, key, right) in wanted.items():
        if name not in tensors:
            return f"{name!r} is missing", score
        shape = tensors[name].shape
        if key == "w" and not same_kind(shape, right, axes):
            return f"{name!r} is {list(shape)}, where {file_shape(right, axes)} was expected", score - 0.01
    extra = [name for name in tensors if name not in wanted and not re.match(known.ignored, name)]
    return (f"{extra[0]!r} has no place in it", score) if extra else (None, 1)


def same_kind(shape, right, axes):
    """Whether a weight has the kernel size of ``right``, whatever its channels. An FC layer may be a convolution."""
    if len(right) == 2:
        return len(shape) in (2, 4)
    kernel = shape[2:] if axes == "OIHW" else shape[:2]
    return len(shape) == 4 and kernel == right[:2]


def file_shape(right, axes):
    """A shape of ours in the order of the file's axes."""
    if axes == "HWIO":
        return list(right)
    return list(right[::-1]) if len(right) == 2 else [right[3], right[2], *right[:2]]


def disorder(known, contents):
    """How badly the order of all layers, where the file has it, and the widths fit: tells CaffeNet from AlexNet."""
    ours = [name for name in known.net.nodes if name in contents.order]
    theirs = [name for name in contents.order if name in known.net.nodes]
    named = known.name.lower() in contents.title.lower().replace("_", "")
    return ours != list(dict.fromkeys(theirs)), not named


# ---- from tensors to a net ----

def load(path, contents, *, dtype=np.float32, finite=True, arch=None, preprocess=None, classes=None, size=None):
    """The net of an open file's `Contents`.

    ``arch``: the name of an architecture, or the path of a layer table (.json) of your own. ``preprocess``: a name of
    `PREPROCESSINGS` or a `Preprocessing`. ``classes``: names. ``size``: (height, width) of the input.
    """
    preprocess = check_preprocess(preprocess)
    if arch is not None and str(arch).endswith(".json"):
        from minivis.weights import layer_table_file

        net = layer_table_file.load(arch, path, contents, dtype=dtype, finite=finite)
        known = None
    else:
        known, tensors = recognise(contents, path, arch)
        net = build(table_of(known), known.prefix, tensors, contents.axes, dtype, path, finite)
        net = finish(net, known, contents)
    if preprocess is not None:
        net.preprocessing = replace(preprocess, size=net.preprocessing.size)
        net.about["preprocessing"] = "as asked for"
    if size is not None:
        net.preprocessing = replace(net.preprocessing, size=size)
    if classes is not None:
        name_classes(net, classes)
    return net


def table_of(known):
    """The layer table of an architecture; a convolution with a group a channel has one at any width."""
    table = native.describe(known.net)
    for row in table["layers"]:
        if row.get("groups", 1) > 1 and known.net.layers[row["name"]].params["w"].shape[2] == 1:
            row["groups"] = "depthwise"
    return table


def build(table, prefix, tensors, axes, dtype, path, finite=True):
    """The net of a layer table, with batch norm folded; ``prefix`` says what the file calls a layer."""
    arrays: dict = {}
    rows = {row["name"]: row for row in table["layers"]}
    for name, row in rows.items():
        arrays[name] = {}
        for key, suffix in SUFFIXES.get(row["type"], {}).items():
            stored = f"{prefix(name)}.{suffix}"
            if stored not in tensors:
                continue                                # a missing bias is fine, the rest native.build misses
            try:
                arrays[name][key] = arrange(row, key, tensors[stored], axes, rows, arrays, dtype)
                if finite:
                    check_finite(arrays[name][key])
            except (BadFile, BadValue) as error:
                raise BadFile(f"{path}: {stored}: {error}") from None
        if row.get("groups") == "depthwise":
            row["groups"] = arrays[name]["w"].shape[3] if "w" in arrays[name] else 1
    dense = [arrays[name]["w"] for name in ("fc6",) if "w" in arrays.get(name, {})]
    if dense and "pool5" in rows and "conv1_1" in rows:
        table["preprocessing"]["size"] = input_size(len(dense[0]) // channels_of("pool5", rows, arrays))
    return for_inference(native.build(table, arrays.__getitem__, path))


def arrange(row, key, tensor, axes, rows, arrays, dtype):
    """An array of the file as our layers want it."""
    if key != "w":
        return tensor.read(dtype).reshape(-1)
    if row["type"] == "Conv2D":
        if len(tensor.shape) != 4:
            raise BadFile(f"is {list(tensor.shape)}, no kernel of four axes")
        w = tensor.read(dtype)
        return np.ascontiguousarray(w.transpose(2, 3, 1, 0)) if axes == "OIHW" else w
    if len(tensor.shape) not in (2, 4):
        raise BadFile(f"is {list(tensor.shape)}, no matrix")
    if axes == "HWIO":
        w = tensor.read(dtype)                          # rows H, W, C already
        return w.reshape(-1, w.shape[-1])
    units = tensor.shape[0]
    source = row["inputs"][0]
    channels = channels_of(source, rows, arrays) if rows.get(source, {}).get("type") == "Flatten" else None
    return transposed(tensor, units, channels, dtype)


def transposed(tensor, units, channels, dtype):
    """(out, in) -> (in, out), its rows from the order C, H, W to H, W, C; a block at a time, so not held twice."""
    inputs = tensor.size // max(1, units)
    if not inputs or (channels and inputs % channels):
        raise BadFile(f"is {list(tensor.shape)}, and {channels} channels come in")
    positions = inputs // channels if channels else 1
    w = np.empty((positions, inputs // positions, units), dtype)
    for start, stop, block in tensor.blocks(dtype):
        w[:, :, start:stop] = block.reshape(stop - start, -1, positions).transpose(2, 1, 0)
    return w.reshape(inputs, units)


def channels_of(name, rows, arrays):
    """How many channels a layer puts out, from the arrays read so far; None where that is not known."""
    while name in rows:
        if arrays.get(name, {}).get("w") is not None:
            return arrays[name]["w"].shape[-1]
        if rows[name]["type"] == "Concat":
            parts = [channels_of(source, rows, arrays) for source in rows[name]["inputs"]]
            return sum(parts) if None not in parts else None
        name = rows[name]["inputs"][0]
    return None


def finish(net, known, contents):
    """Whose training it is, and what follows from that."""
    about = {"format": contents.container, "architecture": f"{known.name} ({known.program}'s)"}
    if "conv1_1" in net.nodes:
        net, training = vgg_training(net, known, contents.container)
    else:
        assumed = f"{known.program}'s for {known.name}: assumed from the names, the file does not say"
        training = {"training": "unknown", "licence": "unknown", "preprocessing": assumed}
    net.about.update(about, **training)
    logits = net.roles["logits"]
    count = net.shapes()[logits][-1] if logits else 0
    if contents.class_names and len(contents.class_names) == count:
        name_classes(net, contents.class_names)
    elif count == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    return net


def vgg_training(net, known, container):
    """(net, what is known of its training): Oxford's numbers are recognised, and turned to BGR where they are RGB."""
    layer = net.layers["conv1_1"]
    w, b = layer.params["w"], layer.params.get("b", np.zeros(1))
    turned = w
    first = oxford.recognise(w, b)
    if first.net is None:                               # MATLAB's axes: in doubt, formats differ
        swapped = oxford.recognise(w.transpose(1, 0, 2, 3), b)
        if swapped.net:
            raise BadFile("the kernels' rows and columns are swapped, as in no file that is known: please report it")
    origin = {"origin": "Visual Geometry Group, Oxford; Simonyan & Zisserman 2014, Very Deep Convolutional Networks"}
    if first.net:
        turned = np.ascontiguousarray(oxford.oriented(w, rotated=first.rotated, rgb=first.rgb))
        node = net.nodes["conv1_1"]
        net.nodes["conv1_1"] = node._replace(layer=layer.with_params(w=turned, b=b))
        net.preprocessing = replace(CAFFE_VGG, size=net.preprocessing.size)
        whole = first.net == known.name and oxford.is_whole(known.name, net.layers)
        says = f"Oxford {first.net} (fingerprint)" if whole else f"conv1_1 is Oxford {first.net}'s, the rest is not"
        return net, {"training": says, "licence": "CC BY 4.0" if whole else "unknown",
                     "preprocessing": "BGR minus Oxford's mean (fingerprint)", **origin}  # fmt: skip
    if normalised := oxford_times(w):
        net.preprocessing = replace(CAFFE_VGG, size=net.preprocessing.size)
        return net, {"training": f"Oxford {normalised}, normalised (fingerprint: proportional)", "licence": "unknown",
                     "preprocessing": "BGR minus Oxford's mean (fingerprint)", **origin}  # fmt: skip
    assumed = "Oxford's" if known.program == AS_OURS else "torchvision's"
    if container in ("MatConvNet .mat", ".npz") and known.program == AS_OURS:
        net.preprocessing = replace(PREPROCESSINGS["matconvnet"], size=net.preprocessing.size)
        assumed = "Oxford's, RGB as MatConvNet has it,"
    return net, {"training": "unknown", "licence": "unknown",
                 "preprocessing": f"{assumed} for VGG: assumed from the names, the file does not say"}  # fmt: skip


def oxford_times(w):
    """"VGG16" or "VGG19" where conv1_1's first filter is Oxford's times a factor: Gatys' normalised weights."""
    for name, values in oxford.KERNELS.items():
        places = [place for place in values if place[3] == 0]
        if w.shape[:3] != (3, 3, 3) or not w.size:
            continue
        ours, theirs = np.array([w[place] for place in places]), np.array([values[place] for place in places])
        factor = ours @ theirs / (theirs @ theirs)
        if factor > 0 and np.allclose(ours, factor * theirs, rtol=0, atol=1e-3 * factor):
            return name
    return None


def check_preprocess(preprocess):
    """As a `Preprocessing`, or None."""
    if preprocess is None or isinstance(preprocess, Preprocessing):
        return preprocess
    if preprocess not in PREPROCESSINGS:
        raise UnknownName.of("preprocessing", preprocess, PREPROCESSINGS)
    return PREPROCESSINGS[preprocess]


def name_classes(net, names):
    logits = net.roles["logits"]
    count = net.shapes()[logits][-1] if logits else 0
    if len(names) != count:
        raise BadValue(f"there are {len(names)} class names for {count} classes")
    net.class_names, net.class_aliases = tuple(str(name) for name in names), {}


