"""Names, paths and everything that is neither; where files are looked for."""

import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
from keras_files import arrays, write_named
from refusals import sentence
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.errors import BadValue, MissingExtra, UnknownName
from minivis.models.tiny import tiny_vgg
from minivis.weights import catalogue
from minivis.weights.native import save

# ---- names ----

def test_a_name_of_the_catalogue(folders):
    save(tiny_vgg(), folders[0] / "emoji-vgg.h5")
    for name in ("emoji-vgg", "Emoji-VGG", "emoji-vgg.h5"):
        assert mv.load(name).class_names[0] == "goose"
    assert catalogue.find("emoji-vgg") == folders[0] / "emoji-vgg.h5"
    assert mv.load("emoji-vgg", dtype=np.float64).dtype == np.float64


def test_the_file_may_have_keras_name_or_ours(folders):
    net = narrow_vgg()
    for file in ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "vgg16.h5"):
        path = folders[1] / file
        write_named(path, arrays(net))
        assert catalogue.find("vgg16") == path
        assert mv.load("vgg16").nodes.keys() == net.nodes.keys()
        path.unlink()


def test_a_users_own_file_in_a_folder_goes_by_its_name(folders):
    save(tiny_vgg(), folders[1] / "mine.h5")
    write_named(folders[1] / "other.weights.h5", arrays(narrow_vgg()))
    assert mv.load("mine").roles["logits"] == mv.load("mine.h5").roles["logits"] == "fc8"
    assert list(mv.load("other").layers)[-1] == "prob"
    save(tiny_vgg(classes=4), "mine.h5")                # a file right here comes first
    assert len(mv.load("mine.h5").class_names) == 4
    for name in ("user/../mine", "../user/mine.h5"):
        assert "there is no file" in sentence(name)


def test_what_is_not_on_this_machine_says_how_to_get_it(folders):
    message = sentence("VGG16")
    assert message.startswith("the weights of vgg16 are not on this machine: minivis weights fetch vgg16 (553 MB)")
    assert message.endswith(f"kernels.h5 as {folders[1] / 'vgg16_weights_tf_dim_ordering_tf_kernels.h5'}")
    assert "install minivis again" in sentence("emoji-alexnet")
    assert catalogue.find("vgg16") is None


def test_a_wrong_name_names_the_closest(folders):
    assert sentence("vgg17", UnknownName).startswith("no net named 'vgg17'; did you mean 'vgg1")
    start = "no net named 'xyz'. Choose from: emoji-vgg, emoji-alexnet, emoji-vgg-robust, emoji-linear,"
    assert sentence("xyz", UnknownName).startswith(start)


def test_the_list(folders):
    save(tiny_vgg(), folders[0] / "emoji-vgg.h5")
    found = {entry.name: path for entry, path in catalogue.entries()}
    ours = ["emoji-vgg", "emoji-alexnet", "emoji-vgg-robust", "emoji-linear", "digits-net", "vowels-net"]
    assert list(found)[:6] == ours
    assert list(found)[6:10] == ["vgg16", "vgg19", "vgg16-notop", "vgg19-notop"]
    assert found["emoji-vgg"] == folders[0] / "emoji-vgg.h5"
    assert found["vgg19"] is None
    for entry in catalogue.CATALOGUE.values():
        assert all((entry.description, entry.origin, entry.licence, entry.files))
        assert entry.url is None or (entry.published and entry.url.endswith(entry.files[0]) and entry.size > 4)
        assert len(entry.md5 or "0" * 32) == 32 and len(entry.sha1 or "0" * 40) == 40


def test_settings_are_checked(folders):
    save(tiny_vgg(), "net.h5")
    assert "no device named 'tpu'" in sentence("net.h5", UnknownName, device="tpu")
    for dtype in (np.int32, "float16", "no dtype"):
        assert "float32 or float64" in sentence("net.h5", BadValue, dtype=dtype)
    assert sentence("net.h5", BadValue, kernels="tf") == (
        "net.h5 is minivis' own file, which leaves nothing open: no kernels"
    )
    assert sentence(5, BadValue) == "a net is a name or the path of a file, not int"


