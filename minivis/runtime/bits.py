"""A boolean array with one bit per element, for the masks of large pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minivis.types import Array, Shape


class Bits:
    """A boolean array with one bit per element; it is written and read by slices of every axis but the last."""

    def __init__(self, shape: Shape, empty: Callable[..., Any] = np.empty, packed: Array | None = None) -> None:
        self.shape = shape
        self.packed = empty((*shape[:-1], -(-shape[-1] // 8)), np.uint8) if packed is None else packed

    def lines(self, first: int, last: int) -> "Bits":
        """Some lines of (N, H, W, C), in the same memory."""
        packed = self.packed[:, first:last]
        return Bits((*packed.shape[:-1], self.shape[-1]), packed=packed)

    def __setitem__(self, where: Any, values: Array) -> None:
        self.packed[where] = np.packbits(values, axis=-1)

    def __getitem__(self, where: Any) -> Array:
        return np.unpackbits(self.packed[where], axis=-1, count=self.shape[-1]).view(bool)
