"""A small net's live page, and a viewer who speaks to it; and somebody at the page of emoji-vgg, in a browser."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from live_person import Person
from live_server import Watcher, serving
from PIL import Image

import minivis as mv
from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


@pytest.fixture(scope="module")
def server(net):
    for name in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(name, reason="without the extra `live` no server runs")
    with serving(net) as (port, app):
        yield port, app


@pytest.fixture
def watcher(server):
    with Watcher(server[0]) as one:
        yield one


# ---- in a browser, with a camera that plays a film of known pictures ----

@pytest.fixture(scope="module")
def known():
    """Two pictures that the net is sure about, and not the page's first one: [(name, uint8 (64, 64, 3)), ...]."""
    with np.load(Path(__file__).parents[1] / "data" / "emoji.npz") as data:
        return [(str(data["names"][data["labels"][i]]), data["images"][i]) for i in (16, 6)]


@pytest.fixture(scope="module")
def film(known, tmp_path_factory):
    """A camera's film, four seconds of each picture; and each picture as a file."""
    folder = tmp_path_factory.mktemp("film")
    frames = b""
    for name, picture in known:
        Image.fromarray(picture).save(folder / f"{name}.png")
        frame = np.full((480, 640, 3), 128, np.uint8)
        frame[:, 80:560] = np.asarray(Image.fromarray(picture).resize((480, 480), Image.Resampling.BICUBIC))
        Image.fromarray(frame).save(folder / "frame.jpg", quality=95)
        frames += (folder / "frame.jpg").read_bytes() * 120
    (folder / "film.mjpeg").write_bytes(frames)
    return folder


@pytest.fixture(scope="module")
def browser(film):
    playwright = pytest.importorskip("playwright.sync_api", reason="without Playwright no test of the page runs")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("no Chromium here (Debian: apt install chromium): no test of the page runs")
    arguments = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film / 'film.mjpeg'}",
    ]  # fmt: skip
    with playwright.sync_playwright() as started:
        one = started.chromium.launch(executable_path=chromium, args=arguments)
        yield one
        one.close()


@pytest.fixture(scope="module")
def emoji(browser):
    """The page of emoji-vgg."""
    pytest.importorskip("uvicorn", reason="without the extra `live` no test of the page runs")
    others = {name: partial(mv.load, name) for name in ("emoji-vgg-robust", "emoji-alexnet")}
    with serving(mv.load("emoji-vgg"), "emoji-vgg", others=others) as (port, app):
        yield port, app


@pytest.fixture
def person(browser, emoji):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    one = Person(context.new_page(), emoji[0])
    yield one
    context.close()
    assert one.troubles == []
