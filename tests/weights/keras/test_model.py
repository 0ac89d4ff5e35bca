"""A whole model's file: roles, what it says of itself, what is assumed of its pictures, what a user says instead."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from commandline import runner
from keras_models import Keras
from PIL import Image

import minivis as mv
from minivis.data.imagenet import imagenet_classes
from minivis.errors import BadFile, BadValue
from minivis.images.preprocessing import CAFFE_VGG, TORCH
from minivis.weights.keras import model

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("keras[23]_models.zip"))


def names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


FROZEN = [(path, name) for path in GOLDEN for name in names(path) if not name.endswith(".npz")]


@pytest.mark.parametrize("archive, name", FROZEN, ids=[f"{path.stem[:6]}-{name}" for path, name in FROZEN])
def test_a_model_that_keras_saved_answers_as_in_keras(tmp_path, answer, archive, name):
    with zipfile.ZipFile(archive) as members:
        path = Path(members.extract(name, tmp_path))
        numbers = np.load(members.extract(f"{path.stem}.npz", tmp_path))
    got = answer(mv.load(path, preprocess="none"), numbers["x"])
    np.testing.assert_allclose(got, numbers["y"], rtol=0, atol=1e-5 * abs(numbers["y"]).max())


def classifier(w, classes=3, *, name="model", shape=(8, 7, 3), softmax=True):
    net = Keras(shape, name=name)
    x = net.layer("Conv2D", net.input, {"kernel": w(3, 3, shape[2], 4), "bias": w(4)}, name="conv", activation="relu")
    x = net.layer("Flatten", x)
    end = "softmax" if softmax else "linear"
    return net.ends(net.layer("Dense", x, {"kernel": w(120, classes)}, name="scores", activation=end))


def test_what_the_net_says_of_itself(w, both, tmp_path):
    found = both(classifier(w))
    assert found.about["format"] == "Keras 3 HDF5, whole model"
    assert found.about["architecture"] == "'model': 5 layers, as the file has them"
    assert found.about["training"] == found.about["licence"] == "unknown"
    played = [found.roles[role] for role in ("logits", "prob", "style")]
    assert played == ["scores", "scores_softmax", ["conv_relu"]]
    assert mv.load(classifier(w).archive(tmp_path / "b.keras")).about["format"] == "Keras 3 .keras archive"
    old = Keras((8, 7, 3), keras=2)
    old.ends(old.layer("ReLU", old.input))
    assert mv.load(old.h5(tmp_path / "c.h5")).about["format"] == "Keras 2 HDF5, whole model"


def test_batch_norm_is_folded_and_the_answer_found_again(w, both):
    net = Keras()
    x = net.layer("Flatten", net.input)
    x = net.layer("Dense", x, {"kernel": w(90, 3)}, name="scores")
    norm = {"gamma": w(3), "beta": w(3), "moving_mean": w(3), "moving_variance": w(3) ** 2 + 0.5}
    net.ends(net.layer("BatchNormalization", x, norm))
    assert both(net).roles["logits"] == "scores"


@pytest.mark.parametrize("name, wanted", [
    ("vgg16", CAFFE_VGG), ("resnet50", CAFFE_VGG), ("densenet121", TORCH), ("mymodel", None),
    ("mobilenet_1.00_224", 127.5),
])  # fmt: skip
def test_what_is_assumed_of_pictures_by_the_names_of_models(w, both, name, wanted):
    found = both(classifier(w, name=name), preprocess=None)
    scale = wanted.scale if hasattr(wanted, "scale") else (wanted or 255.0,) * 3
    assert found.preprocessing.scale == scale and "assumed" in found.about["preprocessing"]
    assert (found.preprocessing.channel_order == "BGR") == (wanted is CAFFE_VGG)
    assert found.preprocessing.size == (8, 7)


def test_a_user_says_how_pixels_are_read_and_how_classes_are_called(w, both):
    found = both(classifier(w), preprocess="torch", classes=["ant", "bee", "cow"])
    assert found.preprocessing.mean == TORCH.mean and found.about["preprocessing"] == "as asked for"
    assert found.class_names == ("ant", "bee", "cow")
    with pytest.raises(BadValue, match=r"2 class names for 3 classes"):
        both(classifier(w), classes=["ant", "bee"])


def test_a_thousand_classes_are_imagenets(w, both):
    assert both(classifier(w, 1000)).class_names == imagenet_classes()[0]


@pytest.mark.parametrize("settings, message", [({"arch": "resnet50"}, "leave --arch out"),
                                               ({"kernels": "th"}, "leave kernels out")])
def test_a_file_that_describes_its_layers_takes_no_architecture(w, tmp_path, settings, message):
    with pytest.raises(BadValue, match=message):
        mv.load(classifier(w).h5(tmp_path / "a.h5"), **settings)


def test_the_command_line_takes_all_of_it(w, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    minivis = runner(capsys)
    Image.fromarray(np.zeros((8, 7, 3), np.uint8)).save("pic.png")
    (tmp_path / "names.txt").write_text("ant\nbee\ncow\n")
    given = ("--preprocess", "tensorflow", "--classes", "names.txt")
    for file in (classifier(w).archive(tmp_path / "f.keras"), classifier(w).h5(tmp_path / "f.h5")):
        code, said, _ = minivis("inspect", file, *given)
        assert code == 0 and "(pixel - 127.5) / 127.5, 3 class names" in said
        assert minivis("weights", "import", file, *given, "-o", "own.h5", "--force")[0] == 0
        code, said, _ = minivis("classify", "pic.png", "--net", "own.h5")
        assert code == 0 and "bee" in said


@pytest.mark.parametrize("metadata, version", [('{"keras_version": "2.13.1"}', 2), ('{"keras_version": "3.15.1"}', 3)])
def test_the_version_of_an_archive(tmp_path, metadata, version):
    path = tmp_path / "a.keras"
    net = Keras((8, 7, 3))
    net.ends(net.layer("Activation", net.input, activation="hard_sigmoid"))
    net.archive(path)
    changed(path, "metadata.json", metadata)
    slope = next(iter(mv.load(path).layers.values())).slope
    assert slope == pytest.approx(0.2 if version == 2 else 1 / 6)


@pytest.mark.parametrize("name, text, message", [
    ("metadata.json", "{", "its metadata.json is damaged"),
    ("config.json", "{", "its description of the model is damaged"),
    ("config.json", '{"class_name": "Functional", "config": {"layers": [], "input_layers": 3, "output_layers": 4}}',
     "its description of the model is damaged"),
])  # fmt: skip
def test_damage_in_an_archive_is_one_sentence(w, tmp_path, name, text, message):
    path = classifier(w).archive(tmp_path / "a.keras")
    changed(path, name, text)
    with pytest.raises(BadFile, match=message) as error:
        mv.load(path)
    assert str(error.value).startswith(str(path))


def changed(path, name, text):
    """Another text for a member of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in {**members, name: text}.items():
            archive.writestr(member, content)


def test_channels_first_is_told_by_the_first_layer_that_says_an_order():
    def entry(*orders):
        return {"config": {"layers": [{"config": {"data_format": order} if order else {}} for order in orders]}}

    assert model.is_first(entry(None, "channels_first", "channels_last"))
    assert not model.is_first(entry("channels_last", "channels_first")) and not model.is_first(entry(None))
