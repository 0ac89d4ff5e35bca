"""What each class of Keras that has weights or windows is here, one function for each class: ``(graph, step, value)``.

    Keras                                                       here
    kernel (KH, KW, C/groups, F), rows H, W, C                  the same
    depthwise kernel (KH, KW, C, M)                             w (KH, KW, 1, C*M), C groups
    transposed kernel (KH, KW, F, C)                            the same
"""

from typing import Any

import numpy as np

from minivis.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    ConvTranspose2D,
    Crop2D,
    FullyConnected,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool2D,
    Upsample,
)
from minivis.weights import layout
from minivis.weights.keras.functions import activated
from minivis.weights.layout import Value

# ---- convolutions ----


def convolution(graph: Any, step: Any, value: Any) -> Any:
    kernel = graph.array(step, "kernel", 4)
    made = convolved(graph, step, value, kernel, graph.bias(step), groups=int(step.get("groups", default=1)))
    return activated(graph, step, made)


def depthwise_convolution(graph: Any, step: Any, value: Any) -> Any:
    kernel = graph.array(step, "kernel", 4)
    return activated(graph, step, depthwise(graph, step, value, kernel, graph.bias(step)))


def separable_convolution(graph: Any, step: Any, value: Any) -> Any:
    kernel = graph.array(step, "depthwise_kernel", 4)
    across = depthwise(graph, step, value, kernel, None, name=f"{step.name}_depthwise")
    along = Conv2D(graph.array(step, "pointwise_kernel", 4), graph.bias(step))
    return activated(graph, step, graph.add(step, along, graph.maps(step, across)))


def depthwise(graph: Any, step: Any, value: Any, kernel: Any, b: Any, name: str | None = None) -> Any:
    KH, KW, C, M = kernel.shape
    return convolved(graph, step, value, kernel.reshape(KH, KW, 1, C * M), b, groups=C, name=name)


def convolved(graph: Any, step: Any, value: Any, w: Any, b: Any, *, groups: Any, name: str | None = None) -> Any:
    value, padding, sides = padded(graph, step, value)
    if sides == (1, 1) and w.shape[:2] == (1, 1) and groups == 1 and len(graph.shapes[value.layer]) == 2:
        return fully_connected(graph, step, value, w[0, 0], b)          # after a global pool
    layer = Conv2D(w, b, stride=pair(step, "strides", "subsample", default=1), padding=padding, groups=groups,
                   dilation=pair(step, "dilation_rate", default=1))
    source = graph.maps(step, value, padded=True)
    return graph.add(step if name is None else renamed(step, name), layer, source)


def renamed(step: Any, name: str) -> Any:
    return type(step)(name, step.kind, step.settings)


def padded(graph: Any, step: Any, value: Any) -> tuple[Any, Any, Any]:
    """(value, padding, (H, W)): zeros that a ZeroPadding2D before added become the convolution's own padding."""
    how = step.get("padding", "border_mode")
    if how not in ("same", "valid"):
        raise step.refuse(f"pads by {how!r}; here it is 'same' or 'valid'")
    if how == "same" or value.pads is None:
        value = graph.settled(value)
        return value, how if how == "same" else 0, sides(step, value)
    return value._replace(pads=None), value.pads, sides(step, value)


def sides(step: Any, value: Any) -> Any:
    """The height and width of a value, which may be a row."""
    shape = value.places.shape
    return shape[1:] if step.channels_first else shape[:2]


def transposed_convolution(graph: Any, step: Any, value: Any) -> Any:
    w, b = graph.array(step, "kernel", 4), graph.bias(step)             # (KH, KW, F, C)
    strides, dilation = pair(step, "strides", default=1), pair(step, "dilation_rate", default=1)
    extra = step.get("output_padding")
    extra = (None, None) if extra is None else pair(step, "output_padding")
    pads, more = zip(*(transposed_padding(step.get("padding"), k, s, d, e)
                       for k, s, d, e in zip(w.shape, strides, dilation, extra)))
    layer = ConvTranspose2D(w, b, stride=strides, dilation=dilation, padding=pads, output_padding=more,
                            groups=int(step.get("groups", default=1)))
    return activated(graph, step, graph.add(step, layer, graph.maps(step, value)))


