"""Does the engine compute what PyTorch computes? Hundreds of random graphs, forward and backward.

    python benchmarks/parity.py [--graphs 300] [--seed 0]           needs: pip install 'minivis[bench]'

Each graph is drawn from all layers in odd geometries: H != W, stride 3, one-sided padding, dilation, groups, ceil
pooling, branches that meet in Concat and Add, local response and batch norm (inference and training), a fully connected
head. PyTorch runs the same graph in its own functions and autograd, in float64; compared are every layer's output, the
gradient at the image by all three ReLU rules, and every parameter's gradient, from seeds at several layers.

One flipped sign of millions moves a gradient by a percent. So PyTorch's backward takes the signs and maxima of
minivis' forward: in float64 for windows whose values are equal but for rounding, in float32 for all that lies near a
kink; float32's decisions that are not float64's are counted and reported.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from minivis.engine.network import Network
from minivis.images.preprocessing import IDENTITY
from minivis.layers import (
    LRN,
    Add,
    AvgPool2D,
    BatchNorm,
    Concat,
    Conv2D,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2D,
    ReLU,
    Softmax,
)  # fmt: skip
from minivis.models.tiny import Weights

TOLERANCES = {"float64": 1e-9, "float32": 1e-4}     # of the largest expected value
# A layer's parameters are compared together, and with this part of the graph's largest gradient at least: before a
# batch norm in training the gradient of b is zero but for rounding, and rounding is as large as what was added up.
FLOORS = {"float64": 1e-5, "float32": 1e-2}


# --- graphs ---

@dataclass
class Graph:
    net: Network                    # float64
    x: np.ndarray
    training: bool
    seeds: dict                     # layer name -> gradient there


def random_graph(number, seed=0):
    """Graph ``number`` of this seed: a trunk with branches, and now and then a classifier on top."""
    rng = np.random.default_rng((seed, number))
    colour = rng.random() < 0.8
    shape = (int(rng.integers(1, 4)), *rng.choice(np.arange(7, 24), 2, replace=False).tolist(), 3 if colour else 1)
    one = {} if colour else {"channel_order": "grey", "mean": [0.0], "scale": [1.0]}
    net = Network(preprocessing=replace(IDENTITY, size=shape[1:3], **one))
    training = bool(rng.random() < 0.25)
    draw = Draw(net, shape, rng, training)
    for _ in range(rng.integers(3, 8)):
        draw.branches() if rng.random() < 0.4 else draw.one()
    if rng.random() < 0.6:
        draw.head()
    x = rng.standard_normal(shape)
    acts = net.forward(x, grad=None, training=training)
    names = [*rng.choice(list(net.nodes), min(2, len(net.nodes)), replace=False).tolist(), list(net.nodes)[-1]]
    return Graph(net, x, training, {name: rng.standard_normal(acts.shapes[name]) for name in dict.fromkeys(names)})


class Draw:
    """Adds random layers to a net, each of which fits."""

    def __init__(self, net, shape, rng, training):
        self.net, self.input_shape, self.rng, self.training = net, shape, rng, training
        self.weights = Weights(rng, np.float64)

    @property
    def last(self):
        return next(reversed(self.net.nodes), "input")

    def shape(self, name=None):
        return self.net.shapes(self.input_shape)[name or self.last]

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def add(self, layer, *inputs):
        name = f"{type(layer).__name__.lower()}{len(self.net.nodes)}"
        self.net.add(name, layer, *inputs)
        return name

    def one(self, source=None):
        """One layer of any kind, on ``source`` or the last layer; a convolution brings a ReLU along."""
        source = source or self.last
        kind = self.rng.choice(["conv", "conv", "conv", "max", "avg", "lrn", "norm", "dropout"])
        if kind == "conv":
            source = self.add(self.conv(source), source)
            return self.add(ReLU(self.rng.choice([None, None, 6, 1.5])), source)
        if kind in ("max", "avg"):
            return self.add(self.pool(source, kind), source)
        if kind == "lrn":
            settings = self.int(1, 6), self.rng.uniform(0.1, 1), self.rng.uniform(0.3, 1), self.rng.uniform(0.5, 2)
            return self.add(LRN(*settings), source)
        if kind == "norm" and (not self.training or np.prod(self.shape(source)[:-1]) >= 12):
            return self.add(self.weights.batch_norm(self.shape(source)[-1], eps=1e-3), source)
        return self.add(Dropout(0.0 if self.training else 0.5), source)

    def conv(self, source, *, keep_size=False):
        _, H, W, C = self.shape(source)
        groups = int(self.rng.choice([g for g in range(1, C + 1) if C % g == 0]))
        filters = groups * self.int(1, max(1, 8 // groups))
        kernel = [self.int(1, min(4, n)) for n in (H, W)]
        settings = {"groups": groups, "bias": bool(self.rng.random() < 0.8)}
        if keep_size:
            settings["padding"] = "same"
        else:
            room = [(n - 1) // (k - 1) if k > 1 else 3 for n, k in zip((H, W), kernel)]
            settings["dilation"] = tuple(self.int(1, min(2, r)) for r in room)
            settings["stride"] = tuple(self.int(1, 3 if n > 6 else 1) for n in (H, W))
            pads = tuple((self.int(0, 2), self.int(0, 2)) for _ in range(2))
            settings["padding"] = [pads, pads, self.int(0, 2), "same"][self.int(0, 3)]
        return self.weights.conv(*kernel, C, filters, **settings)

    def pool(self, source, kind, *, keep_size=False):
        _, H, W, _ = self.shape(source)
        if keep_size:
            k = 2 * self.int(0, 1) + 1
            return MaxPool2D(k, stride=1, padding=k // 2) if kind == "max" else AvgPool2D(k, stride=1, padding=k // 2)
        size = tuple(self.int(1, min(4, n)) for n in (H, W))
        stride = tuple(self.int(1, 3 if n > 6 else 1) for n in (H, W))
        settings = {"stride": stride, "ceil": bool(self.rng.random() < 0.5)}
        if settings["ceil"]:                            # PyTorch pads both sides alike, by half a window at most
            settings["padding"] = tuple(self.int(0, k // 2) for k in size)
        else:
            settings["padding"] = tuple((self.int(0, k - 1), self.int(0, k - 1)) for k in size)
        if kind == "max":
            return MaxPool2D(size, **settings)
        return AvgPool2D(size, **settings, count_padding=bool(self.rng.random() < 0.5))

    def branches(self):
        """Two or three ways from the last layer that keep its size, and meet in a Concat or an Add."""
        stem = self.last
        if stem == "input":
            stem = self.one()
        ends = []
        for _ in range(self.int(2, 3)):
            end = self.add(self.conv(stem, keep_size=True), stem)
            if self.rng.random() < 0.5:
                end = self.add(ReLU(), end)
            if self.rng.random() < 0.3:
                end = self.add(self.pool(end, self.rng.choice(["max", "avg"]), keep_size=True), end)
            ends.append(end)
        if self.rng.random() < 0.3:
            ends.append(stem)                           # a way past them all, as in ResNet
        if len({self.shape(end) for end in ends}) == 1 or self.rng.random() < 0.5:
            return self.add(Concat() if len({self.shape(end) for end in ends}) > 1 else Add(), *ends)
        channels = self.shape(ends[0])[3]               # 1 x 1 convolutions make them alike
        same = [self.add(self.weights.conv(1, 1, self.shape(end)[3], channels), end) for end in ends]
        return self.add(Add(), *same)

    def head(self):
        N = self.input_shape[0]
        self.add(*[(GlobalAvgPool(),), (Flatten(),)][self.int(0, 1)])
        self.add(self.weights.fc(self.shape()[1], self.int(3, 9)))
        if self.rng.random() < 0.5 and (not self.training or N >= 3):
            self.add(self.weights.batch_norm(self.shape()[1], eps=1e-3 if not self.training else 0.1))
        self.add(ReLU())
        last = self.add(self.weights.fc(self.shape()[1], self.int(2, 6)))
        if self.rng.random() < 0.7:
            x = self.rng.standard_normal(self.input_shape)
            size = abs(self.net.forward(x, grad=None, training=self.training)[last]).max()
            layer = self.net.layers[last]               # logits around 1: a saturated softmax has no gradient
            layer.set_params(**{key: p / size for key, p in layer.params.items()})
            self.add(Softmax())


# --- the same graph in PyTorch: N, C, H, W, its own functions, its own gradients ---

class Rule(torch.autograd.Function):
    """max(x, 0), or up to ``top``, with one of the three backward rules and the signs ``on`` given from outside."""

    @staticmethod
    def forward(ctx, x, top, rule, on):
        ctx.rule, ctx.on = rule, on
        return x.clamp(0, top)

    @staticmethod
    def backward(ctx, dout):
        if ctx.rule == "deconv":
            return dout.clamp(min=0), None, None, None
        dout = dout.clamp(min=0) if ctx.rule == "guided" else dout
        return torch.where(ctx.on, dout, 0), None, None, None


def torch_pass(graph, decisions, *, rule="normal"):
    """Every output, the gradient at the image and those of the parameters, as NumPy arrays in minivis' layouts.

    decisions: activations (name -> array) by whose signs and maxima the gradients go.
    """
    values = {"input": to_torch(graph.x)}
    values["input"].requires_grad_()
    params = {
        name: {
            key: torch.tensor(np.array(p, np.float64), requires_grad=key not in ("mean", "var"))
            for key, p in layer.params.items()
        }
        for name, layer in graph.net.layers.items()
    }
    for name, (layer, sources) in graph.net.nodes.items():
        inputs = [values[source] for source in sources]
        out = torch_layer(layer, inputs, params[name], graph.training, rule, to_torch(decisions[sources[0]]))
        out.register_hook(lambda grad: grad.contiguous())           # for batch norm, see there
        values[name] = out
    loss = sum((values[name] * to_torch(seed)).sum() for name, seed in graph.seeds.items())
    loss.backward()
    grads = {name: {k: p.grad.numpy() for k, p in some.items() if p.grad is not None} for name, some in params.items()}
    return {name: to_numpy(value) for name, value in values.items()}, to_numpy(values["input"].grad), grads


def torch_layer(layer, inputs, p, training, rule, decided):
    x = inputs[0]
    if isinstance(layer, Conv2D):
        w = p["w"].permute(3, 2, 0, 1).contiguous()
        kernel = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], layer.dilation)]
        x = F.pad(x, edges(layer.padding, x.shape[2:], kernel, layer.stride))
        return F.conv2d(x, w, p.get("b"), layer.stride, 0, layer.dilation, layer.groups)
    if isinstance(layer, ReLU):
        top = float("inf") if layer.max_value is None else layer.max_value
        return Rule.apply(x, top, rule, (decided > 0) & (decided < top))
    if isinstance(layer, MaxPool2D):
        pads, how = pool_padding(layer, x)
        _, places = F.max_pool2d(F.pad(decided, pads, value=-torch.inf), layer.size, **how, return_indices=True)
        flat = F.pad(x, pads, value=-torch.inf).flatten(2)
        return flat.gather(2, places.flatten(2)).reshape(places.shape)
    if isinstance(layer, AvgPool2D):
        pads, how = pool_padding(layer, x)
        if not layer.count_padding and any(pads):       # PyTorch does not know which zeros were added: divide by ones
            mean, ones = (F.avg_pool2d(F.pad(a, pads), layer.size, **how) for a in (x, torch.ones_like(x)))
            return mean / ones
        return F.avg_pool2d(F.pad(x, pads), layer.size, **how, count_include_pad=layer.count_padding)
    if isinstance(layer, LRN):
        if x.ndim == 2:
            x = x[:, :, None]
        return F.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k).reshape(inputs[0].shape)
    if isinstance(layer, BatchNorm):
        # batch norm's backward on the CPU (PyTorch 2.13) misreads strides (C, 1, W*C, C), which come with N = 1; finite
        # differences agree with minivis there
        x = x.contiguous()
        return F.batch_norm(x, p["mean"].clone(), p["var"].clone(), p["gamma"], p["beta"], training, 0.1, layer.eps)
    simple = {
        Dropout: lambda: x,
        GlobalAvgPool: lambda: x.mean((2, 3)),
        Flatten: lambda: x.permute(0, 2, 3, 1).flatten(1),
        FullyConnected: lambda: F.linear(x, p["w"].T, p.get("b")),
        Softmax: lambda: F.softmax(x, 1),
        Concat: lambda: torch.cat(inputs, 1),
        Add: lambda: torch.stack(inputs).sum(0),
    }
    return simple[type(layer)]()


def edges(padding, size, kernel, stride):
    """(left, right, top, bottom) for F.pad."""
    if padding == "same":
        totals = [max(0, k - s if n % s == 0 else k - n % s) for n, k, s in zip(size, kernel, stride)]
        padding = [(total // 2, total - total // 2) for total in totals]
    return [*padding[1], *padding[0]]


def pool_padding(layer, x):
    """What F.pad adds, and the keywords of PyTorch's pool; with ``ceil`` it must pad itself."""
    pads = edges(layer.padding, x.shape[2:], layer.size, layer.stride)
    if layer.ceil:
        return [0, 0, 0, 0], {"stride": layer.stride, "padding": (pads[2], pads[0]), "ceil_mode": True}
    return pads, {"stride": layer.stride}


