"""Write a VGG in each layout that Keras has used, from facts about the layouts alone: no Keras needed.

`arrays(net)` takes a net apart into what a file holds; each ``write_*`` makes one file of it.
"""

import json
import zipfile

import h5py
import numpy as np

from minivis.models.vgg import BLOCKS, conv_names

FC = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}


def keras_name(name):
    return FC.get(name) or name.replace("conv", "block").replace("_", "_conv")


def arrays(net):
    """Keras' name -> (kernel, bias), in order, kernels (3, 3, in, out), fc1's rows in the order H, W, C."""
    return {keras_name(n): (layer.params["w"], layer.params["b"]) for n, layer in net.layers.items() if layer.params}


def theano(weights, *, rotated=True):
    """The same weights as a Theano file holds them: (out, in, 3, 3), rotated, rows in the order C, H, W."""
    turned, channels = {}, 0
    for name, (w, b) in weights.items():
        if w.ndim == 4:
            w, channels = (w[::-1, ::-1] if rotated else w).transpose(3, 2, 0, 1), len(b)
        elif name == "fc1":
            w = w.reshape(-1, channels, w.shape[1]).swapaxes(0, 1).reshape(w.shape)
        turned[name] = w, b
    return turned


def write_named(path, weights, names="{0}_W_1:0 {0}_b_1:0", *, attributes=(), text=bytes, whole=False, split=False):
    """Keras' own layout since 1.0. ``names``: of kernel and bias; {0} is the layer's name."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        group.attrs.update(attributes)
        layers = ["input_1"]
        for name in weights:                            # layers without weights are listed too
            before = layers[-1]
            if name == "fc1":
                layers.append("flatten")
            layers.append(name)
            if before[:6] != name[:6] and before.startswith("block"):
                layers.insert(-1, f"{before[:6]}_pool")
        set_names(group.attrs, "layer_names", layers, text, split)
        for layer in layers:
            sub = group.create_group(layer)
            if layer not in weights:
                sub.attrs["weight_names"] = np.zeros(0)                 # as h5py writes an empty list
                continue
            keys = names.format(layer).split()
            set_names(sub.attrs, "weight_names", keys, text, split)
            for key, array in zip(keys, weights[layer]):
                sub.create_dataset(key, data=array)


def set_names(attributes, key, values, text, split):
    """Keras 1 and 2 wrote texts of fixed length, Keras 3 of any."""
    values = np.array([v.encode() for v in values]) if text is bytes else np.array(values, dtype=h5py.string_dtype())
    if split:                                           # as Keras does above 64,512 bytes
        attributes.update({f"{key}{i}": values[start : start + 5] for i, start in enumerate(range(0, len(values), 5))})
    else:
        attributes[key] = values


def write_numbered(path, weights, *, named=True, top="layers"):
    """Keras 3's .weights.h5."""
    with h5py.File(path, "w") as file:
        file.create_group("vars").attrs["name"] = "vgg16"
        counts = {}
        for name, pair in weights.items():
            kind = "conv2d" if pair[0].ndim == 4 else "dense"
            count = counts[kind] = counts.get(kind, -1) + 1
            group = file.create_group(f"{top}/{kind}_{count}/vars" if count else f"{top}/{kind}/vars")
            if named:
                group.attrs["name"] = name
            for i, array in enumerate(pair):
                group.create_dataset(str(i), data=array)
        for empty in ("input_layer", "max_pooling2d", "max_pooling2d_1", "flatten"):
            file.create_group(f"{top}/{empty}/vars")


def write_archive(path, weights, config=None, compression=zipfile.ZIP_STORED):
    """Keras 3's .keras."""
    inner = path.with_suffix(".inner")
    write_numbered(inner, weights)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        if config is not None:
            archive.writestr("config.json", json.dumps(config))
        archive.write(inner, "model.weights.h5")
    inner.unlink()


def write_baraldi(path, weights, name="VGG16"):
    """layer_N/param_M, where N counts the padding, the pools, flatten and dropout."""
    convs, dense = iter(conv_names(name)), iter(FC.values())
    layers = []
    for count in BLOCKS[name]:
        for _ in range(count):
            layers += [None, keras_name(next(convs))]
        layers.append(None)
    layers += [None, next(dense), None, next(dense), None, next(dense)] if "fc1" in weights else []
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = len(layers)
        for k, layer in enumerate(layers):
            group = file.create_group(f"layer_{k}")
            group.attrs["nb_params"] = 2 if layer else 0
            for i, array in enumerate(weights[layer] if layer else ()):
                group.create_dataset(f"param_{i}", data=array)


def config(net_name="VGG16", *, size=64, top=True, change=None, first=False):
    """What Keras writes of a VGG's architecture; ``change``: {layer: {setting: value}} makes it another net."""
    order = "channels_first" if first else "channels_last"
    shape = [None, 3, size, size] if first else [None, size, size, 3]
    layers = [("InputLayer", {"name": "input", "batch_shape": shape})]
    for block, count in enumerate(BLOCKS[net_name], 1):
        for i in range(1, count + 1):
            layers.append(("Conv2D", {
                "name": f"block{block}_conv{i}", "kernel_size": [3, 3], "strides": [1, 1], "padding": "same",
                "dilation_rate": [1, 1], "groups": 1, "activation": "relu", "use_bias": True, "data_format": order,
            }))  # fmt: skip
        layers.append(("MaxPooling2D", {
            "name": f"block{block}_pool", "pool_size": [2, 2], "strides": [2, 2], "padding": "valid",
            "data_format": order,
        }))  # fmt: skip
    if top:
        layers.append(("Flatten", {"name": "flatten", "data_format": order}))
        layers += [("Dense", {"name": name, "activation": "relu"}) for name in ("fc1", "fc2")]
        layers.append(("Dense", {"name": "predictions", "activation": "softmax"}))
    described, before = [], None
    for kind, settings in layers:
        settings = {"trainable": True, **settings, **(change or {}).get(settings["name"], {})}
        source = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
        described.append({"class_name": settings.pop("class_name", kind), "config": settings, "name": settings["name"],
                          "inbound_nodes": [{"args": [source], "kwargs": {}}] if before else []})
        before = settings["name"]
    ends = {"input_layers": [["input", 0, 0]], "output_layers": [[before, 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "vgg16", "layers": described, **ends}}
