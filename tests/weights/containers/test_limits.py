"""Small files that unpack to much, or that count far: refused by one sentence before the memory is taken."""

import json
import struct
import zipfile
import zlib
from functools import partial

import h5py
import numpy as np
import pytest
from foreign_files import field, write_safetensors
from hostile_files import refused
from limits import last_taken

from minivis.errors import BadFile
from minivis.models.tiny import tiny_vgg
from minivis.weights.containers import caffe, hdf5, matconvnet, npz, safetensors, zip
from minivis.weights.containers.limits import FREE_BYTES, Budget, check_bomb, is_shape
from minivis.weights.native import save

MANY = 3                                        # arrays of 40 MB: each by itself no more than is allowed
ZEROS = 40_000_000


def test_what_is_too_much():
    check_bomb("it", 1, FREE_BYTES, "a.npz")
    check_bomb("it", FREE_BYTES, 20 * FREE_BYTES, "a.npz")
    with pytest.raises(BadFile, match=r"a\.npz: it would unpack from 1 to 67108865 bytes, which weights never do"):
        check_bomb("it", 1, FREE_BYTES + 1, "a.npz")
    budget = Budget("a.h5", 100)
    budget.take(FREE_BYTES - 1)
    budget.take(1)
    with pytest.raises(BadFile, match=r"a\.h5: the arrays in it would unpack from 100 to"):
        budget.take(1)


def test_what_a_shape_is():
    assert is_shape(()) and is_shape((0, 3, 2**62))
    for shape in ((-1,), (2**63,), (1.0,), (True,), (1,) * 33, ("3",)):
        assert not is_shape(shape)


