"""The ASGI app: the page, and one WebSocket for each viewer. It answers only its own page, and writes nothing.

A page elsewhere that a browser shows could reach a server on the loopback address. So a request is answered only when
its Host is this machine's own name or one of ``hosts`` (a foreign name that points here is a trick), and when its
Origin, which browsers send along, is the page's own, over http or over https; a WebSocket must have one. Files are read
once, by name, when the app is made: no path that comes is ever looked up on the disk.

The page asks for everything relative to its own address, so the app works under any path: mounted in another app, and
behind a proxy that passes Host on (docs/live.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from minivis.data.samples import Samples
from minivis.live.desk import Desk
from minivis.live.messages import as_json
from minivis.live.serve import HOSTS
from minivis.live.viewer import Viewer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from minivis.engine.network import Network

MAX_VIEWERS = 32
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8"}
FOLDER = files("minivis.live").joinpath("static")
STATIC = {"" if file.name == "index.html" else file.name: (file, TYPES[PurePath(file.name).suffix])
          for file in FOLDER.iterdir() if PurePath(file.name).suffix in TYPES}      # path -> a file, and what it is
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob: mediastream:; "
                               "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(self), microphone=()",
}  # fmt: skip


class OwnPageOnly:
    """Refuse requests with a foreign Host or Origin."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], desk: Desk) -> None:
        self.app, self.hosts, self.desk = app, hosts, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self.allowed(scope):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})       # before it was accepted: HTTP 403
            else:
                sentence = "minivis live only answers requests from its own page: open the address that it printed"
                await PlainTextResponse(sentence, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def allowed(self, scope: Scope) -> bool:
        heads = [(name.lower(), value.decode("latin-1").lower()) for name, value in scope["headers"]]
        hosts = [value for name, value in heads if name == b"host"]
        origins = [value for name, value in heads if name == b"origin"]
        if len(hosts) != 1 or not {hosts[0], hosts[0].rpartition(":")[0]} & set(self.hosts):
            return False
        if not origins:
            return scope["type"] == "http"
        return origins in ([f"http://{hosts[0]}"], [f"https://{hosts[0]}"])      # https: a proxy in front has the key


def create_app(
    net: Network, *, name: str = "net", hosts: Sequence[str] = HOSTS, others: Mapping[str, Any] | None = None,
) -> OwnPageOnly:  # fmt: skip
    """The ASGI app of the live page of ``net``; ``name`` is shown on it.

    others: {name: a net, or a function that loads it}, to which a viewer may change.

    hosts: the names by which it may be called, with or without a port, as "example.org" or "10.0.0.5:8443".
    """
    hosts = tuple(host.lower() for host in hosts)
    static = {path: (file.read_bytes(), kind) for path, (file, kind) in STATIC.items()}
    samples = Samples()
    static["samples.webp"] = (samples.sheet, "image/webp")
    tags = {path: f'"{hashlib.sha256(body).hexdigest()[:20]}"' for path, (body, _) in static.items()}
    desk = Desk({name: net, **(others or {})}, samples)

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        if path not in static:
            return PlainTextResponse("there is no such page", 404, HEADERS)
        headers = {**HEADERS, "ETag": tags[path]}
        if tags[path] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body, kind = static[path]
        return Response(body, headers=headers, media_type=kind)

    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        if desk.viewers >= MAX_VIEWERS:
            await socket.send_text(as_json({"type": "error", "about": "connection",
                                            "message": f"{MAX_VIEWERS} viewers are connected already; close one"}))
            await socket.close(1013)
            return
        desk.viewers += 1
        try:
            await Viewer(socket, desk).run()
        except WebSocketDisconnect:
            pass
        finally:
            desk.viewers -= 1

    app = Starlette(routes=[WebSocketRoute("/socket", watch), Route("/{path:path}", page, methods=["GET"])])
    return OwnPageOnly(app, hosts, desk)
