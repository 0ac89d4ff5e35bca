"""The same net in other engines: from a minivis Network to a function of one picture batch, with its gradient.

Each takes and gives NumPy arrays once, outside the clock; inside, tensors stay in the engine's own form.
"""

import numpy as np

from minivis.convolution.window import resolve_padding
from minivis.layers import Add, Concat, Conv2D, Dropout, Flatten, FullyConnected, GlobalAvgPool, MaxPool2D, ReLU


def run_graph(net, until, x, operations):
    """The value of ``until``; ``operations`` maps a kind of layer to a function (layer, *values)."""
    values = {"input": x}
    for name, (layer, inputs) in net.nodes.items():
        values[name] = operations[type(layer)](layer, *(values[source] for source in inputs))
        if name == until:
            return values[name]
    raise ValueError(until)


class Torch:
    """PyTorch, in its default layout or in channels_last."""

    def __init__(self, net, until, x, threads, *, channels_last=False):
        import torch
        import torch.nn.functional as F

        torch.set_num_threads(threads)
        form = torch.channels_last if channels_last else torch.contiguous_format
        nchw = lambda a: torch.tensor(np.ascontiguousarray(a.transpose(0, 3, 1, 2))).contiguous(memory_format=form)  # noqa: E731
        weights = {}
        for name, layer in net.layers.items():
            if isinstance(layer, Conv2D):
                w = torch.tensor(np.ascontiguousarray(layer.params["w"].transpose(3, 2, 0, 1)))
                weights[layer] = w.contiguous(memory_format=form), as_tensor(torch, layer.params.get("b"))
            elif isinstance(layer, FullyConnected):
                weights[layer] = as_tensor(torch, layer.params["w"].T), as_tensor(torch, layer.params.get("b"))
            if name == until:
                break

        def conv(layer, x):
            (top, bottom), (left, right) = layer.geometry(nhwc(x.shape))["padding"]
            if (top, left) != (bottom, right):
                x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
            return F.conv2d(x, *weights[layer], layer.stride, (top, left), layer.dilation, layer.groups)

        def relu(layer, x):                     # in place, as PyTorch's users write it
            top = layer.max_value
            return F.relu(x, inplace=True) if top is None else F.hardtanh(x, 0, top, inplace=True)

        self.operations = {
            Conv2D: conv,
            ReLU: relu,
            MaxPool2D: lambda layer, x: F.max_pool2d(
                x, layer.size, layer.stride, tuple(before for before, _ in pads(layer, nhwc(x.shape))),
                ceil_mode=layer.ceil),
            Dropout: lambda layer, x: x,
            Concat: lambda layer, *xs: torch.cat(xs, 1),
            Flatten: lambda layer, x: x.permute(0, 2, 3, 1).flatten(1),
            FullyConnected: lambda layer, x: F.linear(x, *weights[layer]),
            GlobalAvgPool: lambda layer, x: x.mean((2, 3)),
            Add: lambda layer, a, b: a + b,
        }
        self.torch, self.net, self.until, self.x = torch, net, until, nchw(x)

    def forward(self):
        with self.torch.no_grad():
            return run_graph(self.net, self.until, self.x, self.operations)

    def gradient(self):
        x = self.x.clone(memory_format=self.torch.preserve_format).requires_grad_(True)
        run_graph(self.net, self.until, x, self.operations).sum().backward()
        return x.grad


class Jax:
    """JAX, compiled as a whole, in its NHWC form."""

    def __init__(self, net, until, x, threads):
        import jax
        import jax.numpy as jnp

        form = ("NHWC", "HWIO", "NHWC")

        def conv(layer, x):
            how = layer.geometry(x.shape)
            y = jax.lax.conv_general_dilated(
                x, layer.params["w"], how["stride"], how["padding"], None, how["dilation"], form, how["groups"]
            )
            return y + layer.params["b"] if "b" in layer.params else y

        operations = {
            Conv2D: conv,
            ReLU: lambda layer, x: jnp.clip(x, 0, layer.max_value),
            MaxPool2D: lambda layer, x: jax.lax.reduce_window(
                x, -jnp.inf, jax.lax.max, (1, *layer.size, 1), (1, *layer.stride, 1),
                ((0, 0), *ceil_pads(layer, x.shape), (0, 0))),
            Dropout: lambda layer, x: x,
            Concat: lambda layer, *xs: jnp.concatenate(xs, 3),
            Flatten: lambda layer, x: x.reshape(len(x), -1),
            FullyConnected: lambda layer, x: x @ layer.params["w"] + layer.params.get("b", 0),
            GlobalAvgPool: lambda layer, x: x.mean((1, 2)),
            Add: lambda layer, a, b: a + b,
        }
        run = lambda x: run_graph(net, until, x, operations)  # noqa: E731
        self.x, self.run, self.grad = jnp.asarray(x), jax.jit(run), jax.jit(jax.grad(lambda x: run(x).sum()))

    def forward(self):
        return self.run(self.x).block_until_ready()

    def gradient(self):
        return self.grad(self.x).block_until_ready()


class OnnxRuntime:
    """ONNX Runtime: forward only."""

    def __init__(self, net, until, x, threads):
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        nodes, constants, shapes = [], [], net.shapes(x.shape)

        def constant(name, array):
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
            return name

        for name, (layer, inputs) in net.nodes.items():
            inputs, how = list(inputs), {}
            if isinstance(layer, Conv2D):
                (top, bottom), (left, right) = layer.geometry(shapes[inputs[0]])["padding"]
                how = {"pads": [top, left, bottom, right], "strides": layer.stride, "group": layer.groups}
                inputs.append(constant(name + ".w", layer.params["w"].transpose(3, 2, 0, 1)))
                inputs += [constant(name + ".b", layer.params["b"])] if "b" in layer.params else []
            elif isinstance(layer, ReLU) and layer.max_value is not None:
                inputs += [constant(f"{name}.{bound}", np.float32(bound)) for bound in (0, layer.max_value)]
            elif isinstance(layer, MaxPool2D):
                (top, bottom), (left, right) = ceil_pads(layer, shapes[inputs[0]])
                how = {"kernel_shape": layer.size, "strides": layer.stride, "pads": [top, left, bottom, right]}
            elif isinstance(layer, Concat):
                how = {"axis": 1}
            elif not isinstance(layer, ReLU | Add | Dropout):
                raise NotImplementedError(type(layer).__name__)
            kind = {Conv2D: "Conv", MaxPool2D: "MaxPool", Add: "Add", Concat: "Concat", Dropout: "Identity",
                    ReLU: "Clip" if len(inputs) > 1 else "Relu"}
            nodes.append(helper.make_node(kind[type(layer)], inputs, [name], **how))
            if name == until:
                break
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (("input", (len(x), x.shape[3], *x.shape[1:3])), (until, None))
        ]
        graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        self.x = {"input": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}

    def forward(self):
        return self.session.run(None, self.x)


def as_tensor(torch, array):
    return None if array is None else torch.tensor(np.ascontiguousarray(array))


def nhwc(shape):
    return shape[0], *shape[2:], shape[1]


def pads(layer, shape):
    """What a pool pads its input of ``shape`` (N, H, W, C) with: ((top, bottom), (left, right))."""
    return resolve_padding(layer.padding, shape[1:3], layer.size, layer.stride)


def ceil_pads(layer, shape):
    """The same, and what a window that reaches over the end needs."""
    out = layer.output_shape(shape)[1:3]
    return [(before, max(after, (n - 1) * stride + size - length - before)) for (before, after), n, stride, size, length
            in zip(pads(layer, shape), out, layer.stride, layer.size, shape[1:3])]
