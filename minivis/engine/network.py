"""The network: named layers in order, a loop forward, and the same loop reversed.

    net = Network()
    net.add("conv1", Conv2D(w1, b1, padding=1))             # reads the layer before it, here "input"
    net.add("relu1", ReLU())
    net.add("branch_a", Conv2D(wa, ba), "relu1")
    net.add("branch_b", Conv2D(wb, bb, padding=1), "relu1")
    net.add("concat", Concat(), "branch_a", "branch_b")

An input must already exist, so the order of adding is a topological order. `Network.forward` is a loop over the layers
and `Network.backward` the same loop reversed. What a layer is, layers/base.py says. Where somebody names the outputs to
keep, plan.py runs the same layers faster, some of them as one. With ``fuse=False, algorithm="im2col"``, or in plain
mode (MINIVIS_PLAIN=1), the loops here and the definitions of the layers are all that runs.

There are no hooks: read the middle with ``acts["conv4_2"]``, seed it there, pass ``start_after`` or ``until``.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minivis.convolution.choose import Algorithm
from minivis.engine import geometry, plan, relevance
from minivis.engine import image_gradient as gradients
from minivis.engine.activations import Activations
from minivis.engine.checks import check_backward, check_forward
from minivis.engine.graph import ROLES, Graph, Node
from minivis.engine.summary import summary
from minivis.images.given import as_picture
from minivis.images.preprocessing import Box
from minivis.layers.base import BackwardMode
from minivis.layers.relevance import RelevanceRule
from minivis.layers.relu import ReLURuleName
from minivis.layers.rules import RuleName
from minivis.runtime import plain
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.workspace import Workspace
from minivis.types import Array, Gradients, GradKind, Objective, Picture

__all__ = ["ROLES", "Activations", "Fitted", "Network", "Node"]


class Fitted(NamedTuple):
    """A picture of the size that a net reads, and the box of the original that it shows."""

    image: Picture
    box: Box


class Network(Graph):
    """A net that runs. Its parts, and ``add``, which builds it, are in graph.py.

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> acts = mv.load("digits-net").forward(np.zeros((1, 8, 8, 1), np.float32))
    >>> acts.net.backward(acts, mv.one_hot(acts, "7"))[0]["input"].shape
    (1, 8, 8, 1)
    """

    def forward(
        self, x: Array, *, until: str | None = None, keep: Iterable[str] | None = None, start_after: str = "input",
        grad: GradKind | None = "image", training: bool = False, rng: np.random.Generator | None = None,
        algorithm: Algorithm | dict[str, Algorithm] = "auto", fuse: bool | None = None,
        workspace: Workspace | None = None, since: str | None = None,
    ) -> Activations:  # fmt: skip
        """Return the `Activations` of x (N, H, W, C), of every layer up to and including ``until``.

        keep: None for all outputs, or the names of those to keep, which is faster and takes less memory. grad: what a
        backward may ask for later: None for nothing, "image" for the gradient at the image, "params" for those of the
        parameters too. start_after: a layer whose output x is, instead of a picture; the pass starts after it, and
        ``backward`` gives its gradient by name, ``keep=[start_after]`` (``since`` is its old name).
        algorithm: how to convolve (see convolution/choose.py), for all layers or as {name: algorithm}. fuse: False for
        one layer after another, whatever is kept. workspace: from ``net.workspace()``, memory to use again.
        """
        start_after = start_after if since is None else since
        mode = check_forward(self, x, grad, training, rng, algorithm, workspace, start_after)
        fuse = not plain.is_plain() if fuse is None else fuse
        acts = Activations(self, mode, fuse)
        acts.begin(start_after, x)
        if fuse and keep is not None:
            return plan.run_forward(acts, self.plan(until, keep, start_after, grad))
        names = plan.reached(self, until, start_after)
        unused = plan.unused_after(self, names, keep)
        with ONE_BLAS_THREAD:                                           # once, and not by each layer
            for name in names:
                layer, inputs = self.nodes[name]
                acts[name], cache = layer.forward(*(acts[source] for source in inputs), mode=mode.at(name))
                acts.record(name, acts[name].shape, cache)
                acts.drop(unused[name])
        return acts

    def backward(
        self, acts: Activations, seeds: Gradients, *, rule: RuleName | RelevanceRule = "normal",
        param_grads: bool = False, keep: Iterable[str] | str = ("input",), relu_rule: RuleName | None = None,
    ) -> tuple[Gradients, dict[str, Gradients]]:  # fmt: skip
        """Send ``seeds`` (layer name -> gradient there) down to the image, in one sweep.

        Return ``dacts, dparams``: gradients at the layers of ``keep`` ("all" for every one), and of the parameters as
        ``dparams["conv1_1"]["w"]``. ``dacts["input"]`` is the gradient at the image. A gradient that is not kept is
        freed once it has been used, and nothing is run below the layers of ``keep``. Algorithm, workspace and whether
        layers are fused are as in the forward.

        rule: a name in `layers.RULES` (``relu_rule`` is its old name). Those of LRP send relevance instead of a
        gradient: ``seeds`` and ``dacts`` are then relevance, see engine/relevance.py.
        """
        found, keep = check_backward(self, acts, seeds, relu_rule or rule, param_grads, keep)
        if found.relevance:
            return relevance.run_backward(acts, seeds, keep, found), {}
        mode = BackwardMode(found.name, param_grads, algorithm=acts.mode.algorithm, workspace=acts.mode.workspace)
        if acts.fuse and not param_grads:
            return plan.run_backward(acts, seeds, keep, mode), {}
        dacts, dparams = dict(seeds), {}
        with ONE_BLAS_THREAD:
            way = plan.leading({name: self.nodes[name].inputs for name in acts.caches}, keep)
            for name in reversed(acts.caches):
                if name not in dacts or not (param_grads or name in way):
                    continue                                            # no seed and nothing above: no gradient here
                dout = dacts[name] if name in keep else dacts.pop(name)
                layer, inputs = self.nodes[name]
                wanted = "input" in keep or set(inputs) != {"input"}
                dxs, grads = layer.backward(dout, acts.caches[name], replace(mode.at(name), input_grads=wanted))
                if grads:
                    dparams[name] = grads
                for source, dx in zip(inputs, dxs) if wanted else ():
                    dacts[source] = dacts[source] + dx if source in dacts else dx   # not +=: arrays may be shared
        return plan.kept(dacts, keep), dparams

    def image_gradient(
        self, x: Array, objective: Objective, *, tile: int | tuple[int, int] | None = None,
        relu_rule: ReLURuleName = "normal", algorithm: Algorithm | dict[str, Algorithm] = "auto",
        workspace: Workspace | None = None,
    ) -> tuple[Any, Array]:  # fmt: skip
        """Return ``objective(acts) -> (loss, seeds)`` of x (N, H, W, C) as (loss, gradient at x).

        tile: for pictures that do not fit into memory, the most pixels of a side of a tile, or (rows, columns). The
        result is the same, if the loss is a sum over positions or follows from such sums: see image_gradient.py.
        """
        how: dict[str, Any] = {"relu_rule": relu_rule, "algorithm": algorithm, "workspace": workspace}
        return gradients.image_gradient(self, x, objective, tile=tile, **how)

    def plan(self, until: str | None = None, keep: Iterable[str] | None = None, start_after: str = "input",
             grad: GradKind | None = "image") -> Any:
        """The steps of a forward pass, see plan.py: which layers run as one, and which outputs can go when."""
        keep = None if keep is None else frozenset(self.check_names(keep))
        return plan.forward_steps(self, until, keep, start_after, grad)

    def workspace(self) -> Workspace:
        """Memory that passes can reuse: ``forward(..., workspace=)``."""
        return Workspace()

    # ---- questions about the net ----

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(H, W) that its fully connected layers need; None for any."""
        return self.preprocessing.size

    @property
    def input_channels(self) -> int:
        """Of the pictures that its preprocessing makes; without one, as many as its first layer reads."""
        return geometry.input_channels(self)

    def shapes(self, input_shape: tuple[int, ...] | None = None) -> dict[str, tuple[int, ...]]:
        """Name -> output shape, "input" included, for inputs of this shape (default: one of the net's own size)."""
        return geometry.shapes(self, input_shape)

    def receptive_field(self, name: str, input_shape: tuple[int, ...] | None = None) -> geometry.ReceptiveField:
        """The part of the image that one position of a layer sees: a `geometry.ReceptiveField`, in pixels."""
        return geometry.receptive_fields(self, input_shape)[self.check_name(name)]

    # ---- images in and out ----

    def fit(self, image: Picture, how: str | None = None) -> Fitted:
        """Crop, squash or pad an image to ``input_size``: a `Fitted`, (image, box of the original that it shows).

        image: uint8 (H, W, C), or a path, the bytes of a file, or Pillow's image, as in all methods.
        """
        return Fitted(*geometry.preprocessing_of(self).fit_image(as_picture(image, self.input_channels), how=how))

    def preprocess(self, image: Picture | Fitted) -> Array:
        """uint8 (H, W, C) or (N, H, W, C) or `Fitted` -> values (N, H, W, C) as trained on. Never resizes."""
        return geometry.preprocessing_of(self).preprocess(getattr(image, "image", image), dtype=self.dtype)

    def deprocess(self, x: Array) -> Array:
        """The exact inverse of `preprocess`: pixels 0..255 as floats, neither rounded nor clipped."""
        return geometry.preprocessing_of(self).deprocess(x)

    def preprocess_adjoint(self, dx: Array, channels: int | None = None) -> Array:
        """A gradient at the net's input as a gradient at the pixels."""
        return geometry.preprocessing_of(self).preprocess_adjoint(dx, channels)

    def __repr__(self) -> str:
        return summary(self)

    def shown(self, values: Array) -> Array:
        """Pixels, or a map over them, (..., C) as they are drawn: three channels, or one; see images/channels.py."""
        return geometry.preprocessing_of(self).shown(values)
