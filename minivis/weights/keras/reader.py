"""VGG as Keras saved it, from whichever layout (file_layouts.py), into a net.

Kernels are (3, 3, in, out) ("tf"), or (out, in, 3, 3) and then rotated by 180 degrees, with the rows of fc6 in the
order C, H, W ("th", Theano). Shapes tell which; what shapes can't, the fingerprints of oxford.py do, else the file's
attributes. What was recognised, and by what, is in ``net.about``.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, MinivisError
from minivis.images.preprocessing import CAFFE_VGG, Preprocessing
from minivis.models.vgg import BLOCKS, FC_NAMES, conv_names, input_size, vgg
from minivis.types import PathLike
from minivis.weights import oxford
from minivis.weights.containers.hdf5 import check_finite, check_stored, read_array
from minivis.weights.keras import config as keras_config
from minivis.weights.keras.config import WHOLE
from minivis.weights.keras.file_layouts import layout, listed

KERNELS = {                                     # the setting ``kernels``: axes, and whether rotated by 180 degrees
    "tf": ("HWIO", False),
    "tf-rotated": ("HWIO", True),
    "th": ("OIHW", True),
    "th-unrotated": ("OIHW", False),
}
DENSE = {"fc1": 0, "fc2": 1, "predictions": 2, "fc6": 0, "fc7": 1, "fc8": 2}


def load(source: Any, *, dtype: Any = np.float32, finite: bool = True, kernels: Any = None,
         size: Any = None) -> Network:
    """The net of a `Source`. ``kernels`` ("tf", "th", ...) and ``size`` (h, w) say what a file may leave open."""
    if kernels is not None and kernels not in KERNELS:
        raise BadValue(f"kernels is one of {', '.join(KERNELS)}, not {kernels!r}")
    path = source.path
    what, list_layers, group = layout(source)
    layers = list_layers(group, source)
    name, convs = arrange([layer for layer in layers if layer.kernel.ndim == 4], path)
    dense = arrange_dense([layer for layer in layers if layer.kernel.ndim == 2], name, path)
    config = keras_config.read(source)
    keras_config.check(config, name, bool(dense), path)

    for layer in convs + dense:                         # all shapes are checked before an array is read
        check_stored(layer.kernel, path)
        check_stored(layer.bias, path)
    axes = kernel_axes(convs, kernels, path)
    positions = check_dense(convs[-1], dense, path)
    size = size or keras_config.input_size(config)
    preprocessing = replace(picture(convs[0], axes), size=size or input_size(positions) if dense else size)
    if dense and preprocessing.size is None:
        raise BadFile(f"{path}: fc6 sees {positions} positions, no square; pass the input's size=(height, width)")

    w, b = read_kernel(convs[0], axes, dtype, source, finite)
    first = oxford.recognise(w, b)
    rotated, why = is_rotated(first, axes, kernels, source.attribute(group, "backend"))
    ready = [(np.ascontiguousarray(oxford.oriented(w, rotated=rotated, rgb=first.rgb)), b)]
    for layer in convs[1:]:
        w, b = read_kernel(layer, axes, dtype, source, finite)
        ready.append((np.ascontiguousarray(oxford.oriented(w, rotated=rotated)), b))
    chw = keras_config.rows_chw(config)
    chw = axes == "OIHW" if chw is None else chw
    fc = [read_dense(layer, positions if chw and i == 0 else 1, dtype, source, finite) for i, layer in enumerate(dense)]
    try:
        net = vgg(name, ready, fc, preprocessing=preprocessing)
        net.shapes()
    except MinivisError as error:
        raise BadFile(f"{path}: {error}") from None

    turned = "rotated by 180 degrees" if rotated else "not rotated"
    net.about.update(
        format="Keras 3 .keras archive" if source.archive else what,
        kernels=f"{'height, width, in, out' if axes == 'HWIO' else 'out, in, height, width'}, {turned} ({why})",
    )
    return tell_training(net, name, first)


def arrange(convs: Any, path: PathLike) -> tuple[Any, ...]:
    """Which of `BLOCKS` it is, and its convolutions in order: by their names, or else by their number."""
    places = {}
    for layer in convs:
        match = re.fullmatch(r"block(\d)_conv(\d)|conv(\d)_(\d)", layer.name)
        places["conv{}_{}".format(*(g for g in match.groups() if g)) if match else layer.name] = layer
    if len(places) < len(convs):
        raise BadFile(f"{path} names two convolutions alike ({listed([c.name for c in convs])}): the file is damaged")
    for name in BLOCKS:
        if set(places) == set(conv_names(name)):
            return name, [places[conv] for conv in conv_names(name)]
    known = [name for name in BLOCKS if set(places) < set(conv_names(name))]
    if known and places:
        missing = [conv for conv in conv_names(known[0]) if conv not in places]
        raise BadFile(f"{path} holds {len(places)} of the {len(conv_names(known[0]))} convolutions of a {known[0]}; "
                      f"missing: {listed(missing)}")
    by_count = {len(conv_names(name)): name for name in BLOCKS}
    if len(convs) in by_count and not any(re.fullmatch(r"conv\d_\d", place) for place in places):
        return by_count[len(convs)], convs
    raise BadFile(
        f"{path} is not a VGG: it holds {len(convs)} convolutions ({listed(list(places)) or 'none'}), and a VGG has "
        f"8, 10, 13 or 16; {WHOLE}"
    )


def arrange_dense(dense: Any, name: str, path: PathLike) -> Any:
    """The three FC layers in order, or none of them."""
    if len(dense) not in (0, len(FC_NAMES)):
        names = listed([layer.name for layer in dense])
        raise BadFile(f"{path} has a {name}'s convolutions and {len(dense)} dense layers ({names}), not three or none")
    if {DENSE.get(layer.name) for layer in dense} == {0, 1, 2}:
        dense = sorted(dense, key=lambda layer: DENSE[layer.name])
    return dense


def kernel_axes(convs: Any, kernels: Any, path: PathLike) -> Any:
    """"HWIO" or "OIHW": in which of them each kernel is 3x3, reads what the layer before makes, and has its bias."""
    wrong = {axes: wrong_kernel(convs, axes) for axes in ("HWIO", "OIHW")}
    fitting = [axes for axes in wrong if wrong[axes] is None]
    if kernels and (asked := KERNELS[kernels][0]) not in fitting:
        raise BadFile(f"{path} has no kernels {kernels!r}: {wrong[asked]}")
    if not fitting:
        likely = "OIHW" if convs[0].kernel.shape[2:] == (3, 3) else "HWIO"
        raise BadFile(f"{path}: {wrong[likely]}")
    if len(fitting) == 2 and not kernels:
        raise BadFile(
            f"{path}: all kernels are (3, 3, 3, 3), which may be (3, 3, in, out) or (out, in, 3, 3); say which: "
            "kernels='tf', or kernels='th' for a file made with Theano"
        )
    return KERNELS[kernels][0] if kernels else fitting[0]


def wrong_kernel(convs: Any, axes: Any) -> str | None:
    """None, or the sentence about the first kernel that does not fit."""
    channels = None
    for layer in convs:
        shape = layer.kernel.shape
        kh, kw, c, f = shape if axes == "HWIO" else (*shape[2:], shape[1], shape[0])
        wanted = (channels or c or 3, layer.bias.shape[0])
        if (kh, kw, c, f) != (3, 3, *wanted) or 0 in wanted:
            right = (3, 3, *wanted) if axes == "HWIO" else (*wanted[::-1], 3, 3)
            return f"the kernel of {layer.name} is {shape}; its bias and the layer before ask for {right}"
        channels = f
    return None


def picture(conv: Any, axes: Any) -> Any:
    """The preprocessing for what conv1_1 reads."""
    channels = conv.kernel.shape[2 if axes == "HWIO" else 1]
    return CAFFE_VGG if channels == 3 else Preprocessing(mean=(0.0,) * channels, scale=(1.0,) * channels)


def check_dense(last: Any, dense: Any, path: PathLike) -> Any:
    """How many positions of pool5 fc6 reads (0 without FC layers); BadFile if two layers do not fit together."""
    before = last
    for layer in dense:
        rows, columns = layer.kernel.shape
        if columns != layer.bias.shape[0] or 0 in (rows, columns):
            raise BadFile(f"{path}: {layer.name} is {(rows, columns)}, its bias {layer.bias.shape}; they should match")
        inputs = before.bias.shape[0]
        if rows % inputs or (before is not last and rows != inputs):
            raise BadFile(f"{path}: {layer.name} has {rows} rows for the {inputs} outputs of {before.name}")
        before = layer
    return dense[0].kernel.shape[0] // last.bias.shape[0] if dense else 0


def is_rotated(first: Any, axes: Any, kernels: Any, backend: Any) -> tuple[Any, ...]:
    """Whether kernels are rotated by 180 degrees, and how that is known: fingerprint, setting, attribute, habit."""
    if first.net:
        order = "" if not first.rgb else ", and its colours in RGB order"
        return first.rotated, f"by Oxford's conv1_1{order}"
    if kernels:
        return KERNELS[kernels][1], f"as asked for, kernels={kernels!r}"
    if backend is not None:
        return backend == "theano", f"written by the backend {backend}"
    return axes == "OIHW", "by its shapes: Theano's files are" if axes == "OIHW" else "by its shapes"


def tell_training(net: Network, name: str, first: Any) -> Network:
    """Write into ``net.about`` where the numbers come from, as far as they tell; name the classes of Oxford's nets."""
    width, classes = net.layers["conv1_1"].params["b"].size, net.shapes()[list(net.layers)[-1]][-1]
    net.about["architecture"] = name if width == 64 else f"{name}, {width} channels wide at conv1_1"
    if first.net is None:
        prep = {1: "grey, 0 to 255", 3: "BGR minus Oxford's mean, as Keras does for VGG"}.get(
            net.input_channels, "pixels as they are")
        net.about.update(training="unknown", licence="unknown", preprocessing=f"{prep}: assumed, the file is silent")
        return net
    training, licence = oxford.whose(first.net, name, net.layers)
    if first.net == name and net.roles["logits"] and classes == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    net.about.update(
        training=training,
        origin="Visual Geometry Group, Oxford; Simonyan & Zisserman 2014, Very Deep Convolutional Networks",
        licence=licence,
        preprocessing="BGR minus Oxford's mean (fingerprint)",
    )
    return net


