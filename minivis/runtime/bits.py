"""A boolean array that takes a bit an element: for masks of large pictures."""

import numpy as np


class Bits:
    """A boolean array that takes a bit an element: write and read it by slices of every axis but the last."""

    def __init__(self, shape, empty=np.empty, packed=None):
        self.shape = shape
        self.packed = empty((*shape[:-1], -(-shape[-1] // 8)), np.uint8) if packed is None else packed

    def lines(self, first, last):
        """Some lines of (N, H, W, C), in the same memory."""
        packed = self.packed[:, first:last]
        return Bits((*packed.shape[:-1], self.shape[-1]), packed=packed)

    def __setitem__(self, where, values):
        self.packed[where] = np.packbits(values, axis=-1)

    def __getitem__(self, where):
        return np.unpackbits(self.packed[where], axis=-1, count=self.shape[-1]).view(bool)
