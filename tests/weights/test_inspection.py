"""What an inspection says of a file of weights."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from keras_files import arrays, write_named
from refusals import sentence
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.layers import Conv2D, FullyConnected
from minivis.models.tiny import tiny_vgg
from minivis.runtime.files import file_hash
from minivis.weights import catalogue
from minivis.weights.inspection import DEAD, dead_filters, inspect_file
from minivis.weights.native import save


def test_inspection_of_a_healthy_file(folders):
    net = replace(tiny_vgg(), about={"licence": "MIT", "training": {"accuracy": 0.97}})
    save(net, "net.h5")
    found = inspect_file("net.h5")
    assert found.path == Path("net.h5")
    assert found.bytes == Path("net.h5").stat().st_size
    assert found.sha256 == hashlib.sha256(Path("net.h5").read_bytes()).hexdigest() == file_hash("net.h5")
    assert (found.format, found.licence, found.classes) == ("minivis HDF5", "MIT", 5)
    assert found.architecture == "15 layers, conv1_1 to prob"
    assert found.training == "by minivis (the record is in about)"
    assert found.class_names == net.class_names
    assert found.parameters == net.parameter_count
    assert found.preprocessing == net.preprocessing
    assert found.warnings == ()


def test_inspection_of_a_keras_file_and_of_one_of_the_catalogue(folders, monkeypatch):
    write_named("net.h5", arrays(narrow_vgg(top=False)))
    found = inspect_file("net.h5")
    assert (found.format, found.architecture) == ("Keras 1 HDF5, weights", "VGG16, 4 channels wide at conv1_1")
    assert (found.classes, found.entry) == (0, None)
    save(mv.load("net.h5"), "ours.h5")
    ours = inspect_file("ours.h5")
    assert ours.format == "minivis HDF5, made from Keras 1 HDF5, weights"
    assert (ours.architecture, ours.parameters) == (found.architecture, found.parameters)
    entry = replace(catalogue.CATALOGUE["vgg16"], bytes=found.bytes, md5=file_hash("net.h5", "md5"))
    monkeypatch.setitem(catalogue.CATALOGUE, "vgg16", entry)
    assert inspect_file("net.h5").entry == "vgg16"
    monkeypatch.setitem(catalogue.CATALOGUE, "vgg16", replace(entry, md5="0", sha256=found.sha256))
    assert inspect_file("net.h5").entry == "vgg16"


def test_a_filter_is_dead_by_its_largest_weight_of_either_sign():
    w = np.zeros((3, 3, 2, 5))
    w[1, 0, 1] = 2, -2, 2.1 * DEAD, -2.1 * DEAD, 1.9 * DEAD
    assert dead_filters(Conv2D(w)) == [4] and dead_filters(Conv2D(-w)) == [4]
    assert dead_filters(FullyConnected(w.reshape(18, 5))) == [4]


def test_a_filter_with_a_nan_hides_no_dead_one():
    """Of either kind of NaN: of a signalling one, as damaged bytes may be, NumPy's nanmax makes a NaN and a warning."""
    signalling = np.array([0x7FA00000], np.uint32).view(np.float32)
    for nan in (np.float32(np.nan), signalling[0]):
        w = np.ones((1, 1, 2, 4), np.float32)
        w[..., 1], w[0, 0, 0, 3] = 0, nan
        assert dead_filters(Conv2D(w)) == [1]
    assert dead_filters(Conv2D(np.full((1, 1, 1, 2), np.nan))) == []


def test_inspection_reports_nan_and_dead_filters(folders):
    weights = arrays(narrow_vgg())
    w, b = (a.copy() for a in weights["block3_conv1"])
    w[..., 2], b[1] = 1e-9, np.nan
    weights["block3_conv1"] = w, b
    weights["fc2"] = np.zeros((11, 10), np.float32), weights["fc2"][1]
    weights["predictions"] = np.full((10, 9), np.nan, np.float32), weights["predictions"][1]
    write_named("sick.h5", weights)
    assert inspect_file("sick.h5").warnings == (
        "conv3_1: b is NaN or infinite in 1 of 6 places: the file cannot be used",
        "conv3_1: 1 of 6 filters are all but 0 and say nothing: 2",
        "fc7: 10 of 10 filters are all but 0 and say nothing: 0, 1, 2, 3, 4, 5, 6, 7, ... (10 in all)",
        "fc8: w is NaN or infinite in 90 of 90 places: the file cannot be used",
    )
    assert "NaN" in sentence("sick.h5")
