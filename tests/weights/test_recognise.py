"""One narrow VGG16 in every layout that people have, and the sentences for what is none of them."""

import functools
import json
import struct
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from foreign_files import blob, field, varint, write_caffemodel, write_mat, write_safetensors

import minivis as mv
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.models.known import vgg_names
from minivis.models.vgg import conv_names
from minivis.weights import oxford
from minivis.weights.containers import caffe, npz, safetensors
from minivis.weights.containers import torch as torch_file
from minivis.weights.containers.tensor import FLOATS

GOLDEN = Path(__file__).parents[1] / "golden"
TORCH_VGG16 = GOLDEN / "nets_vgg16.pth"
LAYERS = [*conv_names("VGG16"), "fc6", "fc7", "fc8"]


@functools.cache
def torch_arrays():
    """PyTorch's name -> array, of the golden VGG16."""
    with open(TORCH_VGG16, "rb") as raw:
        return {name: tensor.read() for name, tensor in torch_file.read_stream(raw, TORCH_VGG16).items()}


def layers(spread=1.0):
    """(our name, w (out, in, ...), b) of each layer with weights; ``spread`` multiplies the first kernel."""
    names, found = vgg_names("VGG16"), []
    for name in LAYERS:
        w, b = (torch_arrays()[f"{names[name]}.{part}"] for part in ("weight", "bias"))
        found.append((name, w * spread if name == "conv1_1" else w, b))
    return found


def fc_as_conv(name, w):
    """An FC layer's matrix as the convolution that MatConvNet and timm store: (out, in, KH, KW)."""
    return w.reshape(w.shape[0], -1, 2, 2) if name == "fc6" else w[:, :, None, None] if name in ("fc7", "fc8") else w


def hwio(name, w):
    return fc_as_conv(name, w).transpose(2, 3, 1, 0)