# ---- arrays ----

def read_kernel(layer: Any, axes: Any, dtype: Any, source: Any, finite: bool) -> tuple[Any, Any]:
    """w (3, 3, C, F), maybe as a view, and b (F,)."""
    w = read_array(layer.kernel, dtype, source, finite=finite)
    return w if axes == "HWIO" else w.transpose(2, 3, 1, 0), read_array(layer.bias, dtype, source, finite=finite)


def read_dense(layer: Any, positions: Any, dtype: Any, source: Any, finite: bool) -> tuple[Any, Any]:
    """w (in, out) and b; rows in the order C, H, W, of this many positions, are brought into the order H, W, C."""
    b = read_array(layer.bias, dtype, source, finite=finite)
    rows, columns = layer.kernel.shape
    if positions == 1:
        return read_array(layer.kernel, dtype, source, finite=finite), b
    channels = rows // positions
    if layer.kernel.chunks:                             # a compressed one would be unpacked once for each channel
        w = read_array(layer.kernel, dtype, source, finite=finite).reshape(channels, positions, columns)
        return np.ascontiguousarray(w.swapaxes(0, 1)).reshape(rows, columns), b
    source.budget.take(layer.kernel.nbytes)
    w = np.empty((positions, channels, columns), dtype)
    part = np.empty((positions, columns), dtype)        # one channel at a time: no second copy of 400 MB
    for c in range(channels):
        layer.kernel.read_direct(part, np.s_[c * positions : (c + 1) * positions])
        w[:, c] = part
    w = w.reshape(rows, columns)
    return check_finite(w, layer.kernel, source.path) if finite else w, b
