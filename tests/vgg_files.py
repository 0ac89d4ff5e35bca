"""One narrow VGG16 in the layouts of other programs, and a file that is refused at once."""

import functools
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from foreign_files import write_caffemodel, write_mat, write_safetensors

import minivis as mv
from minivis.errors import BadFile
from minivis.models.known import vgg_names
from minivis.models.vgg import conv_names
from minivis.weights.containers import torch as torch_file

GOLDEN = Path(__file__).parent / "golden"

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


def refused(path, message="."):
    began = time.process_time()
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(path)
    assert time.process_time() - began < 1
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def npy(shape, descr="<f4", data=b"", version=b"\x01\x00", length=None):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text) if length is None else length) + text + data

MAT_HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
