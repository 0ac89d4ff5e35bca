"""The network: named layers in order, a loop forward, and the same loop reversed.

    net = Network()
    net.add("conv1", Conv2D(w1, b1, padding=1))             # reads the layer before it, here "input"
    net.add("relu1", ReLU())
    net.add("branch_a", Conv2D(wa, ba), "relu1")
    net.add("branch_b", Conv2D(wb, bb, padding=1), "relu1")
    net.add("concat", Concat(), "branch_a", "branch_b")

An input must already exist, so the order of adding is a topological order. There are no hooks: read the middle with
``acts["conv4_2"]``, start in the middle with a seed there, or upwards with ``since``, stop early with ``until``.
"""

from collections import namedtuple
from dataclasses import dataclass, field, replace

import numpy as np

from minivis.convolution.choose import check_algorithm
from minivis.engine import geometry, plan
from minivis.engine import image_gradient as gradients
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.layers.conv import Conv2D
from minivis.layers.relu import check_rule
from minivis.runtime.backend import get_xp, to_cpu, to_gpu
from minivis.runtime.threads import ONE_BLAS_THREAD
from minivis.runtime.workspace import Workspace

ROLES = ("logits", "prob", "code", "content", "style", "dream")     # what a layer is for, whatever it is called

Node = namedtuple("Node", "layer inputs")
Fitted = namedtuple("Fitted", "image box")


class Activations(dict):
    """Layer name -> output of one pass, "input" included; and what backward and `units` need beside it."""

    def __init__(self, net, mode):
        super().__init__()
        self.net, self.mode = net, mode
        self.caches = {}                        # name -> what that layer remembers, in forward order
        self.shapes = {}                        # name -> shape, for every layer reached, kept or not
        self.dtype = None

    def file(self, step, out, cache):
        """Take in what a step of `plan` gave; a fused one gives {name: (shape, cache)} as its cache."""
        self[step.names[-1]] = out
        for name, (shape, own) in cache.items() if len(step.names) > 1 else [(step.names[0], (out.shape, cache))]:
            self.shapes[name] = shape
            if self.mode.grad is not None:
                self.caches[name] = own
        for used in step.last_uses:
            del self[used]

    def cut(self, name, whole):
        """``whole``, an array like layer ``name``: a pass over a part of the picture (tiles.py) has a part of it."""
        return whole

    def __missing__(self, name):
        self.net.check_name(name)
        why = "was not kept: name it in keep=" if name in self.shapes else "was not reached by this pass: see until="
        raise UnknownName(f"the output of {name!r} {why}")


