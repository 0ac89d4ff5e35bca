"""Who may ask the live page's server, for what, and how many at once."""

import asyncio
import urllib.error
import urllib.request

import pytest
from live_server import Watcher, serving

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)

from minivis.live.app import STATIC, create_app  # noqa: E402


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
    for origin in ("http://evil.example", f"https://127.0.0.1:{port + 1}", f"http://localhost:{port}", "null"):
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


def test_a_browser_that_has_a_file_is_told_that_it_has_not_changed(server):
    port, _ = server
    for path in STATIC:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}")
        with urllib.request.urlopen(request, timeout=20) as response:
            tag = response.headers["ETag"]
        assert fetched(port, f"/{path}", **{"If-None-Match": tag}) == (304, b"")
        assert fetched(port, f"/{path}", **{"If-None-Match": '"another"'})[0] == 200


# ---- under another address ----

def asked(app, path="/", host="example.org", origin=None, kind="http"):
    """The status of a request to an app, or for a WebSocket whether it was accepted: without a server."""
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    scope = {"type": kind, "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "",
             "headers": headers, "query_string": b"", "scheme": "http", "subprotocols": [],
             "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9)}
    sent, coming = [], [{"type": f"{kind}.connect"}, {"type": f"{kind}.disconnect", "code": 1000}]

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0].get("status", sent[0]["type"])


@pytest.mark.parametrize("host, origin, welcome", [
    ("example.org", "https://example.org", True), ("example.org", "http://example.org", True),
    ("example.org:8443", "https://example.org:8443", True), ("example.org:8443", "https://example.org", False),
    ("EXAMPLE.org", "https://example.org", True), ("example.org", "https://evil.example", False),
    ("example.org.evil.example", "https://example.org.evil.example", False), ("127.0.0.1", "https://127.0.0.1", True),
    ("10.0.0.5:9", "https://10.0.0.5:9", True), ("10.0.0.5:10", "https://10.0.0.5:10", False),
])  # fmt: skip
def test_behind_a_proxy_with_a_certificate(net, host, origin, welcome):
    app = create_app(net, hosts=("127.0.0.1", "Example.org", "10.0.0.5:9"))
    try:
        assert asked(app, "/", host, origin) == (200 if welcome else 403)
        accepted = asked(app, "/socket", host, origin, "websocket") == "websocket.accept"
        assert accepted == welcome
    finally:
        app.desk.close()


def test_mounted_in_another_app(net):
    from starlette.applications import Starlette
    from starlette.routing import Mount

    live = create_app(net)
    app = Starlette(routes=[Mount("/some/place", app=live)])
    try:
        for path in STATIC:
            assert asked(app, f"/some/place/{path}", "127.0.0.1") == 200
        assert asked(app, "/style.css", "127.0.0.1") == 404
        origin = "http://127.0.0.1"
        assert asked(app, "/some/place/socket", "127.0.0.1", origin, "websocket") == "websocket.accept"
    finally:
        live.desk.close()


def test_there_is_a_limit_to_viewers(net, monkeypatch):
    monkeypatch.setattr("minivis.live.app.MAX_VIEWERS", 1)
    with serving(net) as (port, _), Watcher(port), Watcher(port) as one_too_many:
        assert "viewers are connected already" in one_too_many.refused
