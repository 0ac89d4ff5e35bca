"""What the pictures of the exercises show: emoji-vgg and the goose, or the same net with a student's layers in it.

Everything runs in plain mode, one layer after another, so that a student's function is called where ours would be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.graph import Node
from minivis.figures.text import chance
from minivis.images.files import read_image
from minivis.layers import Conv2D, FullyConnected, MaxPool2D, ReLU, Softmax
from minivis.layers.rules import RuleName
from minivis.types import Array, Gradients, Picture
from minivis.weights.catalogue import load

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network
    from minivis.exercises.exercise import Functions
    from minivis.layers.base import BackwardMode, ForwardMode, Layer, LayerGradients

GOOSE = Path(__file__).parents[1] / "data" / "goose.png"
PAINTING = GOOSE.with_name("strokes.png")
PLAIN: dict[str, Any] = {"algorithm": "im2col", "fuse": False}


class Scene:
    """A net and a picture. ``image``: uint8 (H, W, 3) of the net's size."""

    @cached_property
    def net(self) -> Network:
        return load("emoji-vgg")

    @cached_property
    def image(self) -> Picture:
        return self.net.fit(read_image(GOOSE)).image

    @cached_property
    def x(self) -> Array:
        return self.net.preprocess(self.image)

    @cached_property
    def painting(self) -> Array:
        """A painting, as an input of the net."""
        return self.net.preprocess(self.net.fit(read_image(PAINTING)))

    @cached_property
    def best(self) -> int:
        """The class that our net sees in the picture."""
        return int(self.net.forward(self.x, keep=["fc8"], **PLAIN)["fc8"].argmax())

    def with_layers(self, kind: type, make: Callable[[Any], Layer], names: Sequence[str] | None = None) -> Network:
        """The net with make(layer) in place of each layer of a kind, or of those with these names."""
        nodes = {name: Node(make(layer) if type(layer) is kind and (names is None or name in names) else layer, inputs)
                 for name, (layer, inputs) in self.net.nodes.items()}
        return replace(self.net, nodes=nodes)

    def with_relus(self, functions: Functions) -> Network:
        """The net with a student's relu_forward(x) and relu_backward(dout, x, rule)."""
        return self.with_layers(ReLU, lambda layer: StudentReLU(functions))

    def with_fcs(self, functions: Functions) -> Network:
        """The net with a student's fc_forward(x, w, b) and fc_backward(dout, x, w)."""
        return self.with_layers(FullyConnected, lambda layer: StudentFC(functions, layer))

    def with_softmax(self, functions: Functions) -> Network:
        """The net with a student's softmax(x)."""
        return self.with_layers(Softmax, lambda layer: StudentSoftmax(functions))

    def with_pools(self, functions: Functions) -> Network:
        """The net with a student's max_pool_forward and max_pool_backward."""
        return self.with_layers(MaxPool2D, lambda layer: StudentPool(functions, layer))

    def with_convs(
        self, forward: Callable[..., Any] | None = None, backward: Callable[..., Any] | None = None,
        names: Sequence[str] | None = None,
    ) -> Network:  # fmt: skip
        """The net with a student's forward(x, w, b, stride, padding) or backward(dout, w, x_shape, padding)."""
        return self.with_layers(Conv2D, lambda layer: StudentConv(layer, forward, backward), names)

    def gradient(self, net: Network, rule: RuleName = "normal") -> Array:
        """The gradient of the best class at the pixels, (H, W, 3)."""
        acts = self.forward(net)
        return self.back(acts, {"fc8": self.seed(acts)}, rule)

    def seed(self, acts: Activations) -> Array:
        """1 at the best class of each picture."""
        seed = np.zeros_like(acts["fc8"])
        seed[:, self.best] = 1
        return seed

    def gradients_at(self, name: str) -> Array:
        """The gradient of the best class at a layer's output."""
        acts = self.forward(self.net)
        return self.net.backward(acts, {"fc8": self.seed(acts)}, keep=(name,))[0][name]

    def forward(self, net: Network) -> Activations:
        """The activations of the picture."""
        return net.forward(self.x, **PLAIN)

    def back(self, acts: Activations, seeds: Gradients, rule: RuleName = "normal") -> Array:
        """The gradient at the pixels, (H, W, 3), of seeds in any layers."""
        seeds = {name: np.asarray(seed, np.float32) for name, seed in seeds.items()}
        dacts, _ = acts.net.backward(acts, seeds, relu_rule=rule)
        return self.net.preprocess_adjoint(dacts["input"])[0]

    def slope(self, x: Array) -> Array:
        """The gradient of the best class's score at x, in the net's units."""
        acts = self.net.forward(np.asarray(x, np.float32), **PLAIN)
        return self.net.backward(acts, {"fc8": self.seed(acts)})[0]["input"]

    def as_picture(self, x: Array) -> Picture:
        """uint8 (H, W, 3) of one picture x (1, H, W, 3) in the net's units."""
        return self.rounded(self.net.deprocess(np.asarray(x, np.float32))[0])

    def rounded(self, levels: Array) -> Picture:
        """Levels, of which some may be NaN or beyond 0 to 255, as uint8."""
        return np.clip(np.nan_to_num(levels), 0, 255).round().astype(np.uint8)

    def answer(self, net: Network) -> str:
        """The three best classes with their probabilities, in words."""
        probs = net.forward(self.x, keep=["prob"], **PLAIN)["prob"][0]
        best = np.argsort(-probs)[:3]
        return ", ".join(f"{self.net.class_names[k]} {chance(probs[k])}" for k in best)


