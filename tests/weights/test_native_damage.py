"""Our own file, spoilt in every way that has ever been met: one sentence each, and never a traceback."""

import json

import h5py
import numpy as np
import pytest

import minivis as mv
from minivis.engine.layer_table import describe
from minivis.errors import BadFile, BadValue
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.weights.native import save


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.h5"


def write(path, net=None, **changes):
    """A file whose description has other values for some of its keys (None: lacks them)."""
    net = net or tiny_vgg()
    save(net, path, force=True)
    table = {**describe(net), **changes}
    put(path, json.dumps({key: value for key, value in table.items() if value is not None}))


def put(path, text):
    with h5py.File(path, "r+") as file:
        del file["net"]
        if text is not None:
            file["net"] = text


def broken(path):
    with pytest.raises(BadFile) as caught:
        mv.load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(f"{path}").removeprefix(":").strip()


def layers(change):
    """The layer table of tiny_vgg, after ``change(rows by name)``."""
    table = json.loads(json.dumps(describe(tiny_vgg())["layers"]))
    change({row["name"]: row for row in table})
    return table


def test_texts_of_any_length_are_read_too(path):
    """Older files, and what h5py writes of itself."""
    write(path)                                         # h5py writes a str as a text of any length
    with h5py.File(path, "r+") as file:
        assert h5py.check_string_dtype(file["net"].dtype).length is None
        file.attrs["format"] = "minivis"
    assert mv.load(path).roles == tiny_vgg().roles


def test_branches_come_back(path):
    net = tiny_branches()
    save(net, path)
    x = np.random.default_rng(0).standard_normal((1, 24, 20, 3)).astype(np.float32)
    np.testing.assert_array_equal(mv.load(path).forward(x)["prob"], net.forward(x)["prob"])


def test_the_version(path):
    write(path)
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 2
    assert broken(path) == "is of version 2 of our format; this minivis reads up to 1: update minivis"
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = "one"
    assert broken(path) == "is one of our files without a version: it is damaged or half-written"
    with h5py.File(path, "r+") as file:
        del file.attrs["version"]
    assert broken(path) == "is one of our files without a version: it is damaged or half-written"


@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000, 5.0, np.zeros(3)])
def test_no_description(path, text):
    write(path)
    put(path, text)
    message = broken(path)
    assert message.startswith("has no readable description of its net (")
    assert message.endswith("): damaged or half-written")


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}"])
def test_a_description_of_nothing(path, text):
    write(path)
    put(path, text)
    assert broken(path).startswith("the description of the net is damaged (")


@pytest.mark.parametrize("changes, message", [
    ({"layers": None}, "the description of the net is damaged (KeyError: 'layers')"),
    ({"layers": 3}, "the description of the net is damaged (TypeError"),
    ({"layers": [3]}, "the description of the net is damaged (AttributeError"),
    ({"layers": layers(lambda rows: rows["fc6"].pop("type"))}, "the description of the net is damaged (KeyError: "),
    ({"layers": layers(lambda rows: rows["fc6"].update(type="Dense"))}, "no layer type named 'Dense'"),
    ({"layers": layers(lambda rows: rows["fc6"].update(name="fc"))}, "layer 'fc' lacks its w and b"),
    ({"layers": layers(lambda rows: rows["fc6"].update(name=["fc6"]))}, "layer ['fc6'] lacks its w and b"),
    ({"layers": layers(lambda rows: rows["fc6"].update(inputs=["pool9"]))}, "no layer named 'pool9'; did you mean"),
    ({"layers": layers(lambda rows: rows["fc6"].update(inputs=["pool2"]))}, "fc6: FullyConnected expects an input"),
    ({"layers": layers(lambda rows: rows["fc6"].update(colour=1))},
     "layer 'fc6' (FullyConnected) has no setting and no parameter colour"),
    ({"layers": layers(lambda rows: rows["conv1_1"].update(stride=0))}, "layer 'conv1_1': "),
    ({"layers": layers(lambda rows: rows["conv1_1"].update(padding="wide"))}, ""),
    ({"layers": layers(lambda rows: rows["conv1_1"].update(groups=4))}, "layer 'conv1_1': Conv2D: 6 filters cannot"),
    ({"preprocessing": None}, "the description of the net is damaged (KeyError: 'preprocessing')"),
    ({"preprocessing": {"channel_order": "RGB", "mean": [0, 0], "scale": [1, 1, 1]}}, "mean must be 3 finite numbers"),
    ({"preprocessing": {"channel_order": "RGB", "mean": [0, 0, 0], "scale": [0, 1, 1]}}, "scale must not hold a zero"),
    ({"class_names": ["goose"]}, "there is 1 class name for 5 classes"),
    ({"class_names": [1, 2, 3, 4, 5]}, "class_names and class_aliases must be strings"),
    ({"class_names": 5}, "the description of the net is damaged (TypeError"),
    ({"class_aliases": {"x": 5}}, "class_aliases must be numbers of classes, 0 to 4"),
    ({"class_aliases": {"x": "0"}}, "class_aliases must be numbers of classes, 0 to 4"),
    ({"roles": {"logits": "fc9"}}, "no layer named 'fc9'; did you mean 'fc"),
    ({"roles": {"hero": "fc8"}}, "no role named 'hero'"),
    ({"roles": {"logits": 8}}, "the description of the net is damaged (TypeError"),
    ({"about": 7}, "the description of the net is damaged (TypeError"),
])  # fmt: skip
def test_descriptions_that_cannot_be(path, changes, message):
    write(path, **changes)
    assert broken(path).startswith(message)


