"""Make the picture of the live page in the README: drive a browser to a sample picture, a layer and a unit.

    python demos/live_page.py               needs: pip install minivis[ci], and Chromium (Debian: apt install chromium)
"""

import argparse
import shutil
import threading
import time
from pathlib import Path

import minivis as mv
from minivis.live import create_app, serve


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(Path(__file__).with_name("live_page.webp")))
    args = parser.parse_args(argv)

    app = create_app(mv.load("emoji-vgg"), name="emoji-vgg")
    with serve.listening(0, 0) as sock:
        server = serve.server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            photograph(f"http://127.0.0.1:{sock.getsockname()[1]}/", args.out)
        finally:
            server.should_exit = True
            thread.join()
            app.desk.close()


def photograph(address, out):
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                             args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1032}, color_scheme="dark")
        page.goto(f"{address}#sample=8&layer=relu4_1&unit=relu4_1:45&rule=guided")        # the parrot
        wait(page, "grid-title", "relu4_1")
        wait(page, "unit-title", "relu4_1:45")
        for note, last in (("patches-note", " to "), ("maximized-note", ", −")):
            wait(page, note, last)
        while page.text_content("#back-note"):
            time.sleep(0.1)
        page.wait_for_timeout(500)
        page.screenshot(path=out + ".png")
        browser.close()
    picture = Image.open(out + ".png").convert("RGB").resize((1200, 860), Image.Resampling.LANCZOS)
    picture.save(out, quality=80, method=6)
    Path(out + ".png").unlink()


def wait(page, element, part):
    while part not in (page.text_content(f"#{element}") or ""):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
