"""ffmpeg, or the sentence that says how to get it."""

import sys

import pytest

from minivis.errors import MissingExtra
from minivis.runtime.ffmpeg import program


def test_the_package_without_its_program(monkeypatch):
    class Package:
        @staticmethod
        def get_ffmpeg_exe():
            raise RuntimeError("no ffmpeg")

    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", Package)
    with pytest.raises(MissingExtra, match="this needs ffmpeg, and imageio-ffmpeg finds none"):
        program("this needs ffmpeg")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r"this needs ffmpeg: run pip install 'minivis\[film\]'"):
        program("this needs ffmpeg")
