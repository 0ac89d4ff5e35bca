"""What takes longer than a picture may, asked for over a real socket."""

import re
import time

import numpy as np
import pytest
from commandline import scene
from live_server import picture_file

import minivis as mv
from minivis.layers.rules import RULES
from minivis.live import jobs
from minivis.live.microscope import where_it_looks
from minivis.methods.attribution.kinds import KINDS

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)


def test_a_map_is_called_as_in_every_other_figure():
    titles = {job: tool["title"] for job, tool in jobs.TOOLS.items()}
    for job, kind in {**dict.fromkeys(KINDS), "saliency": "gradient"}.items():
        if job in titles:
            assert titles[job].lower() == KINDS[kind or job].title.lower()
    assert {"saliency", "integrated", "gradcam", "lrp"} <= set(titles)


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
    assert re.match(r".* falls from [<>]?[\d.]+ % to [<>]?[\d.]+ % under the worst of \d+ squares", found["note"])
    watcher.send(type="job", job="occlusion", unit="relu2_1:1@max")
    found = watcher.next("heat", job="occlusion")
    assert re.match(r"relu2_1:1@\S+ falls from [\d.e-]+ to [\d.e-]+ under the worst of", found["note"])


@pytest.mark.parametrize("job", ["smoothgrad", "integrated", "gradcam", "lrp"])
def test_other_maps_of_the_frame_have_their_title_and_say_what_they_are(net, watcher, job):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job=job, unit="fc8:1")
    found = watcher.next("heat", job=job)
    wanted = mv.saliency(net, scene(), "fc8:1", kind=job, samples=25).maps[0]
    has_sign = bool(wanted.min() < 0)
    limit = np.percentile(abs(wanted), 99.5 if has_sign else 100)
    assert found["limit"] == pytest.approx(limit, rel=1e-4)
    np.testing.assert_allclose(heat_of(found), wanted.clip(-limit, limit), atol=limit / 250)
    assert found["title"] == jobs.TOOLS[job]["title"] and found["note"] and found["signed"] == has_sign


def test_where_a_place_looks_also_where_a_relu_is_off(net, watcher):
    """The box of the gradient of what the ReLU reads; relu1_1 sees 3 x 3 pixels, so no more than these."""
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    acts = net.forward(net.preprocess(net.fit(scene())))
    off = np.argwhere(acts["relu1_1"][0, 2:-2, 2:-2, 0] <= 0)[0] + 2
    for row, column in ([5, 7], off):
        watcher.send(type="job", job="looks", unit=f"relu1_1:0@{row},{column}")
        found = watcher.next("looks", unit=f"relu1_1:0@{row},{column}")
        top, left, bottom, right = found["box"]
        assert row - 1 <= top < bottom <= row + 2 and column - 1 <= left < right <= column + 2
    dacts, _ = net.backward(acts, mv.one_hot(acts, "conv2_1:1@4,4"))
    wanted = where_it_looks(net.preprocess_adjoint(dacts["input"])[0])
    watcher.send(type="job", job="looks", unit="relu2_1:1@4,4")
    assert watcher.next("looks", unit="relu2_1:1@4,4")["box"] == wanted


def heat_of(message):
    return (message["map"].astype(float) - 128) / 127 * message["limit"]


def until(holds):
    """Wait until ``holds()``, for twenty seconds at most."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_tool_takes_the_place_of_another_and_stopping_it_leaves_what_is_made_for_a_unit(watcher, monkeypatch):
    """Three jobs at once: the second tool ends the first; "stop" ends tools alone.

    A job that waits for its lane says "progress" too, and one that is stopped then never begins.
    """
    begun, ended = set(), set()

    def waiting(name):
        def job(desk, asked, tell):
            begun.add(name)
            while not tell({"type": "progress", "job": name, "part": 0}):
                time.sleep(0.01)
            ended.add(name)
        return job

    for name in ("occlusion", "grow", "patches"):
        monkeypatch.setitem(jobs.JOBS, name, waiting(name))
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    for name in ("patches", "occlusion", "grow"):
        watcher.send(type="job", job=name, unit="relu1_1:0")
        watcher.next("progress", job=name)
        until(lambda name=name: name in begun)
    until(lambda: "occlusion" in ended)
    assert ended == {"occlusion"}
    watcher.send(type="stop")
    until(lambda: "grow" in ended)
    watcher.next("progress", job="patches")
    assert ended == {"occlusion", "grow"}


def test_explain_a_number(net, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="explain", unit="conv2_1:3")
    found = watcher.next("explained")
    acts = net.forward(net.preprocess(net.fit(scene())))
    assert found["value"] == pytest.approx(float(acts["conv2_1"][0, :, :, 3].max()), rel=1e-5)
    assert set(found["backward"]["rules"]) == set(RULES)
    watcher.send(type="explain", unit="fc7:2", target="fc8:4")
    assert watcher.next("explained")["backward"]["target_unit"] == "fc8:4"
