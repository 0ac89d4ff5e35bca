"""The files that a picture command writes beside its picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minivis.errors import MinivisError

if TYPE_CHECKING:
    from minivis.types import PathLike


@contextmanager
def naming(files: Sequence[str]) -> Iterator[None]:
    """A context in which the error of a file that cannot be written names those that were written before it."""
    try:
        yield
    except MinivisError as error:
        if not files:
            raise
        raise type(error)(f"{error} (written before, and whole: {', '.join(files)})") from None


def part_beside(out: PathLike, part: str) -> str:
    """The path of a part: a PNG, which is lossless, unless its name has another suffix."""
    return str(Path(out).with_name(f"{Path(out).stem}-{part if Path(part).suffix else part + '.png'}"))


def write_part(file: str, picture: Any, force: bool) -> str:
    """Write a picture beside another, and return where: as PNG, or as an array if a PNG has no such channels; or a
    sound, int16 (L,), as WAV."""
    import numpy as np

    from minivis.images.files import write_image
    from minivis.runtime.files import atomic_write

    if file.endswith(".wav"):
        from scipy.io import wavfile

        from minivis.data.vowels import RATE

        with atomic_write(file, force) as temporary:
            wavfile.write(temporary, RATE, picture)
        return file
    if picture.shape[2] in (1, 3, 4):
        write_image(file, picture, force=force)
        return file
    file = str(Path(file).with_suffix(".npy"))
    with atomic_write(file, force) as temporary, open(temporary, "wb") as opened:
        np.save(opened, picture)
    return file
