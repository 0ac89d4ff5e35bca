"""One viewer and several, over a real socket, with real frames, as a browser would use the server."""

import asyncio
import contextlib
import struct
import threading
import time
import weakref
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from commandline import scene
from live_server import Watcher, picture_file, serving

import minivis as mv
from minivis.models.tiny import tiny_vgg

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)

from minivis.live import viewer as module  # noqa: E402
from minivis.live.jobs import JOBS  # noqa: E402
from minivis.live.microscope import View  # noqa: E402
from minivis.live.viewer import Viewer  # noqa: E402

GOOD = picture_file(scene())
BOMB = bytearray(picture_file(np.zeros((1, 1, 3), np.uint8)))
BOMB[16:24] = struct.pack(">II", 50_000, 50_000)                # a PNG that says it is huge
BOMB[29:33] = struct.pack(">I", zlib.crc32(BOMB[12:29]))


def test_a_frame_is_what_the_net_says_of_that_picture(net, watcher):
    picture = scene()
    watcher.send(type="view", layer="relu2_1", unit="conv2_1:3", rule="guided")
    watcher.show(picture_file(picture), 7)
    frame = watcher.next("frame", number=7)
    acts = net.forward(net.preprocess(net.fit(picture)))
    value = acts["relu2_1"][0]
    shown = frame["grid"] / 255 * frame["limits"]
    np.testing.assert_allclose(shown, value, atol=value.max() / 254)
    probs = acts["prob"][0]
    best = int(probs.argmax())
    assert frame["top"][0] == [best, net.class_names[best], pytest.approx(float(probs[best]), rel=1e-5)]
    assert [row[2] for row in frame["top"]] == sorted((row[2] for row in frame["top"]), reverse=True)
    unit = frame["unit"]
    row, column = np.unravel_index(acts["conv2_1"][0, :, :, 3].argmax(), (8, 8))
    assert unit["position"] == [row, column]
    assert unit["value"] == pytest.approx(float(acts["conv2_1"][0, :, :, 3].max()), rel=1e-5)
    dacts, _ = net.backward(acts, mv.one_hot(acts, "conv2_1:3@max"), relu_rule="guided")
    gradient = net.preprocess_adjoint(dacts["input"])[0]
    shown = (frame["gradient"].astype(float) - 128) / 127 * unit["gradient_limit"]
    inside = abs(gradient) < unit["gradient_limit"]
    np.testing.assert_allclose(shown[inside], gradient[inside], atol=unit["gradient_limit"] / 250)


def test_a_new_view_shows_the_last_picture_again(watcher):
    watcher.show(picture_file(scene()), 3)
    first = watcher.next("frame")
    watcher.send(type="view", layer="fc7")
    again = watcher.next("frame", layer="fc7")
    assert again["number"] == first["number"] == 3 and again["shape"] == [7]
    assert again["top"] == first["top"]


def test_the_rule_changes_the_way_back(watcher):
    watcher.show(picture_file(scene()))
    shown = {}
    for rule in ("normal", "deconv", "guided"):
        watcher.send(type="view", unit="fc8:2", rule=rule)
        frame = watcher.next("frame")
        while not frame.get("unit") or frame["unit"]["rule"] != rule:
            frame = watcher.next("frame")
        shown[rule] = frame["gradient"]
    assert not np.array_equal(shown["normal"], shown["guided"])
    assert not np.array_equal(shown["deconv"], shown["guided"])


