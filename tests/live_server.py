"""For the tests of the live page: a server in a thread, and a viewer that speaks to it."""

import io
import json
import struct
import threading
import time
from contextlib import contextmanager

from PIL import Image

from minivis.live import create_app, serve
from minivis.live.messages import opened


@contextmanager
def serving(net, name="tiny", port=0, others=None):
    """The page of a net on a port of its own; yields (port, app)."""
    app = create_app(net, name=name, others=others)
    with serve.listening(port, port) as sock:
        server = serve.server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        try:
            yield sock.getsockname()[1], app
        finally:
            server.should_exit = True
            thread.join(20)
            app.desk.close()
            assert not thread.is_alive()


def picture_file(picture, format="PNG"):
    data = io.BytesIO()
    Image.fromarray(picture).save(data, format)
    return data.getvalue()


class Watcher:
    """A viewer: what the page does, in a few lines."""

    def __init__(self, port, origin=None, host="127.0.0.1"):
        from websockets.sync.client import connect

        own = f"http://{host}:{port}"
        self.connection = connect(f"ws://{host}:{port}/socket", origin=origin or own, max_size=2**24, compression=None,
                                  ping_interval=None, close_timeout=2)

    def __enter__(self):
        self.socket = self.connection.__enter__()
        try:
            head, _ = self.receive()
            self.hello = head if head["type"] == "hello" else None
            self.refused = None if self.hello else head["message"]
        except BaseException:
            self.connection.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error):
        self.connection.__exit__(*error)

    def send(self, **message):
        self.socket.send(json.dumps(message))

    def show(self, file, number=1):
        self.socket.send(struct.pack("<I", number) + file)

    def receive(self, timeout=30):
        data = self.socket.recv(timeout)
        return opened(data) if isinstance(data, bytes) else (json.loads(data), {})

    def next(self, kind, timeout=30, **fields):
        """The next message of that type (and with these fields), with its arrays: as one dict. Others are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            head, arrays = self.receive(max(0.01, deadline - time.monotonic()))
            if head["type"] == kind and all(head.get(key) == value for key, value in fields.items()):
                return {**head, **arrays}
            assert head["type"] != "error" or kind == "error", head
