"""Caffe's HDF5 snapshots: layers and blobs, and a net out of one."""

import h5py
import numpy as np
import pytest
from vgg_files import TORCH_VGG16, caffe_layers

import minivis as mv
from minivis.errors import BadFile
from minivis.weights.containers import caffe_hdf5, hdf5
from minivis.weights.read import arrays_of


def write(path, layers, group="data"):
    with h5py.File(path, "w") as file:
        for name, blobs in layers.items():
            for i, blob in enumerate(blobs):
                file.create_dataset(f"{group}/{name}/{i}", data=blob)
        file.create_group("diff")
    return path


def test_blobs_have_their_layers_names_and_plain_shapes(tmp_path):
    kernel, matrix = np.arange(24, dtype="f4").reshape(4, 3, 1, 2), np.arange(6.0).reshape(1, 1, 2, 3)
    path = write(tmp_path / "a.caffemodel.h5", {
        "conv1": [kernel, np.ones((1, 1, 1, 4), "f4")], "deep/fc": [matrix, np.zeros(2)],
        "scale": [np.ones(4), np.ones(4), np.ones(1)]})  # fmt: skip
    with hdf5.opened(path) as source:
        assert caffe_hdf5.is_caffe(source) and caffe_hdf5.order(source) == ("conv1", "deep/fc", "scale")
        found = {name: tensor.read() for name, tensor in caffe_hdf5.read(source).items()}
    assert {name: array.shape for name, array in found.items()} == {
        "conv1.weight": (4, 3, 1, 2), "conv1.bias": (4,), "deep/fc.weight": (2, 3), "deep/fc.bias": (2,),
        "scale.weight": (4,), "scale.bias": (4,), "scale.2": (1,)}  # fmt: skip
    np.testing.assert_array_equal(found["conv1.weight"], kernel)
    np.testing.assert_array_equal(found["deep/fc.weight"], matrix[0, 0])


@pytest.mark.parametrize("shape, biases, plain", [
    ((1, 1, 2, 3), (2,), (2, 3)), ((1, 1, 2, 3), (1, 1, 1, 2), (2, 3)), ((1, 1, 2, 1), (2,), (2, 1)),
    ((1, 1, 1, 3), (1,), (1, 3)), ((1, 1, 1, 1), (1,), (1, 1, 1, 1)), ((1, 1, 2, 3), (1,), (1, 1, 2, 3)),
    ((1, 1, 2, 3), (3,), (1, 1, 2, 3)), ((1, 2, 2, 3), (2,), (1, 2, 2, 3)), ((2, 1, 2, 3), (2,), (2, 1, 2, 3)),
    ((2, 3), (2,), (2, 3)), ((1, 1, 2), (2,), (1, 1, 2)),
])  # fmt: skip
def test_a_matrix_is_told_from_a_kernel_by_its_biases(shape, biases, plain):
    """Until 2014 a matrix had four axes; a kernel of one output has one bias."""
    assert caffe_hdf5.plain_shape(shape, biases) == plain


def test_layers_whose_names_have_slashes(tmp_path):
    """Down to four groups, so that a hostile file is soon read."""
    blobs = [np.ones((2, 3), kind) for kind in ("f2", "f4", "f8", "i4")]
    path = write(tmp_path / "a.caffemodel.h5", {"a": blobs, "b/c/d/e": blobs[:1], "f/g/h/i/j": blobs[:1]})
    with hdf5.opened(path) as source:
        assert caffe_hdf5.order(source) == ("a", "b/c/d/e")
        found = {name: tensor.dtype for name, tensor in caffe_hdf5.read(source).items()}
    assert found == {"a.weight": "float32", "a.bias": "float32", "a.2": "float64", "a.3": "float32",
                     "b/c/d/e.weight": "float32"}  # fmt: skip


def test_a_snapshot_is_a_net(tmp_path):
    layers = {name: arrays for name, _, arrays in caffe_layers()}
    net = mv.load(write(tmp_path / "a.caffemodel.h5", layers))
    assert net.about["format"] == ".caffemodel.h5" and net.preprocessing.channel_order == "BGR"
    x = np.random.default_rng(0).standard_normal((1, 64, 64, 3), dtype=np.float32)
    np.testing.assert_allclose(net.forward(x)["fc8"], mv.load(TORCH_VGG16).forward(x)["fc8"], rtol=1e-5, atol=1e-5)


def test_a_layer_table_starts_from_a_snapshot_too(tmp_path):
    path = write(tmp_path / "a.caffemodel.h5", {"mine": [np.ones((4, 3, 3, 3), "f4"), np.ones(4, "f4")]})
    with arrays_of(path) as contents:
        assert list(contents.tensors) == ["mine.weight", "mine.bias"] and contents.order == ("mine",)


@pytest.mark.parametrize("group", ["weights", "data/0"])
def test_other_hdf5_files_are_none_of_caffes(tmp_path, group):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(f"{group}/kernel", data=np.ones(3))
    with hdf5.opened(tmp_path / "a.h5") as source:
        assert not caffe_hdf5.is_caffe(source)
    with pytest.raises(BadFile, match="is an HDF5 file of another kind"):
        mv.load(tmp_path / "a.h5")