class StudentReLU(ReLU):
    """A ReLU whose arithmetic is a student's."""

    def __init__(self, functions: Functions) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        return self.functions["relu_forward"](x), x

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (self.functions["relu_backward"](dout, cache, mode.relu_rule),), {}


class StudentFC(FullyConnected):
    """A fully connected layer whose arithmetic is a student's."""

    def __init__(self, functions: Functions, layer: Any) -> None:
        super().__init__(**layer.params)
        self.functions = functions

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        return self.functions["fc_forward"](x, self.params["w"], self.params["b"]), x

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (self.functions["fc_backward"](dout, cache, self.params["w"])[0],), {}


class StudentSoftmax(Softmax):
    """A softmax whose forward pass is a student's."""

    def __init__(self, functions: Functions) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        out = self.functions["softmax"](x)
        return out, out


class StudentPool(MaxPool2D):
    """A max pool whose arithmetic is a student's."""

    def __init__(self, functions: Functions, layer: Any) -> None:
        super().__init__(layer.size, stride=layer.stride)
        self.functions = functions

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        out, switches = self.functions["max_pool_forward"](x, self.size[0], self.stride[0])
        return out, (x, switches)

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        return (self.functions["max_pool_backward"](dout, *cache, self.size[0], self.stride[0]),), {}


class StudentConv(Conv2D):
    """A convolution whose forward pass, backward pass or both are a student's."""

    def __init__(
        self, layer: Conv2D, forward: Callable[..., Any] | None = None, backward: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        settings: dict[str, Any] = {**layer.params, **layer.config()}
        super().__init__(**settings)
        self.students = forward, backward

    def forward(self, x: Array, *, mode: ForwardMode) -> tuple[Array, Any]:
        if self.students[0] is None:
            return super().forward(x, mode=mode)
        (padding, _), _ = self.padding
        out = self.students[0](x, self.params["w"], self.params["b"], self.stride[0], padding)
        return out, self.cache(x, mode)

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        if self.students[1] is None:
            return super().backward(dout, cache, mode)
        (padding, _), _ = self.padding
        return (self.students[1](dout, self.params["w"], getattr(cache, "shape", cache), padding),), {}
