"""How many frames a second the live page makes, and how much of the time is not the net's.

    python benchmarks/live.py               --seconds 8; in the browser too where Playwright and Chromium are

A frame in the server: a JPEG decoded, fitted, the net's forward, the classes, the activation grid as bytes. Beside it
the forward alone, run in turn with it. In the browser: the test pattern is drawn, encoded, sent, answered, and painted.
"""

import argparse
import io
import shutil
import statistics
import threading
import time

import numpy as np
from PIL import Image

import minivis as mv
from minivis.live import create_app, serve
from minivis.live.microscope import Microscope
from minivis.models.known import blank_vgg
from minivis.runtime import openblas


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement")
    args = parser.parse_args(argv)
    openblas.take_avx512()
    print(f"{'net':20} {'layer':10} {'forward':>9} {'frame':>9} {'more':>6} {'frames/s':>9}")
    for name, net in nets():
        scope = Microscope(net, name)
        first = scope.first_view().layer
        forward, frame = server_times(scope, first, args.seconds)
        print(f"{name:20} {first:10} {1e3 * forward:6.1f} ms {1e3 * frame:6.1f} ms {frame / forward - 1:6.1%} "
              f"{1 / frame:9.1f}", flush=True)
    if shutil.which("chromium"):
        for layer, unit, shown in browser_rates(args.seconds):
            print(f"emoji-vgg in Chromium, {layer}, {unit}: {shown} frames/s", flush=True)


def nets():
    yield "emoji-vgg", mv.load("emoji-vgg")
    try:
        yield "efficientnet-lite0", mv.load("efficientnet-lite0")
    except mv.errors.MinivisError as error:
        print(f"efficientnet-lite0: {error}")
    rng = np.random.default_rng(0)
    yield "VGG16, random", blank_vgg("VGG16").map_params(
        lambda p: (rng.standard_normal(p.shape, np.float32) * np.float32((2 / max(1, p.size // p.shape[-1])) ** 0.5)))


def server_times(scope, layer, seconds):
    """Medians of the forward alone and of a whole frame, run in turn, in seconds."""
    side = scope.describe()["side"]
    data = io.BytesIO()
    picture = Image.fromarray(mv.read_image("minivis/data/goose.png")).resize((round(side * 4 / 3), side))
    picture.save(data, "JPEG", quality=92)
    view, workspace = scope.first_view(), scope.net.workspace()
    x, _, _ = scope.input(scope.decoded(data.getvalue()))
    keep = {layer, *scope.answers}
    forward, frame, until = [], [], time.perf_counter() + seconds
    while time.perf_counter() < until or len(frame) < 5:
        begin = time.perf_counter()
        scope.net.forward(x, keep=keep, grad=None, workspace=workspace)
        middle = time.perf_counter()
        scope.look(scope.decoded(data.getvalue()), view, 1, workspace)
        forward.append(middle - begin)
        frame.append(time.perf_counter() - middle)
    return statistics.median(forward[1:]), statistics.median(frame[1:])


def browser_rates(seconds):
    """(layer, what of it, frames a second) that the page itself counts."""
    from playwright.sync_api import sync_playwright

    app = create_app(mv.load("emoji-vgg"), name="emoji-vgg")
    with serve.listening(0, 0) as sock, sync_playwright() as playwright:
        server = serve.server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                             args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://127.0.0.1:{sock.getsockname()[1]}/")
        page.wait_for_timeout(3000)
        page.click("[data-source=pattern]")
        for layer in ("relu1_1", "relu3_1", "relu4_1"):
            page.click(f"[data-layer={layer}]")
            page.wait_for_timeout(1000 * seconds)
            yield layer, "no unit", page.text_content("#fps")
        page.click("#rules [data-rule=guided]", force=True) if page.is_visible("#rules") else None
        page.click("#grid", position={"x": 60, "y": 60})
        page.wait_for_timeout(1000 * (seconds + 15))            # its patches and its maximised image are ready by then
        yield layer, "and the way back of a unit", page.text_content("#fps")
        browser.close()
        server.should_exit = True
        thread.join()
        app.desk.close()


if __name__ == "__main__":
    main()