def to_torch(array):
    tensor = torch.tensor(np.array(array, np.float64))
    return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


def to_numpy(tensor):
    return (tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor).detach().numpy()


# --- comparing ---

def relative(got, expected, floor=0.0):
    """The largest difference as a fraction of the largest expected value, or of ``floor``; both lists of arrays."""
    difference = max(abs(g - e).max() for g, e in zip(got, expected, strict=True))
    largest = max(floor, *(abs(e).max() for e in expected))
    return float(difference / largest if largest else difference)


def compare(expected, acts, dinput, dparams):
    """{"forward": worst relative error, "d image": ..., "d parameters": ...}."""
    outputs, torch_dinput, torch_dparams = expected
    learned = {name: some for name, some in torch_dparams.items() if some}      # none in a layer above every seed
    largest = max((abs(grad).max() for some in learned.values() for grad in some.values()), default=0.0)
    floor = FLOORS[str(dinput.dtype)] * largest
    return {
        "forward": max(relative([acts[name]], [out]) for name, out in outputs.items()),
        "d image": relative([dinput], [torch_dinput]),
        "d parameters": max(
            (relative([dparams[name][key] for key in some], some.values(), floor) for name, some in learned.items()),
            default=0.0,
        ),
    }


def check_float64(graph):
    acts = graph.net.forward(graph.x, grad="params", training=graph.training)
    dacts, dparams = graph.net.backward(acts, graph.seeds, param_grads=True)
    errors = compare(torch_pass(graph, acts), acts, dacts["input"], dparams)
    for rule in ("guided", "deconv"):
        dacts, dparams = graph.net.backward(acts, graph.seeds, relu_rule=rule, param_grads=True)
        found = compare(torch_pass(graph, acts, rule=rule), acts, dacts["input"], dparams)
        errors[f"all gradients, {rule}"] = max(found["d image"], found["d parameters"])
    return errors, acts


