"""One narrow VGG16 in every layout that people have, and the sentences for what is none of them."""

import functools
import struct
import zipfile
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from foreign_files import write_safetensors
from vgg_files import GOLDEN, MAT_HEADER, TORCH_VGG16, WRITERS, npy, refused, torch_arrays

import minivis as mv
from minivis.errors import BadFile, UnknownName
from minivis.models.known import architectures, vgg_names
from minivis.weights import oxford
from minivis.weights.containers.open import Contents
from minivis.weights.recognise import file_shape, recognise


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
