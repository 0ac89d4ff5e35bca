"""Each layout is written here, by keras_files.py, from one narrow net, and must load as that net to the bit.

Then files that Keras wrote (golden/make_keras.py), Oxford's fingerprints, and every way in which a file can be wrong.
"""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from keras_files import (
    arrays,
    config,
    set_names,
    theano,
    write_archive,
    write_baraldi,
    write_named,
    write_numbered,
)
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.data.imagenet import imagenet_classes
from minivis.errors import BadFile, BadValue
from minivis.weights import oxford
from minivis.weights.containers import hdf5_heaps
from minivis.weights.keras import reader

GOLDEN = Path(__file__).parents[2] / "golden" / "keras3.zip"
KERAS2 = {"names": "{0}/{0}/kernel:0 {0}/{0}/bias:0", "attributes": {"backend": b"tensorflow", "keras_version": b"2.2"}}
KERAS3 = {"names": "{0}/kernel {0}/bias", "text": str, "attributes": {"backend": "torch", "keras_version": "3.15.1"}}

LAYOUTS = {                                     # name: (write(path, net's arrays), what net.about calls it)
    "keras 1": (write_named, "Keras 1 HDF5, weights"),
    "keras 1, str": (lambda p, w: write_named(p, w, text=str), "Keras 1 HDF5, weights"),
    "keras 1, split": (lambda p, w: write_named(p, w, split=True), "Keras 1 HDF5, weights"),
    "keras 1, th": (lambda p, w: write_named(p, theano(w)), "Keras 1 HDF5, weights"),
    "keras 2": (lambda p, w: write_named(p, w, **KERAS2), "Keras 2 HDF5, weights"),
    "keras 2, whole": (lambda p, w: write_named(p, w, **KERAS2, whole=True), "Keras 2 HDF5, whole model"),
    "keras 3, .h5": (lambda p, w: write_named(p, w, **KERAS3), "Keras 3 HDF5, weights"),
    "keras 3, whole": (lambda p, w: write_named(p, w, **KERAS3, whole=True), "Keras 3 HDF5, whole model"),
    "keras 3, .weights.h5": (write_numbered, "Keras 3 .weights.h5"),
    "keras 3, no names": (lambda p, w: write_numbered(p, w, named=False), "Keras 3 .weights.h5"),
    "keras 2.13": (lambda p, w: write_numbered(p, w, top="_layer_checkpoint_dependencies"), "Keras 2 .weights.h5"),
    "keras 3, .keras": (write_archive, "Keras 3 .keras archive"),
    "baraldi": (lambda p, w: write_baraldi(p, theano(w)), "Keras before 1.0, layer_N/param_M"),
}
each_layout = pytest.mark.parametrize("write, what", LAYOUTS.values(), ids=LAYOUTS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.of.some.net"     # the name says nothing, on purpose


def picture(size=64):
    """As in golden/make_keras.py."""
    y, x, c = np.mgrid[:size, :size, :3]
    return ((7 * y + 13 * x * x + 29 * c * y) % 256).astype(np.uint8)


def assert_same(got, net):
    assert list(got.layers) == list(net.layers)
    for name, layer in net.layers.items():
        for key, array in layer.params.items():
            np.testing.assert_array_equal(got.layers[name].params[key], array, err_msg=f"{name} {key}")
            assert got.layers[name].params[key].flags.c_contiguous
    assert got.roles == net.roles
    assert got.preprocessing == net.preprocessing
    x = net.preprocess(picture())
    last = list(net.layers)[-2]                         # fc8, relu5_3
    np.testing.assert_allclose(got.forward(x)[last], net.forward(x)[last], rtol=1e-6)


def broken(path, net=None, **kinds):
    """The sentence of the BadFile that loading ``path`` gives, which must be one line that names the file."""
    with pytest.raises(BadFile) as caught:
        mv.load(path, **kinds)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message.replace(str(path), "FILE")


# ---- every layout ----

@each_layout
def test_every_layout_loads_as_the_same_net(path, write, what):
    net = narrow_vgg()
    write(path, arrays(net))
    got = mv.load(path)
    assert_same(got, net)
    assert got.about["format"] == what
    assert got.about["architecture"] == "VGG16, 4 channels wide at conv1_1"
    assert got.about["training"] == got.about["licence"] == "unknown"
    assert "assumed" in got.about["preprocessing"]
    assert got.class_names == ()


@each_layout
@pytest.mark.parametrize("name", ["VGG11", "VGG19"])
def test_every_layout_without_its_classifier(path, write, what, name):
    net = narrow_vgg(name, top=False)
    write(path, arrays(net)) if what[:12] != "Keras before" else write_baraldi(path, theano(arrays(net)), name)
    assert_same(mv.load(path), net)


@pytest.mark.parametrize("name", ["VGG11", "VGG13", "VGG19"])
def test_every_depth(path, name):
    net = narrow_vgg(name)
    for write in (write_named, write_numbered, lambda p, w: write_baraldi(p, theano(w), name)):
        write(path, arrays(net))
        assert_same(mv.load(path), net)


def test_float64_float16_and_compressed(path):
    net = narrow_vgg()
    write_named(path, arrays(net))
    got = mv.load(path, dtype=np.float64)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got.layers["fc6"].params["w"], net.layers["fc6"].params["w"])
    half = {name: tuple(a.astype(np.float16) for a in pair) for name, pair in arrays(net).items()}
    write_named(path, half)
    np.testing.assert_array_equal(mv.load(path).layers["conv2_1"].params["w"], half["block2_conv1"][0])
    write_named(path, theano(arrays(net)))
    with h5py.File(path, "r+") as file:
        w = file["fc1/fc1_W_1:0"][:]
        del file["fc1/fc1_W_1:0"]
        file.create_dataset("fc1/fc1_W_1:0", data=w, compression="gzip", chunks=(3, 11))
    assert_same(mv.load(path), net)