def check_float32(graph, acts64):
    """Errors through the same signs and switches, and how many of those are not float64's, of how many."""
    net = graph.net.astype(np.float32)
    acts = net.forward(graph.x.astype(np.float32), grad="params", training=graph.training)
    seeds = {name: seed.astype(np.float32) for name, seed in graph.seeds.items()}
    dacts, dparams = net.backward(acts, seeds, param_grads=True)
    wide = Graph(net.astype(np.float64), acts["input"], graph.training, seeds)
    errors = compare(torch_pass(wide, acts), acts, dacts["input"], dparams)
    flips = decided = 0
    for name, layer in net.layers.items():
        if isinstance(layer, ReLU | MaxPool2D):
            some, other = acts.caches[name], acts64.caches[name]
            some, other = (some[0], other[0]) if isinstance(some, tuple) else (some, other)
            flips, decided = flips + int((some != other).sum()), decided + some.size
    return errors, flips, decided


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    worst, kinds, flips, decided, flipped, failed = {}, Counter(), 0, 0, 0, []
    for number in range(args.graphs):
        graph = random_graph(number, args.seed)
        kinds.update(type(layer).__name__ for layer in graph.net.layers.values())
        errors64, acts64 = check_float64(graph)
        errors32, flips_here, decided_here = check_float32(graph, acts64)
        flips, decided, flipped = flips + flips_here, decided + decided_here, flipped + bool(flips_here)
        for precision, errors in (("float64", errors64), ("float32", errors32)):
            for what, error in errors.items():
                if not error <= TOLERANCES[precision]:
                    failed.append(f"graph {number}, {precision}, {what}: {error:.1e}")
                if not error <= worst.get((precision, what), (-1.0, 0))[0]:
                    worst[precision, what] = error, number
    listed = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    print(f"{args.graphs} graphs, {kinds.total()} layers: {listed}")
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}\n")
    print("| precision | compared | worst relative error | in graph | allowed |\n|---|---|---|---|---|")
    for (precision, what), (error, number) in worst.items():
        print(f"| {precision} | {what} | {error:.1e} | {number} | {TOLERANCES[precision]:.0e} |")
    print(f"\nflipped signs and switches in float32: {flips} of {decided}, in {flipped} graphs")
    print("\n".join(failed) or "all equal")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