@dataclass
class Network:
    """Layers in topological order, and what is known about the net as a whole. ``add`` is how it grows.

    ``roles`` maps "logits", "prob", "code", "content", "style", "dream" to the layers that play them (style: a list);
    a net without one has None there. ``about`` is free text and numbers: origin, licence, training record.
    """

    nodes: dict = field(default_factory=dict)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    class_names: tuple = ()
    class_aliases: dict = field(default_factory=dict)           # alias -> class number
    roles: dict = field(default_factory=lambda: dict.fromkeys(ROLES))
    about: dict = field(default_factory=dict)
    plans: dict = field(default_factory=dict, init=False, repr=False, compare=False)        # see plan.py

    def add(self, name, layer, *inputs):
        """Append a layer that reads ``inputs`` (by default the layer before it). Return the net."""
        if not isinstance(name, str) or not name:
            raise BadValue(f"a layer's name is a text, not {name!r}")
        if name == "input" or name in self.nodes:
            raise BadValue(f"there is a layer {name!r} already")
        inputs = inputs or (next(reversed(self.nodes), "input"),)
        for source in inputs:
            self.check_name(source)
        if layer.inputs is not None and len(inputs) != layer.inputs:
            raise BadValue(f"{name}: {type(layer).__name__} reads {layer.inputs} layer, not {', '.join(inputs)}")
        if layer.inputs is None and len(inputs) < 2:
            raise BadValue(f"{name}: {type(layer).__name__} reads two layers or more, name them; not {inputs[0]} alone")
        self.nodes[name] = Node(layer, inputs)
        return self

    def forward(
        self, x, *, since="input", until=None, keep=None, grad="image", training=False, rng=None, algorithm="auto",
        workspace=None,
    ):  # fmt: skip
        """Return the `Activations` of x (N, H, W, C), of every layer up to and including ``until``.

        since: a layer whose output x is, instead of a picture; the pass begins after it. Its gradient is asked of
        ``backward`` by name, ``keep=[since]``.
        keep: None for all outputs, or the names of those to keep, which is faster and takes less memory. grad: what a
        backward may ask for later: None for nothing, "image" for the gradient at the image, "params" for those of the
        parameters too. algorithm: how to convolve (see convolution/choose.py), for all layers or as {name: algorithm}.
        workspace: from ``net.workspace()``, memory to use again.
        """
        mode = self.check_forward(x, grad, training, rng, algorithm, workspace, since)
        acts = Activations(self, mode)
        acts[since], acts.dtype, acts.shapes[since] = x, x.dtype, x.shape
        with ONE_BLAS_THREAD:                                       # once, and not by each layer
            for step in self.plan(until, keep, since, grad):
                out, cache = step.layer.forward(*(acts[source] for source in step.inputs), mode=step.mode(mode))
                acts.file(step, out, cache)
        return acts

    def backward(self, acts, seeds, *, relu_rule="normal", param_grads=False, keep=("input",)):
        """Send ``seeds`` (layer name -> gradient there) down to the image, in one sweep.

        Return ``dacts, dparams``: gradients at the layers of ``keep`` ("all" for every one), and of the parameters as
        ``dparams["conv1_1"]["w"]``. ``dacts["input"]`` is the gradient at the image. A gradient that is not kept is
        freed once it has been used. Algorithm and workspace are those of the forward.
        """
        keep = self.check_backward(acts, seeds, relu_rule, param_grads, keep)
        mode = BackwardMode(relu_rule, param_grads, algorithm=acts.mode.algorithm, workspace=acts.mode.workspace)
        dacts, dparams = dict(seeds), {}
        with ONE_BLAS_THREAD:
            for step in plan.backward_steps(self, tuple(acts.caches), frozenset(seeds), frozenset(keep), param_grads):
                name = step.names[-1]
                if name not in dacts:
                    continue                                            # no seed and nothing above: no gradient here
                dout = dacts[name] if name in keep else dacts.pop(name)
                wanted = "input" in keep or set(step.inputs) != {"input"}
                dxs, grads = step.layer.backward(dout, step.caches(acts), replace(step.mode(mode), input_grads=wanted))
                if grads:
                    dparams[name] = grads
                for source, dx in zip(step.inputs, dxs) if wanted else ():
                    dacts[source] = dacts[source] + dx if source in dacts else dx   # not +=: arrays may be shared
        if "input" not in keep:
            dacts.pop("input", None)
        return dacts, dparams

    def image_gradient(self, x, objective, *, tile=None, relu_rule="normal", algorithm="auto", workspace=None):
        """Return ``objective(acts) -> (loss, seeds)`` of x (N, H, W, C) as (loss, gradient at x).

        tile: for pictures that do not fit into memory, the most pixels of a side of a tile, or (rows, columns). The
        result is the same, if the loss is a sum over positions or follows from such sums: see image_gradient.py.
        """
        how = {"relu_rule": relu_rule, "algorithm": algorithm, "workspace": workspace}
        return gradients.image_gradient(self, x, objective, tile=tile, **how)

    def plan(self, until=None, keep=None, since="input", grad="image"):
        """The steps of a forward pass, see plan.py: which layers run, some as one, and which outputs can go when."""
        return plan.forward_steps(self, until, None if keep is None else frozenset(self.check_names(keep)), since, grad)

    def workspace(self):
        """Memory for passes to use again: ``forward(..., workspace=)``."""
        return Workspace()

    # ---- questions about the net ----

    @property
    def layers(self):
        """Name -> layer, in order."""
        return {name: node.layer for name, node in self.nodes.items()}

    @property
    def dtype(self):
        """The dtype of the parameters, which an input must have; float32 for a net without any."""
        return next((p.dtype for layer in self.layers.values() for p in layer.params.values()), np.dtype("float32"))

    @property
    def xp(self):
        """NumPy or CuPy: where the parameters are, and where an input must be (``net.xp.asarray(x)``)."""
        return next((get_xp(p) for layer in self.layers.values() for p in layer.params.values()), np)

    @property
    def input_size(self):
        """(H, W) that its fully connected layers need; None for any."""
        return self.preprocessing.size

    @property
    def input_channels(self):
        return self.preprocessing.channels

    @property
    def parameter_count(self):
        return sum(p.size for layer in self.layers.values() for p in layer.params.values())

    def shapes(self, input_shape=None):
        """Name -> output shape, "input" included, for inputs of this shape (default: one of the net's own size)."""
        return geometry.shapes(self, input_shape)

    def receptive_field(self, name, input_shape=None):
        """Which part of the image one position of a layer sees: a `geometry.ReceptiveField`, in pixels."""
        return geometry.receptive_fields(self, input_shape)[self.check_name(name)]

    def role(self, role):
        """The layer that plays ``role``; raise UnknownName, with what to do, where none does."""
        if role not in ROLES:
            raise UnknownName.of("role", role, ROLES)
        if not self.roles.get(role):
            raise UnknownName(f"this net has no layer for the role {role!r}: name a layer. There is: {self.listed()}")
        return self.roles[role]

    # ---- images in and out ----

    def fit(self, image, how=None):
        """Crop, squash or pad an image to ``input_size``: a `Fitted`, (image, box of the original that it shows)."""
        return Fitted(*self.preprocessing.fit_image(image, how=how))

    def preprocess(self, image):
        """uint8 (H, W, C) or (N, H, W, C) or `Fitted` -> values (N, H, W, C) as trained on. Never resizes."""
        return self.preprocessing.preprocess(getattr(image, "image", image), dtype=self.dtype)

    def deprocess(self, x):
        """The exact inverse of `preprocess`: pixels 0..255 as floats, neither rounded nor clipped."""
        return self.preprocessing.deprocess(x)

    def preprocess_adjoint(self, dx, channels=None):
        """A gradient at the net's input as a gradient at the pixels."""
        return self.preprocessing.preprocess_adjoint(dx, channels)

    # ---- copies ----

    def astype(self, dtype):
        """A new net with its parameters in another float dtype."""
        return self.map_params(lambda p: p.astype(dtype))

    def to(self, device):
        """A new net on "cpu" or "gpu"."""
        moves = {"cpu": to_cpu, "gpu": to_gpu}
        if device not in moves:
            raise UnknownName.of("device", device, moves)
        return self.map_params(moves[device])

    def map_params(self, change):
        """A new net whose every parameter p is change(p)."""
        nodes = {
            name: Node(layer.with_params(**{k: change(p) for k, p in layer.params.items()}), inputs)
            for name, (layer, inputs) in self.nodes.items()
        }
        return replace(self, nodes=nodes)

    # ---- checks, each with the sentence that helps ----

    def listed(self):
        return ", ".join(["input", *self.nodes])

    def check_name(self, name):
        """Return ``name``; raise UnknownName, with the closest name, when there is no such layer."""
        if name != "input" and name not in self.nodes:
            raise UnknownName.of("layer", name, ["input", *self.nodes], listed=60)
        return name

    def check_names(self, names):
        """A name or several as a set; raise UnknownName for a wrong one."""
        return {self.check_name(name) for name in ([names] if isinstance(names, str) else names)}

    def check_forward(self, x, grad, training, rng, algorithm, workspace, since="input"):
        if grad not in (None, "image", "params"):
            raise UnknownName.of("grad", grad, (None, "image", "params"))
        if since == "input" and (getattr(x, "ndim", 0) != 4 or x.shape[3] != self.input_channels or 0 in x.shape):
            got = getattr(x, "shape", type(x).__name__)
            raise BadValue(f"the net reads (N, H, W, {self.input_channels}), got {got}")
        if x.dtype.kind != "f" or (x.dtype != self.dtype and self.parameter_count):     # without parameters: any float
            raise BadValue(f"the net is {self.dtype} and the input {x.dtype}: net.astype, or x.astype, makes them one")
        if any(get_xp(p) is not get_xp(x) for layer in self.layers.values() for p in layer.params.values()):
            raise BadValue("the net and the input are on different devices: net.to('cpu' | 'gpu') makes them one")
        for name, way in algorithm.items() if isinstance(algorithm, dict) else [(None, algorithm)]:
            if name is not None and not isinstance(self.layers.get(self.check_name(name)), Conv2D):
                raise BadValue(f"algorithm: {name!r} is no convolution")
            check_algorithm(way)
        return ForwardMode(grad, training, rng, algorithm, workspace)

    def check_backward(self, acts, seeds, relu_rule, param_grads, keep):
        if acts.net.nodes is not self.nodes:
            raise BadValue("these activations are another net's: its own backward takes them")
        if acts.mode.grad is None:
            raise BadValue("this forward kept nothing for a backward: run it with grad='image' or 'params'")
        if param_grads and acts.mode.grad != "params":
            raise BadValue("this forward did not keep the layers' inputs: run it with grad='params' for param_grads")
        check_rule(relu_rule)
        if not seeds:
            raise BadValue("backward needs a seed: {layer name: gradient there}")
        for name, seed in seeds.items():
            self.check_name(name)
            if name not in acts.shapes:
                raise BadValue(f"a seed at {name!r}, but this pass ended before it, at {list(acts.shapes)[-1]!r}")
            wanted = f"{acts.dtype} {acts.shapes[name]}"
            got = f"{seed.dtype} {seed.shape}" if hasattr(seed, "dtype") else f"a {type(seed).__name__}"
            if got != wanted:
                raise BadValue(f"the seed at {name!r} must be {wanted}, is {got}")
        return set(acts.shapes) if keep == "all" else self.check_names(keep)
