"""Our own file: there and back, and one clear sentence for each way in which a file can be wrong."""

import json
import re

import h5py
import numpy as np
import pytest

import minivis as mv
from minivis.engine.layer_table import describe
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue
from minivis.images.preprocessing import Preprocessing
from minivis.layers import FullyConnected, Layer
from minivis.models.tiny import Weights, tiny_branches, tiny_vgg
from tests.saved_nets import same


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.h5"
    mv.save(tiny_vgg(), path)
    return path


# --- there and back ---

@pytest.mark.parametrize("make", [tiny_vgg, tiny_branches])
def test_round_trip(tmp_path, make):
    net = make()
    net.about.update(licence="MIT", training={"steps": 3, "accuracy": 0.5}, note="Größe, 金魚")
    mv.save(net, tmp_path / "net.h5")
    loaded = mv.load(tmp_path / "net.h5")
    assert same(loaded, net)
    assert loaded.about == net.about and loaded.roles == net.roles and loaded.preprocessing == net.preprocessing
    assert loaded.class_names == net.class_names and loaded.class_aliases == net.class_aliases
    x = np.random.default_rng(0).standard_normal((1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded.forward(x)["prob"], net.forward(x)["prob"])
    assert [p.name for p in tmp_path.iterdir()] == ["net.h5"]


def test_the_hog_net_comes_back(tmp_path):
    mv.save(mv.hog_net(1, cell=4, bins=6, soft=False, block=3, eps=2.5), tmp_path / "hog.h5")
    loaded = mv.load(tmp_path / "hog.h5")
    assert same(loaded, mv.hog_net(1, cell=4, bins=6, soft=False, block=3, eps=2.5))
    assert not same(loaded, mv.hog_net(1, cell=4, bins=6, block=3, eps=2.5))


def test_a_layer_that_no_file_knows(tmp_path):
    class Own(Layer):
        pass

    with pytest.raises(BadValue, match=r"own1: a file can only hold the layers of minivis.layers, not Own"):
        mv.save(Network().add("own1", Own()), tmp_path / "net.h5")
    assert not list(tmp_path.iterdir())


def test_every_setting_of_preprocessing_comes_back(tmp_path):
    preprocessing = Preprocessing("BGR", (1.5, 2.5, 3.5), (2.0, 3.0, 4.0), "pad", 0.5, "bicubic", (9, 7))
    net = Network(preprocessing=preprocessing).add("conv", Weights().conv(1, 1, 3, 2))
    mv.save(net, tmp_path / "net.h5")
    assert mv.load(tmp_path / "net.h5").preprocessing == preprocessing


def test_names_with_slashes(tmp_path):
    """GoogLeNet's."""
    weights = Weights()
    net = Network().add("conv1/7x7_s2", weights.conv(1, 1, 3, 2)).add("conv1/1x1", weights.conv(1, 1, 2, 2, bias=False))
    mv.save(net, tmp_path / "net.h5")
    assert same(mv.load(tmp_path / "net.h5"), net)


@pytest.mark.parametrize("stored, loaded", [("float16", "float32"), ("float16", "float64"), ("float64", "float32")])
def test_precision_of_the_file_and_of_the_net(tmp_path, stored, loaded):
    net = tiny_vgg(dtype=np.float64)
    mv.save(net, tmp_path / "net.h5", dtype=stored)
    with h5py.File(tmp_path / "net.h5") as file:
        assert file["layers/fc6/w"].dtype == stored
    got = mv.load(tmp_path / "net.h5", dtype=loaded)
    assert got.dtype == loaded
    for name, layer in net.layers.items():
        for key, p in layer.params.items():
            np.testing.assert_array_equal(got.layers[name].params[key], p.astype(stored).astype(loaded))


def test_half_precision_halves_the_file(tmp_path):
    net = tiny_vgg(size=64)
    mv.save(net, tmp_path / "full.h5")
    mv.save(net, tmp_path / "half.h5", dtype="float16")
    full, half = ((tmp_path / f"{name}.h5").stat().st_size for name in ("full", "half"))
    assert half < 0.65 * full


def test_the_same_net_gives_the_same_file(tmp_path):
    """So that a training that is repeated can be compared by its hash."""
    for name in ("one.h5", "two.h5"):
        mv.save(tiny_branches(), tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


# --- saving ---

def test_an_existing_file_is_kept_unless_forced(path):
    before = path.read_bytes()
    with pytest.raises(BadValue, match="exists and is kept"):
        mv.save(tiny_vgg(1), path)
    assert path.read_bytes() == before
    mv.save(tiny_vgg(1), path, force=True)
    assert same(mv.load(path), tiny_vgg(1))


@pytest.mark.parametrize("value, dtype, message", [
    (np.nan, None, "^fc6: b is not finite in float32; the file was not written$"),
    (np.inf, None, "fc6: b is not finite in float32"),
    (1e6, "float16", "^fc6: b is not finite in float16; the file was not written$"),
])  # fmt: skip
def test_weights_that_a_file_may_not_hold(tmp_path, value, dtype, message):
    net = tiny_vgg()
    net.layers["fc6"].set_params(b=np.full(10, value, np.float32))
    with pytest.raises(BadValue, match=message):
        mv.save(net, tmp_path / "net.h5", dtype=dtype)
    assert list(tmp_path.iterdir()) == []                   # nothing half-written


def test_nothing_is_left_when_saving_fails(tmp_path, path):
    net, before = tiny_vgg(), path.read_bytes()
    net.about["trainer"] = object()
    with pytest.raises(BadValue, match=r"net\.about must hold plain values, not object"):
        mv.save(net, path, force=True)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    net.about = {"loss": np.float32(0.5), "curve": np.arange(3)}        # what a trainer may well put there
    mv.save(net, path, force=True)
    assert mv.load(path).about == {"loss": 0.5, "curve": [0, 1, 2]}


# --- wrong files ---

def error(path, **settings):
    """The sentence of loading ``path``: one line that begins with the path or names it."""
    with pytest.raises(BadFile) as caught:
        mv.load(path, **settings)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text and len(text) < 500 + len(str(path))
    return text


def edited(path, change):
    """The file at ``path`` with ``change(file)`` made; what that returns is the new description, if anything."""
    with h5py.File(path, "r+") as file:
        table = json.loads(file["net"][()])
        change(file, table)
        del file["net"]
        file["net"] = json.dumps(table)
    return path


def test_truncated_anywhere(path):
    whole = path.read_bytes()
    assert error(path.with_name("none.h5")).startswith("there is no file")
    for length in [0, 1, 7, 8, 9, 100, *range(500, len(whole), len(whole) // 60), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert "is empty" in error(path) if length == 0 else error(path)


def test_flipped_bytes_give_a_net_or_a_sentence(path):
    rng = np.random.default_rng(0)
    whole, refused = path.read_bytes(), 0
    for _ in range(100):
        broken = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        try:
            mv.load(path)
        except BadFile as caught:
            refused += 1
            assert "\n" not in str(caught)
    assert refused > 5


@pytest.mark.parametrize("content, message", [
    (b"a text file called .h5\n", "is not a file of weights that minivis knows"),
    (b"\x89HDF\r\n\x1a\n" + bytes(200), "is damaged or half-written"),
])  # fmt: skip
def test_foreign_files(tmp_path, content, message):
    (tmp_path / "net.h5").write_bytes(content)
    assert message in error(tmp_path / "net.h5")
    assert "is a folder" in error(tmp_path)


def test_hdf5_of_another_program(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["results"] = np.zeros(3)
    assert "is an HDF5 file of another kind" in error(tmp_path / "other.h5")


def test_versions(path):
    for version, message in [
        (2, "is of version 2 of our format; this minivis reads up to 1"),
        ("one", "without a version"),
        (None, "without a version"),
    ]:
        with h5py.File(path, "r+") as file:
            del file.attrs["version"]
            if version is not None:
                file.attrs["version"] = version
        assert message in error(path)
        with h5py.File(path, "r+") as file:
            file.attrs["version"] = 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"null", b"7", b'{"layers": []}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_description_that_is_none(path, content):
    with h5py.File(path, "r+") as file:
        del file["net"]
        file["net"] = np.bytes_(content) if content else h5py.Empty("S1")
    assert "description of" in error(path)


def test_no_description_at_all(path):
    with h5py.File(path, "r+") as file:
        del file["net"]
    assert "no readable description of its net" in error(path)
    with h5py.File(path, "r+") as file:
        file.create_group("net")
    assert "no readable description of its net" in error(path)


@pytest.mark.parametrize("change, message", [
    (lambda f, t: f["layers/fc6"].__delitem__("w"), "layer 'fc6' lacks its w"),
    (lambda f, t: f["layers/fc6"].__delitem__("b"), "layer 'fc6' lacks its b"),     # which it could do without
    (lambda f, t: f["layers"].__delitem__("conv1_2"), "layer 'conv1_2' lacks its w and b"),
    (lambda f, t: f.__delitem__("layers"), "layer 'conv1_1' lacks its w and b"),
    (lambda f, t: (f["layers"].__delitem__("fc6"), t["layers"][9].pop("parameters")),
     r"layer 'fc6' \(FullyConnected\) has no w"),
    (lambda f, t: f["layers/fc6/b"].__setitem__(3, np.nan), "/layers/fc6/b is NaN or infinite in 1 of 10 places"),
    (lambda f, t: f["layers/fc6/b"].__setitem__(slice(2, 4), np.inf), "/layers/fc6/b is NaN or infinite in 2 of 10"),
    (lambda f, t: put(f, "layers/fc6/b", np.zeros(9, "f4")), r"fc6.*b must have the shape \(10,\) for w"),
    (lambda f, t: put(f, "layers/fc6/w", np.zeros((64, 10), "f4")), r"fc6: .* axes ending in 64, got \(1, 128\)"),
    (lambda f, t: put(f, "layers/fc6/w", np.zeros((0, 10), "f4")), "with no side of 0"),
    (lambda f, t: put(f, "layers/fc6/w", np.zeros((128, 10), int)), "/layers/fc6/w holds int64, not floats"),
    (lambda f, t: put(f, "layers/fc6/scale", np.zeros(10)), r"layer 'fc6' \(FullyConnected\) has no setting .* scale"),
    (lambda f, t: t["layers"][0].update(type="Conv3D"), "no layer type named 'Conv3D'; did you mean 'Conv2D'"),
    (lambda f, t: t["layers"][0].update(speed=3), r"layer 'conv1_1' \(Conv2D\) has no setting and no parameter speed"),
    (lambda f, t: t["layers"][0].update(stride=0), "layer 'conv1_1': stride must be at least 1, got 0"),
    (lambda f, t: t["layers"][0].update(padding="full"), "layer 'conv1_1': padding must be an int"),
    (lambda f, t: t["layers"][0].update(groups=1.5), "groups must be a whole number of at least 1, not 1.5"),
    (lambda f, t: t["layers"][3].update(name="relu1_1"), "a layer 'relu1_1' exists already"),
    (lambda f, t: t["layers"][1].update(name=5), "a layer's name must be a string of at least one character, not 5"),
    (lambda f, t: t["layers"][1].update(inputs=["conv9"]), "no layer named 'conv9'"),
    (lambda f, t: t["layers"][1].pop("name"), r"the description of the net is damaged \(KeyError: 'name'\)"),
    (lambda f, t: t.update(layers=7), "the description of the net is damaged"),
    (lambda f, t: t["layers"].__setitem__(0, "conv"), "the description of the net is damaged"),
    (lambda f, t: t["preprocessing"].update(scale=[0, 1, 1]), "must not hold a zero"),
    (lambda f, t: t["preprocessing"].update(zoom=2), "no setting of preprocessing named 'zoom'"),
    (lambda f, t: t["roles"].update(logits="fc9"), "no layer named 'fc9'"),
    (lambda f, t: t["roles"].update(hero="fc8"), "no role named 'hero'"),
    (lambda f, t: t["roles"].update(style=["relu1_1", "relu9"]), "no layer named 'relu9'"),
    (lambda f, t: t["class_names"].pop(), "there are 4 class names for 5 classes"),
    (lambda f, t: t["class_names"].__setitem__(0, 7), "class_names and class_aliases must be strings"),
    (lambda f, t: t["class_aliases"].update(carp=5), "class_aliases must be numbers of classes, 0 to 4"),
    (lambda f, t: t["class_aliases"].update(carp="four"), "class_aliases must be numbers of classes"),
])  # fmt: skip
def test_what_does_not_fit_together(path, change, message):
    text = error(edited(path, change))
    assert re.search(message, text), text


def put(file, name, array):
    if name in file:
        del file[name]
    file[name] = array


def test_numbers_that_the_nets_precision_cannot_hold(path):
    with h5py.File(path, "r+") as file:
        put(file, "layers/fc6/b", np.full(10, 1e300))
    assert "/layers/fc6/b is NaN or infinite in 10 of 10 places" in error(path)
    assert mv.load(path, dtype="float64").layers["fc6"].params["b"][0] == 1e300


def test_numbers_whose_sum_overflows_are_fine(path):
    with h5py.File(path, "r+") as file:
        put(file, "layers/fc6/b", np.full(10, 3e38, "f4"))
    assert mv.load(path).layers["fc6"].params["b"][9] == np.float32(3e38)


def test_half_written(tmp_path, monkeypatch):
    """A file that another program began in our format and never finished."""
    path = tmp_path / "net.h5"
    net = tiny_vgg()
    with h5py.File(path, "w") as file:
        file.attrs.update(format="minivis", version=1)
        file["net"] = json.dumps(describe(net))
        for name in ("conv1_1", "conv1_2"):
            for key, p in net.layers[name].params.items():
                file[f"layers/{name}/{key}"] = p
    assert "layer 'conv2_1' lacks its w and b" in error(path)
    with h5py.File(path, "r+") as file:                     # a shape without its numbers
        file.create_dataset("layers/conv2_1/w", (3, 3, 6, 8), "f4")
    assert "/layers/conv2_1/w should be 1728 bytes for its shape (3, 3, 6, 8) and 0 are there" in error(path)


def test_names_that_are_one_place_in_a_file_are_refused_and_nothing_is_written(tmp_path):
    net = Network()
    for name in ("a", "a/w"):
        net.add(name, FullyConnected(np.ones((2, 2)), np.zeros(2)))
    with pytest.raises(BadValue, match="a/w: in an HDF5 file this name and that of another layer"):
        mv.save(net, tmp_path / "new.h5")
    assert not list(tmp_path.iterdir())
