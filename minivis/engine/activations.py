"""The result of a forward pass: the outputs by layer, and what `Network.backward` and units need in addition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivis.engine.summary import summary_of_activations
from minivis.errors import UnknownName
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network


class Activations(dict):
    """Layer name -> output of one pass, "input" included; and what backward and `units` need in addition.

    caches      name -> what that layer remembers for backward, in forward order
    shapes      name -> shape, for every layer reached, kept or not
    fuse        whether backward may run several layers as one, as forward did
    began       where the pass began, (layer, x)

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> net = mv.load("digits-net")
    >>> acts = net.forward(np.zeros((2, 8, 8, 1), np.float32))
    >>> acts["input"].shape, acts.shapes[net.role("logits")]
    ((2, 8, 8, 1), (2, 10))
    """

    def __init__(self, net: Network, mode: Any, fuse: bool = True) -> None:
        super().__init__()
        self.net, self.mode, self.fuse = net, mode, fuse
        self.caches: dict[str, Any] = {}
        self.shapes: dict[str, Shape] = {}
        self.dtype: Any = None
        self.began: Any = None                          # (name, x) of the layer whose output the pass began with

    def begin(self, name: str, x: Array) -> None:
        """The pass begins with x as the output of layer ``name``."""
        self[name], self.shapes[name], self.dtype, self.began = x, x.shape, x.dtype, (name, x)

    def record(self, name: str, shape: Shape, cache: Any) -> None:
        """Note that layer ``name`` has run, and the shape of its output."""
        self.shapes[name] = shape
        if self.mode.grad is not None:
            self.caches[name] = cache

    def drop(self, names: Any) -> None:
        """Drop outputs that are no longer needed."""
        for name in names:
            del self[name]

    def cut(self, name: str, whole: Any) -> Any:
        """Return ``whole``, an array shaped like layer ``name``. In a pass over a tile (tiles.py), return its part."""
        return whole

    def __repr__(self) -> str:
        return summary_of_activations(self)

    def __missing__(self, name: str) -> None:
        self.net.check_name(name)
        why = "was not kept: name it in keep=" if name in self.shapes else "was not reached by this pass: see until="
        raise UnknownName(f"the output of {name!r} {why}")
