"""How many frames a second the live page makes, and how much of the time is not the net's.

    python benchmarks/live.py               --seconds 8; in the browser too where Playwright and Chromium are
    python benchmarks/live.py squeezenet    only this net

A frame in the server: a JPEG decoded, fitted, the net's forward, the classes, the activation grid as bytes. Beside it
the forward alone, run in turn with it. In the browser: the test pattern is drawn, encoded, sent, answered, and painted;
the unit of the first class is chosen, so that a signal goes back, too, now and then.
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

NETS = ("emoji-vgg", "squeezenet", "efficientnet-lite0")
IN_BROWSER = ("emoji-vgg", "squeezenet")
RANDOM = "VGG16, random"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement")
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"of {', '.join([*NETS, RANDOM])}; by default all")
    args = parser.parse_args(argv)
    openblas.take_avx512()
    chosen = list(nets(args.nets or [*NETS, RANDOM]))
    print(f"{'net':20} {'layer':24} {'forward':>9} {'frame':>9} {'more':>6} {'frames/s':>9}")
    for name, net in chosen:
        scope = Microscope(net, name)
        first = scope.first_view().layer
        forward, frame = server_times(scope, first, args.seconds)
        print(f"{name:20} {first:24} {1e3 * forward:6.1f} ms {1e3 * frame:6.1f} ms {frame / forward - 1:6.1%} "
              f"{1 / frame:9.1f}", flush=True)
    if shutil.which("chromium"):
        for name, net in chosen:
            if name in IN_BROWSER:
                for layer, shown in browser_rates(net, name, args.seconds):
                    print(f"{name} in Chromium, {layer}: {shown} frames/s", flush=True)


def nets(wanted):
    for name in wanted:
        try:
            yield name, random_vgg() if name == RANDOM else mv.load(name)
        except mv.errors.MinivisError as error:
            print(f"{name}: {error}")


def random_vgg():
    rng = np.random.default_rng(0)
    return blank_vgg("VGG16").map_params(
        lambda p: (rng.standard_normal(p.shape, np.float32) * np.float32((2 / max(1, p.size // p.shape[-1])) ** 0.5)))


def server_times(scope, layer, seconds):
    """Medians of the forward alone and of a whole frame, run in turn, in seconds."""
    side = scope.describe()["side"]
    data = io.BytesIO()
    picture = Image.fromarray(mv.read_image(f"{mv.__path__[0]}/data/goose.png")).resize((round(side * 4 / 3), side))
    picture.save(data, "JPEG", quality=92)
    view, workspace = scope.first_view(), scope.net.workspace()
    x, _, _ = scope.input(scope.decoded(data.getvalue()))
    keep = {layer, *scope.answers}
    forward, frame, until = [], [], time.perf_counter() + seconds
    while time.perf_counter() < until or len(frame) < 5:
        begin = time.perf_counter()
        scope.net.forward(x, keep=keep, grad=None, workspace=workspace)
        middle = time.perf_counter()
        scope.look(scope.decoded(data.getvalue()), view, 1, ())     # as most frames that stream: without the strip
        forward.append(middle - begin)
        frame.append(time.perf_counter() - middle)
    return statistics.median(forward[1:]), statistics.median(frame[1:])


def browser_rates(net, name, seconds):
    """(layer, frames a second) that the page itself counts: of the first layer, and of one in the middle."""
    from playwright.sync_api import sync_playwright

    app = create_app(net, name=name)
    with serve.listening(0, 0) as sock, sync_playwright() as playwright:
        server = serve.server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                             args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://127.0.0.1:{sock.getsockname()[1]}/")
        page.wait_for_selector("#layers button")
        page.click("[data-source=pattern]")
        while not is_filled(page):                              # what the page asks for once takes a core
            page.wait_for_timeout(500)
        stages = page.locator("#layers button")
        for k in (0, stages.count() // 2):
            stages.nth(k).click()
            page.wait_for_timeout(1000 * seconds)
            yield stages.nth(k).get_attribute("data-layer"), page.text_content("#fps")
        browser.close()
        server.should_exit = True
        thread.join()
        app.desk.close()


def is_filled(page):
    """Whether the patches and the maximised images of the unit are there."""
    patches, maximised = (page.text_content(f"#{part}-note") for part in ("patches", "maximized"))
    return " to " in patches and maximised.count(", ") == 3


if __name__ == "__main__":
    main()
