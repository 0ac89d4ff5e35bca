"""Write a film: GIF, WebP and animated PNG with Pillow, MP4 and WebM with the extra `film`, which brings ffmpeg."""

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadFile, BadValue
from minivis.figures.compose import contact_sheet
from minivis.runtime.ffmpeg import imageio_ffmpeg
from minivis.runtime.files import atomic_write
from minivis.runtime.settings import NUMBERS, PATH, SWITCH, number, takes, whole
from minivis.types import PathLike

SUFFIXES = (".gif", ".webp", ".apng", ".mp4", ".webm")
BY_FFMPEG = (".mp4", ".webm")
TRANSPARENT = (".webp", ".apng")                # formats with transparency
MOST_FPS = 60.0                                 # of a film whose frames have different durations
CODECS: dict[str, dict[str, Any]] = {
    ".mp4": {"quality": 8},                     # H.264, the default of imageio-ffmpeg
    ".webm": {"codec": "libvpx-vp9", "quality": None, "output_params": ["-crf", "24", "-b:v", "0", "-row-mt", "1"]},
}
# suffix -> (sound codec, suffixes of files whose sound track is copied without encoding it again)
SOUND = {".mp4": ("aac", (".mp4", ".m4v", ".mov")), ".webm": ("libopus", (".webm",))}