@pytest.mark.parametrize("message, words", [
    ("no json {", "be JSON"), ("[1, 2]", "JSON object"), ("{}", "type"), ('{"type": "format the disk"}', "type"),
    ('{"type": "view", "layer": "conv9_9"}', "no layer named 'conv9_9'; did you mean"),
    ('{"type": "view", "layer": 7}', "layer must be a text"), ('{"type": "view", "rule": "left"}', "no rule"),
    ('{"type": "view", "unit": "conv1_1:999"}', "6 channels"),
    ('{"type": "job", "job": "mine"}', "no job named 'mine'"),
    ('{"type": "view", "unit": "fc8:1@3,3"}', "has no positions"),
    ('{"type": "view", "unit": "conv1_1:1@99,0"}', "rows go from 0 to 15"),
    ("[" * 15_000, "be JSON"), ('{"type": "' + "x" * 30_000 + '"}', "the limit is 20000"),
    (b"", "binary message"), (b"\1\0\0\0", "binary message"), (b"\1\0\0\0GIF89a", "binary message"),
    (b"\1\0\0\0" + GOOD[: len(GOOD) // 2], "damaged or incomplete"), (b"\1\0\0\0" + bytes(BOMB), "2500 million"),
    (b"\1\0\0\0\xff\xd8\xff" + bytes(5_000_000), "send a smaller one"),
])  # fmt: skip
def test_a_bad_message_gets_an_error_and_the_connection_lives(watcher, message, words):
    watcher.socket.send(message)
    assert words in watcher.next("error")["message"]
    watcher.show(GOOD, 5)
    assert watcher.next("frame")["number"] == 5


def test_the_newest_picture_wins(net):
    """Twenty at once: the last is answered, most of the others never, and nothing stays queued."""
    slow = Slowed(net)
    with serving(slow) as (port, _), Watcher(port) as watcher:
        for number in range(1, 21):
            watcher.show(GOOD, number)
        answered = []
        while not answered or answered[-1] != 20:
            answered.append(watcher.next("frame")["number"])
        assert answered == sorted(answered) and len(answered) <= 6


@pytest.mark.parametrize("ends", [True, False])
def test_a_job_that_fails_because_the_server_ends_is_no_bug(monkeypatch, caplog, ends):
    """As Python ends, a pool of threads takes nothing new, in the middle of a job."""
    desk = SimpleNamespace(stopped=threading.Event(), turn=lambda *given: contextlib.nullcontext())
    told = []
    loop = SimpleNamespace(is_closed=lambda: False, call_soon_threadsafe=lambda note, *news: told.append(news))
    viewer = SimpleNamespace(desk=desk, loop=loop, note=None)

    def job(bench, asked, tell):
        if ends:
            desk.stopped.set()
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setitem(JOBS, "patches", job)
    Viewer.do(viewer, "patches", SimpleNamespace(bench=None), threading.Event())
    assert bool(caplog.records) == bool(told) == (not ends)


def test_a_long_job_steps_aside_after_its_news_and_not_once_it_is_over(monkeypatch):
    order = []
    desk = SimpleNamespace(stopped=threading.Event(),
                           turn=lambda *given: contextlib.nullcontext(lambda: order.append("aside")))
    loop = SimpleNamespace(is_closed=lambda: False,
                           call_soon_threadsafe=lambda note, name, news, part: order.append(news))
    stop = threading.Event()

    def job(bench, asked, tell):
        over = [tell("first")]
        order.append(over)
        stop.set()
        over.append(tell("second"))

    monkeypatch.setitem(JOBS, "patches", job)
    Viewer.do(SimpleNamespace(desk=desk, loop=loop, note=None), "patches", SimpleNamespace(bench=None), stop)
    assert order == ["first", "aside", [False, True]]


def test_news_replaces_news_of_its_kind_that_was_not_sent_yet():
    """Progress never takes the place of a result, nor one job that of another."""
    viewer = SimpleNamespace(news={}, has_news=asyncio.Event())
    early, late, other = ({"type": "progress", "job": job, "part": part} for job, part in (
        ("fool", 0.1), ("fool", 0.9), ("dream", 0.5)))
    for name, *news in (("fool", early), ("fool", b"first"), ("fool", late), ("dream", other),
                        ("fool", b"more", "more"), ("fool", {"type": "fooled"})):  # fmt: skip
        Viewer.note(viewer, name, *news)
    assert list(viewer.news.values()) == [late, {"type": "fooled"}, other, b"more"] and viewer.has_news.is_set()


@pytest.mark.parametrize(("rule", "unit", "parts", "waits"), [
    ("lrp", "conv1_1:0", ("gradient",), True), ("guided", "conv1_1:0", ("gradient",), False),
    ("lrp", None, ("gradient",), False), ("lrp", "conv1_1:0", (), False),
])  # fmt: skip
def test_a_frame_waits_for_a_turn_where_relevance_goes_back(rule, unit, parts, waits):
    turns, shown = [], []
    scope = SimpleNamespace(look=lambda *given: shown.append(len(turns)))
    bench = SimpleNamespace(microscope=scope)
    desk = SimpleNamespace(stopped=threading.Event(),
                           turn=lambda *given: contextlib.nullcontext(turns.append(given)))
    viewer = SimpleNamespace(desk=desk, picture=None, number=1)
    Viewer.work(viewer, bench, None, View("conv1_1", unit, rule), parts)
    assert shown == [int(waits)] and [given[:2] for given in turns] == waits * [(bench, "asked")]


def test_what_takes_long_pauses_for_longer_than_it_took():
    now = time.monotonic()
    viewer = SimpleNamespace(due={"gradient": now, "strip": now + 100})
    Viewer.pause(viewer, ["gradient", "strip"], 2.0)
    assert now + 2 < viewer.due["gradient"] < now + 50 and viewer.due["strip"] == now + 100


def test_messages_are_read_in_bursts_of_400_and_200_a_second(monkeypatch):
    now, slept, obeyed = [100.0], [], []

    async def sleep(seconds):
        slept.append(len(obeyed))                       # how many messages had been read by then
        now[0] += seconds

    async def obey(message):
        obeyed.append(message)
        if len(obeyed) == 700:
            now[0] += 10                                # a pause, after which there may be a burst again

    async def receive():
        return {"type": f"websocket.{'receive' if len(obeyed) < 1200 else 'disconnect'}", "text": '{"type": "stop"}'}

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))
    asyncio.run(Viewer.read(SimpleNamespace(socket=SimpleNamespace(receive=receive), obey=obey)))
    assert slept == [*range(400, 700), *range(1100, 1200)]
    assert now[0] == pytest.approx(100 + 10 + 400 / 200)


