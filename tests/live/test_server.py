"""The live page's server, as a browser would use it: over a real socket, with real frames."""

import json
import struct
import time
import urllib.error
import urllib.request
import zlib

import numpy as np
import pytest
from commandline import scene
from hypothesis import given
from hypothesis import strategies as st

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)

from live_server import Watcher, picture_file, serving  # noqa: E402

import minivis as mv  # noqa: E402
from minivis.errors import MinivisError  # noqa: E402
from minivis.layers.relu import RELU_RULES  # noqa: E402
from minivis.live import messages  # noqa: E402
from minivis.live.app import STATIC  # noqa: E402
from minivis.live.microscope import Microscope, quantised  # noqa: E402
from minivis.models.tiny import tiny_branches, tiny_vgg  # noqa: E402


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


@pytest.fixture(scope="module")
def server(net):
    with serving(net) as (port, app):
        yield port, app


@pytest.fixture
def watcher(server):
    with Watcher(server[0]) as one:
        yield one


def fetched(port, path="/", method="GET", **headers):
    """(status, body) of one request."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


# ---- what it answers ----

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


@pytest.mark.parametrize("make", [tiny_branches, lambda: tiny_vgg(channels=1)])
def test_any_net_any_layer(make):
    net = make()
    scope = Microscope(net)
    json.loads(messages.as_json(scope.describe()))
    for layer in ["input", *net.nodes]:
        view = scope.changed(scope.first_view(), layer=layer, unit=f"{layer}:0", rule="deconv")
        head, arrays = messages.opened(scope.look(scene(16, 16), view))
        assert arrays["limits"].shape == (head["shape"][-1],)
        assert head["unit"]["channel"] == 0 and arrays["gradient"].ndim == 3


def test_a_net_without_classes_has_no_top():
    net = tiny_vgg()
    net.roles.update(logits=None, prob=None)
    scope = Microscope(net)
    head, _ = messages.opened(scope.look(scene(), scope.first_view()))
    assert head["top"] == [] and scope.describe()["net"]["classes"] == []


def test_large_maps_are_shrunk_by_means_to_what_one_message_holds(rng):
    maps = rng.random((112, 112, 64)).astype(np.float32)
    q, limits, is_signed, step = quantised(maps)
    assert q.size <= 300_000 and step == 2 and not is_signed
    means = maps.reshape(56, 2, 56, 2, 64).mean(axis=(1, 3))
    np.testing.assert_allclose(q / 255 * limits, means, atol=1 / 500)


# ---- jobs ----

def test_jobs_on_the_last_picture(net, watcher):
    picture = scene()
    watcher.show(picture_file(picture))
    watcher.next("frame")
    watcher.send(type="job", job="saliency")
    found = watcher.next("heat", job="saliency")
    wanted = mv.saliency(net, picture).maps[0]
    np.testing.assert_allclose(heat_of(found), wanted, atol=wanted.max() / 250)
    watcher.send(type="job", job="occlusion", unit="fc8:1")
    found = watcher.next("heat", job="occlusion")
    wanted = mv.occlusion(net, picture, "fc8:1").maps[0]
    np.testing.assert_allclose(heat_of(found), wanted, atol=abs(wanted).max() / 250)


def heat_of(message):
    return (message["map"].astype(float) - 128) / 127 * message["limit"]


def test_patches_come_from_the_pictures_where_the_unit_is_strongest(net, server, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job="patches", unit="relu1_1:2")
    found = watcher.next("patches", unit="relu1_1:2")
    samples = server[1].desk.samples.images
    peaks = [float(net.forward(net.preprocess(net.fit(s)), until="relu1_1")["relu1_1"][..., 2].max()) for s in samples]
    np.testing.assert_allclose(found["values"], np.sort(peaks)[::-1][:9], rtol=1e-5)
    assert found["tiles"].shape == (9, 64, 64, 3) and found["sheet"].shape == (6, 32, 32, 3)


@pytest.mark.parametrize("job", ["maximize", "grow"])
def test_a_picture_grows_before_the_viewers_eyes(job, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job=job, unit="relu2_1:3")
    first = watcher.next("grown", job=job)
    last = watcher.next("grown", job=job, step=first["steps"])
    assert last["picture"].shape == (16, 16, 3)
    assert last["value"] > first["value"]


def test_explain_a_number(net, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="explain", unit="conv2_1:3")
    found = watcher.next("explained")
    acts = net.forward(net.preprocess(net.fit(scene())))
    assert found["value"] == pytest.approx(float(acts["conv2_1"][0, :, :, 3].max()), rel=1e-5)
    assert set(found["backward"]["rules"]) == set(RELU_RULES)


# ---- what it refuses ----

GOOD = picture_file(scene())
BOMB = bytearray(picture_file(np.zeros((1, 1, 3), np.uint8)))
BOMB[16:24] = struct.pack(">II", 50_000, 50_000)                # a PNG that says it is huge
BOMB[29:33] = struct.pack(">I", zlib.crc32(BOMB[12:29]))


@pytest.mark.parametrize("message, words", [
    ("no json {", "is JSON"), ("[1, 2]", "JSON object"), ("{}", "type"), ('{"type": "format the disk"}', "type"),
    ('{"type": "view", "layer": "conv9_9"}', "no layer named 'conv9_9'; did you mean"),
    ('{"type": "view", "layer": 7}', "layer is a text"), ('{"type": "view", "rule": "left"}', "no ReLU rule"),
    ('{"type": "view", "unit": "conv1_1:999"}', "6 channels"),
    ('{"type": "job", "job": "mine"}', "no job named 'mine'"),
    ('{"type": "view", "unit": "fc8:1@3,3"}', "has no positions"),
    ('{"type": "view", "unit": "conv1_1:1@99,0"}', "rows go from 0 to 15"),
    ("[" * 15_000, "is JSON"), ('{"type": "' + "x" * 30_000 + '"}', "up to 20000"),
    (b"", "binary message"), (b"\1\0\0\0", "binary message"), (b"\1\0\0\0GIF89a", "binary message"),
    (b"\1\0\0\0" + GOOD[: len(GOOD) // 2], "damaged or cut short"), (b"\1\0\0\0" + bytes(BOMB), "2500 million"),
    (b"\1\0\0\0\xff\xd8\xff" + bytes(5_000_000), "send it smaller"),
])  # fmt: skip
def test_a_bad_message_gets_an_error_and_the_connection_lives(watcher, message, words):
    watcher.socket.send(message)
    assert words in watcher.next("error")["message"]
    watcher.show(GOOD, 5)
    assert watcher.next("frame")["number"] == 5


KEYS = st.sampled_from(["type", "layer", "unit", "rule", "job", "x"])
JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=9)


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON)
def test_any_message_is_parsed_or_refused_with_a_sentence(message):
    scope = Microscope(tiny_vgg())
    try:
        if isinstance(message, bytes):
            messages.split_picture(message)
        else:
            found = messages.parsed(message if isinstance(message, str) else json.dumps(message))
            scope.changed(scope.first_view(), *(messages.text_of(found, key) for key in ("layer", "unit", "rule")))
    except MinivisError as error:
        assert str(error)


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


# ---- many viewers ----

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


def test_there_is_a_limit_to_viewers(net, monkeypatch):
    monkeypatch.setattr("minivis.live.app.MAX_VIEWERS", 1)
    with serving(net) as (port, _), Watcher(port), Watcher(port) as one_too_many:
        assert "viewers are looking already" in one_too_many.refused


# ---- the command ----

def test_the_command_takes_another_port_where_its_own_is_taken_and_says_so_where_it_was_named(capsys):
    from minivis.cli import main
    from minivis.live import serve

    with serve.listening(0, 0) as taken:
        port = taken.getsockname()[1]
        with serve.listening(None, port) as other:
            assert other.getsockname()[1] != port
        assert main(["live", "--port", str(port), "--no-browser"]) == 2
        assert f"port {port} is taken" in capsys.readouterr().err