def npy(shape, numbers=b"", descr="<f4", header=None):
    text = header or f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + numbers


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def test_an_archive_of_many_arrays_of_zeros(tmp_path):
    zeros = npy((ZEROS // 4 - 64,), bytes(ZEROS - 256))
    path = archive(tmp_path / "a.npz", ((f"layer{i}_W.npy", zeros) for i in range(MANY)))
    assert path.stat().st_size < 4e6
    refused(path, "all of it would unpack from")


@pytest.mark.parametrize("header", [
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b",), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, (, }",
    b"{'descr': '<f4', 'fortran_order': \\d, 'shape': (3,), }",
    b"{'descr': '<f99999', 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1," * 40 + b"), }",
    b"{" * 9000,
    b"\xff" * 118,
])  # fmt: skip
def test_headers_of_arrays(tmp_path, header):
    refused(archive(tmp_path / "a.npz", [("a.npy", npy((), header=header))]), "a.npy.* (is damaged|impossible shape)")


def mat_element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def mat_array(kind, shape, *parts, name=b""):
    head = mat_element(6, struct.pack("<II", kind, 0)) + mat_element(5, struct.pack(f"<{len(shape)}i", *shape))
    return mat_element(14, head + mat_element(1, name) + b"".join(parts))


def write_mat(path, *variables):
    packed = [zlib.compress(variable, 9) for variable in variables]
    start = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(start + b"".join(struct.pack("<II", 15, len(part)) + part for part in packed))
    return path


def test_a_mat_file_of_many_compressed_arrays(tmp_path):
    zeros = mat_array(7, (ZEROS // 4 - 64,), mat_element(7, bytes(ZEROS - 256)), name=b"a")
    refused(write_mat(tmp_path / "a.mat", *[zeros] * MANY), "the arrays in it would unpack from")


def test_a_mat_file_whose_struct_has_millions_of_fields(tmp_path):
    names = mat_element(5, struct.pack("<i", 1)) + mat_element(1, bytes(40_000_000))
    refused(write_mat(tmp_path / "a.mat", mat_array(2, (1, 1), names)), "a struct without field names")
    names = mat_element(5, struct.pack("<i", 1)) + mat_element(1, b"ab")
    refused(write_mat(tmp_path / "b.mat", mat_array(2, (1, 15_000), names, bytes(30_000))), "a struct without field")


def test_a_mat_file_whose_bytes_become_doubles(tmp_path):
    """One byte a number in the file, eight in memory."""
    bytes_ = mat_array(6, (60_000_000,), mat_element(2, bytes(60_000_000)), name=b"a")
    refused(write_mat(tmp_path / "a.mat", bytes_), "the arrays in it would unpack from")


@pytest.fixture
def native(tmp_path):
    save(tiny_vgg(), tmp_path / "net.h5")
    return tmp_path / "net.h5"


def test_hdf5_arrays_that_unpack_to_too_much(native):
    with h5py.File(native, "r+") as file:
        del file["layers/conv1_1/w"]
        file.create_dataset("layers/conv1_1/w", data=np.zeros((2500, 10_000), "f4"), compression="gzip",
                            compression_opts=1, chunks=(500, 10_000))
    refused(native, "/layers/conv1_1/w would unpack")


def test_hdf5_arrays_with_a_chunk_that_is_far_larger_than_they_are(native):
    with h5py.File(native, "r+") as file:
        del file["layers/conv1_1/w"]
        file.create_dataset("layers/conv1_1/w", (3, 3, 3, 4), "f4", compression="gzip", compression_opts=1,
                            chunks=(3, 3, 3, 2**20), maxshape=(3, 3, 3, None))[:] = 1
    refused(native, "a part of /layers/conv1_1/w would unpack")


def test_hdf5_arrays_that_many_layers_share(native):
    """Each is the same array of 16 MB; all that are read count together, and five are too many for the file."""
    with h5py.File(native, "r+") as file:
        file.create_dataset("shared", data=np.arange(2**22, dtype="f4") % 251, compression="gzip", compression_opts=1)
    with pytest.raises(BadFile, match="the arrays in it would unpack from"), hdf5.opened(native) as source:
        for _ in range(5):
            hdf5.read_array(source.file["shared"], np.float32, source)


def test_hdf5_descriptions_that_unpack_to_too_much(native):
    with h5py.File(native, "r+") as file:
        del file["net"]
        file.create_dataset("net", (1,), "S20000000", compression="gzip")[:] = b"["
        file.move("net", "other")
        file.create_dataset("net", (), "S20000000")[()] = np.bytes_(b"[" * 20)
    refused(native, "net is a text of 20000000 bytes")


def test_a_safetensors_header_that_counts_far(tmp_path):
    numbers = {"dtype": "F32", "data_offsets": [0, 4]}
    for shape in ([10**4000] * 8, [10**30], [1] * 20_000):
        header = json.dumps({"a": {**numbers, "shape": shape}}).encode()
        refused(write_safetensors(tmp_path / "a.safetensors", {}, header=header), "entry of 'a' is damaged")
    header = b'{"a": {"dtype": "F32", "data_offsets": [0, 4], "shape": [' + b"9" * 5000 + b"]}}"
    refused(write_safetensors(tmp_path / "a.safetensors", {}, header=header), "the header is damaged")


def test_tensors_that_share_their_numbers(tmp_path):
    """A net of 60 MB of which every array is the same part of the file: 300 MB would be taken for 20."""
    import minivis as mv

    numbers = np.zeros(2**22, "f4").tobytes()           # 16 MB
    rows, entries = [], {}
    for i in range(30):
        entries[f"l{i}.weight"] = {"dtype": "F32", "shape": [2**11, 2**11], "data_offsets": [0, len(numbers)]}
        rows.append({"name": f"l{i}", "type": "FullyConnected"})
    text = json.dumps(entries).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    (tmp_path / "table.json").write_text(json.dumps({"layers": rows}))
    with pytest.raises(BadFile, match="the arrays in it would unpack from"):
        mv.load(path, arch=tmp_path / "table.json")


def test_names_with_a_million_dots(tmp_path):
    """What all names begin with is taken away at most eight times."""
    dots = "a." * 300_000
    write_safetensors(tmp_path / "a.safetensors", {dots + "b": np.zeros(1, "f4"), dots + "c": np.zeros(1, "f4")})
    refused(tmp_path / "a.safetensors", "is of no architecture")


def within_the_limits(tmp_path):
    """(the limit, the most that a file needs, what reads it, the file) of each container."""
    tensors = write_safetensors(tmp_path / "a.safetensors", {"a": np.zeros(2, "f4")})
    yield "safetensors.HEADER_LIMIT", int.from_bytes(tensors.read_bytes()[:8], "little"), safetensors.read, tensors
    alone = tmp_path / "a.npy"
    alone.write_bytes(npy((3,)))
    yield "npz.HEADER_LIMIT", len(npy((3,))) - 10, npz.read_one, alone
    packed = archive(tmp_path / "a.npz", [("a.npy", npy((3,))), ("bc.npy", npy((3,)))])
    yield "zip.DIRECTORY_LIMIT", 46 + 5 + 46 + 6, zip.members, packed
    numbers = mat_array(6, (1, 1), mat_element(9, bytes(8)), name=b"a")
    cell = write_mat(tmp_path / "a.mat", mat_array(1, (1, 2), numbers, numbers))
    yield "matconvnet.MOST_ITEMS", 3, matconvnet.variables, cell
    yield "matconvnet.DEEPEST", 2, matconvnet.variables, cell
    names = mat_element(5, struct.pack("<i", 1)) + mat_element(1, b"abc")
    record = write_mat(tmp_path / "b.mat", mat_array(2, (1, 1), names, *[numbers] * 3))
    yield "matconvnet.MOST_FIELDS", 3, matconvnet.variables, record
    message = tmp_path / "a.caffemodel"
    message.write_bytes(field(1, b"a") + field(2, 7) + field(3, b""))
    yield "caffe.MOST_FIELDS", 3, caffe_fields, message
    texts = tmp_path / "a.h5"
    with h5py.File(texts, "w") as file:
        file["long"], file["fixed"] = "a text of any length", np.bytes_("six..!")
    yield "hdf5.TEXT_LIMIT", 20, partial(hdf5_text, "long"), texts
    yield "hdf5.TEXT_LIMIT", 6, partial(hdf5_text, "fixed"), texts


def opened_and_read(path, read):
    with open(path, "rb") as raw:
        return read(raw, path)


def caffe_fields(raw, path):
    data = raw.read()
    return [*caffe.Message(data, 0, len(data), [caffe.MOST_FIELDS]).fields()]


def hdf5_text(name, raw, path):
    with hdf5.opened(path) as source:
        return source.text(source.file[name])


def test_a_limit_is_the_last_number_that_is_read(tmp_path, monkeypatch):
    for limit, number, read, path in within_the_limits(tmp_path):
        last_taken(monkeypatch, f"weights.containers.{limit}", number, partial(opened_and_read, path, read),
                   (BadFile, caffe.Damaged, matconvnet.Damaged))