def test_names_rule_over_numbers(path):
    """Containers in another order than the layers: the attribute ``name`` tells."""
    weights = arrays(narrow_vgg())
    write_numbered(path, dict(reversed(weights.items())))
    assert_same(mv.load(path), narrow_vgg())


@pytest.mark.parametrize("names, order", [
    (("predictions", "fc1", "fc2"), [1, 2, 0]), (("fc8", "fc7", "fc6"), [2, 1, 0]), (("fc7", "fc1", "fc8"), [1, 0, 2]),
    (("predictions", "dense", "fc1"), [0, 1, 2]), (("fc2", "fc7", "fc6"), [0, 1, 2]), ((), []),
])  # fmt: skip
def test_fc_layers_go_by_their_names_if_all_three_are_known(names, order):
    layers = [SimpleNamespace(name=name) for name in names]
    assert reader.arrange_dense(layers, "VGG16", "a.h5") == [layers[i] for i in order]


def test_caffes_names_in_a_keras_file(path):
    net = narrow_vgg()
    renamed = {n: tuple(layer.params.values()) for n, layer in net.layers.items() if layer.params}
    write_named(path, renamed, **KERAS2)
    assert_same(mv.load(path), net)


def test_pictures_of_four_channels_are_read_as_they_are(path):
    net = narrow_vgg()
    weights = arrays(net)
    kernel, bias = weights["block1_conv1"]
    weights["block1_conv1"] = np.concatenate([kernel, 0 * kernel[:, :, :1]], axis=2), bias
    write_named(path, weights)
    got, x = mv.load(path), np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 4)).astype(np.float32)
    assert got.input_channels == 4 and "pixels as they are: assumed" in got.about["preprocessing"]
    wanted = net.forward(np.ascontiguousarray(x[..., :3]))["fc8"]
    np.testing.assert_allclose(got.forward(x)["fc8"], wanted, atol=1e-4 * abs(wanted).max())


