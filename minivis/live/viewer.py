"""One viewer: a WebSocket, its newest picture, what it looks at, and its jobs.

Nothing ever queues up. A picture that comes before the last one was worked on replaces it; news of a job replaces news
that was not sent yet; the next picture is worked on when the last answer has left for the viewer. So a slow viewer
waits for nobody but itself, and holds one picture and one answer, however fast it sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Container
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.websockets import WebSocket, WebSocketDisconnect

from minivis.engine.memory import small_batches
from minivis.errors import BadValue, MinivisError
from minivis.layers.rules import RULES
from minivis.live import messages
from minivis.live.asked import Asked, Stopped
from minivis.live.jobs import JOBS, LANE_OF, ON_FRAME, WITHOUT_PICTURE
from minivis.runtime import allocator

if TYPE_CHECKING:
    from minivis.live.desk import Bench, Desk
    from minivis.live.microscope import View

log = logging.getLogger("minivis.live")

EVERY = {"gradient": 0.08, "strip": 1.0}        # seconds between two of a part that takes long, while pictures stream
PAUSE = 1.5                                     # of the time that such an answer took, at least, until the next one
REST = 0.25                                     # seconds without a new picture, after which the last one gets all parts
BATCH = 5e6                                     # bytes of the largest layer's output of a batch in a job
RATE, BURST = 200, 400                          # messages per second, and in one burst; more are read later

Newest: TypeAlias = tuple[int, bytes]           # a picture's number, and its file


class Viewer:
    def __init__(self, socket: WebSocket, desk: Desk) -> None:
        self.socket, self.desk = socket, desk
        self.bench = desk.bench(desk.first)     # the net
        self.view = self.bench.microscope.first_view()
        self.newest: Newest | None = None                   # (number, file) that has come and is not decoded yet
        self.number = 0                         # what was worked on last
        self.picture: Any = None                # and its pixels, uint8 (H, W, 3)
        self.due = dict.fromkeys(EVERY, 0.0)    # when each part of an answer is worth its time again
        self.stripped: tuple[int, Any] | None = None                    # (number of the picture, net) of the last strip
        self.wake = asyncio.Event()             # there is something to look at
        self.sending = asyncio.Lock()
        self.jobs: dict[str, threading.Event] = {}      # kind -> the event that stops the one that runs
        self.wanted: dict[str, Asked] = {}      # kind -> the next one
        self.drivers: dict[str, asyncio.Task[None]] = {}        # kind -> the task that starts it
        self.news: dict[tuple[str, str], Any] = {}      # (kind, part) -> the newest message about it
        self.has_news = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Until the viewer goes."""
        await self.send(self.bench.greeting)
        tasks = [asyncio.create_task(part()) for part in (self.read, self.look, self.report)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.stop()
            tasks += self.drivers.values()
            for task in tasks:
                task.cancel()
            for found in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(found, Exception) and not isinstance(found, WebSocketDisconnect):
                    log.error("a viewer's connection failed", exc_info=found)

    async def send(self, message: Any) -> None:
        """A dict as JSON, an envelope as it is. Waits while the viewer does not keep up."""
        async with self.sending:
            try:
                if isinstance(message, bytes):
                    await self.socket.send_bytes(message)
                else:
                    await self.socket.send_text(message if isinstance(message, str) else messages.as_json(message))
            except RuntimeError:                # Starlette's word for a socket that was closed in between
                raise WebSocketDisconnect(1006) from None

    async def complain(self, error: Exception | str, about: str) -> None:
        await self.send({"type": "error", "about": about, "message": str(error)})

    # ---- what comes ----

    async def read(self) -> None:
        tokens, then = float(BURST), time.monotonic()
        while True:
            received = await self.socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            now = time.monotonic()
            tokens, then = min(BURST, tokens + RATE * (now - then)), now
            if tokens < 1:
                await asyncio.sleep(1 / RATE)
            tokens -= 1
            data = received.get("bytes")
            try:
                if data is not None:
                    self.newest = messages.split_picture(data)
                    self.wake.set()
                else:
                    await self.obey(messages.parsed(received.get("text") or ""))
            except MinivisError as error:
                await self.complain(error, "message")

    async def obey(self, message: dict[str, Any]) -> None:
        """One JSON message."""
        kind = message["type"]
        scope = self.bench.microscope
        if kind == "view":
            parts = {key: messages.text_of(message, key) for key in ("layer", "unit", "rule", "show")}
            self.view = scope.changed(self.view, **parts, off=messages.texts_of(message, "off"))
            self.wake.set()
        elif kind == "net":
            await self.change(messages.text_of(message, "net", ""))
        elif kind == "stop":
            self.stop(ON_FRAME)
        else:
            name = "explain" if kind == "explain" else messages.text_of(message, "job", "")
            if name not in JOBS:
                raise BadValue(f"no job named {name!r}. Choose from: {', '.join(JOBS)}")
            if self.picture is None and name not in WITHOUT_PICTURE:
                raise BadValue("send a picture first")
            unit, target = (messages.text_of(message, key) or None for key in ("unit", "target"))
            checked = scope.checked_unit
            unit, target = (text and checked(text) for text in (unit, target))
            self.start(name, Asked(self.bench, self.picture, self.number, unit, target))

    async def change(self, name: str) -> None:
        """Look through another net. The page is greeted anew, and sends its view."""
        self.stop()
        self.stripped = None
        bench = await self.loop.run_in_executor(self.desk.lanes["asked"], self.desk.bench, name)
        self.bench, self.view = bench, bench.microscope.first_view()
        await self.send(bench.greeting)

    # ---- pictures ----

    async def look(self) -> None:
        """Work on the newest picture, or on the last one again when the view has changed."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            newest, self.newest = self.newest, None
            if newest is not None or self.picture is not None:
                await self.answer(newest)       # (a method of its own: while nothing comes, a net that was left may go)

    async def answer(self, newest: Newest | None) -> None:
        bench, parts, began = self.bench, self.parts(newest), time.monotonic()
        try:
            answer = await self.desk.look(self.work, bench, newest, self.view, parts)
        except MinivisError as error:
            await self.complain(error, "picture")
        except Stopped:                         # the page has been closed
            pass
        except Exception as error:
            log.exception("a picture could not be worked on")
            await self.complain(f"a bug in minivis: {type(error).__name__}: {error}", "picture")
        else:
            self.pause(parts, time.monotonic() - began)
            if bench is self.bench:             # not of a net that was left meanwhile
                await self.send(answer)
            if len(parts) < len(EVERY):
                self.loop.call_later(REST, self.complete, self.number)

    def parts(self, newest: Newest | None) -> list[str]:
        """Which of the parts that take long the answer has: while pictures stream in, each now and then."""
        now = time.monotonic()
        found = [part for part in EVERY if newest is None or now >= self.due[part]]
        if newest is None and self.stripped == (self.number, self.bench):
            found.remove("strip")
        for part in found:
            self.due[part] = now + EVERY[part]
        if "strip" in found:
            self.stripped = (newest[0] if newest else self.number, self.bench)
        return found

    def pause(self, parts: Any, took: float) -> None:
        """On a slow machine, or with a large net, what takes long must not take most of the time."""
        for part in parts:
            self.due[part] = max(self.due[part], time.monotonic() + PAUSE * took)

    def complete(self, number: int) -> None:
        """Answer a picture again that had no gradient or no strip, if no other came."""
        if self.newest is None and self.number == number and not self.wake.is_set():
            self.wake.set()

    def work(self, bench: Bench, newest: Newest | None, view: View, parts: Container[str]) -> bytes:
        """In a worker thread."""
        scope = bench.microscope
        if newest is not None:
            self.number, self.picture = newest[0], scope.decoded(newest[1])
        goes_far = view.unit and "gradient" in parts and RULES[view.rule].relevance     # LRP takes as much as a job
        with self.desk.turn(bench, "asked", self.desk.stopped.is_set) if goes_far else contextlib.nullcontext():
            return scope.look(self.picture, view, self.number, parts)

    # ---- jobs ----

    def stop(self, names: Any = tuple(JOBS)) -> None:
        for name in names:
            self.wanted.pop(name, None)
            if name in self.jobs:
                self.jobs[name].set()

    def start(self, name: str, asked: Asked) -> None:
        """Have a job done, in place of one of the same kind that runs or waits; of the tools one at a time."""
        self.stop(ON_FRAME if name in ON_FRAME else (name,))
        self.wanted[name] = asked
        if name not in self.drivers or self.drivers[name].done():
            self.drivers[name] = asyncio.create_task(self.drive(name))

    async def drive(self, name: str) -> None:
        while name in self.wanted:
            self.jobs[name] = threading.Event()
            before = self.desk.waiting[LANE_OF[name]]
            if before:
                self.note(name, {"type": "progress", "job": name, "part": 0, "before": before})
            await self.desk.job(LANE_OF[name], self.do, name, self.wanted.pop(name), self.jobs[name])

    def do(self, name: str, asked: Asked, stop: threading.Event) -> None:
        """In the thread for jobs."""
        def ended() -> bool:
            return stop.is_set() or self.desk.stopped.is_set() or self.loop.is_closed()

        def tell(message: Any, part: str = "result") -> bool:
            if not ended():
                self.loop.call_soon_threadsafe(self.note, name, message, part)
            return ended()

        try:
            if not stop.is_set():
                with small_batches(BATCH), self.desk.turn(asked.bench, LANE_OF[name], ended) as step_aside:
                    def tell_and_step_aside(*news: Any) -> bool:
                        is_over = tell(*news)
                        if not is_over:
                            step_aside()
                        return is_over

                    JOBS[name](asked.bench, asked, tell_and_step_aside)
        except Stopped:
            pass
        except MinivisError as error:
            tell({"type": "error", "about": name, "message": str(error)})
        except Exception as error:
            if ended():                         # as Python does: its pools of threads take nothing new by then
                return
            log.exception("a job failed")
            tell({"type": "error", "about": name, "message": f"a bug in minivis: {type(error).__name__}: {error}"})
        finally:
            allocator.give_back()

    def note(self, name: str, message: Any, part: str = "result") -> None:
        self.news[name, "progress" if isinstance(message, dict) and message["type"] == "progress" else part] = message
        self.has_news.set()

    async def report(self) -> None:
        while True:
            await self.has_news.wait()
            self.has_news.clear()
            news, self.news = self.news, {}
            for message in news.values():
                await self.send(message)
