"""Small models as Keras describes and saves them, .h5 and .keras, from facts about the formats alone: no Keras needed.

    net = Keras((6, 5, 3))                              # a picture of so many rows, columns, channels
    x = net.layer("Conv2D", net.input, {"kernel": w, "bias": b}, filters=4, kernel_size=[3, 3], padding="same")
    net.ends(x)
    net.h5(path), net.archive(path)
"""

import json
import re
import zipfile

import h5py
import numpy as np

SETTINGS = {                                            # what Keras writes of a layer beside what a test sets
    "Conv2D": {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "groups": 1, "activation": "linear"},
    "Conv2DTranspose": {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "activation": "linear"},
    "DepthwiseConv2D": {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "activation": "linear"},
    "SeparableConv2D": {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "activation": "linear"},
    "Dense": {"activation": "linear"}, "BatchNormalization": {"axis": -1, "epsilon": 0.001},
    "MaxPooling2D": {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
    "AveragePooling2D": {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
}  # fmt: skip
OPERATIONS = ("Add", "Subtract", "TrueDivide", "GetItem", "Mean", "Relu")


class Keras:
    """A functional model as it grows. ``keras``: the version whose spelling it is written in, 2 or 3."""

    def __init__(self, shape=(6, 5, 3), *, keras=3, name="model", sequential=False, **settings):
        self.keras, self.name, self.sequential = keras, name, sequential
        self.rows, self.weights, self.inner = [], {}, {}
        key = "batch_shape" if keras == 3 else "batch_input_shape"
        self.input = self.layer("InputLayer", (), name=f"{name}_input", **{key: [None, *shape]}, **settings)

    def layer(self, kind, sources=(), arrays=None, *, name=None, operation=False, args=(), kwargs=None, **settings):
        """Add a layer that reads one layer (a name), a list of them, or nothing; return its name."""
        name = name or f"{kind.lower()}_{len(self.rows)}"
        for key, usual in SETTINGS.get(kind, {}).items():
            settings.setdefault(key, usual)
        if arrays and "kernel" in arrays:
            settings.setdefault("use_bias", "bias" in arrays)
        if not operation:
            settings["trainable"] = True
        row = {"class_name": kind, "config": {"name": name, **settings}, "name": name,
               "module": "keras.src.ops.numpy" if operation else "keras.layers",
               "inbound_nodes": [self.call(sources, args, kwargs)] if sources else []}  # fmt: skip
        self.rows.append(row)
        self.weights[name] = arrays or {}
        return name

    def model(self, inner, sources, name=None):
        """Add a model as a layer."""
        name = name or inner.name
        self.rows.append({**inner.described(), "name": name, "inbound_nodes": [self.call(sources, (), None)]})
        self.inner[name] = inner
        return name if self.keras == 3 else (name, 1)           # Keras 2 counts the call with the model's own input

    def again(self, name, sources):
        """Call a layer once more; return the reference of that call."""
        row = next(row for row in self.rows if row["name"] == name)
        row["inbound_nodes"].append(self.call(sources, (), None))
        return name, len(row["inbound_nodes"]) - 1 + (self.keras == 2 and name in self.inner)

    def call(self, sources, args, kwargs):
        several = isinstance(sources, list)
        names = [source if isinstance(source, tuple) else (source, 0) for source in (sources if several else [sources])]
        if self.keras == 3:
            tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0]}}
                       for name, call in names]  # fmt: skip
            return {"args": [tensors if several else tensors[0], *args], "kwargs": kwargs or {}}
        return [[name, call, 0, (kwargs or {}) if i == 0 else {}] for i, (name, call) in enumerate(names)]

    def ends(self, *names):
        self.outputs = [[*(name if isinstance(name, tuple) else (name, 0)), 0] for name in names]
        return self

    def described(self):
        if self.sequential:
            return {"class_name": "Sequential", "config": {"name": self.name, "layers": self.rows}}
        config = {"name": self.name, "layers": self.rows, "input_layers": [[self.input, 0, 0]],
                  "output_layers": self.outputs}  # fmt: skip
        return {"class_name": "Functional", "config": config}

    # ---- files ----

    def h5(self, path):
        """Keras' own HDF5 layout, whole model."""
        with h5py.File(path, "w") as file:
            version = {2: "2.15.0", 3: "3.15.1"}[self.keras]
            file.attrs.update(model_config=json.dumps(without_modules(self.described())), keras_version=version)
            group = file.create_group("model_weights")
            group.attrs["keras_version"] = version
            names = [row.get("name") or row["config"]["name"] for row in self.rows]
            group.attrs["layer_names"] = np.array([name.encode() for name in names])
            for name in names:
                one = group.create_group(name)
                found = list(self.stored(name))
                one.attrs["weight_names"] = np.array([key.encode() for key, _ in found]) if found else np.zeros(0)
                for key, array in found:
                    one.create_dataset(key, data=np.asarray(array, "f4"))
        return path

    def stored(self, name):
        """(name of a weight, array): of a model inside, its own ones first and what is only measured at the end."""
        end = ":0" if self.keras == 2 else ""
        if name not in self.inner:
            yield from ((f"{name}/{kind}{end}", array) for kind, array in self.weights[name].items())
            return
        inner = self.inner[name]
        found = [item for row in inner.rows for item in inner.stored(row["name"])]
        yield from sorted(found, key=lambda item: "moving" in item[0])

    def archive(self, path):
        """Keras 3's .keras."""
        inner = path.with_suffix(".inner")
        with h5py.File(inner, "w") as file:
            self.number(file)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
            archive.writestr("config.json", json.dumps(self.described()))
            archive.write(inner, "model.weights.h5")
        inner.unlink()
        return path

    def number(self, group):
        counts = {}
        for row in self.rows:
            if "ops" in row.get("module", ""):
                continue
            kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", row["class_name"])).lower()
            count = counts[kind] = counts.get(kind, -1) + 1
            one = group.create_group(f"layers/{kind}_{count}" if count else f"layers/{kind}")
            variables = one.create_group("vars")
            variables.attrs["name"] = row["name"]
            if row["name"] in self.inner:
                self.inner[row["name"]].number(one)
                continue
            for i, array in enumerate(self.weights[row["name"]].values()):
                variables.create_dataset(str(i), data=np.asarray(array, "f4"))


def without_modules(described):
    """A description as an .h5 file has it: nothing says where a class is from."""
    if isinstance(described, list):
        return [without_modules(part) for part in described]
    if isinstance(described, dict):
        return {key: without_modules(part) for key, part in described.items() if key != "module"}
    return described
