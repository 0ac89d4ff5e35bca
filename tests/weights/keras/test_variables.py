"""Which array belongs to which layer: by name, by number, and in models inside models."""

import h5py
import numpy as np
import pytest
from keras_models import Keras

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.keras import variables
from minivis.weights.keras.description import Described


def layer(kind, **settings):
    return Described("conv", kind, settings, ())


@pytest.mark.parametrize("kind, settings, names", [
    ("Conv2D", {"use_bias": False}, ("kernel",)),
    ("SeparableConv2D", {}, ("depthwise_kernel", "pointwise_kernel", "bias")),
    ("BatchNormalization", {"scale": False}, ("beta", "moving_mean", "moving_variance")),
    ("BatchNormalization", {"scale": False, "center": False}, ("moving_mean", "moving_variance")),
    ("Normalization", {"mean": [1.0]}, ()), ("Normalization", {"mean": None}, ("mean", "variance")),
    ("ReLU", {}, ()),
])  # fmt: skip
def test_what_a_layer_keeps(kind, settings, names):
    assert variables.variables(layer(kind, **settings)) == names


@pytest.mark.parametrize("name, kind", [
    ("conv/kernel", "kernel"), ("a/b/conv/kernel:0", "kernel"), ("conv_1/kernel_1:0", "kernel"), ("conv_W", "kernel"),
    ("conv_b:0", "bias"), ("conv/depthwise_kernel:0", "kernel"),
])  # fmt: skip
def test_what_an_array_is_by_its_name(name, kind):
    assert variables.kind_of(name, layer("DepthwiseConv2D")) == kind


def nested(w, keras=3):
    """A batch-normed convolution in a model in a model, and another of the same class beside it."""
    inner = Keras((8, 7, 3), name="inner", keras=keras)
    x = inner.layer("Conv2D", inner.input, {"kernel": w(3, 3, 3, 4)}, name="conv")
    inner.ends(inner.layer("BatchNormalization", x, norm(w, 4), name="norm"))
    middle = Keras((8, 7, 3), name="middle", keras=keras)
    middle.ends(middle.model(inner, middle.input))
    outer = Keras((8, 7, 3), keras=keras)
    x = outer.model(middle, outer.input)
    return inner, outer.ends(outer.layer("Conv2D", x, {"kernel": w(1, 1, 4, 2), "bias": w(2)}, name="last"))


def norm(w, C):
    return {"gamma": w(C), "beta": w(C), "moving_mean": w(C), "moving_variance": w(C) ** 2 + 0.5}


@pytest.mark.parametrize("keras", [2, 3])
def test_models_inside_models_keep_their_arrays(w, both, keras):
    inner, outer = nested(w, keras)
    net = both(outer)
    assert list(net.nodes) == ["middle/inner/conv", "last"]                 # the batch norm is folded into it
    kept = inner.weights["norm"]
    scale = kept["gamma"] / np.sqrt(kept["moving_variance"] + 1e-3)
    np.testing.assert_allclose(net.layers["middle/inner/conv"].params["w"], inner.weights["conv"]["kernel"] * scale,
                               rtol=1e-5)


def test_two_models_inside_with_layers_of_one_name_are_told_apart_or_refused(w, tmp_path):
    def base(name):
        made = Keras((8, 7, 3), name=name)
        return made.ends(made.layer("Conv2D", made.input, {"kernel": w(3, 3, 3, 3)}, name="conv"))

    both_in, outer = Keras((8, 7, 3), name="both"), Keras((8, 7, 3))
    x = both_in.model(base("a"), both_in.input)
    both_in.ends(both_in.model(base("b"), x))
    outer.ends(outer.model(both_in, outer.input))
    net = mv.load(outer.archive(tmp_path / "a.keras"))
    for name in ("a", "b"):
        kernel = both_in.inner[name].weights["conv"]["kernel"]
        np.testing.assert_array_equal(net.layers[f"both/{name}/conv"].params["w"], kernel)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("a", "b"):
            file[f"{name}/conv/kernel"] = both_in.inner[name].weights["conv"]["kernel"]
            file[f"x/{name}/conv/kernel"] = file[f"{name}/conv/kernel"]
        stored = [(name, file[name]) for name in ("a/conv/kernel", "b/conv/kernel")]
        source = type("Source", (), {"path": "a.h5"})
        found = variables.Pooled(stored, source, ("both", "b")).arrays(layer("Conv2D", use_bias=False))
        assert found["kernel"].name == "/b/conv/kernel"
        stored = [(f"x/{name}", dataset) for name, dataset in stored]
        with pytest.raises(BadFile, match="2 arrays that may be the kernel of 'conv' in a model inside a model"):
            variables.Pooled(stored, source, ("both", "x")).arrays(layer("Conv2D", use_bias=False))


def test_groups_are_found_by_number_where_they_have_no_names(w, tmp_path):
    """As Keras 2.12 to 2.15 wrote them: under another name, and every layer with arrays counted twice."""
    net = Keras((8, 7, 3))
    x = net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4)})
    for _ in range(3):
        x = net.layer("Conv2D", x, {"kernel": w(1, 1, 4, 4)})
    path = net.ends(x).archive(tmp_path / "a.keras")
    wanted = mv.load(path)
    number = net.number

    def old(file):
        number(file)
        for i in range(4):
            del file[f"layers/conv2d_{i}/vars" if i else "layers/conv2d/vars"].attrs["name"]
            if i:
                file.move(f"layers/conv2d_{i}", f"layers/other_{2 * i}")
        for i in range(1, 4):
            file.move(f"layers/other_{2 * i}", f"layers/conv2d_{2 * i}")
        file.move("layers", "_layer_checkpoint_dependencies")

    net.number = old
    got = mv.load(net.archive(tmp_path / "b.keras"))
    for name, made in wanted.layers.items():
        np.testing.assert_array_equal(got.layers[name].params["w"], made.params["w"])


def test_an_array_that_is_missing_is_said(w, tmp_path):
    net = Keras()
    net.ends(net.layer("Conv2D", net.input, {"kernel": w(3, 3, 3, 4), "bias": w(4)}, name="conv"))
    del net.weights["conv"]["bias"]
    for path in (net.h5(tmp_path / "a.h5"), net.archive(tmp_path / "a.keras")):
        with pytest.raises(BadFile, match=r"'conv'.* lacks its bias"):
            mv.load(path)
    net.weights["conv"] = {}
    with pytest.raises(BadFile, match="'conv' lacks its weights: the file is damaged"):
        mv.load(net.archive(tmp_path / "b.keras"))
