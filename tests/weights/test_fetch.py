"""Downloading, from a server on this machine that does what bad servers do. Nothing leaves this machine."""

import hashlib
import shutil
import threading
import urllib.request
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minivis.errors import BadFile, BadValue, UnknownName
from minivis.weights import catalogue, fetch

DATA = np.random.default_rng(0).bytes(300_000)
LENGTH = len(DATA)
SHA = hashlib.sha256(DATA).hexdigest()
Usage = namedtuple("Usage", "total used free")


class Handler(BaseHTTPRequestHandler):
    """Serves DATA in the manner that the path names."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.close_connection = True
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        manner = self.path.strip("/").split("/")[0]
        start = int(asked[6:-1]) if asked and manner != "no-range" else 0
        if manner == "missing":
            return self.answer(404, b"not here")
        if manner == "busy" and len(self.server.asked) < 3:
            return self.answer(503, b"later")
        if manner == "moved":
            self.send_response(302)
            self.send_header("Location", "/good/a.h5")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if start >= len(DATA) and asked:
            return self.answer(416, b"")
        data = {"wrong": bytes(len(DATA)), "page": b"<html>log in</html>"}.get(manner, DATA)[start:]
        sent = {"cut": data[:100_000], "stingy": data[:1], "silent": b""}.get(manner, data)
        announced = {"short": len(data) + 50, "long": len(data) - 50}.get(manner, len(data))
        self.send_response(206 if asked and manner != "no-range" else 200)
        if asked and manner != "no-range":
            shown = 0 if manner == "elsewhere" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(DATA) - 1}/{len(DATA)}")
        if manner != "no-length":
            self.send_header("Content-Length", str(announced))
        self.end_headers()
        if manner == "slow":
            threading.Event().wait(0.5)
        if manner == "hung":
            self.server.over.wait()
        self.wfile.write(sent)

    def answer(self, code, data):
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.over = threading.Event()            # when it is set, nobody waits for a hung answer any more
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.over.set()
        running.shutdown()


@pytest.fixture
def place(server, tmp_path, monkeypatch):
    """place("manner") is a URL; files go to tmp_path."""
    server.asked.clear()
    monkeypatch.setattr(fetch, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(urllib.request, "_opener", None)
    return lambda manner: f"http://127.0.0.1:{server.server_port}/{manner}/a.h5"


def get(url, tmp_path, size=LENGTH, published=("sha256", SHA)):
    return fetch.download(url, tmp_path / "a.h5", size=size, published=published, progress=False)


@pytest.mark.parametrize("manner", ["good", "cut", "no-range", "no-length", "moved", "busy", "slow"])
def test_what_arrives_whole(place, tmp_path, manner):
    assert get(place(manner), tmp_path).read_bytes() == DATA
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_a_broken_connection_goes_on_where_it_stopped(place, server, tmp_path):
    get(place("cut"), tmp_path)
    assert server.asked == [None, "bytes=100000-", "bytes=200000-"]


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_file_begun_yesterday_is_finished(place, server, tmp_path, size):
    (tmp_path / "a.h5.part").write_bytes(DATA[:123_456])
    assert get(place("good"), tmp_path, size=size).read_bytes() == DATA
    assert server.asked == ["bytes=123456-"]


def test_a_server_without_range_starts_over(place, server, tmp_path):
    (tmp_path / "a.h5.part").write_bytes(b"x" * 1000)
    assert get(place("no-range"), tmp_path).read_bytes() == DATA
    assert server.asked == ["bytes=1000-"]


@pytest.mark.parametrize("begun", [len(DATA), len(DATA) + 5])
def test_a_part_that_is_whole_or_too_long(place, server, tmp_path, begun):
    (tmp_path / "a.h5.part").write_bytes((DATA + b"12345")[:begun])
    assert get(place("good"), tmp_path).read_bytes() == DATA
    assert server.asked == ([] if begun == len(DATA) else [None])
    (tmp_path / "a.h5.part").write_bytes((DATA + b"12345")[:begun])
    assert get(place("good"), tmp_path, size=None).read_bytes() == DATA


def test_a_part_of_another_file_is_noticed(place, tmp_path):
    (tmp_path / "a.h5.part").write_bytes(b"x" * 1000)
    with pytest.raises(BadFile, match="brought another file"):
        get(place("good"), tmp_path)
    assert get(place("good"), tmp_path).read_bytes() == DATA        # the part was removed, so now it works


@pytest.mark.parametrize(
    "manner, message",
    [
        ("wrong", f"brought another file: its SHA256 is .*, published was {SHA}"),
        ("page", "is 19 bytes long and should be 300000: another file, or a page about it"),
        ("short", "is 300050 bytes long and should be 300000"),
        ("missing", r"the server answers 404 \(Not Found\)"),
        ("silent", "the connection ended after 0 of 300000 bytes"),
    ],
)
def test_what_is_refused(place, tmp_path, manner, message):
    with pytest.raises(BadFile, match=message) as caught:
        get(place(manner), tmp_path)
    assert "\n" not in str(caught.value) and not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize("manner", ["short", "long", "wrong", "page"])
def test_lies_are_noticed_without_a_published_length(place, tmp_path, manner):
    with pytest.raises(BadFile):
        get(place(manner), tmp_path, size=None)
    assert not (tmp_path / "a.h5").exists()


def test_hashes_of_every_kind_and_their_first_digits(place, tmp_path):
    for kind in ("md5", "sha1", "sha256"):
        digest = hashlib.new(kind, DATA).hexdigest()
        assert get(place("good"), tmp_path, published=(kind, digest[:8].upper())).exists()
    with pytest.raises(BadFile, match="MD5 is"):
        get(place("good"), tmp_path, published=("md5", "0" * 32))


def test_a_server_that_resumes_elsewhere_is_given_up_then_asked_anew(place, tmp_path):
    (tmp_path / "a.h5.part").write_bytes(DATA[:1000])
    assert get(place("elsewhere"), tmp_path).read_bytes() == DATA


def test_what_came_is_kept_when_it_is_given_up(place, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TRIES", 2)
    monkeypatch.setattr(fetch, "TIMEOUT", 0.1)
    (tmp_path / "a.h5.part").write_bytes(DATA[:200_000])
    with pytest.raises(BadFile, match=r"could not be fetched .*; the 0.2 MB that came are kept"):
        get(place("hung"), tmp_path)
    assert (tmp_path / "a.h5.part").stat().st_size == 200_000
    with pytest.raises(BadFile, match="could not be fetched"):
        get("http://127.0.0.1:9/a.h5", tmp_path)                    # nobody listens there


def test_a_full_disk_is_noticed_first(place, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 1000))
    with pytest.raises(BadFile, match="has 0 MB free and 0 MB are to come: make room, or name another"):
        get(place("good"), tmp_path)
    assert not list(tmp_path.iterdir())


# ---- by name ----

@pytest.fixture
def entry(monkeypatch, tmp_path):
    one = catalogue.Entry("a", "a net", "us", "MIT", ("a.h5",), len(DATA), "http://nowhere.invalid/a.h5", sha256=SHA)
    monkeypatch.setattr(catalogue, "CATALOGUE", {"a": one})
    monkeypatch.setattr(fetch, "CATALOGUE", {"a": one})
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "weights"))
    return one


def test_by_name_from_a_mirror_or_a_url(entry, place, server, tmp_path, monkeypatch):
    found = fetch.fetch("A", url=place("good"))
    assert found == tmp_path / "weights" / "a.h5" == entry.find() and found.read_bytes() == DATA
    server.asked.clear()
    assert fetch.fetch("a") == fetch.fetch("a", offline=True) == found and not server.asked     # here already
    found.unlink()
    monkeypatch.setenv("MINIVIS_MIRROR", place("good").removesuffix("a.h5"))
    assert fetch.fetch("a").read_bytes() == DATA


def test_by_name_refused(entry, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("touched the network"))
    with pytest.raises(BadFile, match="--offline keeps minivis from fetching it"):
        fetch.fetch("a", offline=True)
    with pytest.raises(BadValue, match="not an address that starts with http"):
        fetch.fetch("a", url="file:///etc/passwd")
    with pytest.raises(UnknownName, match="no net named 'b'"):
        fetch.fetch("b")
    embedded = catalogue.Entry("e", "a net", "us", "MIT", ("e.h5",))
    monkeypatch.setattr(fetch, "CATALOGUE", {"e": embedded})
    with pytest.raises(BadValue, match="e is not downloaded: it comes with minivis"):
        fetch.fetch("e")


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "file" / "weights"))
    with pytest.raises(BadValue, match=r"weights cannot be written to .* name another folder in MINIVIS_WEIGHTS"):
        fetch.fetch("vgg16", progress=False)


def test_a_folder_in_a_folder_that_is_not_there_yet_is_made(tmp_path):
    fetch.check_writable(tmp_path / "cache" / "minivis" / "weights")
    assert (tmp_path / "cache" / "minivis" / "weights").is_dir()
