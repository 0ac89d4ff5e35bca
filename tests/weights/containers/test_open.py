"""What a file's tensors are called, once what wrappers add to their names is off; pickles of arrays as nets."""

import pickle

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile
from minivis.models.squeezenet import squeezenet
from minivis.weights.containers.open import opened, spellings


@pytest.mark.parametrize("stored, wanted", [
    (["features.module.0.weight", "classifier.0.weight"], "features.0.weight"),
    (["module.features.0.weight", "module.fc.weight"], "features.0.weight"),
    (["_orig_mod.model.features.0.weight", "_orig_mod.model.fc.weight"], "features.0.weight"),
    (["net.features.0.weight", "net.fc.module.weight"], "features.0.weight"),
    (["wrapped.module.features.0.weight", "wrapped.module.fc.weight"], "features.0.weight"),
])  # fmt: skip
def test_what_wrappers_add_to_names_is_taken_off_wherever_it_stands(stored, wanted):
    assert any(wanted in found for found in spellings(dict.fromkeys(stored)))


def test_names_that_would_become_one_are_left_alone():
    names = ["model.a.weight", "a.weight", "b.weight"]
    assert [list(found) for found in spellings(dict.fromkeys(names))] == [names]


# ---- pickles ----

def narrow_squeezenet():
    """Caffe's SqueezeNet 1.1, as blank made it, with random numbers in few filters: name -> (w, b)."""
    rng, arrays = np.random.default_rng(0), {}
    for name, layer in squeezenet("1.1", caffe=True).layers.items():
        if layer.params:
            kh, kw, channels, filters = layer.params["w"].shape
            shape = (kh, kw, channels if name == "conv1" else channels // 16, filters // 16 if filters != 1000 else 7)
            arrays[name] = rng.standard_normal(shape, np.float32), rng.standard_normal(shape[3], np.float32)
    return arrays


def pickled(path, value, protocol=3):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


HABITS = {
    "pairs": lambda arrays: {name: [w, b] for name, (w, b) in arrays.items()},
    "dicts": lambda arrays: {name: {"weights": w, "biases": b} for name, (w, b) in arrays.items()},
    "full names": lambda arrays: {f"{name}.{key}": array for name, (w, b) in arrays.items()
                                  for key, array in (("weight", w), ("bias", b))},
    "first axis out": lambda arrays: {name: [w.transpose(3, 2, 0, 1), b] for name, (w, b) in arrays.items()},
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_pickle_of_arrays_is_a_net_in_whichever_way_it_names_them(tmp_path, habit):
    arrays = narrow_squeezenet()
    net = mv.load(pickled(tmp_path / "net.pkl", HABITS[habit](arrays)))
    assert net.about["architecture"] == "SqueezeNet 1.1 (Caffe's)" and net.about["format"] == "pickle of NumPy arrays"
    for name, (w, b) in arrays.items():
        np.testing.assert_array_equal(net.layers[name].params["w"], w)
        np.testing.assert_array_equal(net.layers[name].params["b"], b)


def test_lists_of_several_vectors_keep_their_numbers_for_names(tmp_path):
    w, vector = np.zeros((2, 5), "f4"), np.zeros(5, "f4")
    with opened(pickled(tmp_path / "net.pkl", {"fc": [w, vector, vector]})) as contents:
        assert list(contents.tensors) == ["fc.0", "fc.1", "fc.2"]


@pytest.mark.parametrize("value", [{}, {"epoch": 3, "names": ["cat"]}, [1.5]])
def test_a_pickle_without_arrays_is_refused(tmp_path, value):
    with pytest.raises(BadFile, match="is a pickle without an array of numbers in it; a net is a dict of "):
        mv.load(pickled(tmp_path / "net.pkl", value))


def test_numpys_save_of_a_dict_is_a_net_and_of_an_array_none(tmp_path):
    np.save(tmp_path / "net.npy", {"fc": {"weights": np.ones((4, 2), "f4"), "biases": np.ones(2, "f4")}})
    with opened(tmp_path / "net.npy") as contents:
        assert contents.container == ".npy of a dict" and list(contents.tensors) == ["fc.weight", "fc.bias"]
    np.save(tmp_path / "array.npy", np.ones((4, 2), "f4"))
    with pytest.raises(BadFile, match=r"is one array \[4, 2\], not a net; minivis reads numpy.save of a dict"):
        mv.load(tmp_path / "array.npy")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "net.npy").read_bytes()[:20])
    with pytest.raises(BadFile, match=r"is a damaged \.npy"):
        mv.load(tmp_path / "cut.npy")
