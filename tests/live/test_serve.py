"""The socket on the loopback address, and what happens at the end."""

import errno
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
    monkeypatch.setattr(serve, "server", lambda app: SimpleNamespace(run=stopped))
    serve.run(SimpleNamespace(desk=SimpleNamespace(close=lambda: closed.append(True))), None)
    assert closed == [True]