def test_grey_pictures_and_sizes_that_are_no_square(path):
    net = narrow_vgg(channels=1)
    write_named(path, arrays(net))
    assert mv.load(path).forward(net.preprocess(picture()[:, :, :1]))["prob"].shape == (1, 9)
    weights = arrays(narrow_vgg())
    weights["fc1"] = np.ones((8 * 6, 11), np.float32), weights["fc1"][1]
    write_named(path, weights)
    assert broken(path) == "FILE: fc6 sees 6 positions, no square; pass the input's size=(height, width)"
    assert mv.load(path, size=(64, 96)).input_size == (64, 96)
    assert "fc6: FullyConnected expects an input of 2 axes ending in 48, got (1, 72)" in broken(path, size=(96, 96))


def test_rows_of_fc6_are_permuted_without_a_second_copy(path):
    import tracemalloc

    net = narrow_vgg(hidden=(20_000, 10))               # fc6 is 2.5 MB of 2.9
    write_named(path, theano(arrays(net)))
    tracemalloc.start()
    got = mv.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_same(got, net)
    assert peak < 1.25 * sum(p.nbytes for layer in net.layers.values() for p in layer.params.values())


# ---- files of Keras itself ----

@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("file", ["vgg16.weights.h5", "vgg16.keras", "whole.h5", "legacy.h5", "notop.weights.h5"])
def test_keras_own_files_give_keras_own_outputs(golden, file):
    net = mv.load(golden / file)
    acts = net.forward(net.preprocess(picture()))
    with np.load(golden / "outputs.npz") as outputs:
        names = {"pool5": "pool5"} if "notop" in file else {"logits": "fc8", "prob": "prob"}
        for key, layer in names.items():
            scale = abs(outputs[key]).max()
            np.testing.assert_allclose(acts[layer] / scale, outputs[key] / scale, rtol=0, atol=2e-6)


# ---- Oxford's fingerprints ----

def oxford_vgg(name="VGG16"):
    """A net whose conv1_1 has Oxford's numbers, as far as they are known, and 64 filters to hold them."""
    net = narrow_vgg(name, widths=(64, 5, 6, 7, 8))
    w, b = (p.copy() for p in net.layers["conv1_1"].params.values())
    for index, value in oxford.KERNELS[name].items():
        w[index] = value
    b[:8] = oxford.BIASES[name]
    net.layers["conv1_1"].set_params(w=w, b=b)
    return net


@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
@pytest.mark.parametrize("rotated", [False, True])
@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("axes", ["HWIO", "OIHW"])
def test_a_rotated_or_rgb_file_of_oxfords_is_put_right(path, name, rotated, rgb, axes):
    net = oxford_vgg(name)
    weights = arrays(net)
    if rgb:
        w, b = weights["block1_conv1"]
        weights["block1_conv1"] = w[:, :, ::-1], b
    if axes == "OIHW":
        weights = theano(weights, rotated=rotated)
    elif rotated:
        weights = {n: (w[::-1, ::-1] if w.ndim == 4 else w, b) for n, (w, b) in weights.items()}
    write_named(path, weights)
    got = mv.load(path)
    assert_same(got, net)
    known = got.about
    order = "height, width, in, out" if axes == "HWIO" else "out, in, height, width"
    turned = "rotated by 180 degrees" if rotated else "not rotated"
    colours = ", and its colours in RGB order" if rgb else ""
    assert known["kernels"] == f"{order}, {turned} (by Oxford's conv1_1{colours})"
    assert known["preprocessing"] == "BGR minus Oxford's mean (fingerprint)"


def test_what_is_oxfords_is_said(path):
    write_named(path, arrays(oxford_vgg("VGG16")))
    about = mv.load(path).about
    assert about["training"] == "conv1_1 is Oxford VGG16's, the rest is not"     # narrow: it can't be
    assert about["licence"] == "unknown"
    write_named(path, arrays(oxford_vgg("VGG19")))
    about = mv.load(path).about
    assert about["training"] == "conv1_1 is Oxford VGG19's, the rest is not" and about["licence"] == "unknown"
    assert about["architecture"] == "VGG19"


def test_another_training_is_not_taken_for_oxfords(path):
    net = oxford_vgg()
    w = net.layers["conv1_1"].params["w"].copy()
    w[1, 2, 0, 0] += 0.01
    net.layers["conv1_1"].set_params(w=w)
    write_named(path, arrays(net))
    assert mv.load(path).about["training"] == "unknown"


