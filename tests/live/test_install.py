"""The live page as it is installed: with every file that it needs, or with a sentence that says what is missing."""

import configparser
import sys
from pathlib import Path

import pytest

import minivis as mv
from minivis.cli import main
from minivis.errors import MissingExtra
from minivis.live import create_app
from minivis.models.tiny import tiny_vgg

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(monkeypatch):
    """An installation without Starlette."""
    for name in ("minivis.live.app", "minivis.live.viewer"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("starlette", "starlette.applications", "starlette.responses", "starlette.websockets"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_the_extra_one_sentence_says_what_to_install(bare, capsys):
    with pytest.raises(MissingExtra, match=r"pip install minivis\[live\]"):
        create_app(tiny_vgg())
    assert main(["live", "--no-browser"]) == 2
    assert "minivis[live]" in capsys.readouterr().err


def test_the_wheel_lists_every_file_of_the_page():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options.package_data"]["minivis.live"].split())
    assert listed == {f"static/{file.name}" for file in (Path(mv.__file__).parent / "live" / "static").iterdir()}