def write_timm(path):
    names = {**vgg_names("VGG16"), "fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "fc8": "head.fc"}
    arrays = {}
    for name, w, b in layers():
        arrays[f"{names[name]}.weight"] = np.ascontiguousarray(w if name == "fc8" else fc_as_conv(name, w))
        arrays[f"{names[name]}.bias"] = b
    return write_safetensors(path, arrays)


def caffe_layers():
    return [(name, "InnerProduct" if w.ndim == 2 else "Convolution", [w, b]) for name, w, b in layers()]


def write_frossard(path, save=np.savez):
    arrays = {}
    for name, w, b in layers():
        kernel = hwio(name, w)
        arrays[f"{name}_W"], arrays[f"{name}_b"] = kernel.reshape(-1, kernel.shape[-1]) if w.ndim == 2 else kernel, b
    save(path, **arrays)
    return path


def write_matlab(path, **kw):
    items = []
    for name, w, b in layers():
        items += [(name, [hwio(name, w), b[None]]), (name.replace("conv", "relu").replace("fc", "relu"), [])]
    return write_mat(path, items, **kw)


def with_prefix(arrays):
    return {f"module.model.{name}": array for name, array in arrays.items()}


WRITERS = {
    "model.safetensors": write_timm,
    "v1.caffemodel": lambda path: write_caffemodel(path, caffe_layers(), v1=True),
    "v2.caffemodel": lambda path: write_caffemodel(path, caffe_layers()),
    "double.caffemodel": lambda path: write_caffemodel(path, caffe_layers(), double=True),
    "frossard.npz": write_frossard,
    "compressed.npz": lambda path: write_frossard(path, np.savez_compressed),
    "torch names.npz": lambda path: np.savez(path, **torch_arrays()) or path,
    "torch names.safetensors": lambda path: write_safetensors(path, torch_arrays()),
    "with a prefix.safetensors": lambda path: write_safetensors(path, with_prefix(torch_arrays())),
    "new.mat": write_matlab,
    "old.mat": lambda path: write_matlab(path, new=False),
    "compressed.mat": lambda path: write_matlab(path, compress=True),
}


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


def test_safetensors_and_pytorch_agree_on_what_the_real_libraries_wrote():
    with np.load(GOLDEN / "tensors.npz") as expected, open(GOLDEN / "tensors.safetensors", "rb") as raw:
        found = safetensors.read(raw, "a")
        assert set(found) == set(expected)
        for name, tensor in found.items():
            if tensor.dtype in FLOATS:
                np.testing.assert_array_equal(tensor.read(np.float64), expected[name])


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


def test_matconvnets_classes_and_the_users_own(tmp_path):
    path = write_matlab(tmp_path / "a.mat", classes=["tench, Tinca tinca", "owl", "cat", "bus", "goose", "cup", "ant"])
    assert mv.load(path).class_names[:2] == ("tench", "owl")
    assert mv.load(path, classes=list("abcdefg")).class_names == tuple("abcdefg")
    with pytest.raises(BadValue, match="2 class names for 7 classes"):
        mv.load(path, classes=["a", "b"])
    with pytest.raises(UnknownName, match="did you mean 'caffe'"):
        mv.load(path, preprocess="cafe")


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

def header(**entries):
    return json.dumps(entries).encode()


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
SAFETENSORS = {
    "2 GB": (struct.pack("<Q", 2**31) + b'{"a', "would take 2147483648 bytes"),
    "2^63": (struct.pack("<Q", 2**63) + b'{"a', "would take 9223372036854775808 bytes"),
    "short": (struct.pack("<Q", 90) + b'{"a', "ends inside its header"),
    "not json": (struct.pack("<Q", 3) + b'{"a', "header is damaged"),
    "deep": (struct.pack("<Q", 10**6 + 5) + b'{"a":' + b"[" * 10**6, "header is damaged|entry of 'a' is damaged"),
    "a list": (struct.pack("<Q", 2) + b"{}", "of no architecture"),
    "dtype": (header(a={**ENTRY, "dtype": "F8_E4M3"}), "stored as F8_E4M3"),
    "strange dtype": (header(a={**ENTRY, "dtype": []}), "entry of 'a' is damaged"),
    "size": (header(a={**ENTRY, "shape": [3]}), "would take 12 bytes, not the 8"),
    "huge": (header(a={**ENTRY, "shape": [2**62, 2**62]}), "would take"),
    "negative": (header(a={**ENTRY, "shape": [-2]}), "is damaged"),
    "offsets": (header(a={**ENTRY, "data_offsets": [-8, 0]}), "is damaged"),
    "no offsets": (header(a={"dtype": "F32", "shape": [2]}), "is damaged"),
    "beyond": (header(a={**ENTRY, "data_offsets": [80, 88]}), "ends before 'a' does"),
    "no entry": (header(a=3), "is damaged"),
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_hostile_safetensors(tmp_path, case):
    data, message = SAFETENSORS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(data if data[8:9] == b"{" else struct.pack("<Q", len(data)) + data + bytes(8))
    refused(path, message)


def refused(path, message="."):
    began = time.process_time()
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(path)
    assert time.process_time() - began < 1
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


NAME = field(1, b"net")


def layer(rest):
    return NAME + field(100, field(1, b"c") + rest)


CAFFE = {
    "a length past its end": (NAME + varint(100 << 3 | 2) + varint(2**40) + b"abc", "a length of 1099511627776"),
    "a length past its message": (layer(varint(7 << 3 | 2) + varint(99) + b"ab"), "a length of 99"),
    "an endless varint": (NAME + b"\xa0\x06" + b"\xff" * 40, "a number that does not end"),
    "a group": (NAME + varint(9 << 3 | 3), "wire type 3"),
    "field 0": (NAME + varint(0 << 3 | 0) + b"\x01", "without a number"),
    "shape": (layer(field(7, field(7, field(1, varint(5))) + field(5, bytes(16)))), "should hold"),
    "huge shape": (layer(field(7, field(7, field(1, varint(2**62) * 9)) + field(5, bytes(4)))), "should hold"),
    "many axes": (layer(field(7, field(7, field(1, b"\x01" * 99)) + field(5, bytes(4)))), "should hold"),
    "unpacked": (NAME + field(100, field(1, b"c") + field(7, (varint(5 << 3 | 5) + bytes(4)) * 3)), "not packed"),
    "odd bytes": (NAME + field(100, field(1, b"c") + field(7, field(5, bytes(5)))), "5 bytes of numbers of 4"),
    "pieces": (NAME + field(100, field(1, b"c") + field(7, field(5, bytes(4)) * 2)), "several pieces"),
    "a long name": (NAME + field(100, field(1, b"c" * 5000)), "more than 1000 bytes"),
    "no layers": (NAME, "of no architecture"),
    "before 2014": (NAME + field(2, field(1, field(1, b"conv"))), "before 2014"),
    "a million fields": (NAME + (varint(3 << 3) + b"\x01") * 300_000, "more than 100000 fields"),
}


@pytest.mark.parametrize("case", CAFFE)
def test_hostile_caffemodels(tmp_path, case):
    data, message = CAFFE[case]
    (tmp_path / "a.caffemodel").write_bytes(data)
    refused(tmp_path / "a.caffemodel", message)


def npy(shape, descr="<f4", data=b"", version=b"\x01\x00", length=None):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text) if length is None else length) + text + data