def test_class_names_of_oxfords_nets(path, monkeypatch):
    net = oxford_vgg("VGG19")
    rng = np.random.default_rng(0)
    weights = arrays(net)
    weights["predictions"] = rng.standard_normal((10, 1000)).astype(np.float32), np.zeros(1000, np.float32)
    write_named(path, weights)
    monkeypatch.setattr(reader, "imagenet_classes", lambda: (tuple(f"class {i}" for i in range(1000)), {"tench": 0}))
    got = mv.load(path)
    assert got.class_names[999] == "class 999"
    assert mv.parse_unit(got, "tench").channel == 0
    weights["block1_conv1"] = tuple(a + 1 for a in weights["block1_conv1"])     # not Oxford's: any 1000 classes
    write_named(path, weights)
    assert mv.load(path).class_names == ()


def test_imagenets_names_come_from_a_package_that_may_be_missing(monkeypatch):
    synonyms = {0: "tench, Tinca tinca", 1: "crane", 2: "shark, man-eater, crane", 3: "whale, man-eater"}
    package = SimpleNamespace(get_1k_class_name=lambda number: synonyms.get(number, f"thing {number}"))
    monkeypatch.setitem(sys.modules, "imagenet_classes", package)
    names, aliases = imagenet_classes()
    assert (len(names), names[:4]) == (1000, ("tench", "crane", "shark", "whale"))
    assert aliases == {"Tinca tinca": 0}                # what two classes share names neither
    monkeypatch.setitem(sys.modules, "imagenet_classes", None)
    assert imagenet_classes() == ((), {})


# ---- what shapes leave open ----

def test_the_backend_that_wrote_a_file_tells_the_rotation(path):
    net = narrow_vgg()
    for rotated, backend in [(True, b"theano"), (False, b"tensorflow")]:
        weights = {n: (w[::-1, ::-1] if w.ndim == 4 and rotated else w, b) for n, (w, b) in arrays(net).items()}
        write_named(path, weights, **{**KERAS2, "attributes": {"backend": backend, "keras_version": b"2.0.8"}})
        got = mv.load(path)
        assert_same(got, net)
        assert f"written by the backend {backend.decode()}" in got.about["kernels"]
        write_named(path, theano(arrays(net), rotated=rotated), attributes={"backend": backend})
        assert_same(mv.load(path), net)


def test_the_setting_kernels(path):
    net = narrow_vgg()
    write_named(path, theano(arrays(net), rotated=False))
    got = mv.load(path, kernels="th-unrotated")
    assert_same(got, net)
    assert "as asked for" in got.about["kernels"]
    assert "FILE has no kernels 'tf': the kernel of block1_conv1 is (4, 3, 3, 3)" in broken(path, kernels="tf")
    with pytest.raises(BadValue, match="kernels is one of tf, tf-rotated, th, th-unrotated, not 'caffe'"):
        mv.load(path, kernels="caffe")


def test_kernels_that_could_be_either_are_asked_for(path):
    net = narrow_vgg(widths=(3, 3, 3, 3, 3))
    for kernels, weights in [("tf", arrays(net)), ("th", theano(arrays(net)))]:
        write_named(path, weights)
        assert "say which: kernels='tf', or kernels='th' for a file made with Theano" in broken(path)
        assert_same(mv.load(path, kernels=kernels), net)


# ---- the model's own description ----

def write_whole(path, net, described):
    write_named(path, arrays(net), **KERAS3, whole=True)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = described if isinstance(described, (str, bytes)) else json.dumps(described)