def test_the_gpu_is_asked_for_before_the_file(folders, monkeypatch):
    def none():
        raise MissingExtra("no GPU here")

    monkeypatch.setattr(catalogue, "gpu", none)
    assert sentence("nothing.h5", MissingExtra, device="gpu") == "no GPU here"


# ---- folders ----

def test_where_files_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    *ours, user, keras = catalogue.folders()                            # the checkout's, or those in a wheel
    assert (user, keras) == (tmp_path, tmp_path / "keras" / "models")
    assert (ours[-1] / "emoji-vgg.h5").is_file() and ours[-1].name in ("weights", "minivis_weights")
    monkeypatch.delenv("MINIVIS_WEIGHTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert catalogue.user_folder().name == "weights"
    assert "minivis" in str(catalogue.user_folder())


# ---- paths: everything that can be there ----

def test_what_is_no_file_of_weights(folders, tmp_path):
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.h5").write_text("These are no weights.\n")
    (tmp_path / "dangling.h5").symlink_to("nowhere")
    (tmp_path / "loop.h5").symlink_to("loop.h5")
    assert sentence("folder.h5") == "folder.h5 is a folder; name a file of weights in it"
    assert sentence("") == ". is a folder; name a file of weights in it"
    assert sentence("empty.h5") == "empty.h5 is empty; fetch or copy it again"
    assert sentence("text.h5").startswith("text.h5 is not a file of weights that minivis knows; it reads minivis' own")
    assert sentence("missing.h5") == "there is no file missing.h5"
    assert sentence("no/such/folder") == "there is no file no/such/folder"
    assert sentence("dangling.h5") == "there is no file dangling.h5"
    assert sentence("loop.h5").startswith("loop.h5 cannot be read (")
    assert sentence("text.h5/inside") == "text.h5/inside cannot be read (Not a directory)"
    assert sentence("nul\0.h5") == "nul?.h5 cannot be read (embedded null byte)"
    assert sentence(f"{'x' * 5000}.h5").endswith("cannot be read (File name too long)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes")
def test_pipes_devices_and_sockets(folders, tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")                     # opening it would wait for a writer, for ever
    assert sentence("pipe.h5") == "pipe.h5 is a device or a pipe, not a file of weights"
    assert sentence("/dev/null") == "/dev/null is a device or a pipe, not a file of weights"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.h5")
        assert sentence("socket.h5") == "socket.h5 is a device or a pipe, not a file of weights"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folders, tmp_path):
    (tmp_path / "closed.h5").touch(mode=0)
    assert sentence("closed.h5") == "closed.h5 cannot be read (Permission denied)"


def test_an_unreadable_file_is_said_as_the_system_says_it(folders, monkeypatch):
    Path("closed.h5").touch()

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert sentence("closed.h5") == "closed.h5 cannot be read (Permission denied)"


def test_hdf5_of_another_kind(folders):
    import h5py

    with h5py.File("other.h5", "w") as file:
        assert not file.keys()
    assert sentence("other.h5").startswith("other.h5 is an HDF5 file of another kind (it holds nothing); minivis reads")
    with h5py.File("other.h5", "w") as file:
        file["x"] = file["y"] = np.zeros(3)
        file.attrs["format"] = np.arange(3)             # not even a text
    assert "(it holds x, y)" in sentence("other.h5")


def test_a_home_is_expanded(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tiny_vgg(), tmp_path / "net.h5")
    assert mv.load("~/net.h5").class_names[0] == "goose"
    assert "there is no file" in sentence("~nobody-of-that-name/net.h5")


def test_a_loaded_net_is_one_like_any_other(folders):
    save(tiny_vgg(), "net.h5")
    net = pickle.loads(pickle.dumps(mv.load("net.h5")))
    assert net.forward(np.zeros((1, 16, 16, 3), np.float32))["prob"].shape == (1, 5)
    with pytest.raises(ValueError, match="read-only"):
        mv.load("net.h5").layers["conv1_1"].params["w"][0] = 0