def test_arrays_that_cannot_be(path):
    def change(name, value):
        write(path)
        with h5py.File(path, "r+") as file:
            del file[f"layers/{name}"]
            if value is not None:
                file[f"layers/{name}"] = value
        return broken(path)

    assert change("fc6/w", None) == "layer 'fc6' lacks its w"
    assert change("fc6", None) == "layer 'fc6' lacks its w and b"
    assert change("fc6", np.zeros(3)) == "layer 'fc6' lacks its w and b"
    assert change("fc6/w", h5py.SoftLink("/layers/fc6/w")) == "layer 'fc6' lacks its w"
    assert change("fc6/w", np.zeros((3, 3), int)) == "/layers/fc6/w holds int64, not floats"
    assert change("fc6/w", np.zeros((3, 3, 3))).startswith("layer 'fc6': FullyConnected: w must have the shape")
    assert change("fc6/w", np.zeros((7, 10))).startswith("fc6: FullyConnected expects an input of 2 axes ending in 7")
    assert change("fc6/b", np.zeros(9)).endswith("b must have the shape (10,) for w (128, 10), got (9,)")
    assert change("fc6/b", np.full(10, np.nan)) == "/layers/fc6/b is NaN or infinite in 10 of 10 places; fetch it again"
    assert "float" in change("fc6/b", h5py.Empty("f4"))
    write(path)
    with h5py.File(path, "r+") as file:
        file["layers/fc6/gamma"] = np.zeros(3)
    assert broken(path) == "layer 'fc6' (FullyConnected) has no setting and no parameter gamma"


def test_truncated_anywhere(path):
    save(tiny_vgg(), path)
    whole = path.read_bytes()
    for length in range(8, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        broken(path)


def test_what_cannot_be_saved_leaves_no_file(path):
    net = tiny_vgg()
    net.layers["fc6"].set_params(b=np.full(10, 1e5, np.float32))
    with pytest.raises(BadValue, match="fc6: b is not finite in float16; the file was not written"):
        save(net, path, dtype="float16")
    net.about["when"] = object()
    with pytest.raises(BadValue, match=r"net\.about must hold plain values, not object"):
        save(net, path)
    assert list(path.parent.iterdir()) == []


def test_numpys_numbers_in_about_become_plain_ones(path):
    net = tiny_vgg()
    net.about = {"accuracy": np.float32(0.5), "curve": np.arange(3), "seed": np.int64(7)}
    save(net, path)
    assert mv.load(path).about == {"accuracy": 0.5, "curve": [0, 1, 2], "seed": 7}
