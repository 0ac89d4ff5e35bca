"""ffmpeg, the program that reads and writes films, from the extra `film`."""

from typing import Any

from minivis.errors import MissingExtra

GET_IT = "run pip install 'minivis[film]'"


def imageio_ffmpeg(why: str) -> Any:
    """The package that brings ffmpeg. MissingExtra begins with ``why``, such as "MP4 films need ffmpeg"."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise MissingExtra(f"{why}: {GET_IT}") from None
    return imageio_ffmpeg


def program(why: str) -> str:
    """The path of ffmpeg."""
    try:
        return imageio_ffmpeg(why).get_ffmpeg_exe()
    except RuntimeError:                        # the package without its program
        raise MissingExtra(f"{why}, and imageio-ffmpeg finds none: {GET_IT}, or set IMAGEIO_FFMPEG_EXE") from None
