"""Padding as a layer of its own, where it does not belong to a convolution; and its inverse, cropping."""

from typing import Any

import numpy as np

from minivis.convolution.window import crop, normal_padding, pad, padded_shape
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, Examples, ForwardMode, Layer, LayerGradients, Window, check_image
from minivis.runtime.settings import number, takes
from minivis.types import Array, Padding, Pads, Shape


class Pad2D(Layer):
    """Put ``value`` around each map; ``padding`` is an int, (ph, pw) or ((top, bottom), (left, right)).

    The gradient at the padding is dropped, under every rule.
    """

    relevance = "routes"
    settings = ("padding", "value")

    @takes(value=number())
    def __init__(self, padding: Padding, value: float = 0.0) -> None:
        super().__init__()
        self.padding, self.value = normal_padding(padding), float(value)
        if self.padding == "same":
            raise BadValue('Pad2D: padding says how much to add; "same" is a setting of convolutions and pools')

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(1), [(2, 3, 4, 3)]), (cls(((1, 0), (2, 3)), value=-1.5), [(2, 3, 4, 3)])]

    @property
    def padding_value(self) -> float | None:  # type: ignore[override]
        return self.value

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        check_image(self, x.shape)
        out = pad(x, self.padding, value=self.value)
        return out, True if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (crop(dout, self.padding),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        return padded_shape(shape, self.padding)

    def geometry(self, x_shape: Shape) -> dict[str, Any]:
        return {"stride": (1, 1), "padding": self.padding}

    def window(self, shape: Shape) -> Window | None:
        (top, _), (left, _) = self.padding
        return Window((1, 1), (1, 1), (-top, -left), self.padding)


class Crop2D(Layer):
    """Maps without their outermost rows and columns: ``crop`` is an int, (h, w) or ((top, bottom), (left, right)).

    The gradient at what was cut off is zero, under every rule.
    """

    relevance = "routes"
    settings = ("crop",)

    def __init__(self, crop: Padding) -> None:
        super().__init__()
        if isinstance(crop, str) and crop == "same":
            raise BadValue('Crop2D: crop must say how much to cut off, which "same" does not')
        self.crop = normal_padding(crop, "crop")

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        return [(cls(1), [(2, 5, 6, 3)]), (cls(((1, 0), (2, 3))), [(2, 3, 6, 3)])]

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        self.output_shape(x.shape)
        return crop(x, self.crop), True if mode.grad else None

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (pad(dout, self.crop),), {}

    def output_shape(self, shape: Shape) -> Shape:
        check_image(self, shape)
        sizes = [n - sum(cut) for n, cut in zip(shape[1:3], self.crop)]
        if min(sizes) < 1:
            raise BadValue(f"Crop2D: nothing is left of an input {shape} once {self.crop} is cut off")
        return (shape[0], *sizes, shape[3])

    def window(self, shape: Shape) -> Window | None:
        (top, bottom), (left, right) = self.crop
        return Window((1, 1), (1, 1), (top, left), ((-top, -bottom), (-left, -right)))

    def with_padding(self, pads: Pads) -> Layer:
        """On a part of a picture the caller passes only the positions that remain, so there is nothing to cut off."""
        return type(self)(0)