NPZ = {
    "objects": (npy((1,), "|O", b"cos\nsystem\n"), "Python objects"),
    "size": (npy((3,), data=bytes(8)), "should hold"),
    "huge": (npy((2**40, 2**40)), "should hold"),
    "negative": (npy((-1,)), "holds Python objects|damaged"),
    "header": (npy((1,), length=60000), "damaged"),
    "version": (npy((1,), version=b"\x09\x09"), "damaged"),
    "code": (npy("__import__('os')"), "damaged"),
    "nothing": (b"", "damaged"),
    "text": (npy((1,), "<U1", bytes(4)), "of no architecture"),
}


@pytest.mark.parametrize("case", NPZ)
def test_hostile_npz(tmp_path, case):
    data, message = NPZ[case]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("conv1_1_W.npy", data)
    refused(tmp_path / "a.npz", message)


def test_bombs(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("conv1_1_W.npy", npy((25_000_000,), data=bytes(100_000_000)))
    refused(tmp_path / "a.npz", "would unpack from")
    inside = struct.pack("<II", 14, 2**31 - 8) + bytes(200_000)
    packed = zlib.compress(inside)
    (tmp_path / "a.mat").write_bytes(MAT_HEADER + struct.pack("<II", 15, len(packed)) + packed)
    refused(tmp_path / "a.mat", "would unpack from")


MAT_HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def test_damaged_mat_files(tmp_path):
    path = tmp_path / "a.mat"
    tags = [(14, 2**31), (15, 8), (3, 0)]
    for data in (b"", bytes(7), *(struct.pack("<II", *tag) + bytes(8) for tag in tags)):
        path.write_bytes(MAT_HEADER + data)
        refused(path, "damaged" if data else "without a list of layers")


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
        (b"\x1f\x8b\x08", "compressed with gzip"), (b"\x80\x04K\x01.", "is a pickle, but not one of PyTorch's"),
        (b"a" * 257 + b"ustar", "is a tar archive"), (b"hello world", "minivis"), (b"", "is empty"),
    ],
)  # fmt: skip
def test_other_things(tmp_path, start, message):
    (tmp_path / "a").write_bytes(start)
    refused(tmp_path / "a", message)


def test_readers_leave_numbers_in_the_file_until_asked(tmp_path):
    path = write_caffemodel(tmp_path / "a.caffemodel", caffe_layers())
    with open(path, "rb") as raw:
        tensors, order, _ = caffe.read(raw, path)
        assert order[:2] == ("conv1_1", "conv1_2") and tensors["fc6.weight"].array is None
        np.testing.assert_array_equal(tensors["fc6.weight"].read(), layers()[13][1])
    assert npz.is_npz(["a.npy"]) and not npz.is_npz(["a.npy", "data.pkl"])
    assert blob(np.zeros((1, 2)), old=True)[:2] == b"\x08\x01"


@pytest.mark.parametrize("path", sorted((GOLDEN / "fuzzed").iterdir()), ids=lambda path: path.name)
def test_mutated_files_that_broke_a_reader_once(path):
    """Of ten thousand for each reader; crashes_scipy.mat ends Python in scipy.io.loadmat (1.17)."""
    refused(path)
