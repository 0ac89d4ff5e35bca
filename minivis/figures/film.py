"""Write a film of a run or a zoom: GIF and WebP with Pillow, MP4 with the extra `film` (it brings ffmpeg)."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadFile, BadValue, MissingExtra
from minivis.figures.compose import contact_sheet
from minivis.runtime.files import atomic_write
from minivis.types import PathLike

SUFFIXES = (".gif", ".webp", ".mp4")


def check_film(path: PathLike) -> str:
    """The suffix of ``path`` in lower case. Raise BadValue or MissingExtra if films cannot be written in that
    format."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadValue(f"{path}: a film's name must end in one of {', '.join(SUFFIXES)}")
    if suffix == ".mp4":
        _ffmpeg()
    return suffix


def write_film(path: PathLike, frames: Any, *, fps: float = 12, scale: Any = None, force: bool = False) -> None:
    """Write uint8 frames, each (H, W, C), or (N, H, W, C) for N pictures side by side. The last one stays for a second.

    scale: the factor by which frames are enlarged; by default small ones until a side has about 256 pixels.
    """
    suffix = check_film(path)
    if not frames:
        raise BadValue("a film needs at least one frame: this run took no step")
    if not 0 < fps <= 120:
        raise BadValue(f"fps must be above 0 and at most 120 frames per second, not {fps}")
    side = max(np.shape(frames[0])[-3:-1])
    scale = max(1, round(256 / side)) if scale is None else scale
    sheets = [_frame(frame, scale) for frame in frames]
    sheets += [sheets[-1]] * max(1, round(fps))
    with atomic_write(path, force) as temporary:
        if suffix == ".mp4":
            if not _write_mp4(temporary, sheets, fps):
                raise BadFile(f"{path} cannot be written: ffmpeg stopped before the film ended; is the disk full, or "
                              "does `ulimit -f` allow no file so large?")
        else:
            first, *rest = (Image.fromarray(sheet) for sheet in sheets)
            extra: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
            first.save(temporary, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, **extra)


def _frame(frame: Any, scale: Any) -> Any:
    frame = np.asarray(frame)
    return np.ascontiguousarray(contact_sheet(frame if frame.ndim == 4 else [frame], gap=2 if frame.ndim == 4
                                              and len(frame) > 1 else 0, scale=scale))


def _write_mp4(path: PathLike, sheets: Any, fps: float) -> Any:
    """Whether the film is whole: ffmpeg, a process of its own, says nothing where there is no room for it."""
    ffmpeg = _ffmpeg()
    height, width = (n - n % 2 for n in sheets[0].shape[:2])       # H.264 with 4:2:0 takes even sides
    writer = ffmpeg.write_frames(str(path), (width, height), fps=fps, macro_block_size=1, quality=8)
    writer.send(None)
    try:
        for sheet in sheets:
            writer.send(np.ascontiguousarray(sheet[:height, :width]))
    except OSError:                             # it has ended
        return False
    finally:
        writer.close()
    try:
        return ffmpeg.count_frames_and_secs(str(path))[0] >= len(sheets)
    except RuntimeError:                        # it finds no film
        return False


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise MissingExtra("MP4 films need ffmpeg: run pip install 'minivis[film]', or write a .gif") from None
    return imageio_ffmpeg
