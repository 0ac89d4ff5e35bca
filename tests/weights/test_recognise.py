"""One narrow VGG16 in every layout that people have, and the sentences for what is none of them."""

import functools
import struct
import zipfile
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from foreign_files import write_caffemodel, write_safetensors
from torch_files import linear, small_resnet, state_dict
from vgg_files import GOLDEN, MAT_HEADER, TORCH_VGG16, WRITERS, npy, refused, torch_arrays

import minivis as mv
from minivis.errors import BadFile, UnknownName
from minivis.models.known import Known, architectures, blank_vgg, vgg_names
from minivis.models.resnet import Design, to_number
from minivis.weights import oxford
from minivis.weights.containers.open import Contents, opened
from minivis.weights.containers.tensor import Tensor
from minivis.weights.recognise import file_shape, has_published_widths, recognise


@functools.cache
def expected_logits():
    net = mv.load(TORCH_VGG16)
    return net.forward(x()).get("fc8")


def x():
    return np.random.default_rng(0).standard_normal((2, 64, 64, 3), dtype=np.float32)


@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_gives_the_same_logits(tmp_path, name):
    net = mv.load(WRITERS[name](tmp_path / name))
    np.testing.assert_allclose(net.forward(x())["fc8"], expected_logits(), rtol=1e-5, atol=1e-5)
    assert net.input_size == (64, 64) and net.roles["logits"] == "fc8"
    assert net.about["architecture"].startswith("VGG16 (")
    assert "assumed" in net.about["preprocessing"] and net.about["training"] == "unknown"


@pytest.mark.parametrize("file, order", [("v1.caffemodel", "BGR"), ("new.mat", "RGB"), ("frossard.npz", "RGB")])
def test_each_program_has_its_own_preprocessing(tmp_path, file, order):
    preprocessing = mv.load(WRITERS[file](tmp_path / file)).preprocessing
    assert preprocessing.channel_order == order
    assert sorted(preprocessing.mean) == [103.939, 116.779, 123.68] and preprocessing.scale == (1, 1, 1)
    asked = mv.load(tmp_path / file, preprocess="torch")
    assert asked.preprocessing.mean == mv.load(TORCH_VGG16).preprocessing.mean
    assert asked.input_size == (64, 64) and asked.about["preprocessing"] == "as asked for"


@pytest.mark.parametrize("rgb, scale", [(False, 1), (True, 1), (False, 1 / 3)])
def test_oxfords_training_is_recognised(tmp_path, rgb, scale):
    """A wide VGG16 of zeros but for the numbers of Oxford's that are known."""
    arrays, channels = {}, 3
    for name, prefix in vgg_names("VGG16").items():
        if name.startswith("conv"):
            filters = 64 if name[4] == "1" else 2
            arrays[f"{prefix}.weight"] = np.zeros((filters, channels, 3, 3), "f4")
            arrays[f"{prefix}.bias"] = np.zeros(filters, "f4")
            channels = filters
    for (row, column, channel, filter_), value in oxford.KERNELS["VGG16"].items():
        arrays["features.0.weight"][filter_, 2 - channel if rgb else channel, row, column] = value * scale
    arrays["features.0.bias"][:8] = oxford.BIASES["VGG16"]
    net = mv.load(write_safetensors(tmp_path / "a.safetensors", arrays))
    assert net.preprocessing.channel_order == "BGR" and net.preprocessing.mean[0] == 103.939
    assert abs(net.layers["conv1_1"].params["w"][0, 1, 0, 0] - 0.373467 * scale) < 1e-6
    assert "normalised" in net.about["training"] if scale != 1 else "conv1_1 is Oxford VGG16's" in net.about["training"]


@pytest.mark.parametrize("name", ["EfficientNet-Lite1", "EfficientNet-Lite2"])
def test_nets_of_the_same_names_and_depth_are_told_by_their_widths(name):
    one = next(known for known in architectures() if known.name == name)
    tensors = {array: SimpleNamespace(shape=tuple(file_shape(right, "OIHW")) if len(right) == 4 else right[::-1])
               for array, (_, _, right) in one.arrays.items()}
    assert recognise(Contents(tensors, "safetensors"), "a.pth")[0].name == name