def keras1_sequential():
    """Baraldi's recipe in Keras 1's words: padding and activations as layers of their own, Theano's order."""
    layers = []
    for kind in config()["config"]["layers"]:
        name, settings = kind["class_name"], kind["config"]
        if name == "Conv2D":
            layers.append(("ZeroPadding2D", {"padding": [1, 1]}))
            layers.append(("Convolution2D", {"nb_row": 3, "nb_col": 3, "border_mode": "valid", "subsample": [1, 1],
                                             "dim_ordering": "th", "activation": "linear"}))
            layers.append(("Activation", {"activation": "relu"}))
        elif name == "MaxPooling2D":
            layers.append((name, {"pool_size": [2, 2], "strides": [2, 2], "border_mode": "valid"}))
        elif name in ("Flatten", "Dense"):
            layers.append((name, {"activation": settings.get("activation", "linear")}))
            layers.append(("Dropout", {"p": 0.5}))
    return {"class_name": "Sequential", "config": [{"class_name": kind, "config": s} for kind, s in layers]}


def test_a_description_of_a_vgg_passes(path):
    net = narrow_vgg()
    logits_only = config(change={"predictions": {"activation": "linear"}})
    for described in (config(), logits_only, config(change={"flatten": {"class_name": "Flatten"}})):
        write_whole(path, net, described)
        assert_same(mv.load(path), net)
        write_archive(path, arrays(net), described)
        assert_same(mv.load(path), net)
    write_named(path, theano(arrays(net)), whole=True)
    with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(keras1_sequential()).encode()
    assert_same(mv.load(path), net)
    silent = json.dumps(keras1_sequential()).replace('"dim_ordering": "th", ', "")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = silent.encode()
    assert_same(mv.load(path), net)
    write_whole(path, narrow_vgg(top=False), config(top=False, size=None))
    assert mv.load(path).input_size is None


def test_the_description_knows_the_input_size(path):
    net = narrow_vgg()
    write_whole(path, net, config(size=70))
    assert mv.load(path).input_size == (70, 70)


def test_channels_first_models_keep_their_meaning(path):
    """Since 2.2 Flatten puts channels last before it flattens; before, fc1's rows were in the order C, H, W."""
    net = narrow_vgg()
    write_whole(path, net, config(first=True))
    assert_same(mv.load(path), net)
    chw = {**arrays(net), "fc1": theano(arrays(net))["fc1"]}
    write_archive(path, chw, config(first=True, change={"flatten": {"data_format": None}}))
    assert_same(mv.load(path), net)


@pytest.mark.parametrize("layer, change, kind", [
    ("block3_conv2", {"activation": "tanh"}, "Tanh"),
    ("block2_pool", {"class_name": "AveragePooling2D"}, "AvgPool2D"),
    ("predictions", {"activation": "sigmoid"}, "Sigmoid"),
])  # fmt: skip
def test_a_description_of_another_net_is_believed_before_the_names_of_its_layers(path, layer, change, kind):
    write_whole(path, narrow_vgg(), config(change={layer: change}))
    assert kind in {type(layer).__name__ for layer in mv.load(path).layers.values()}


@pytest.mark.parametrize("text", [b"{", "[1, 2]", '{"config": {"layers": [1]}}', '{"config": {"layers": 3}}',
                                  '{"config": {"layers": [{"class_name": 3, "config": {}}]}}', "[" * 100_000])
