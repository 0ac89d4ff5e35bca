"""Layers that read several others: Concat (GoogLeNet) and Add (ResNet)."""

from minivis.errors import BadValue
from minivis.layers.base import Layer
from minivis.runtime.backend import get_xp


class Concat(Layer):
    """Stack channels: (N, ..., C1), (N, ..., C2), ... -> (N, ..., C1 + C2 + ...). Each input gets its part of dout."""

    inputs = None

    def forward(self, *inputs, mode):
        shape = self.output_shape(*(x.shape for x in inputs))
        out = get_xp(inputs[0]).concatenate(inputs, axis=len(shape) - 1)
        return out, tuple(x.shape[-1] for x in inputs) if mode.grad else None

    def backward(self, dout, cache, mode):
        ends = [sum(cache[: i + 1]) for i in range(len(cache))]
        return tuple(dout[..., end - channels : end] for channels, end in zip(cache, ends)), {}

    def output_shape(self, *shapes):
        if len({s[:-1] for s in shapes}) > 1:
            raise BadValue(f"Concat: all axes but the last must agree, got {shapes}")
        return (*shapes[0][:-1], sum(s[-1] for s in shapes))


class Add(Layer):
    """Residual sum: a gradient arriving at a sum goes to every term unchanged."""

    inputs = None

    def forward(self, *inputs, mode):
        self.output_shape(*(x.shape for x in inputs))
        return sum(inputs[1:], start=inputs[0]), len(inputs) if mode.grad else None

    def backward(self, dout, cache, mode):
        return (dout,) * cache, {}

    def output_shape(self, *shapes):
        if len(set(shapes)) > 1:
            raise BadValue(f"Add: all shapes must agree, got {shapes}")
        return shapes[0]