def test_what_is_no_known_architecture_says_which_is_nearest(tmp_path):
    arrays = dict(torch_arrays())
    del arrays["features.28.bias"]
    with pytest.raises(BadFile, match=r"nearest is VGG16 \(torchvision's names\), but 'features.28.bias' is missing"):
        mv.load(write_safetensors(tmp_path / "a.safetensors", arrays))
    arrays = {**torch_arrays(), "features.5.weight": np.zeros((4, 4, 5, 5), "f4")}
    with pytest.raises(BadFile, match=r"'features.5.weight' is \[4, 4, 5, 5\], where \[128, 64, 3, 3\] was expected"):
        mv.load(write_safetensors(tmp_path / "b.safetensors", arrays))
    arrays = {**torch_arrays(), "attention.weight": np.zeros((4, 4), "f4")}
    with pytest.raises(BadFile, match=r"'attention.weight' has no place in it. It holds features.0.weight \[4, 3, "):
        mv.load(write_safetensors(tmp_path / "c.safetensors", arrays))
    with pytest.raises(BadFile, match=r"--arch table\.json"):
        mv.load(write_safetensors(tmp_path / "d.safetensors", {"a": np.zeros(3, "f4")}))
    with pytest.raises(UnknownName, match="did you mean 'VGG16'"):
        mv.load(TORCH_VGG16, arch="VGG-16")
    with pytest.raises(BadFile, match="nearest is VGG19"):
        mv.load(TORCH_VGG16, arch="vgg19")


def test_widths_that_do_not_fit_together_are_named(tmp_path):
    arrays = {**torch_arrays(), "features.5.weight": np.zeros((4, 5, 3, 3), "f4")}
    with pytest.raises(BadFile, match="Conv2D expects an input of 4 axes ending in 5"):
        mv.load(write_safetensors(tmp_path / "a.safetensors", arrays))


def test_weights_that_are_not_finite(tmp_path):
    arrays = {**torch_arrays(), "features.5.bias": np.array([1, np.nan, np.inf, 0], "f4")}
    path = write_safetensors(tmp_path / "a.safetensors", arrays)
    with pytest.raises(BadFile, match=r"features\.5\.bias: holds 2 numbers that are NaN or infinite"):
        mv.load(path)
    assert np.isnan(mv.load(path, finite=False).layers["conv2_1"].params["b"][1])


# ---- hostile and damaged files ----