class Slowed:
    """A net that takes a tenth of a second for a picture."""

    def __init__(self, net):
        self.net = net

    def __getattr__(self, name):
        return getattr(self.net, name)

    def forward(self, *args, **settings):
        time.sleep(0.1)
        return self.net.forward(*args, **settings)


def test_a_viewer_who_does_not_read_slows_nobody(server):
    """One shows large frames and never takes an answer: another gets all of its own meanwhile."""
    port, _ = server
    with Watcher(port) as deaf, Watcher(port) as watcher:
        for number in range(200):
            deaf.show(GOOD, number)
        started = time.monotonic()
        for number in range(30):
            watcher.show(GOOD, number)
            watcher.next("frame", number=number)
        assert time.monotonic() - started < 20


def test_viewers_have_views_of_their_own(server):
    port, _ = server
    with Watcher(port) as a, Watcher(port) as b:
        a.send(type="view", layer="relu2_1")
        b.send(type="view", layer="fc7")
        for one, layer in ((a, "relu2_1"), (b, "fc7")):
            one.show(GOOD, 9)
            assert one.next("frame", number=9)["layer"] == layer


def test_another_net_takes_over_and_knows_the_picture(net):
    from minivis.models.tiny import tiny_branches

    with serving(net, others={"branches": tiny_branches}) as (port, _), Watcher(port) as watcher:
        assert watcher.hello["nets"] == ["tiny", "branches"]
        watcher.show(GOOD, 3)
        assert watcher.next("frame")["net"] == "tiny"
        watcher.send(type="net", net="branches")
        hello = watcher.next("hello")
        assert hello["net"]["name"] == "branches"
        watcher.send(type="view", layer=hello["stages"][0]["shows"])
        assert watcher.next("frame", net="branches")["number"] == 3
        watcher.send(type="net", net="no such net")
        assert "no net on this page named" in watcher.next("error")["message"]


def test_nothing_of_a_net_lives_when_others_came_after_it(net, monkeypatch):
    """Through five nets, with jobs and units switched off: the first and the last two stay, without their garbage."""
    made = {}

    def maker(name):
        def make():
            one = tiny_vgg()
            made[name] = weakref.ref(one)
            return one
        return make

    with serving(net, "first", others={name: maker(name) for name in "abcd"}) as (port, app), Watcher(port) as watcher:
        watcher.show(GOOD, 1)
        for name in "abcd":
            watcher.send(type="net", net=name)
            watcher.next("hello")
            watcher.send(type="view", layer="relu2_1", unit="conv2_1:1", off=["conv1_1:1"])
            watcher.next("frame", net=name, layer="relu2_1")
            watcher.send(type="job", job="saliency", unit="fc8:1")
            watcher.next("heat")
            watcher.send(type="explain", unit="fc8:1")
            watcher.next("explained")
        monkeypatch.setattr("minivis.live.desk.AT_WORK", 0)
        watcher.show(GOOD, 2)
        watcher.next("frame", number=2)
        deadline = time.monotonic() + 10
        while (made["a"]() or made["b"]()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [name for name in made if made[name]() is not None] == ["c", "d"]
        assert set(app.desk.benches) == {"first", "c", "d"}
        assert [scope.name for scope in app.desk.at_work] == ["d"]


def test_while_pictures_stream_the_way_back_comes_now_and_then_and_at_rest_with_the_last(server):
    """A hundred pictures as fast as they are answered: most without a gradient; the last one gets all."""
    with Watcher(server[0]) as watcher:
        watcher.send(type="view", unit="relu2_1:1")
        parts = []
        for number in range(1, 101):
            watcher.show(GOOD, number)
            frame = watcher.next("frame", number=number)
            parts.append(("gradient" in frame, "strip" in frame))
        last = frame
        while "gradient" not in last or "strip" not in last:
            last = watcher.next("frame", number=100)
    gradients, strips = (sum(part[k] for part in parts) for k in (0, 1))
    assert parts[0] == (True, True) and strips <= gradients


@pytest.mark.parametrize("waiting", [0, 2])
def test_how_many_wait_before_a_job_is_told_where_any_do(waiting):
    notes = []

    async def job(lane, do, *given):
        notes.append((lane, *given[:2]))

    lane = module.LANE_OF["patches"]
    viewer = SimpleNamespace(wanted={"patches": "asked"}, jobs={}, do=None, note=lambda *note: notes.append(note),
                             desk=SimpleNamespace(waiting={lane: waiting}, job=job))
    asyncio.run(Viewer.drive(viewer, "patches"))
    said = {"type": "progress", "job": "patches", "part": 0, "before": waiting}
    assert notes == [*([("patches", said)] if waiting else []), (lane, "patches", "asked")]