def test_a_damaged_description_is_said(path, text):
    write_archive(path, arrays(narrow_vgg()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", text)
    assert "FILE: its description of the model is damaged" in broken(path)


# ---- files that are wrong ----

def change(path, net=None, *, remove=(), put=(), write=write_named):
    """Write a narrow net and then spoil the file."""
    write(path, arrays(net or narrow_vgg()))
    with h5py.File(path, "r+") as file:
        for name in remove:
            del file[name]
        for name, value in dict(put).items():
            if name in file:
                del file[name]
            file[name] = value


def test_a_missing_group_or_array(path):
    change(path, remove=["block3_conv2"])
    assert broken(path) == "FILE lists a layer 'block3_conv2' and does not hold it: the file is damaged or half-written"
    change(path, remove=["fc2/fc2_b_1:0"])
    assert broken(path) == "FILE: layer 'fc2' lacks its 'fc2_b_1:0': the file is damaged or half-written"
    change(path, remove=["layers/conv2d_3/vars/1"], write=write_numbered)
    assert broken(path).startswith("FILE is not a VGG: layer 'block2_conv2' holds (3, 3, 5, 5), not a kernel and a "
                                   "bias")
    change(path, remove=["layer_9"], write=lambda p, w: write_baraldi(p, theano(w)))
    assert broken(path) == "FILE should hold 37 layers and has no layer_9: it is damaged or half-written"


def test_half_the_layers(path):
    weights = arrays(narrow_vgg())
    half = dict(list(weights.items())[:7])
    write_named(path, half)
    assert broken(path) == (
        "FILE holds 7 of the 13 convolutions of a VGG16; missing: conv4_1, conv4_2, conv4_3, conv5_1, conv5_2, conv5_3"
    )
    weights.pop("block5_conv3")
    write_numbered(path, weights)
    assert broken(path) == "FILE holds 12 of the 13 convolutions of a VGG16; missing: conv5_3"
    write_numbered(path, {n: w for n, w in arrays(narrow_vgg()).items() if n not in ("fc1", "fc2")})
    assert broken(path) == "FILE has a VGG16's convolutions and 1 dense layers (predictions), not three or none"
    write_numbered(path, half, named=False)
    assert "is not a VGG: it holds 7 convolutions (conv2d, conv2d_1, conv2d_2" in broken(path)


def test_other_nets(path):
    write_named(path, {"conv1": (np.ones((7, 7, 3, 64)), np.ones(64)), "fc1000": (np.ones((64, 10)), np.ones(10))})
    assert broken(path) == (
        "FILE is not a VGG: it holds 1 convolutions (conv1), and a VGG has 8, 10, 13 or 16; such a file holds only "
        "weights: save the whole model, model.save('NAME.keras'), or describe its layers, --arch table.json "
        "(weights/README.md)"
    )
    write_named(path, {"bn_conv1": (np.ones(4),) * 4}, "{0}/gamma:0 {0}/beta:0 {0}/mean:0 {0}/var:0")       # ResNet50
    assert "FILE is not a VGG: layer 'bn_conv1' holds (4,), (4,), (4,), (4,), not a kernel and a bias" in broken(path)
    names = " ".join(f"{{0}}/{i}" for i in range(26))
    write_named(path, {"vgg16": (np.ones((3, 3, 3, 4)), np.ones(4)) * 13}, names)            # a model in a model
    assert "such a file holds only weights" in broken(path)
    write_numbered(path, arrays(narrow_vgg()))
    with h5py.File(path, "r+") as file:
        file.move("layers", "inner")
        file.move("inner", "layers/functional/layers")
    assert "FILE: functional is a whole model inside a larger one; such a file holds only weights" in broken(path)
    write_named(path, {})
    assert "it holds 0 convolutions (none)" in broken(path)
    write_baraldi(path, theano(arrays(narrow_vgg())))
    with h5py.File(path, "r+") as file:
        file.move("layer_1", "spare")
        file.move("layer_0", "layer_1")
        file.move("spare", "layer_0")
    assert "FILE has convolutions at layers 0, 3, 6, 8, 11, 13, ..., as no VGG has" in broken(path)


def test_wrong_shapes(path):
    change(path, put={"block2_conv1/block2_conv1_W_1:0": np.ones((3, 3, 9, 5))})
    assert broken(path) == ("FILE: the kernel of block2_conv1 is (3, 3, 9, 5); its bias and the layer before ask for "
                            "(3, 3, 4, 5)")
    change(path, put={"block2_conv1/block2_conv1_b_1:0": np.ones(6)})
    assert "ask for (3, 3, 4, 6)" in broken(path)
    change(path, put={"layer_1/param_0": np.ones((4, 3, 5, 5))}, write=lambda p, w: write_baraldi(p, theano(w)))
    assert "the kernel of block1_conv1 is (4, 3, 5, 5); its bias and the layer before ask for" in broken(path)
    change(path, put={"fc1/fc1_W_1:0": np.ones((33, 11))})
    assert broken(path) == "FILE: fc1 has 33 rows for the 8 outputs of block5_conv3"
    change(path, put={"fc2/fc2_W_1:0": np.ones((22, 10))})
    assert broken(path) == "FILE: fc2 has 22 rows for the 11 outputs of fc1"
    change(path, put={"fc2/fc2_W_1:0": np.ones((11, 12))})
    assert broken(path) == "FILE: fc2 is (11, 12), its bias (10,); they should match"
    change(path, put={"fc2/fc2_W_1:0": np.ones((11, 10, 1))})
    assert "layer 'fc2' holds (11, 10, 1), (10,), not a kernel and a bias" in broken(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["block3_conv1/block3_conv1_W_1:0", "fc1/fc1_W_1:0", "fc2/fc2_b_1:0"])
def test_nan_and_infinity(path, bad, name):
    for turned in (dict, theano):
        write_named(path, turned(arrays(narrow_vgg())))
        with h5py.File(path, "r+") as file:
            file[name][0, ...] = bad
            count, size = np.sum(~np.isfinite(file[name][()])), file[name].size
        assert broken(path) == f"FILE: /{name} is NaN or infinite in {count} of {size} places; fetch it again"


def test_a_sum_that_overflows_is_no_infinity(path):
    net = narrow_vgg(top=False)
    net.layers["conv5_3"].set_params(b=np.full(8, 3e38, np.float32))
    write_named(path, arrays(net))
    np.testing.assert_array_equal(mv.load(path).layers["conv5_3"].params["b"], np.float32(3e38))


def test_what_is_no_float_or_lies_elsewhere(path, tmp_path):
    change(path, put={"fc2/fc2_b_1:0": np.ones(10, int)})
    assert broken(path) == "FILE: /fc2/fc2_b_1:0 holds int64, not floats"
    name = "fc2/fc2_b_1:0"
    change(path, remove=[name])
    with h5py.File(path, "r+") as file:
        file[name] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    assert broken(path) == "FILE: layer 'fc2' lacks its 'fc2_b_1:0': the file is damaged or half-written"
    (tmp_path / "raw").write_bytes(bytes(40))
    with h5py.File(path, "r+") as file:
        del file[name]
        file.create_dataset(name, (10,), "f4", external=[(str(tmp_path / "raw"), 0, 40)])
    assert broken(path) == "FILE: /fc2/fc2_b_1:0 lies in another file; save the weights as one file"
    with h5py.File(path, "r+") as file:
        del file[name]
        sources = h5py.VirtualLayout((10,), "f4")
        sources[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (10,))
        file.create_virtual_dataset(name, sources)
    assert "lies in another file" in broken(path)


def test_an_array_that_was_never_written(path):
    """A shape costs nothing; numbers do."""
    weights = arrays(narrow_vgg())
    write_named(path, weights)
    with h5py.File(path, "r+") as file:
        for name, shape in [("fc1/fc1_W_1:0", (1 << 40, 11)), ("fc2/fc2_W_1:0", (11, 10))]:
            del file[name]
            file.create_dataset(name, shape, "f4")
    message = broken(path)
    assert "/fc1/fc1_W_1:0 should be 48378511622144 bytes for its shape (1099511627776, 11) and 0 are there" in message
    write_named(path, weights)
    with h5py.File(path, "r+") as file:
        del file["fc1/fc1_W_1:0"]
        file.create_dataset("fc1/fc1_W_1:0", (1 << 40, 11), "f4", chunks=(64, 11), compression="gzip")[:64] = 0
    assert "are there: the file is damaged" in broken(path)


def test_damaged_attributes(path):
    write_named(path, arrays(narrow_vgg()))
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = np.arange(3)
    assert broken(path) == "FILE: the attribute layer_names is not a list of names; the file is damaged"
    with h5py.File(path, "r+") as file:
        set_names(file.attrs, "layer_names", ["block1_conv1", "block1_conv1"], bytes, False)
    assert broken(path) == "FILE names two convolutions alike (block1_conv1, block1_conv1): the file is damaged"
    for count in (b"many", 0, 10**6):
        with h5py.File(path, "w") as file:
            file.attrs["nb_layers"] = count
        assert "no number of layers; the file is damaged" in broken(path)


def test_truncated_files(path):
    for write in (write_named, write_numbered, write_archive, lambda p, w: write_baraldi(p, theano(w))):
        write(path, arrays(narrow_vgg()))
        whole = path.read_bytes()
        for part in (0.1, 0.5, 0.9, 0.999):
            path.write_bytes(whole[: int(part * len(whole))])
            assert "fetch or copy it again" in broken(path)


# ---- archives ----

def test_archives_that_are_none(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert broken(path).startswith("FILE is a zip archive without model.weights.h5, so it is not a .keras file; "
                                   "minivis reads")
    write_archive(path, arrays(narrow_vgg()), compression=zipfile.ZIP_DEFLATED)
    assert broken(path) == ("FILE: model.weights.h5 is compressed in it, which Keras never does; unzip it and load "
                            "model.weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", b"no HDF5")
    assert "FILE is damaged or half-written" in broken(path)


def test_a_zip_bomb_stays_packed(path):
    write_archive(path, arrays(narrow_vgg()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("config.json", "w") as member:
        for _ in range(65):
            member.write(bytes(1 << 20))
    assert broken(path) == "FILE: config.json in it is too large to be a description of a net"
    bomb = path.read_bytes()                            # and one that lies about its size
    at = bomb.rindex(b"config.json") - 46               # the central directory's entry
    lie = bomb[: at + 24] + (100).to_bytes(4, "little") + bomb[at + 28 :]
    path.write_bytes(lie)
    broken(path)


def test_an_archive_that_ends_too_early(path):
    write_archive(path, arrays(narrow_vgg()))
    whole = path.read_bytes()
    at = whole.rindex(b"model.weights.h5") - 46
    path.write_bytes(whole[: at + 20] + 2 * (1 << 24).to_bytes(4, "little") + whole[at + 28 :])     # both sizes
    assert broken(path) == "FILE ends before model.weights.h5 does: it is truncated; fetch or copy it again"


# ---- found by mutating files at random ----

def test_zeros_where_texts_are_kept(path):
    """A download that stopped leaves zeros; the HDF5 library looked for the next text among them for ever."""
    write_named(path, arrays(narrow_vgg()), **KERAS3)
    spoilt = bytearray(path.read_bytes())
    for at in (i for i in range(len(spoilt)) if spoilt.startswith(b"GCOL", i)):
        spoilt[at + 40 : at + 4096] = bytes(4056)
    path.write_bytes(spoilt)
    assert broken(path) == "FILE is damaged or half-written (its texts are); fetch or copy it again"
    spoilt[spoilt.index(b"GCOL") + 8] ^= 0xFF           # the heap's own length
    path.write_bytes(spoilt)
    assert "(its texts are)" in broken(path)


def test_attributes_of_a_strange_type(path):
    """Crashed the HDF5 library."""
    write_named(path, arrays(narrow_vgg()))
    with h5py.File(path, "r+") as file:
        lists = np.empty(1, object)
        lists[0] = np.arange(3)
        file.attrs.create("backend", lists, dtype=h5py.vlen_dtype(int))
    assert broken(path) == "FILE: backend holds neither numbers nor texts; the file is damaged"


@pytest.mark.parametrize("name, shown", [("la\ners", "la?ers"), ("la\x1b[31mers", "la?[31mers"),
                                         (b"la\xff", r"b'la\xff'"), ("x" * 60_000, "x" * 100)])
def test_names_that_no_terminal_can_show(path, name, shown):
    with h5py.File(path, "w") as file:
        file.create_group(name)
    message = broken(path)
    assert f"(it holds {shown}" in message
    assert len(message) < 1000


def test_texts_after_large_arrays_are_found_without_reading_those(path, monkeypatch):
    looked_at = []
    monkeypatch.setattr(hdf5_heaps, "find_heaps", lambda raw, begin, end: looked_at.append(end - begin) or iter(()))
    write_named(path, arrays(narrow_vgg(hidden=(20_000, 10))), **KERAS3)
    mv.load(path)
    assert sum(looked_at) < 0.05 * path.stat().st_size
