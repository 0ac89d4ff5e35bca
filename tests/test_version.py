"""One version, told the same everywhere."""

import re

import minivis
from minivis.cli import main
from minivis.version import __version__


def test_it_is_a_version_and_everybody_says_the_same(capsys):
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__) and minivis.__version__ == __version__
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out
