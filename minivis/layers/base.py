"""The contract that every layer keeps. Read this first.

A layer owns parameters, never activations: ``forward`` hands back what ``backward`` will need as a *cache*, and
``backward`` takes it again. So one forward can feed three backwards (normal, deconv, guided), one net can serve two
images at once, and nothing has to be reset.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minivis.errors import BadValue
from minivis.runtime.workspace import Workspace, aligned
from minivis.types import Array, Pads, Shape


class Mode:
    """What both directions share: where memory for outputs comes from, and the algorithm for each layer."""

    algorithm: str | dict
    workspace: Workspace | None

    def empty(self, shape: Shape, dtype: Any) -> Any:
        """Memory for an output."""
        return self.workspace.empty(shape, dtype) if self.workspace else aligned(shape, dtype)

    def at(self, name: str) -> Any:
        """The mode for one layer, if algorithms are given by layer."""
        how = self.algorithm
        return replace(self, algorithm=how.get(name, "auto")) if isinstance(how, dict) else self  # type: ignore[type-var]


@dataclass(frozen=True)
class ForwardMode(Mode):
    """What this pass must remember. Chosen per call; the network is never edited."""

    grad: str | None = "image"                  # None: nothing; "image": signs and switches; "params": layer inputs too
    training: bool = False                      # batch norm's batch statistics, dropout
    rng: np.random.Generator | None = None      # dropout draws from it
    algorithm: str | dict = "auto"              # how to convolve, see choose.py; or {layer: how}
    workspace: Workspace | None = None          # where memory for outputs comes from


@dataclass(frozen=True)
class BackwardMode(Mode):
    """What this backward sweep is for."""

    relu_rule: str = "normal"                   # "normal" | "guided" | "deconv"
    param_grads: bool = False
    input_grads: bool = True                    # False for a layer that reads only the image, if dx is not asked for
    algorithm: str | dict = "auto"
    workspace: Workspace | None = None


class Window(NamedTuple):
    """What one output position sees of an input. Each field is a pair (height, width).

    kernel      its extent, dilation included
    stride      from one position's window to the next; 0 when every position sees everything
    start       where the first window begins; negative if it begins in the padding
    padding     ((top, bottom), (left, right)) that the layer adds; negative if it crops
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]
    padding: tuple = ((0, 0), (0, 0))


LayerGradients: TypeAlias = tuple[tuple[Array | None, ...], dict[str, Array]]        # what `Layer.backward` returns
Examples: TypeAlias = list[tuple[Any, list[tuple[int, ...]]]]          # (layer, the shapes of its inputs), ...