def check_film(path: PathLike) -> str:
    """The suffix of ``path`` in lower case. Raise BadValue or MissingExtra if films cannot be written in that
    format."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadValue(f"{path}: a film's name must end in one of {', '.join(SUFFIXES)}")
    if suffix in BY_FFMPEG:
        _ffmpeg()
    return suffix


@takes(path=PATH, fps=number(), scale=whole(1), force=SWITCH, hold=number(0), durations=NUMBERS, loop=whole(0),
       sound=PATH)
def write_film(
    path: PathLike, frames: Iterable[Any], *, fps: float = 12, scale: Any = None, force: bool = False,
    hold: float = 1.0, durations: Any = None, loop: int = 0, sound: PathLike | None = None,
) -> None:  # fmt: skip
    """Write frames as an animation or a film; a failure leaves nothing behind.

    Parameters
    ----------
    path : str or Path
        The file to write; its suffix chooses the format.
    frames : iterable of uint8 arrays
        Each (H, W, C), or (N, H, W, C) for N pictures side by side.
    fps : float, default 12
        Frames per second.
    scale : int, optional
        Factor by which frames are enlarged; by default small ones until a side has about 256 pixels.
    force : bool, default False
        Replace an existing file.
    hold : float, in seconds, default 1
        How much longer the last frame is shown.
    durations : sequence of float, in ms, optional
        How long each frame is shown, instead of ``fps`` and ``hold``.
    loop : int, default 0
        How often an animation plays; 0 for ever.
    sound : str or Path, optional
        A film whose sound track is put into the MP4 or WebM.

    Returns
    -------
    None
        The file is complete.

    Raises
    ------
    BadValue
        The file exists, there is no frame, or the suffix is not that of a film.

    Examples
    --------
    >>> import minivis as mv, numpy as np, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mv.write_film(f"{folder}/a.gif", np.zeros((2, 8, 8, 3), np.uint8))
    ...     os.listdir(folder)
    ['a.gif']
    """
    suffix = check_film(path)
    if not 0 < fps <= 120:
        raise BadValue(f"fps must be above 0 and at most 120 frames per second, not {fps}")
    frames = checked(frames)
    first = next(frames, None)
    if first is None:
        raise BadValue("a film needs at least one frame: this run took no step")
    scale = max(1, round(256 / max(np.shape(first)[-3:-1]))) if scale is None else scale
    sheets: Iterator[Any] = (_frame(frame, scale, suffix in TRANSPARENT) for frame in chain([first], frames))
    if durations is None:
        sheets = _held(sheets, max(1, round(hold * fps)) if hold else 0)
    with atomic_write(path, force) as temporary:
        if suffix in BY_FFMPEG:
            if durations is not None:
                fps = common_rate(durations)
                sheets = _repeated(sheets, durations, fps)
            if not _by_ffmpeg(temporary, suffix, sheets, fps, sound):
                raise BadFile(f"{path} cannot be written: ffmpeg stopped before the film ended; is the disk full, or "
                              "does `ulimit -f` forbid such a large file?")
        else:
            images = (Image.fromarray(sheet) for sheet in sheets)
            extra: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
            extra |= {"format": "PNG"} if suffix == ".apng" else {}
            lasting = round(1000 / fps) if durations is None else _rounded(durations, 10 if suffix == ".gif" else 1)
            extra |= {} if suffix == ".gif" and loop == 1 else {"loop": loop}       # a GIF without one plays once
            start, rest = next(images), images if suffix != ".apng" else [*images]      # its writer reads them twice
            start.save(temporary, save_all=True, append_images=rest, duration=lasting, **extra)


def checked(frames: Any) -> Iterator[Any]:
    """Yield the frames one by one, each after a check."""
    for frame in frames if hasattr(frames, "__iter__") else [frames]:
        if getattr(frame, "dtype", None) != np.uint8 or frame.ndim not in (3, 4):
            raise BadValue("frames must be arrays of uint8, each (H, W, C) or (N, H, W, C), not "
                           f"{type(frame).__name__}")
        yield frame


def common_rate(durations: Any) -> float:
    """The frame rate at which frames of these durations, in ms, can be shown: that of their common divisor."""
    if max(durations) - min(durations) < 0.01:
        return min(120.0, 1000 / durations[0])
    return min(MOST_FPS, 1000 / math.gcd(*(max(1, round(ms)) for ms in durations)))


def _repeated(sheets: Iterator[Any], durations: Any, fps: float) -> Iterator[Any]:
    """Repeat each frame as often as its duration needs."""
    end, shown = 0.0, 0
    for sheet, ms in zip(sheets, durations):
        end += ms * fps / 1000
        count = max(1, round(end) - shown)
        shown += count
        for _ in range(count):
            yield sheet


def _rounded(durations: Any, unit: int) -> list[int]:
    """Durations in ms, rounded to steps of ``unit`` so that rounding errors do not add up."""
    ends = [unit * round(end / unit) for end in np.cumsum(durations)]
    return [max(2 * unit, int(end - begin)) for begin, end in zip([0, *ends], ends)]   # browsers slow shorter ones down


def _held(sheets: Iterator[Any], count: int) -> Iterator[Any]:
    """Yield the frames, then the last one ``count`` more times."""
    for sheet in sheets:
        yield sheet
    for _ in range(count):
        yield sheet


def _frame(frame: Any, scale: Any, transparent: bool) -> Any:
    frame = np.asarray(frame)
    if frame.ndim == 3 and frame.shape[2] == 4:
        frame = frame if transparent else frame[..., :3]
        return np.ascontiguousarray(frame.repeat(scale, axis=0).repeat(scale, axis=1))
    return np.ascontiguousarray(contact_sheet(frame if frame.ndim == 4 else [frame], gap=2 if frame.ndim == 4
                                              and len(frame) > 1 else 0, scale=scale))


def _by_ffmpeg(path: Any, suffix: str, sheets: Iterator[Any], fps: float, sound: Any) -> Any:
    """Write the film, and return whether it is complete: ffmpeg does not report a full disk."""
    ffmpeg, first, count = _ffmpeg(), next(sheets), 0
    height, width = (max(2, n - n % 2) for n in first.shape[:2])       # H.264 with 4:2:0 takes even sides
    track: dict[str, Any] = {}
    if sound is not None:
        codec, same = SOUND[suffix]
        track = {"audio_path": str(sound), "audio_codec": "copy" if str(sound).lower().endswith(same) else codec}
    writer = ffmpeg.write_frames(str(path), (width, height), fps=fps, macro_block_size=1,
                                 ffmpeg_log_level="quiet", **CODECS[suffix], **track)
    writer.send(None)
    try:
        for sheet in chain([first], sheets):
            writer.send(np.ascontiguousarray(np.pad(sheet, _even(sheet), mode="edge")[:height, :width]))
            count += 1
    except OSError:                             # ffmpeg has ended
        return False
    finally:
        writer.close()
    try:
        return ffmpeg.count_frames_and_secs(str(path))[0] >= count
    except RuntimeError:                        # there is no film in the file
        return False


def _even(sheet: Any) -> Any:
    """The padding that turns a side of one pixel into two."""
    return [(0, max(0, 2 - n)) for n in sheet.shape[:2]] + [(0, 0)]


def _ffmpeg() -> Any:
    return imageio_ffmpeg("MP4 and WebM films need ffmpeg, or write a .gif")
