"""uvicorn around the app: a socket on the loopback address, the settings of the WebSocket, the browser."""

import errno
import socket
import threading
import webbrowser
from contextlib import contextmanager

from minivis.errors import BadValue, MissingExtra

LARGEST = 8 * 2**20                             # bytes of one message: what is larger ends the connection
TRIES = 20                                      # ports after the usual one


def server(app):
    """A uvicorn server that is not started yet. Compression would cost more time than the loopback takes."""
    try:
        import uvicorn
        import websockets  # noqa: F401  (what uvicorn speaks WebSocket with)
    except ImportError:
        raise MissingExtra("the live page needs uvicorn and websockets: pip install minivis[live]") from None
    return uvicorn.Server(uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", server_header=False, ws_max_size=LARGEST,
        ws_per_message_deflate=False, timeout_graceful_shutdown=1, limit_concurrency=200,
    ))  # fmt: skip


@contextmanager
def listening(port, usual):
    """A socket that listens on 127.0.0.1: at ``port``, or for None at the first free one from ``usual`` on."""
    ports = [port] if port is not None else [*range(usual, usual + TRIES), 0]
    for number in ports:
        sock = socket.socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", number))
            sock.listen(64)
            break
        except OSError as error:
            sock.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            if number == ports[-1]:
                raise BadValue(f"port {number} is in use or not permitted: name another one, or leave it out") from None
    with sock:
        yield sock


def run(app, sock, open_browser=None):
    """Serve until Ctrl-C."""
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [open_browser]).start()
    try:
        server(app).run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    finally:
        app.desk.close()
