"""Caffe's messages: numbers that stay in the file, and lengths that cannot be."""

import numpy as np
import pytest
from foreign_files import blob, field, varint, write_caffemodel
from vgg_files import caffe_layers, layers, refused

from minivis.weights.containers import caffe, npz

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


def test_readers_leave_numbers_in_the_file_until_asked(tmp_path):
    path = write_caffemodel(tmp_path / "a.caffemodel", caffe_layers())
    with open(path, "rb") as raw:
        tensors, order, _ = caffe.read(raw, path)
        assert order[:2] == ("conv1_1", "conv1_2") and tensors["fc6.weight"].array is None
        np.testing.assert_array_equal(tensors["fc6.weight"].read(), layers()[13][1])
    assert npz.is_npz(["a.npy"]) and not npz.is_npz(["a.npy", "data.pkl"])
    assert blob(np.zeros((1, 2)), old=True)[:2] == b"\x08\x01"


def test_the_least_seven_bits_of_a_number_come_first():
    def number(data):
        return caffe.Message(data, 0, len(data), [9]).varint(0)

    assert number(b"\x05") == (5, 1) and number(b"\x80\x01") == (128, 2) and number(b"\xac\x02rest") == (300, 2)


def test_a_file_is_told_by_a_name_or_a_layer():
    assert caffe.looks_like(b"\x0a\x03net", 5) and not caffe.looks_like(b"\x0a\x03net", 4)
    assert not caffe.looks_like(b"\x0a\x03\x00et", 5) and not caffe.looks_like(b"\x0b\x03net", 5)
    assert caffe.looks_like(b"\xa2\x06\x03\x00et", 6)