def transposed_padding(how: Any, kernel: Any, stride: Any, dilation: Any, extra: Any) -> tuple[Any, ...]:
    """((before, after), output_padding) of one axis, as TensorFlow and JAX have it: what is too much is cut off at both
    ends, the odd number at the end.

    An output of n positions has n * stride ("same"), or n * stride and what the kernel has more ("valid"). Where an
    ``extra`` output_padding is given, it has so much more than (n - 1) * stride, and the kernel's size or 1 or 0.
    """
    size = (kernel - 1) * dilation + 1
    if how == "same":
        total = size - stride if extra is None else size - size % 2 - extra
    else:
        total = min(0, size - stride) if extra is None else -extra
    return ((total // 2, total - total // 2), 0) if total > 0 else ((0, 0), -total)


# ---- fully connected ----


def dense(graph: Any, step: Any, value: Any) -> Any:
    return activated(graph, step, fully_connected(graph, step, graph.settled(value), graph.array(step, "kernel", 2),
                                                  graph.bias(step)))


def fully_connected(graph: Any, step: Any, value: Any, w: Any, b: Any) -> Value:
    """Of a row an FC layer, its rows in the order of ours; along the channels of maps a 1x1 kernel."""
    shape, ours = value.places.shape, graph.shapes[value.layer]
    if len(ours) == 4 and len(shape) > 1:
        C = ours[3]
        if shape[-1] != C or not layout.same(value.places.reshape(-1), np.arange(value.places.size)):
            raise step.refuse("weighs an axis other than the channels; here an FC layer takes one row per picture")
        name = graph.insert(step.name, Conv2D(w[None, None], b), value.layer)
        places = np.arange(value.places.size // C * w.shape[1])
        return Value(name, places.reshape(*shape[:-1], w.shape[1]))
    if value.places.size != len(w) or shape[-1] != len(w):
        raise step.refuse(f"reads {[None, *shape]} with a kernel of {list(w.shape)}; here an FC layer takes one row a "
                          "picture")
    value = graph.flat(step, value)
    places = value.places.reshape(-1)
    w = w if layout.same(places, np.arange(len(w))) else layout.scattered(w, places)
    name = graph.insert(step.name, FullyConnected(w, b), value.layer)
    return Value(name, np.arange(w.shape[1]).reshape(*shape[:-1], w.shape[1]))


def batch_norm(graph: Any, step: Any, value: Any) -> Any:
    value = graph.settled(value)
    axis = step.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    ndim = value.places.ndim
    if type(axis) is not int or axis == 0 or not -ndim <= axis <= ndim:
        raise step.refuse(f"normalises axis {axis}; here it is one axis that is not the pictures'")
    C = value.places.shape[axis - 1 if axis > 0 else axis]
    along = [1] * ndim
    along[axis - 1 if axis > 0 else axis] = C
    given = {key: graph.array(step, key, 1) if key in step.arrays else np.full(C, usual, graph.dtype)
             for key, usual in (("gamma", 1), ("beta", 0), ("moving_mean", 0), ("moving_variance", 1))}
    gamma, beta, mean, var = (
        layout.per_channel(array.reshape(along), value.places, graph.shapes[value.layer], graph.dtype)
        for array in given.values())
    return graph.keep(step, BatchNorm(gamma, beta, mean, var, float(step.get("epsilon", default=1e-3))), value)


# ---- windows ----


def pool(kind: Any, **settings: Any) -> Any:
    def pooled(graph: Any, step: Any, value: Any) -> Any:
        size = pair(step, "pool_size", default=2)
        stride = pair(step, "strides") if step.get("strides") is not None else size
        how = step.get("padding", "border_mode", default="valid")
        layer = kind(size, stride=stride, padding="same" if how == "same" else 0, **settings)
        return graph.add(step, layer, graph.maps(step, value))

    return pooled


def global_pool(kind: Any) -> Any:
    def pooled(graph: Any, step: Any, value: Any) -> Value:
        name = graph.insert(step.name, kind(), graph.maps(step, value))
        places = np.arange(graph.shapes[name][1])
        kept = (-1, 1, 1) if step.channels_first else (1, 1, -1)
        return Value(name, places.reshape(kept) if step.get("keepdims") else places)

    return pooled


def zero_padding(graph: Any, step: Any, value: Any) -> Value:
    value = graph.settled(value)
    name = graph.maps(step, value)
    places = layout.standard(graph.shapes[name])
    return Value(name, places if step.channels_first else places.transpose(1, 2, 0), around(step, "padding", 1))


def cropping(graph: Any, step: Any, value: Any) -> Any:
    return graph.add(step, Crop2D(around(step, "cropping", 0)), graph.maps(step, value))


def around(step: Any, name: str, usual: Any) -> tuple[Any, ...]:
    """((top, bottom), (left, right)) of a number, a pair or two pairs."""
    given = step.get(name, default=usual)
    given = [given] * 2 if isinstance(given, int) else given
    return tuple((side, side) if isinstance(side, int) else (side[0], side[1]) for side in given)


def adaptive_pool(kind: Any) -> Any:
    """To one position; to others windows would differ in size."""
    def pooled(graph: Any, step: Any, value: Any) -> Any:
        if pair(step, "output_size") != (1, 1):
            raise step.refuse(f"pools to {step.get('output_size')} positions; here that is one")
        return global_pool(kind)(graph, type(step)(step.name, step.kind, {**step.settings, "keepdims": True}), value)

    return pooled


def resizing(graph: Any, step: Any, value: Any) -> Any:
    """To the size that maps have already, or nearest by whole factors."""
    name = graph.maps(step, value)
    _, H, W, _ = graph.shapes[name]
    height, width = step.get("height"), step.get("width")
    if (height, width) == (H, W):
        return value
    if step.get("interpolation", default="bilinear") != "nearest" or height % H or width % W \
            or step.get("crop_to_aspect_ratio") or step.get("pad_to_aspect_ratio"):
        raise step.refuse(f"makes {H} x {W} positions {height} x {width}; take it out of the model, and give minivis "
                          "pictures of that size, which it scales itself")
    return graph.add(step, Upsample((height // H, width // W)), name)


def center_crop(graph: Any, step: Any, value: Any) -> Any:
    name = graph.maps(step, value)
    _, H, W, _ = graph.shapes[name]
    height, width = step.get("height"), step.get("width")
    if height > H or width > W:
        raise step.refuse(f"makes {H} x {W} positions {height} x {width}, which are more")
    top, left = (H - height) // 2, (W - width) // 2
    return graph.add(step, Crop2D(((top, H - height - top), (left, W - width - left))), name)


def up_sampling(graph: Any, step: Any, value: Any) -> Any:
    factor, how = pair(step, "size", default=2), step.get("interpolation", default="nearest")
    if how != "nearest" and factor != (1, 1):
        raise step.refuse(f"makes maps larger by {how!r} interpolation; here it can only be 'nearest'")
    return graph.add(step, Upsample(factor), graph.maps(step, value))


def pair(step: Any, *names: str, default: Any = None) -> tuple[Any, ...]:
    given = step.get(*names, default=default)
    return (given, given) if isinstance(given, int) else tuple(given)


KINDS = {
    "AdaptiveAveragePooling2D": adaptive_pool(GlobalAvgPool), "AdaptiveMaxPooling2D": adaptive_pool(GlobalMaxPool),
    "AveragePooling2D": pool(AvgPool2D, count_padding=False), "BatchNormalization": batch_norm,
    "CenterCrop": center_crop,
    "Conv2D": convolution, "Conv2DTranspose": transposed_convolution, "Cropping2D": cropping, "Dense": dense,
    "DepthwiseConv2D": depthwise_convolution, "GlobalAveragePooling2D": global_pool(GlobalAvgPool),
    "GlobalMaxPooling2D": global_pool(GlobalMaxPool), "MaxPooling2D": pool(MaxPool2D),
    "Resizing": resizing,
    "SeparableConv2D": separable_convolution, "UpSampling2D": up_sampling, "ZeroPadding2D": zero_padding,
}  # fmt: skip