class Layer:
    """One node of a network. A subclass names its constructor's settings in ``settings``.

    ``params`` maps "w", "b", ... to read-only arrays; ``derived`` holds what is computed from them once (transformed
    weights) and is dropped with them.
    """

    settings: tuple[str, ...] = ()
    channels: int | None = None                 # the number of channels that an input must have; None: any
    padding_value: float | None = 0.0           # what a window sees in the padding; None: no single number
    inputs: int | None = 1                      # how many inputs it reads; None: two or more
    statistics: tuple[str, ...] = ()            # parameters that are measured, not learned: they have no gradient
    differs_in_training = False                 # whether a training pass computes something else
    elementwise = False                         # whether each output depends only on the input at its place
    relevance: str | None = None                # how relevance goes back through it, see relevance.py; None: not at all
    formula = ""                                # of one output, in a few symbols, as the live page shows it

    def __init__(self, **params: Array) -> None:
        self.params: dict[str, Array] = {}
        self.derived: dict[Hashable, Any] = {}
        self.lock = threading.Lock()
        self.set_params(**params)

    def forward(self, *inputs: Any, **mode: Any) -> tuple[Array, Any]:
        """``forward(x, mode=mode)``, or with several inputs ``forward(a, b, mode=mode)``, with a `ForwardMode`.

        Return ``out, cache``; the cache holds just what ``mode.grad`` asks for (None for nothing). A layer names its
        own inputs: ``def forward(self, x, *, mode)``.
        """
        raise NotImplementedError

    def backward(self, dout: Array, cache: Any, mode: BackwardMode) -> LayerGradients:
        """Return ``dxs, dparams``: a tuple with one dx per input, and a dict (empty when not asked for)."""
        raise NotImplementedError

    def output_shape(self, *shapes: Any) -> Shape:
        """The shape of ``out`` for inputs of these shapes, batch axis included."""
        return shapes[0]

    def window(self, shape: Shape) -> Window | None:
        """The `Window` through which one output position sees an input of ``shape``. None if each output position
        sees only the input at the same position."""
        return None

    def with_padding(self, pads: Pads) -> "Layer":
        """The same layer with the padding ((top, bottom), (left, right)), to run on a part of a picture (tiles).

        A layer with a setting ``padding`` needs nothing more; one that pads in another way replaces this method.
        """
        if "padding" not in self.settings:
            raise BadValue(f"{type(self).__name__} has no with_padding(pads), so it cannot run on a part of a picture")
        changed: Any = self.with_params(**self.params)
        changed.padding, changed.derived, changed.lock = pads, self.derived, self.lock
        return changed

    def multiply_adds(self, shape: Shape, out_shape: Shape) -> int:
        """Multiply-adds for one input of ``shape``; 0 for a layer without weights."""
        return 0

    def smooth_input(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Random inputs at which this layer has a derivative; a layer with kinks stays away from them."""
        return rng.standard_normal(shape)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        """A few small layers of this kind, each with the shapes of its inputs: what the tests run for every layer."""
        return [(cls(), [(2, 5, 6, 4)] * (cls.inputs or 2))]

    def set_params(self, **params: Array) -> None:
        """Replace parameters. Only the trainer does this; nothing else about a layer ever changes.

        Arrays are held as read-only views, not copied.
        """
        for name, array in params.items():
            old = self.params.get(name)
            if old is not None and old.shape != array.shape:
                raise BadValue(f"{type(self).__name__}: {name} has shape {old.shape}, got {array.shape}")
            if isinstance(array, np.ndarray):
                array = array.view()
                array.flags.writeable = False
            self.params[name] = array
        self.forget()

    def derive(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """``make()``, computed once for these parameters and kept under ``key``; safe from any thread."""
        derived = self.derived                  # if set_params comes in between, this dict is dropped: no stale weights
        if key not in derived:
            with self.lock:
                if key not in derived:
                    derived[key] = make()
        return derived[key]

    def forget(self) -> None:
        """Let go of what was derived; it is computed again when it is next needed."""
        self.derived = {}

    def config(self) -> dict[str, Any]:
        """The constructor's settings, as plain values for a layer table."""
        return {name: getattr(self, name) for name in self.settings}

    def with_params(self, **params: Array) -> "Layer":
        """A layer of the same settings with other parameters (of another dtype, on another device)."""
        return type(self)(**params, **self.config())

    def __getstate__(self) -> dict[Any, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("derived", "lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, derived={}, lock=threading.Lock())
        self.set_params(**self.params)          # read-only again: a pickled view comes back writable

    def __repr__(self) -> str:
        parts = [f"{k}={getattr(p, 'shape', p)}" for k, p in self.params.items()]
        parts += [f"{k}={v!r}" for k, v in self.config().items()]
        return f"{type(self).__name__}({', '.join(parts)})"


def check_input(layer: Layer, shape: Shape, axes: int, channels: int) -> None:
    """Raise BadValue unless ``shape`` has this number of axes and ends in ``channels``."""
    if len(shape) != axes or shape[-1] != channels:
        raise BadValue(f"{type(layer).__name__} expects an input of {axes} axes ending in {channels}, got {shape}")


def check_image(layer: Layer, shape: Shape) -> None:
    """Raise BadValue unless ``shape`` is (N, H, W, C)."""
    if len(shape) != 4:
        raise BadValue(f"{type(layer).__name__} expects an input (N, H, W, C), got {shape}")
