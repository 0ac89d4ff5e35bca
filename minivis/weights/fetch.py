"""Download a file of weights: resumed where it stopped, checked before it gets its name.

    <file>.part         what has come so far, kept when the connection breaks; the next try asks for the rest (Range)
    <file>              renamed from it once length and hash are right, so a file under its name is whole

MINIVIS_MIRROR is the address of a folder with the same file names, asked instead of the published place; a file that
does not have the published hash is never kept, wherever it came from.
"""

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minivis.errors import BadFile, BadValue, UnknownName
from minivis.runtime.progress import bar
from minivis.version import __version__
from minivis.weights.catalogue import CATALOGUE, user_folder

TRIES = 5                                       # in a row that get no further than those before
PAUSE = 1.0                                     # seconds, doubled at each
TIMEOUT = 30.0                                  # seconds without a byte
BLOCK = 2**18
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def fetch(name: str, *, url: str | None = None, offline: bool = False, force: bool = False,
          progress: Any = True) -> Path:
    """The Path of the file of a net of the catalogue, downloaded unless it is on this machine already."""
    entry = CATALOGUE.get(str(name).lower())
    if entry is None:
        raise UnknownName.of("net", name, CATALOGUE, listed=40)
    if not force and (here := entry.find()):
        return here
    if entry.url is None:
        raise BadValue(f"{entry.name} is not downloaded: {entry.how_to_get()}")
    if offline:
        raise BadFile(f"{entry.name} is not on this machine, and --offline keeps minivis from fetching it")
    folder = user_folder()
    check_writable(folder)
    url = check_url(url or mirrored(entry.url, entry.files[0]))
    return download(url, folder / entry.files[0], size=entry.bytes, published=entry.published, progress=progress)


def check_writable(folder: Any) -> None:
    """Make the folder. Raise BadValue if it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK) else "no permission"
    except OSError as error:
        reason = error.strerror
    if reason:
        raise BadValue(f"{folder} cannot be written to ({reason}); name another folder in MINIVIS_WEIGHTS")


def mirrored(url: str, file: Any) -> str:
    mirror = os.environ.get("MINIVIS_MIRROR")
    return f"{mirror.rstrip('/')}/{file}" if mirror else url


def check_url(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadValue(f"{url} is not an address that starts with http:// or https://")
    return url


def download(url: str, path: Path, *, size: Any = None, published: Any = None, progress: Any = True) -> Path:
    """Fetch ``url`` to ``path``. ``published``: (name of a hash, its value or its first digits). Return the path."""
    part = path.with_name(f"{path.name}.part")
    tries, furthest = 0, length(part)
    with bytes_bar(progress, path.name) as show:
        while True:
            try:
                total = transfer(url, part, size, show)
            except BROKEN as error:
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                    if error.code < 500 and error.code != 429:
                        raise BadFile(f"{url}: the server answers {error.code} ({error.reason})") from None
                total, reason = None, getattr(error, "reason", None) or error or type(error).__name__
            else:
                reason = f"the connection ended after {length(part)} of {total} bytes"
            if total is not None and length(part) == total:
                break
            tries = 1 if length(part) > furthest else tries + 1
            furthest = max(furthest, length(part))
            if tries >= TRIES:
                kept = f"; the {length(part) / 1e6:.1f} MB that came are kept, and the next try goes on from there"
                raise BadFile(f"{url} could not be fetched ({reason}){kept if length(part) else ''}")
            time.sleep(PAUSE * 2 ** (tries - 1))
    try:
        check(part, url, size, published)
    except BadFile:
        part.unlink()
        raise
    os.replace(part, path)
    return path


def transfer(url: str, part: Path, size: Any, show: Any) -> Any:
    """Append to ``part`` what it lacks. Return how long the whole should be, by the server or else by ``size``."""
    done = length(part)
    if size is not None and done >= size:
        if done == size:
            return size                         # whole already: only the check was missing
        part.unlink()
        done = 0
    headers = {"User-Agent": f"minivis/{__version__}", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:                   # nothing is left to send: it was whole, or is of another file
            raise
        error.close()
        part.unlink()
        raise http.client.HTTPException("what had come so far belongs to another file; starting over") from None
    with response:
        if done and resumes_at(response) != done:
            done = 0                            # the server ignores Range, or starts elsewhere: from the beginning
            if response.status == 206:
                part.unlink()
                raise http.client.HTTPException("the server resumes at the wrong place; starting over")
        announced = response.headers.get("Content-Length", "")
        total = done + int(announced) if announced.isdigit() else size
        if size is not None and total != size:
            raise BadFile(f"{url} is {total} bytes long and should be {size}: another file, or a page about it")
        check_room(part, (total or 0) - done)
        show(done, total)
        with open(part, "ab" if done else "wb") as file:
            while block := response.read(BLOCK):
                done += len(block)
                if size is not None and done > size:
                    raise BadFile(f"{url} sends more than the {size} bytes that it should: another file")
                file.write(block)
                show(done, total)
    return length(part) if total is None else total


def resumes_at(response: Any) -> int:
    """Where the answer begins in the whole file: 0 without a Content-Range."""
    text = response.headers.get("Content-Range", "") if response.status == 206 else ""
    first = text.removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else 0


def check(part: Path, url: str, size: Any, published: Any) -> None:
    """Raise BadFile unless the file has the length and the hash that were published."""
    if size is not None and length(part) != size:
        raise BadFile(f"{url} brought {length(part)} bytes, not {size}")
    if published is None:
        return
    kind, wanted = published
    digest = hashlib.new(kind, usedforsecurity=False)
    with open(part, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    got = digest.hexdigest()
    if not got.startswith(wanted.lower()):
        raise BadFile(
            f"{url} brought another file: its {kind.upper()} is {got[: len(wanted)]}, published was {wanted}; "
            "it was removed. Try again, or another place: --url"
        )


def check_room(part: Path, needed: Any) -> None:
    """Raise BadFile if the disk has no room, before anything is written."""
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise BadFile(
            f"{part.parent} has {free / 1e6:.0f} MB free and {needed / 1e6:.0f} MB are to come: make room, or name "
            "another folder in MINIVIS_WEIGHTS"
        )


def length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def bytes_bar(progress: Any, title: str) -> Iterator[Any]:
    """A function that shows (bytes so far, bytes in all), on stderr after two seconds, if that is a terminal."""
    with bar(None, progress, title, unit="B", unit_scale=True) as shown:

        def show(done: Any, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield show


