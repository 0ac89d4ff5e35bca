"""uvicorn around the app: a socket on the loopback address, the settings of the WebSocket, the browser."""

import errno
import socket
import ssl
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minivis.errors import BadFile, BadValue, MissingExtra

HOSTS = ("127.0.0.1", "localhost", "[::1]")     # the names of this machine
LARGEST = 8 * 2**20                             # bytes of one message: what is larger ends the connection
TRIES = 20                                      # ports after the usual one
PATIENCE = 10                                   # seconds for a request to arrive
UNFINISHED = 64                                 # connections whose request has not arrived; beyond, the oldest goes


def server(app: Any, certificate: str | None = None, key: str | None = None) -> Any:
    """A uvicorn server that is not started yet. Compression would cost more time than the loopback takes.

    certificate, key: PEM files, for https; a certificate may hold its key.
    """
    try:
        import uvicorn
        import websockets  # noqa: F401  (what uvicorn speaks WebSocket with)
    except ImportError:
        raise MissingExtra("the live page needs uvicorn and websockets: pip install minivis[live]") from None
    return uvicorn.Server(uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", server_header=False, ws_max_size=LARGEST,
        ws_per_message_deflate=False, timeout_graceful_shutdown=1, limit_concurrency=400, http=impatient(),
        proxy_headers=False, ssl_certfile=certificate, ssl_keyfile=key,
    ))  # fmt: skip


def check_certificate(certificate: str | None, key: str | None) -> None:
    """Raise BadValue or BadFile for files that are not a certificate and its key."""
    if key and not certificate:
        raise BadValue("--key needs --certificate: https takes both")
    if certificate:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
        except ssl.SSLError:
            both = f"{certificate} and {key} are not" if key else f"{certificate} alone is not"
            raise BadFile(f"{both} a PEM certificate and its private key without a password") from None
        except OSError as error:
            raise BadFile(f"{error.filename or certificate} cannot be read ({error.strerror})") from None


def impatient() -> type:
    """uvicorn's HTTP/1.1, which would wait without end for the rest of a request, with an end.

    A connection whose request has not arrived after PATIENCE seconds is closed, and so is the oldest of more than
    UNFINISHED: no number of them keeps a person out.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.unfinished = self.server_state.__dict__.setdefault("unfinished", {})
            self.expect()

        def expect(self) -> None:
            """A request must arrive from now on."""
            if self not in self.unfinished:
                self.unfinished[self] = self.loop.call_later(PATIENCE, self.transport.close)
            if len(self.unfinished) > UNFINISHED:
                next(iter(self.unfinished)).transport.close()

        def arrived(self) -> None:
            timer = self.unfinished.pop(self, None)
            if timer:
                timer.cancel()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                if not self.transport.is_closing() and self.transport.get_protocol() is self:
                    self.expect()
            else:
                self.arrived()

        def handle_websocket_upgrade(self, event: Any) -> None:
            self.arrived()
            super().handle_websocket_upgrade(event)

        def connection_lost(self, exc: Any) -> None:
            self.arrived()
            super().connection_lost(exc)

    return Impatient


@contextmanager
def listening(port: int | None, usual: int, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A socket that listens on ``address``: at ``port``, or for None at the first free one from ``usual`` on."""
    ports = [port] if port is not None else [*range(usual, usual + TRIES), 0]
    for number in ports:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, number))
            sock.listen(64)
            break
        except OSError as error:
            sock.close()
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise BadValue(f"{address!r} is not an address of this machine") from None
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            if number == ports[-1]:
                raise BadValue(f"port {number} is in use or not permitted: name another one, or leave it out") from None
    with sock:
        yield sock


def run(
    app: Any, sock: socket.socket, open_browser: Any = None, certificate: str | None = None, key: str | None = None,
) -> None:  # fmt: skip
    """Serve until Ctrl-C."""
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [open_browser]).start()
    try:
        server(app, certificate, key).run(sockets=[sock])
    except KeyboardInterrupt:
        pass
    finally:
        app.desk.close()
