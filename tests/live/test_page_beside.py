"""Two nets or two pictures side by side, what is held while the rest goes on, and clips."""

import json
import re

import numpy as np
import pytest
from live_person import Person

pytestmark = pytest.mark.slow


def top(person, side):
    return f"document.querySelector('#beside-{side} .classes .name')?.textContent"


def seen(person, side, part):
    return person.picture(f"#beside-{side} .{part}")


def test_two_nets_see_one_picture(person, browser, emoji):
    person.until_top("goose")
    person.keyboard.press("d")
    for side in ("left", "right"):
        person.until(f"{top(person, side)} === 'goose'")
    assert person.text("#beside-right h3") == "emoji-vgg-robust" and person.text("#beside-left h3") == "emoji-vgg"
    person.until("/^goose: /.test(document.querySelector('#beside-right .unit').textContent)")
    assert seen(person, "left", "picture") == seen(person, "right", "picture")
    assert seen(person, "left", "grid") != seen(person, "right", "grid")
    assert seen(person, "left", "gradient") != seen(person, "right", "gradient")
    person.click("[data-layer=relu3_1]")
    for side in ("left", "right"):
        person.until(f"document.querySelector('#beside-{side} .layer').textContent === 'relu3_1'")
    person.keyboard.press("n")
    person.until(f"{top(person, 'right')} === 'dog'")
    person.until("location.hash.includes('beside=emoji-vgg-robust')")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    other = Person(context.new_page(), emoji[0])
    other.goto("about:blank")
    other.goto(person.evaluate("location.href"))
    other.until(f"{top(other, 'right')} === 'dog'")
    context.close()
    assert other.troubles == []
    person.click("#close-beside")
    assert not person.is_visible("#beside")
    person.until("!location.hash.includes('beside=')")


def test_a_layer_that_the_other_net_lacks_is_one_of_its_type_as_deep(person):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.click("#compare")
    person.select_option("#beside-net", "emoji-alexnet")
    person.until("/^relu[45]$/.test(document.querySelector('#beside-right .layer').textContent)")
    person.until("document.querySelector('#beside-right .classes .name').textContent === 'goose'")
    person.keyboard.press("Escape")
    for side in ("left", "right"):
        person.until(f"document.querySelector('#beside-{side} .unit').textContent === 'No unit is chosen.'")
    person.select_option("#show", "back")
    person.until("document.getElementById('grid-note').textContent.endsWith('choose a unit first')")


def test_the_comparison_comes_into_sight_from_its_top(person):
    person.set_viewport_size({"width": 390, "height": 844})
    person.until_top("goose")
    person.click("[data-layer=fc8]")                    # 125 lines: taller than the window
    person.click("#compare")
    person.until(f"{top(person, 'right')} === 'goose'")
    top_of_it = person.evaluate("document.getElementById('beside').getBoundingClientRect().top")
    assert 0 <= top_of_it < 200


def test_a_unit_chosen_in_the_right_half_is_shown_in_the_page(person):
    person.until_top("goose")
    person.click("#compare")
    person.until(f"{top(person, 'right')} === 'goose'")
    person.click("#beside-right .classes li:nth-child(2) button")
    second = person.text("#beside-right .classes li:nth-child(2) .name")
    person.until(f"document.getElementById('unit-title').textContent === {second!r}")
    person.click("#beside-right .grid", position={"x": 10, "y": 10})
    person.until("document.getElementById('unit-title').textContent === 'relu1_1:0'")
    person.until("/^relu1_1:0: /.test(document.querySelector('#beside-right .unit').textContent)")


def test_one_net_sees_two_pictures_and_a_switched_off_unit_is_off_on_the_left_alone(person):
    person.until_top("goose")
    person.click("#compare")
    person.select_option("#beside-net", "emoji-vgg")
    person.until("document.querySelector('#beside-right h3').textContent === 'emoji-vgg'")
    person.until(f"{top(person, 'right')} === 'goose'")
    assert "Hold the right picture" in person.text("#beside-note")
    person.click("#beside-hold")
    assert person.text("#beside-note") == ""
    person.keyboard.press("n")
    person.until(f"{top(person, 'left')} === 'dog'")
    person.wait_for_timeout(1000)
    assert person.text("#beside-right .classes .name") == "goose" and "held" in person.text("#beside-right h3")
    person.click("#beside-hold")
    person.until(f"{top(person, 'right')} === 'dog'")
    person.click("#classes button")
    person.click("#switch-off")
    person.until(f"{top(person, 'left')} !== 'dog'")
    assert person.text("#beside-right .classes .name") == "dog"
    assert person.text("#beside-left h3") == "emoji-vgg without dog"


def test_the_way_back_is_held_while_the_pictures_and_the_units_go_on(person):
    person.until_top("goose")
    person.until("document.getElementById('gradient-note').textContent.startsWith('±')")
    held = person.picture("#gradient")
    person.click("#hold")
    assert person.text("#gradient-note") == "held: goose, gradient"
    person.keyboard.press("n")
    person.until("document.getElementById('unit-title').textContent === 'dog'")
    person.until("document.getElementById('unit-value').textContent !== ''")
    person.keyboard.press("r")
    person.wait_for_timeout(1500)
    assert person.picture("#gradient") == held and person.text("#gradient-note") == "held: goose, gradient"
    person.click("#hold")
    person.until(f"document.getElementById('gradient').toDataURL() !== {held!r}")


def test_a_clip_is_saved_as_a_film_with_its_record(person, tmp_path):
    person.click("[data-source=camera]")
    person.until("parseFloat(document.getElementById('fps').textContent) > 0")
    person.keyboard.press("y")
    person.until("document.getElementById('clip-time').textContent.endsWith('0:03')")
    with person.page.expect_download() as saving:
        person.click("#clip")
    assert saving.value.suggested_filename == "minivis-live-emoji-vgg.webm" and not person.is_visible("#clip-time")
    film = tmp_path / "clip.webm"
    saving.value.save_as(film)
    text = re.search(rb"MINIVIS_LIVE.*?(\{.*?\}\S*?\})", film.read_bytes(), re.DOTALL)[1]
    record = json.loads(text)
    assert record["net"] == "emoji-vgg" and record["seconds"] >= 3 and record["end"]["layer"] == "relu1_1"
    imageio = pytest.importorskip("imageio_ffmpeg", reason="without the extra `film` the clip is not played here")
    frames = imageio.read_frames(str(film))
    assert next(frames)["size"] == (1280, 720)
    first = np.frombuffer(next(frames), np.uint8).reshape(720, 1280, 3)
    frames.close()
    assert len(np.unique(first[30:400, 30:400].reshape(-1, 3), axis=0)) > 20            # where the input stands
    assert len(np.unique(first[100:600, 500:1200].reshape(-1, 3), axis=0)) > 20         # and the grid
