"""Sources that fail, servers that go, films that stand: what is shown stays what it was."""

import numpy as np
import pytest
from live_person import Person
from live_server import serving
from PIL import Image

import minivis as mv

pytestmark = pytest.mark.slow


def pressed(person):
    buttons = "[...document.querySelectorAll('[data-source][aria-pressed=true]')]"
    return person.evaluate(f"{buttons}.map((button) => button.dataset.source)")


def until_rate(person):
    person.until("parseFloat(document.getElementById('fps').textContent) > 0")


def test_a_file_that_is_none_leaves_the_camera_running(person, film):
    person.click("[data-source=camera]")
    until_rate(person)
    (film / "broken.png").write_text("this is not")
    (film / "broken.webm").write_text("neither is this")
    for name, kind in (("broken.png", "picture"), ("broken.webm", "film")):
        person.choose_file(film / name, f"#{kind}-file")
        person.until(f"document.getElementById('notice').textContent.includes('not a {kind}')")
        assert pressed(person) == ["camera"]
        before = person.picture("#input")
        person.until(f"document.getElementById('input').toDataURL() !== {before!r}")


def test_a_camera_that_is_refused_leaves_the_picture(person):
    person.until_top("goose")
    person.evaluate("""void (navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('', 'NotAllowedError');
    })""")
    person.click("[data-source=camera]")
    person.until("/denied/.test(document.getElementById('notice').textContent)")
    assert pressed(person) == ["samples"]
    person.keyboard.press("n")
    person.until("document.querySelector('#classes .name').textContent !== 'goose'")


def test_flip_goes_through_the_cameras_of_the_device(person):
    """With two made up beside the one that Chromium has: what is asked for is the next one."""
    person.evaluate("""(() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices), asked = globalThis.asked = [];
        navigator.mediaDevices.getUserMedia = async ({ video }) => {
            asked.push(video.deviceId ?? video.facingMode);
            const stream = await open({ video: true }), name = video.deviceId ?? 'front';
            stream.getVideoTracks()[0].getSettings = () => ({ deviceId: name });
            return stream;
        };
        navigator.mediaDevices.enumerateDevices = async () => ['front', 'rear'].map(
            (deviceId) => ({ kind: 'videoinput', deviceId })).concat({ kind: 'audioinput', deviceId: 'microphone' });
    })()""")
    assert not person.is_visible("#flip")
    person.click("[data-source=camera]")
    until_rate(person)
    for count, name in ((2, "rear"), (3, "front")):
        person.click("#flip")
        person.until(f"asked.length === {count}")
        assert person.evaluate("asked.at(-1)") == name
        before = person.picture("#input")
        person.until(f"document.getElementById('input').toDataURL() !== {before!r}")
    assert person.evaluate("asked[0]") == "user"


def test_a_camera_that_is_unplugged_is_told(person):
    person.evaluate("""(() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => (globalThis.stream = await open(what));
    })()""")
    person.click("[data-source=camera]")
    until_rate(person)
    person.evaluate("stream.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    person.until("/camera has stopped/.test(document.getElementById('notice').textContent)")
    assert pressed(person) == []


def test_a_server_that_starts_again_gets_the_frozen_frame_and_a_tool_that_ran_says_that_it_ended(browser):
    net = mv.load("emoji-vgg")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with serving(net, "emoji-vgg") as (port, _):
        person = Person(context.new_page(), port)
        person.until_top("goose")
        person.click("#freeze")
        person.click("#classes button")
        person.until("document.getElementById('unit-title').textContent === 'goose'")
        person.keyboard.press("m")
        person.until("document.getElementById('over-note').textContent !== ''")
    person.until("/stopped before this was done/.test(document.getElementById('tool-note').textContent)")
    assert person.text("#patches-note") == "the server does not answer"
    person.click("[data-tool=saliency]")
    person.until("/Ask again/.test(document.getElementById('tool-note').textContent)")
    assert not person.is_visible("#tool-progress")
    with serving(net, "emoji-vgg", port=port):
        person.until("!/does not answer/.test(document.getElementById('notice').textContent)")
        assert person.is_visible("#frozen")
        assert "answer" not in person.text("#maximized-note") + person.text("#patches-note")    # asked for again
        person.click("[data-layer=relu3_1]")
        person.until("document.getElementById('grid-title').textContent === 'relu3_1'")
        person.click("[data-tool=saliency]")
        person.until("document.getElementById('over-note').textContent.startsWith('Saliency of')")
        context.close()


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_moves_and_freeze_and_next_leave_it(person, known, film, suffix):
    (first, a), (second, b) = known
    path = film / f"animated.{suffix}"
    frames = [Image.fromarray(np.asarray(picture)) for picture in (a, b)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1500, loop=0)
    person.choose_file(path)
    person.until_top(first)
    person.until_top(second)
    person.until_top(first)
    person.keyboard.press("f")
    person.wait_for_timeout(1000)                   # what was on its way has come
    frozen = person.text("#classes .name")
    person.wait_for_timeout(2500)
    assert person.text("#classes .name") == frozen
    assert person.is_disabled("#next")
    person.keyboard.press("n")
    person.until("/one picture only/.test(document.getElementById('notice').textContent)")
    assert pressed(person) == ["picture"]


def test_freeze_pauses_a_film(person, known, film):
    imageio = pytest.importorskip("imageio_ffmpeg", reason="without the extra `film` the page plays no film here")
    writer = imageio.write_frames(str(film / "two.webm"), (128, 128), fps=10, codec="libvpx", macro_block_size=1)
    writer.send(None)
    for _, picture in known:
        for _ in range(20):
            writer.send(np.asarray(Image.fromarray(picture).resize((128, 128))).tobytes())
    writer.close()
    person.choose_file(film / "two.webm", "#film-file")
    person.until_top(known[0][0])
    person.keyboard.press("f")
    before = person.evaluate("performance.now()")
    person.wait_for_timeout(5000)                   # longer than the film
    person.keyboard.press("f")
    person.until_top(known[1][0])
    assert person.evaluate("performance.now()") - before > 5000
