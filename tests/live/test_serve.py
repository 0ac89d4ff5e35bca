"""The socket on the loopback address, and what happens at the end."""

import errno
import socket
import urllib.request
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from minivis.errors import BadValue
from minivis.live import serve


def test_a_port_that_is_taken_is_refused_by_name_and_passed_over_otherwise():
    with serve.listening(0, 0) as taken:
        address, port = taken.getsockname()
        assert address == "127.0.0.1"
        with serve.listening(None, port) as other:
            assert other.getsockname()[1] != port
        with pytest.raises(BadValue, match=f"port {port} is in use"), serve.listening(port, port):
            pass


def test_the_socket_is_closed_afterwards():
    with serve.listening(0, 0) as sock:
        assert sock.fileno() >= 0
    assert sock.fileno() == -1


def test_another_error_of_the_system_is_not_called_a_taken_port(monkeypatch):
    class Broken:
        def __init__(self, family):
            pass

        def __getattr__(self, name):
            return lambda *args: None

        def bind(self, address):
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(serve.socket, "socket", Broken)
    with pytest.raises(OSError, match="Too many open files"), serve.listening(None, 8650):
        pass


def test_ctrl_c_ends_the_server_and_closes_the_desk(monkeypatch):
    def stopped(sockets):
        raise KeyboardInterrupt

    closed = []
    monkeypatch.setattr(serve, "server", lambda *given: SimpleNamespace(run=stopped))
    serve.run(SimpleNamespace(desk=SimpleNamespace(close=lambda: closed.append(True))), None)
    assert closed == [True]


def test_an_address_that_is_not_of_this_machine_is_refused():
    for address in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(BadValue, match="not an address of this machine"), serve.listening(0, 0, address):
            pass


# ---- requests that never arrive ----

def test_half_a_request_is_dropped_after_a_while_and_none_keeps_a_person_out(server, monkeypatch):
    """More connections that say half a request than there is room for, before and after one whole request."""
    port, _ = server
    monkeypatch.setattr(serve, "UNFINISHED", 20)
    whole = f"GET /pattern.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    with ExitStack() as stack:
        for k in range(60):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            if k % 2:
                one.sendall(whole)
                assert b"200 OK" in one.recv(4096)
            one.sendall(whole[:20])
        assert fetched(port) == 200
    monkeypatch.setattr(serve, "PATIENCE", 0.05)
    for first in (b"", whole):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
            one.sendall(first + whole[:20])
            while one.recv(4096):
                pass                                    # until the server closes it


def fetched(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
        return response.status


def test_a_certificate_and_its_key_are_read_as_what_they_are(monkeypatch):
    read = []
    monkeypatch.setattr(serve.ssl, "create_default_context", lambda purpose: SimpleNamespace(
        load_cert_chain=lambda *files, **how: read.append((purpose, files, how))))
    serve.check_certificate("a.crt", "a.key")
    serve.check_certificate("both.pem", None)
    assert read == [(serve.ssl.Purpose.CLIENT_AUTH, files, {"password": ""})
                    for files in (("a.crt", "a.key"), ("both.pem", None))]
