"""MatConvNet's files: class names, and elements that cannot be."""

import struct

import numpy as np
import pytest
from vgg_files import MAT_HEADER, refused, write_matlab

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.weights.containers import matconvnet


def test_matconvnets_classes_and_the_users_own(tmp_path):
    path = write_matlab(tmp_path / "a.mat", classes=["tench, Tinca tinca", "owl", "cat", "bus", "goose", "cup", "ant"])
    assert mv.load(path).class_names[:2] == ("tench", "owl")
    assert mv.load(path, classes=list("abcdefg")).class_names == tuple("abcdefg")
    with pytest.raises(BadValue, match="2 class names for 7 classes"):
        mv.load(path, classes=["a", "b"])
    with pytest.raises(UnknownName, match="did you mean 'caffe'"):
        mv.load(path, preprocess="cafe")


def test_damaged_mat_files(tmp_path):
    path = tmp_path / "a.mat"
    tags = [(14, 2**31), (15, 8), (3, 0)]
    for data in (b"", bytes(7), *(struct.pack("<II", *tag) + bytes(8) for tag in tags)):
        path.write_bytes(MAT_HEADER + data)
        refused(path, "damaged" if data else "without a list of layers")


def test_an_element_is_filled_up_to_eight_bytes_and_a_small_one_lies_in_its_tag():
    data = struct.pack("<II", 2, 5) + b"hello" + bytes(3) + struct.pack("<HH", 1, 3) + b"abc\0" + b"end"
    assert matconvnet.element(data, 0) == (2, b"hello", 16)
    assert matconvnet.element(data, 16) == (1, b"abc", 24)
    with pytest.raises(matconvnet.Damaged, match="beyond its end"):
        matconvnet.element(data[:12], 0)


def test_axes_that_matlab_drops_come_back():
    layers = [{"name": "fc", "weights": [np.ones((1, 1, 3)), np.zeros((1, 3))]}, {"name": "relu"}]
    found, order = matconvnet.weights(layers, "a.mat")
    assert order == ("fc", "relu") and {name: tensor.shape for name, tensor in found.items()} == {
        "fc.weight": (1, 1, 3, 1), "fc.bias": (3,)}  # fmt: skip


def test_each_array_counts_as_one():
    limits = matconvnet.Limits(2, None, None)
    assert [matconvnet.matrix(b"", 1, limits) for _ in range(2)] == [("", None)] * 2
    for items, depth in ((0, 1), (1, 0)):                       # one too many, and one too deep
        with pytest.raises(matconvnet.Damaged, match="too many arrays within arrays"):
            matconvnet.matrix(b"", depth, matconvnet.Limits(items, None, None))


@pytest.mark.parametrize("length", [5, 6, 8])
def test_a_small_element_holds_four_bytes_at_most(length):
    assert matconvnet.element(struct.pack("<HH", 1, 4) + b"four", 0) == (1, b"four", 8)
    with pytest.raises(matconvnet.Damaged, match="beyond its end"):
        matconvnet.element(struct.pack("<HH", 1, length) + b"four" + bytes(8), 0)
