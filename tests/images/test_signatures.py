"""What a file is by its first bytes."""

import io

import pytest

from minivis.images.signatures import is_film_file, is_heic


@pytest.mark.parametrize("start, film, heic", [
    (b"\0\0\0\x20ftypisom", True, False),
    (b"\0\0\0\x14ftypqt  ", True, False),
    (b"\0\0\0\x18ftypheic", False, True),
    (b"\0\0\0\x18ftypavif", False, False),
    (b"\0\0\0\x18ftypavis", False, False),
    (b"\0\0\0\x08wide\0\0\0\0mdat", True, False),
    (b"\x1aE\xdf\xa3\x01", True, False),
    (b"RIFF\x00\x00\x00\x00AVI LIST", True, False),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", False, False),
    (b"OggS\0\x02", True, False),
    (b"GIF89a", False, False),
    (b"\x89PNG\r\n\x1a\n", False, False),
    (b"", False, False),
])
def test_by_the_first_bytes(start, film, heic):
    file = io.BytesIO(start)
    file.seek(len(start) // 2)
    assert (is_film_file(file), is_heic(file)) == (film, heic)


def test_what_cannot_be_read_is_neither():
    file = io.BytesIO(b"\0\0\0\x20ftypisom")
    file.close()
    assert not is_film_file(file) and not is_heic(file)
