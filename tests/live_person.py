"""For the tests of the live page: somebody at the page, in a browser."""

import time

LONG = 90                                       # seconds: for what takes a moment on a machine with much else to do


class Person:
    """Somebody at the page. ``troubles``: what the console complained of."""

    def __init__(self, page, port):
        self.page, self.troubles = page, []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning") and self.troubles.append(said.text))
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#layers button", timeout=1000 * LONG)

    def __getattr__(self, name):
        return getattr(self.page, name)

    def until(self, expression, seconds=LONG):
        """Wait until an expression of JavaScript is true, and return it. (The page's own policy forbids eval in it.)"""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.page.evaluate(expression):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {expression}; {self.troubles}")

    def text(self, selector):
        return self.page.text_content(selector).strip()

    def until_top(self, name):
        self.until(f"document.querySelector('#classes .name')?.textContent === {name!r}")

    def picture(self, selector):
        """What a canvas shows, as a text."""
        return self.page.evaluate(f"document.querySelector({selector!r}).toDataURL()")

    def choose_file(self, path, selector="#picture-file"):
        self.page.set_input_files(selector, str(path))
