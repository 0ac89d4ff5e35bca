"""Where each number of a value in another program's graph is in the output of one of our layers.

ONNX counts a picture's numbers in the order C, H, W, or as its Transpose and Reshape nodes have arranged them; our
layers put out (N, H, W, C) or (N, D). Keras has (N, H, W, C) too, until a model permutes it or asks for channels first.
A `Value` writes the relation down number by number:

    theirs[n][i] = ours[n].reshape(-1)[places[i]]           i: an index into their shape, without the batch axis

Nodes that only move numbers (Transpose, Reshape, Flatten, Squeeze) are the same NumPy call on ``places``, and whatever
needs weights in our order scatters them by it. So no list of layers says which ones keep an order: the order is there.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minivis.errors import BadFile
from minivis.types import Array

MOST = 2**26                            # numbers in one value of one picture: a damaged or hostile file may ask for any


class Value(NamedTuple):
    """A value of a graph: the layer that makes it, where its numbers stand there, and padding yet to be done."""

    layer: str
    places: np.ndarray
    pads: tuple | None = None                           # ((top, bottom), (left, right)) of ``fill`` around the maps
    fill: float = 0.0


@lru_cache(8)
def maps(H: int, W: int, C: int) -> Any:
    """The places of feature maps that ONNX has as C, H, W. One array for each shape: there may be millions in it."""
    if H * W * C > MOST:
        raise BadFile(f"feature maps of {H} x {W} x {C} are more than the {MOST} numbers that minivis takes")
    places = np.arange(H * W * C, dtype=np.int32).reshape(H, W, C).transpose(2, 0, 1)
    places.flags.writeable = False
    return places


def standard(shape: Any) -> Any:
    """The places of a layer's output (N, H, W, C) or (N, D), as ONNX's own layers have them."""
    return maps(*shape[1:]) if len(shape) == 4 else np.arange(math.prod(shape[1:]), dtype=np.int32)


def same(first: Any, second: Any) -> Any:
    return first is second or (first.shape == second.shape and np.array_equal(first, second))


def scattered(array: Array, places: Array) -> Any:
    """The rows of ``array``, which are in ONNX's order, in ours."""
    out = np.empty_like(array)
    out[places] = array
    return out


def per_channel(array: Array, places: Array, shape: Any, dtype: Any) -> Any:
    """A constant that ONNX broadcasts over a value, as one number per channel of our layer's ``shape``, (C,).

    Raise BadFile if positions of one channel get different numbers.
    """
    try:
        full = np.broadcast_to(array, (1, *places.shape))[0]
    except ValueError:
        raise BadFile(f"a constant of shape {array.shape} does not go with {(1, *places.shape)}") from None
    ours = np.empty(places.size, dtype)
    ours[places] = full
    rows = ours.reshape(-1, shape[-1])
    if (rows != rows[0]).any():
        raise BadFile(f"a constant of shape {array.shape} differs from position to position of a map; here a layer "
                      "takes one number per channel")
    return rows[0].copy()


def transposition(order: Any) -> tuple[Any, tuple[int, int]] | None | None:
    """(shape, axes) such that ``arange(D).reshape(shape).transpose(axes)`` counts like ``order``; None if none does.

    Of two axes, as a Flatten in the order C, H, W, or a shuffle of channels, has them.
    """
    order = np.asarray(order).reshape(-1)
    columns = int(order[1]) if order.size > 1 else 0    # numbers that are neighbours there stand so far apart here
    if columns < 2 or order.size % columns:
        return None
    shape = (order.size // columns, columns)
    return (shape, (1, 0)) if np.array_equal(np.arange(order.size).reshape(shape).T.reshape(-1), order) else None


def join(parts: Any, shapes: Any, axis: Any) -> Array:
    """The places of ONNX's Concat along ``axis`` (the batch axis counted), where ours stacks channels."""
    channels = [shape[-1] for shape in shapes]
    total, begin, moved = sum(channels), 0, []
    for places, C in zip(parts, channels):
        moved.append(places // C * total + begin + places % C)
        begin += C
    return np.concatenate(moved, axis=axis - 1)
