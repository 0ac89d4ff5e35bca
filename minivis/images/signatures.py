"""What a file is by its first bytes, where Pillow does not know it."""

from typing import Any

HEIC = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")
STILL = (*HEIC, b"avif", b"avis")               # brands of the container of MP4 that hold pictures


def is_heic(file: Any) -> bool:
    """Whether an open file begins as pictures of iPhones do."""
    start = beginning(file)
    return start[4:8] == b"ftyp" and start[8:12] in HEIC


def is_film_file(file: Any) -> bool:
    """Whether an open file begins as the films that ffmpeg reads here."""
    start = beginning(file)
    return (
        (start[4:8] == b"ftyp" and start[8:12] not in STILL)        # MP4, QuickTime
        or start[4:8] in (b"moov", b"mdat", b"wide")                # older QuickTime
        or start[:4] == b"\x1aE\xdf\xa3"                            # Matroska, WebM
        or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")
        or start[:4] in (b"OggS", b"FLV\x01", b"\x00\x00\x01\xba")
    )


def beginning(file: Any) -> bytes:
    """The first bytes of an open file; none where it cannot be read."""
    try:
        file.seek(0)
        start = file.read(16)
        file.seek(0)
    except (OSError, ValueError):
        return b""
    return start
