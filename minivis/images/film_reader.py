"""Read films: GIF, WebP, PNG and AVIF animations with Pillow; MP4, WebM, QuickTime, Matroska and AVI with ffmpeg.

    film = read_film("photo.gif")
    for frame in film:                              # uint8 (H, W, 3), one at a time
        ...

Frames are counted from 1. A file that ffmpeg reads gets frames at a constant rate, so that sound stays in step.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadFile, BadValue, MinivisError, TooLarge
from minivis.images.files import MAX_PIXELS
from minivis.images.opening import UPRIGHT, opened_picture, orientation_of
from minivis.images.resampling import resized
from minivis.images.signatures import is_film_file
from minivis.runtime.ffmpeg import program
from minivis.runtime.settings import PATH, takes, whole
from minivis.types import PathLike, Picture

ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")       # the pages of a TIFF are not a film
USUAL = 100                                     # ms: of a frame that does not say how long it stays, as in browsers
SHORT = 0.95                                    # a film with less than this part of its time, and errors, is cut


@dataclass(frozen=True)
class Film:
    """A film in a file. Iterating over it gives its frames, uint8 (H, W, 3); `frames` gives their transparency, too.

    size: (height, width). count: of frames. durations: of each frame, in ms. loop: how often an animation plays, 0: for
    ever. sound: whether it has a sound track. by: "Pillow" or "ffmpeg".
    """

    path: str
    size: tuple[int, int]
    durations: tuple[float, ...]
    loop: int = 0
    sound: bool = False
    by: str = "Pillow"
    rate: str = ""                              # frames per second, as ffmpeg writes it

    @property
    def count(self) -> int:
        return len(self.durations)

    @property
    def fps(self) -> float:
        """Frames per second, in the mean."""
        return float(self.rate or 1000 * self.count / sum(self.durations))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Picture]:
        return (pixels for pixels, _ in self.frames())

    def frames(self, side: int | None = None) -> Iterator[tuple[Picture, Any]]:
        """Yield (uint8 (H, W, 3) on white, how opaque it is uint8 (H, W, 1) or None) for each frame.

        side: a larger frame is shrunk until its longer side has this many pixels.
        """
        for pixels, alpha in by_pillow(self.path) if self.by == "Pillow" else by_ffmpeg(self):
            if side is not None and max(pixels.shape) > side:
                pixels, alpha = resized(pixels, side), None if alpha is None else resized(alpha, side)
            yield pixels, alpha


@takes(path=PATH)
def read_film(path: PathLike) -> Film:
    """The film in a file: its size and times, and its frames when you iterate over it.

    Parameters
    ----------
    path : str or Path
        An animation (.gif, .webp, .png), or a film that FFmpeg reads.

    Returns
    -------
    Film
        Its frames are read one by one, uint8 (H, W, 3).

    Raises
    ------
    BadFile
        The file is missing, damaged, or a picture.

    Examples
    --------
    >>> import minivis as mv, numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mv.write_film(f"{folder}/a.gif", [np.full((8, 8, 3), level, np.uint8) for level in (0, 200)])
    ...     np.shape(next(iter(mv.read_film(f"{folder}/a.gif"))))[-1]
    3
    """
    found = film_in(path)
    if found is None:
        with opened_picture(path):              # says what is wrong with it, where it is no picture either
            raise BadFile(f"{path} is a picture, not a film: read it with read_image")
    return found


def film_in(path: Any) -> Film | None:
    """The `Film` in a file; None for a picture, and for what is neither or is no file: who reads that says so."""
    if not isinstance(path, (str, os.PathLike)) or not os.path.isfile(path):
        return None
    path = os.fspath(path)
    with suppress(OSError), open(path, "rb") as file:
        if is_film_file(file):
            return opened_by_ffmpeg(path)
    try:
        return opened_by_pillow(path)
    except MinivisError:
        if animation_frames(path) > 1:
            raise
        return None


@takes(number=whole(1))
def frame_of(path: Any, number: int) -> Picture:
    """Frame ``number`` of a film, counted from 1."""
    film = film_in(path)
    if film is None:
        name = getattr(path, "name", path)
        raise BadValue(f"{name} is not a film in a file, so it has no frame {number}: leave out the frame")
    if number > film.count:
        raise BadValue(f"{path} has {film.count} frames, counted from 1: there is no frame {number}")
    return next(islice(film, number - 1, None))


# ---- animations ----

def animation_frames(path: str) -> int:
    """How many frames Pillow counts in an animation that may be damaged behind its first frame; 0 for other files."""
    with suppress(MinivisError), opened_picture(path) as (im, *_):
        return getattr(im, "n_frames", 1) if im.format in ANIMATED else 0
    return 0


def opened_by_pillow(path: str) -> Film | None:
    """An animation, every frame of which was read once; None for a single picture."""
    durations: list[float] = []
    with opened_picture(path) as (im, name, _):
        if im.format not in ANIMATED or getattr(im, "n_frames", 1) < 2:
            return None
        check_size(name, im.size)
        loop = im.info.get("loop", 1 if im.format == "GIF" else 0)
        for k in numbers(im):
            im.seek(k)
            im.load()
            durations.append(float(im.info.get("duration") or USUAL))
        turned = orientation_of(im) in (5, 6, 7, 8)
        size = im.size if turned else im.size[::-1]
    return Film(path, size, tuple(durations), loop)


def by_pillow(path: str) -> Iterator[tuple[Picture, Any]]:
    with opened_picture(path) as (im, *_):
        upright = UPRIGHT.get(orientation_of(im), lambda a: a)
        for k in numbers(im):
            im.seek(k)
            whole = im.convert("RGBA")
            alpha = np.asarray(whole)[..., 3:]
            on_white = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
            pixels, alpha = (np.array(upright(a), order="C") for a in (np.asarray(on_white), alpha))
            yield pixels, None if (alpha == 255).all() else alpha


def numbers(im: Any) -> range:
    """The frames of an animation: not the picture that a PNG has for programs that know no animation."""
    return range(1 if getattr(im, "default_image", False) else 0, im.n_frames)


# ---- ffmpeg ----

def opened_by_ffmpeg(path: str) -> Film:
    about = asked(path)
    video = re.search(r"Stream #.*: Video: (?!.*attached pic).*?, (\d{1,6})x(\d{1,6})", about)
    if video is None:
        raise BadFile(f"{path} has only sound, and no picture" if ": Audio: " in about else
                      f"{path} is damaged or incomplete: ffmpeg finds no film in it; get a complete copy of it")
    width, height = int(video[1]), int(video[2])
    check_size(path, (width, height))
    line = about[video.start() : about.index("\n", video.start())]
    rate = re.search(r"([\d.]+)(k?) (?:fps|tbr)", line)
    fps = "25" if rate is None or not float(rate[1]) else f"{float(rate[1]) * (1000 if rate[2] else 1):g}"
    said = asked(path, "-map", "0:V:0", "-r", fps, "-f", "null", "-", level="error")       # decodes all of it
    counted = max([0, *map(int, re.findall(r"frame= *(\d+)", said))])
    whole = re.search(r"Duration: (\d+:\d+:[\d.]+)", about)
    errors = [row for row in re.split(r"[\r\n]+", said) if row.strip() and not row.startswith("frame=")]
    if not counted or (errors and whole and counted < SHORT * float(fps) * in_seconds(whole[1])):
        raise BadFile(f"{path} is damaged or incomplete: {counted} frames of it can be read; get a complete copy of it")
    turned = re.search(r"rotation of (-?\d+)", about)
    size = (width, height) if turned and abs(int(turned[1])) in (90, 270) else (height, width)
    return Film(path, size, (1000 / float(fps),) * counted, sound=": Audio: " in about, by="ffmpeg", rate=fps)


def asked(path: str, *words: str, level: str = "info") -> str:
    """What ffmpeg says of a file; with ``words``, while it does something with it."""
    command = [program(f"{path} is a film, for which ffmpeg is needed"), "-hide_banner", "-nostdin", "-v", level,
               "-stats", "-protocol_whitelist", "file,pipe", "-i", f"file:{path}", *words]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stderr.decode(errors="replace") + "\n"


def by_ffmpeg(film: Film) -> Iterator[tuple[Picture, Any]]:
    """The frames as ffmpeg decodes them, upright, at a constant rate."""
    command = [program(f"{film.path} is a film, for which ffmpeg is needed"), "-hide_banner", "-nostdin", "-v", "error",
               "-protocol_whitelist", "file,pipe", "-i", f"file:{film.path}", "-map", "0:V:0", "-r", film.rate,
               "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-"]
    read = 0
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
            try:
                assert process.stdout is not None
                while (pixels := ppm(process.stdout)) is not None:
                    read += 1
                    yield pixels, None
            finally:
                process.kill()                  # where nobody reads on
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().split("\n")[-1][:160]
    if not read:
        raise BadFile(f"{film.path} has no frame that can be read ({said}); get a complete copy of it")


def ppm(file: Any) -> Any:
    """The next picture of a stream of PPM files, uint8 (H, W, 3); None at its end, or where it was cut."""
    head = b"".join(file.readline() for _ in range(3))
    match = re.fullmatch(rb"P6\n(\d+) (\d+)\n255\n", head)
    if match is None:
        return None
    width, height = int(match[1]), int(match[2])
    data = file.read(3 * width * height)
    if len(data) < 3 * width * height:
        return None
    return np.frombuffer(bytearray(data), np.uint8).reshape(height, width, 3)


def in_seconds(time: str) -> float:
    hours, minutes, seconds = time.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def check_size(name: str, size: Any) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise TooLarge(f"{name} has {width} x {height} pixels, {width * height / 1e6:.0f} million; minivis reads up to "
                       f"{MAX_PIXELS / 1e6:.0f} million: shrink it first")
