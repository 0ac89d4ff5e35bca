"""safetensors that the real library wrote, and headers that cannot be."""

import json
import struct

import numpy as np
import pytest
from vgg_files import GOLDEN, refused

from minivis.weights.containers import safetensors
from minivis.weights.containers.tensor import FLOATS


def test_safetensors_and_pytorch_agree_on_what_the_real_libraries_wrote():
    with np.load(GOLDEN / "tensors.npz") as expected, open(GOLDEN / "tensors.safetensors", "rb") as raw:
        found = safetensors.read(raw, "a")
        assert set(found) == set(expected)
        for name, tensor in found.items():
            if tensor.dtype in FLOATS:
                np.testing.assert_array_equal(tensor.read(np.float64), expected[name])


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


def test_a_file_is_told_by_its_first_bytes():
    start = struct.pack("<Q", 90) + b'{"a":'
    assert safetensors.is_safetensors(start, 98) and safetensors.is_safetensors(start, 97)      # truncated, but it is
    odd = struct.pack("<Q", 90) + b"{ab"
    assert safetensors.is_safetensors(odd, 98) and not safetensors.is_safetensors(odd, 97)
    assert not safetensors.is_safetensors(start[:9], 98) and not safetensors.is_safetensors(b"x" * 10, 98)
