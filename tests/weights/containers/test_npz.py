"""NumPy's archives, and headers in them that cannot be."""

import zipfile

import numpy as np
import pytest
from vgg_files import npy, refused

from minivis.weights.containers import npz

NPZ = {
    "objects": (npy((1,), "|O", b"cos\nsystem\n"), "Python objects"),
    "size": (npy((3,), data=bytes(8)), "should hold"),
    "huge": (npy((2**40, 2**40)), "should hold"),
    "negative": (npy((-1,)), "holds Python objects|damaged"),
    "header": (npy((1,), length=60000), "damaged"),
    "version": (npy((1,), version=b"\x09\x09"), "damaged"),
    "code": (npy("__import__('os')"), "damaged"),
    "digits": (npy(f"({'9' * 4000},)"), "damaged"),
    "digits without an end": (npy(f"({'9' * 4000}"), "damaged"),      # for which a pattern may look for ever
    "nothing": (b"", "damaged"),
    "text": (npy((1,), "<U1", bytes(4)), "of no architecture"),
}


@pytest.mark.parametrize("case", NPZ)
def test_hostile_npz(tmp_path, case):
    data, message = NPZ[case]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("conv1_1_W.npy", data)
    refused(tmp_path / "a.npz", message)


def test_an_array_in_fortrans_order_and_a_packed_one_come_as_numpy_has_them(tmp_path):
    array = np.arange(6, dtype="f4").reshape(2, 3)
    np.savez_compressed(tmp_path / "a.npz", plain=array, turned=np.asfortranarray(array), half=array.astype("f2"))
    with open(tmp_path / "a.npz", "rb") as raw:
        found = npz.read(raw, "a.npz")
        assert {name: (tensor.shape, tensor.dtype) for name, tensor in found.items()} == {
            "plain": ((2, 3), "float32"), "turned": ((2, 3), "float32"), "half": ((2, 3), "float16")}  # fmt: skip
        for tensor in found.values():
            assert tensor.read().tolist() == [[0, 1, 2], [3, 4, 5]]
