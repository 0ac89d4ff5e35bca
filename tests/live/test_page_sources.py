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
        person.until("document.getElementById('over-note').textContent.startsWith('Gradient of')")
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
    person.until("/no next picture/.test(document.getElementById('notice').textContent)")
    assert pressed(person) == ["film"]


def two_seconds_of_each(known, path):
    """A film of the known pictures."""
    imageio = pytest.importorskip("imageio_ffmpeg", reason="without the extra `film` the page plays no film here")
    writer = imageio.write_frames(str(path), (128, 128), fps=10, codec="libvpx", macro_block_size=1)
    writer.send(None)
    for _, picture in known:
        for _ in range(20):
            writer.send(np.asarray(Image.fromarray(picture).resize((128, 128))).tobytes())
    writer.close()
    return path


@pytest.mark.parametrize("field", ["picture", "film"])
def test_a_file_is_what_it_holds_whichever_button_it_is_chosen_by(person, known, film, field):
    (first, a), (second, b) = known
    Image.fromarray(a).save(film / "moves.gif", save_all=True, append_images=[Image.fromarray(b)], duration=900, loop=0)
    person.choose_file(film / "moves.gif", f"#{field}-file")
    person.until_top(second)
    person.until_top(first)
    assert pressed(person) == ["film"] and not person.is_visible("#notice")
    for path in (film / f"{second}.png", two_seconds_of_each(known, film / "of two.webm"), film / f"{first}.png"):
        person.page.set_input_files(f"#{field}-file", [str(path), str(film / "moves.gif")])
        kind = "film" if path.suffix == ".webm" else "picture"
        person.until(f"document.querySelector('[data-source={kind}]').ariaPressed === 'true'")
        person.until_top({"of two": first}.get(path.stem, path.stem))
        said = f"{path.name} is shown as a picture: this browser finds nothing in it that moves."
        if field == "film" and path.suffix == ".png":
            person.until(f"document.getElementById('notice').textContent === {said!r}")
        else:
            assert not person.is_visible("#notice")
    person.keyboard.press("n")                      # through what was chosen at once, of whatever kind
    person.until("document.querySelector('[data-source=film]').ariaPressed === 'true'")
    person.until_top(second)


def test_a_file_of_another_kind_is_refused_in_a_sentence(person, film):
    (film / "notes.txt").write_text("neither")
    for field in ("picture", "film"):
        person.choose_file(film / "notes.txt", f"#{field}-file")
        person.until("!document.getElementById('notice').hidden")
        assert person.text("#notice") == "notes.txt is neither a picture nor a film that this browser can show."
        person.keyboard.press("5")
        person.until("document.getElementById('notice').hidden")


def test_a_new_source_ends_the_notice_about_the_old_one_and_no_other_notice(person, known, film):
    person.until_top("goose")
    (film / "bad.png").write_text("this is not")
    person.choose_file(film / "bad.png")
    person.until("!document.getElementById('notice').hidden")
    person.choose_file(film / f"{known[0][0]}.png")
    person.until("document.querySelector('[data-source=picture]').ariaPressed === 'true'")
    assert not person.is_visible("#notice")
    person.until_top(known[0][0])
    person.click("#clip")
    person.wait_for_timeout(500)
    with person.page.expect_download():
        person.click("#clip")
    person.until("/clip is saved/.test(document.getElementById('notice').textContent)")
    person.evaluate("document.querySelector('[data-source=pattern]').click()")
    assert person.is_visible("#notice")


def test_freeze_pauses_a_film(person, known, film):
    person.choose_file(two_seconds_of_each(known, film / "two.webm"), "#film-file")
    person.until_top(known[0][0])
    person.keyboard.press("f")
    before = person.evaluate("performance.now()")
    person.wait_for_timeout(5000)                   # longer than the film
    person.keyboard.press("f")
    person.until_top(known[1][0])
    assert person.evaluate("performance.now()") - before > 5000
