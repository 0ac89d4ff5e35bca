"""Who may ask the live page's server, for what, and how many at once."""

import urllib.error
import urllib.request

import pytest
from live_server import Watcher, serving

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)

from minivis.live.app import STATIC  # noqa: E402


def fetched(port, path="/", method="GET", **headers):
    """(status, body) of one request."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_only_its_own_page_may_speak_to_it(server):
    from websockets.exceptions import InvalidStatus

    port, _ = server
    assert fetched(port)[0] == 200
    assert fetched(port, Host=f"localhost:{port}")[0] == 200
    for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{port}"}, {"Host": "127.0.0.1.evil.example"},
                    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{port + 1}"}):
        assert fetched(port, **headers)[0] == 403, headers
    for origin in ("http://evil.example", f"https://127.0.0.1:{port}", f"http://localhost:{port}", "null"):
        with pytest.raises(InvalidStatus, match="403"), Watcher(port, origin=origin):
            pass


def test_no_path_leaves_the_static_folder_and_no_route_writes(server):
    port, _ = server
    for path in ("/../app.py", "/..%2fapp.py", "/%2e%2e/%2e%2e/setup.cfg", "//etc/passwd", "/static/../app.py",
                 "/C:\\windows", "/index.html/", "/samples.txt"):
        assert fetched(port, path)[0] == 404, path
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert fetched(port, "/", method)[0] == 405


def test_every_file_of_the_page_is_served_and_none_names_another_host(server):
    port, _ = server
    for path in STATIC:
        status, body = fetched(port, f"/{path}")
        assert status == 200 and body
        if not path.endswith(".webp"):
            text = body.decode().replace("http://www.w3.org/2000/svg", "")
            assert "://" not in text, path


def test_there_is_a_limit_to_viewers(net, monkeypatch):
    monkeypatch.setattr("minivis.live.app.MAX_VIEWERS", 1)
    with serving(net) as (port, _), Watcher(port), Watcher(port) as one_too_many:
        assert "viewers are connected already" in one_too_many.refused
