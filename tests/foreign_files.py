"""Writers of other programs' files, for tests: what those programs' own libraries would write, byte by byte."""

import json
import struct

import numpy as np


def write_safetensors(path, tensors, *, header=None):
    entries, data = {}, b""
    for name, array in tensors.items():
        dtype = {"f4": "F32", "f2": "F16", "f8": "F64"}[array.dtype.str[1:]]
        span = [len(data), len(data) + array.nbytes]
        entries[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": span}
        data += array.tobytes()
    text = json.dumps(entries).encode() if header is None else header
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


# ---- protobuf ----

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    """A length-delimited field (bytes) or a varint (int)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array, *, old=False, double=False):
    data = field(8, array.astype("<f8").tobytes()) if double else field(5, array.astype("<f4").tobytes())
    if old:
        four = (1,) * (4 - array.ndim) + array.shape
        return b"".join(field(i, n) for i, n in enumerate(four, 1)) + data
    return field(7, field(1, b"".join(varint(n) for n in array.shape))) + data


TYPES = {"Convolution": 4, "InnerProduct": 14, "LRN": 15, "Pooling": 17, "ReLU": 18}


def write_caffemodel(path, layers, *, v1=False, name="a net", double=False):
    """``layers``: (name, type, arrays)."""
    out = field(1, name.encode())
    for layer, kind, arrays in layers:
        blobs = [blob(array, old=v1, double=double) for array in arrays]
        if v1:
            body = field(2, b"below") + field(4, layer.encode()) + field(5, TYPES[kind])
            out += field(2, body + b"".join(field(6, b) for b in blobs))
        else:
            body = field(1, layer.encode()) + field(2, kind.encode()) + field(3, b"below") + field(10, 3)
            out += field(100, body + b"".join(field(7, b) for b in blobs))
    path.write_bytes(out)
    return path


# ---- MATLAB ----

def write_mat(path, layers, *, new=True, classes=(), compress=False):
    """``layers``: (name, arrays), as MatConvNet wrote them in 2014 and (``new``) since 2015."""
    from scipy.io import savemat

    items = np.empty((1, len(layers)), object)
    for i, (name, arrays) in enumerate(layers):
        weights = np.empty((1, len(arrays)), object)
        for j, array in enumerate(arrays):
            weights[0, j] = array
        record = {"name": name, "type": "conv" if arrays else "relu"}
        if arrays:
            record |= {"weights": weights} if new else {"filters": arrays[0], "biases": arrays[1]}
        items[0, i] = record
    names = np.empty((1, len(classes)), object)
    names[0, :] = classes
    about = {"classes": {"description": names}} if classes else {}
    savemat(path, {"layers": items, **({"meta": about} if new else about)}, do_compression=compress)
    return path