def test_bombs(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("conv1_1_W.npy", npy((25_000_000,), data=bytes(100_000_000)))
    refused(tmp_path / "a.npz", "would unpack from")
    inside = struct.pack("<II", 14, 2**31 - 8) + bytes(200_000)
    packed = zlib.compress(inside)
    (tmp_path / "a.mat").write_bytes(MAT_HEADER + struct.pack("<II", 15, len(packed)) + packed)
    refused(tmp_path / "a.mat", "would unpack from")


@pytest.mark.parametrize("name", [*WRITERS, "nets_vgg16.pth", "zip.pth"])
def test_truncated_files(tmp_path, name):
    path = WRITERS[name](tmp_path / name) if name in WRITERS else GOLDEN / name
    whole = path.read_bytes()
    for part in np.linspace(1, len(whole) - 5, 15).astype(int):
        (tmp_path / "b").write_bytes(whole[:part])
        refused(tmp_path / "b")


@pytest.mark.parametrize(
    "start, message",
    [
        (b"<!DOCTYPE html><html>", "is a web page"), (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x1f\x8b\x08", "compressed with gzip"), (b"\x80\x04K\x01.", "is a pickle without an array"),
        (b"a" * 257 + b"ustar", "is a tar archive"), (b"hello world", "minivis"), (b"", "is empty"),
    ],
)  # fmt: skip
def test_other_things(tmp_path, start, message):
    (tmp_path / "a").write_bytes(start)
    refused(tmp_path / "a", message)


@pytest.mark.parametrize("path", sorted((GOLDEN / "fuzzed").iterdir()), ids=lambda path: path.name)
def test_mutated_files_that_broke_a_reader_once(path):
    """Of ten thousand for each reader; crashes_scipy.mat ends Python in scipy.io.loadmat (1.17)."""
    refused(path)


# ---- a known body under another head, or behind a prefix ----

X = np.random.default_rng(2).standard_normal((2, 64, 64, 3), dtype=np.float32)
BODY = state_dict(small_resnet(), body_only=True)
HEAD = linear("fc.0", 6, 7, 1) | linear("fc.3", 7, 5, 2)


def loaded(tmp_path, arrays, **settings):
    return mv.load(write_safetensors(tmp_path / "a.safetensors", arrays), **settings)


def through(head, code):
    """What two Linear layers with a ReLU between them make of a code."""
    first, second = (name for name in head if name.endswith("weight"))
    hidden = np.maximum(code @ head[first].T + head[first.replace("weight", "bias")], 0)
    return hidden @ head[second].T + head[second.replace("weight", "bias")]


@pytest.mark.parametrize("prefix, head", [
    ("", HEAD), ("backbone.", linear("backbone.fc.0", 6, 7, 1) | linear("backbone.fc.3", 7, 5, 2)),
    ("backbone.", linear("head.1", 6, 7, 1) | linear("head.4", 7, 5, 2)), ("module.model.", HEAD),
    ("0.", linear("2", 6, 7, 1) | linear("5", 7, 5, 2)),
    ("_orig_mod.encoder.net.", linear("a", 6, 7) | linear("b", 7, 5)),
])  # fmt: skip
def test_a_known_body_is_found_behind_a_prefix_and_under_a_head_of_ones_own(tmp_path, prefix, head):
    net = loaded(tmp_path, {prefix + name: array for name, array in BODY.items()} | head)
    acts = net.forward(X)
    np.testing.assert_allclose(acts[net.roles["logits"]], through(head, acts["pool5"]), rtol=1e-4, atol=1e-5)
    assert "each ReLU is assumed" in net.about["head"]
    assert net.about["architecture"].startswith("ResNet of 1 + 1 blocks")
    assert net.roles["prob"] == "prob" and net.roles["code"].endswith("_relu")


def test_a_body_alone_ends_with_the_mean_of_its_maps(tmp_path):
    acts = loaded(tmp_path, BODY).forward(X)
    np.testing.assert_allclose(acts["pool5"], acts["res3a_relu"].mean(axis=(1, 2)), rtol=1e-5)
    assert list(acts)[-1] == "pool5"


def test_a_stem_for_small_pictures_keeps_the_size(tmp_path):
    arrays = BODY | HEAD | {"conv1.weight": BODY["conv1.weight"][:, :, 2:5, 2:5].copy()}
    net = loaded(tmp_path, arrays)
    assert net.input_size == (32, 32) and net.shapes()["res2a"] == (1, 32, 32, 4) and "pool1" not in net.nodes
    assert "conv1 is 3x3 and not 7x7: stride 1, no pool" in net.about["stem"]
    assert "stem" not in loaded(tmp_path, BODY | HEAD).about


def test_names_of_resnets_for_cifar(tmp_path):
    arrays = state_dict(small_resnet(shortcut="shortcut"), body_only=True) | linear("linear", 6, 10)
    net = loaded(tmp_path, arrays)
    assert net.roles["logits"] == "linear" and net.about["head"] == "linear (6 to 10)"
    assert {"layer2.0.shortcut.0.weight", "layer2.0.shortcut.1.running_var"} < set(arrays)


def test_groups_are_what_the_shapes_tell(tmp_path):
    design = Design((1, 1), inside=2, groups=4, first=8, filters=(8, 12))
    net = loaded(tmp_path, state_dict(small_resnet(design)))
    assert [net.layers[f"res{stage}a_branch2b"].groups for stage in (2, 3)] == [4, 4]


def test_a_grey_net(tmp_path):
    arrays = BODY | HEAD | {"conv1.weight": BODY["conv1.weight"][:, :1].copy()}
    net = loaded(tmp_path, arrays)
    assert net.preprocessing.channel_order == "grey" and net.shapes()["input"] == (1, 224, 224, 1)


def test_two_nets_in_one_dict_are_asked_for(tmp_path):
    both = {f"{part}.{name}": array + (part == "teacher") for name, array in BODY.items()
            for part in ("student", "teacher")}  # fmt: skip
    with pytest.raises(BadFile, match=r"holds 2 nets \(student, teacher\): .*, as in --part teacher"):
        loaded(tmp_path, both | linear("student.fc", 6, 5))


def test_a_criterion_is_set_aside_and_named(tmp_path):
    more = {"criterion.weight": np.ones(5, "f4"), "loss_fn.net.0.weight": np.ones((4, 3, 3, 3), "f4"),
            "temperature": np.array(1, "f4")}  # fmt: skip
    net = loaded(tmp_path, BODY | HEAD | more)
    assert net.roles["logits"] == "fc.3"
    for name in more:
        assert name in net.about["aside"]


def test_a_net_inside_a_loss_is_set_aside(tmp_path):
    judge = {f"perceptual_loss.{name}": array + 1 for name, array in BODY.items()}
    net = loaded(tmp_path, {f"net.{name}": array for name, array in (BODY | HEAD).items()} | judge)
    np.testing.assert_array_equal(net.forward(X)["fc.3"], loaded(tmp_path, BODY | HEAD).forward(X)["fc.3"])


def test_a_head_may_have_names_that_the_body_has_too(tmp_path):
    head = linear("fc1", 6, 7, 1) | linear("fc2", 7, 5, 2)
    norm = {f"bn1.{key}": np.full(7, value, "f4") for key, value in
            {"weight": 2, "bias": 0.5, "running_mean": 0.25, "running_var": 1}.items()}  # fmt: skip
    net = loaded(tmp_path, {f"encoder.{name}": array for name, array in BODY.items()} | head | norm)
    acts = net.forward(X)
    hidden = acts["pool5"] @ head["fc1.weight"].T + head["fc1.bias"]
    hidden = np.maximum((hidden - 0.25) / np.sqrt(1 + 1e-5) * 2 + 0.5, 0)
    np.testing.assert_allclose(acts["fc2"], hidden @ head["fc2.weight"].T + head["fc2.bias"], rtol=1e-4, atol=1e-4)


def test_of_several_heads_one_is_asked_for(tmp_path):
    heads = linear("age", 6, 3, 1) | linear("sex", 6, 2, 2)
    for output, name in ((None, "age"), ("sex", "sex")):
        net = loaded(tmp_path, BODY | heads, **({"output": output} if output else {}))
        acts = net.forward(X)
        wanted = acts["pool5"] @ heads[f"{name}.weight"].T + heads[f"{name}.bias"]
        np.testing.assert_allclose(acts[net.roles["logits"]], wanted, rtol=1e-4, atol=1e-5)
    assert "--output names another" in loaded(tmp_path, BODY | heads).about["output"]


def test_convolutions_before_a_batch_norm_may_have_no_biases(tmp_path):
    known = Known("VGG11-BN", "torchvision", lambda: blank_vgg("VGG11", normed=True), vgg_names("VGG11", normed=True))
    rng, arrays = np.random.default_rng(0), {}
    for name, (layer, key, shape) in known.arrays.items():
        if layer in known.body:
            kernel = key == "w"
            numbers = rng.uniform(0.5, 1, (4, min(4, shape[2]), 3, 3) if kernel else 4)
            arrays[name] = (numbers - 0.7 * kernel).astype("f4")
    convs = {name for name, (layer, key, _) in known.arrays.items() if key == "b" and layer.startswith("conv")}
    found = loaded(tmp_path, {name: array * (name not in convs) for name, array in arrays.items()}).forward(X)
    bare = loaded(tmp_path, {name: array for name, array in arrays.items() if name not in convs}).forward(X)
    np.testing.assert_array_equal(bare["pool5"], found["pool5"])


@pytest.mark.parametrize("prefix", ["", "0.", "backbone."])
def test_the_children_of_a_resnet_are_numbered(tmp_path, prefix):
    arrays = {prefix + to_number(name): array for name, array in BODY.items()} | linear("head.1", 6, 5)
    assert f"{prefix}0.weight" in arrays and f"{prefix}5.0.downsample.0.weight" in arrays
    net = loaded(tmp_path, arrays)
    np.testing.assert_array_equal(net.forward(X)["res3a_relu"], loaded(tmp_path, BODY).forward(X)["res3a_relu"])
    assert net.roles["logits"] == "head.1"


@pytest.mark.parametrize("more, message", [
    (linear("layer2.0.se.fc1", 6, 2), "'layer2.0.se.fc1.weight' has no place in it"),
    (linear("fc.0", 6, 3) | linear("fc.2", 6, 2), "'fc.2' reads 6 numbers, and 3 come in"),
])  # fmt: skip
def test_what_is_no_head_is_refused(tmp_path, more, message):
    with pytest.raises(BadFile, match=message):
        loaded(tmp_path, BODY | more)


@pytest.mark.parametrize("name", ["AlexNet", "CaffeNet"])
def test_a_fine_tuned_net_of_caffes_is_told_by_the_order_of_its_layers(tmp_path, name):
    path = GOLDEN / f"nets_{name}.caffemodel"
    with opened(path) as contents:
        arrays = {key: tensor.read() for key, tensor in contents.tensors.items()}
        layers = []
        for layer in contents.order:
            parts = [arrays[f"{layer}.{part}"] for part in ("weight", "bias") if f"{layer}.{part}" in arrays]
            kind = "Pooling" if not parts else "InnerProduct" if parts[0].ndim == 2 else "Convolution"
            layers.append((layer.replace("fc8", "fc8_flickr"), kind, parts))
    net = mv.load(write_caffemodel(tmp_path / "a.caffemodel", layers))
    x = np.random.default_rng(0).standard_normal((1, 227, 227, 3), dtype=np.float32)
    assert net.about["architecture"] == f"{name} (Caffe's)" and net.roles["logits"] == "fc8_flickr"
    np.testing.assert_allclose(net.forward(x)["fc8_flickr"], mv.load(path).forward(x)["fc8"], rtol=1e-5, atol=1e-6)


def test_where_two_nets_are_as_likely_one_is_asked_for(tmp_path):
    with opened(GOLDEN / "nets_AlexNet.caffemodel") as contents:
        arrays = {key: tensor.read() for key, tensor in contents.tensors.items()}
    with pytest.raises(BadFile, match=r"may be AlexNet or CaffeNet: .* as in --arch AlexNet"):
        loaded(tmp_path, arrays)
    assert list(loaded(tmp_path, arrays, arch="CaffeNet").nodes)[2:4] == ["pool1", "norm1"]


def test_caffes_names_in_a_file_of_pytorchs_are_no_alexnet(tmp_path):
    with opened(GOLDEN / "nets_AlexNet.caffemodel") as contents:
        arrays = {key.replace("fc8", "out"): tensor.read() for key, tensor in contents.tensors.items()}
    with pytest.raises(BadFile, match="minivis weights table writes a table"):
        loaded(tmp_path, arrays)


@pytest.mark.parametrize("prefix, buffers", [("1.", "0."), ("model.", "normalize."), ("", ""), ("model.", "")])
@pytest.mark.parametrize("times", [1, 255])
def test_a_net_that_takes_off_the_mean_itself_keeps_doing_it(tmp_path, prefix, buffers, times):
    mean, std = np.array([0.0, 0.25, 0.75], "f4") * times, np.array([0.2, 0.5, 0.25], "f4") * times
    arrays = {prefix + name: array for name, array in (BODY | HEAD).items()}
    arrays |= {f"{buffers}mean": mean.reshape(1, 3, 1, 1), f"{buffers}std": std.reshape(1, 3, 1, 1)}
    net, plain = loaded(tmp_path, arrays), loaded(tmp_path, BODY | HEAD)
    found, wanted = net.forward(X * times)["fc.3"], plain.forward((X * times - mean) / std)["fc.3"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert net.preprocessing.mean == (0, 0, 0) and net.preprocessing.scale == (255 / times,) * 3
    assert "in the net" in net.about["preprocessing"]


def test_weights_that_are_shared_are_of_one_net(tmp_path):
    """A file for pairs of pictures, in which both bodies are one."""
    tensors = {name: Tensor.of(array) for name, array in BODY.items()}
    both = {f"{body}.{name}": tensor for name, tensor in tensors.items() for body in ("a", "b")}
    head = {name: Tensor.of(array) for name, array in linear("fc", 6, 5).items()}
    match = recognise(Contents(both | head, "safetensors"), "a.pth")
    assert match.head.roles["logits"] == "fc" and "b.conv1.weight" in match.aside


@pytest.mark.parametrize("kernel, alike", [((8, 3, 5, 5), True), ((9, 3, 5, 5), False), ((8, 4, 5, 5), False)])
def test_widths_are_those_of_the_kernels_whatever_the_head(kernel, alike):
    """A head for 7 classes in place of 10 says nothing of the net below it."""
    known = SimpleNamespace(arrays={"a": ("conv", "w", (5, 5, 3, 8)), "b": ("conv", "b", (8,)),
                                    "c": ("fc", "w", (100, 10)), "d": ("slopes", "s", (1, 1, 1, 8))})
    shapes = {"a": kernel, "b": (8,), "c": (7, 100), "d": (8,)}
    tensors = {name: SimpleNamespace(shape=shape) for name, shape in shapes.items()}
    assert has_published_widths(known, tensors, "OIHW") == alike
