"""The live page as a person uses it: in a browser, with a camera that plays a film of known pictures."""

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from live_person import Person
from PIL import Image

import minivis as mv
from minivis.layers import RULES

STATIC = Path(mv.__file__).parent / "live" / "static"


# ---- without a browser ----

@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_its_ground(theme):
    """WCAG 2.1, 1.4.3: a contrast of 4.5 for text."""
    style = (STATIC / "style.css").read_text("utf-8")
    start = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}[theme]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.partition(start)[2].partition("}")[0]))
    pairs = [("ink", "ground"), ("ink", "card"), ("soft", "card"), ("soft", "ground"), ("accent", "card"),
             ("on-accent", "accent"), ("warn", "warn-tint"), ("plus", "card"), ("minus", "card")]
    for text, ground in pairs:
        bright, dark = sorted((luminance(colors[text]), luminance(colors[ground])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def luminance(color):
    """WCAG 2.1's relative luminance of #rrggbb."""
    c = np.array(list(bytes.fromhex(color[1:]))) / 255
    return float(np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_a_module_has_one_idea_and_imports_go_one_way():
    """No file of the page is long, each is used, and none needs, by any way, one that needs it."""
    sources = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    needs = {name: set(re.findall(r'from "\./([\w.]+)"', text)) for name, text in sources.items()}
    assert set().union(*needs.values()) == set(sources) - {"main.js"}
    assert not [name for name, text in sources.items() if text.count("\n") > 200]
    while free := [name for name, wants in needs.items() if not wants & set(needs)]:
        for name in free:
            del needs[name]
    assert not needs


def test_the_icon_is_in_the_page_itself():
    """If the icon were a file, browsers would fetch it again with each change of the page's address."""
    page = (STATIC / "index.html").read_text("utf-8")
    icon = re.search(r'<link rel="icon" .*href="data:image/svg\+xml,(.+?)">', page)
    assert ElementTree.fromstring(unquote(icon[1])).tag == "{http://www.w3.org/2000/svg}svg"


# ---- in a browser ----

@pytest.mark.slow
def test_the_camera_shows_what_it_sees_and_freeze_freezes(person, known):
    (first, _), (second, _) = known
    person.click("[data-source=camera]")
    person.until_top(first)
    person.until_top(second)
    person.until("parseFloat(document.getElementById('fps').textContent) > 0")
    person.keyboard.press("f")
    person.wait_for_timeout(1500)               # what was on its way has come
    frozen, input_ = person.text("#classes .name"), person.picture("#input")
    for _ in range(10):
        person.wait_for_timeout(600)
        assert person.text("#classes .name") == frozen
    assert person.picture("#input") == input_
    person.keyboard.press("f")
    person.until_top({first: second, second: first}[frozen])


@pytest.mark.slow
def test_chosen_pictures_films_and_samples(person, known, film):
    (first, _), (second, picture) = known
    person.choose_file(film / f"{first}.png")
    person.until_top(first)
    assert float(person.text("#classes .percent").split()[0].strip("><")) > 50
    person.page.set_input_files("#picture-file", [str(film / f"{second}.png"), str(film / f"{first}.png")])
    person.until_top(second)
    person.keyboard.press("n")
    person.until_top(first)
    person.keyboard.press("4")
    person.click(f"#sample-list button[aria-label='{second}']")
    person.until_top(second)
    (film / "no picture.png").write_text("this is not")
    person.choose_file(film / "no picture.png")
    person.until("/not a picture that this browser can read/.test(document.getElementById('notice').textContent)")
    person.keyboard.press("5")
    person.until("document.querySelector('[data-source=pattern]').ariaPressed === 'true'")
    imageio = pytest.importorskip("imageio_ffmpeg", reason="without the extra `film` the page plays no film here")
    writer = imageio.write_frames(str(film / "film.webm"), (128, 128), fps=10, codec="libvpx", macro_block_size=1)
    writer.send(None)
    for _ in range(30):
        writer.send(np.asarray(Image.fromarray(picture).resize((128, 128))).tobytes())
    writer.close()
    person.choose_file(film / "film.webm", "#film-file")
    person.until_top(second)


@pytest.mark.slow
def test_a_unit_shows_its_pictures_and_the_rule_changes_the_way_back(person, known, film):
    person.choose_file(film / f"{known[0][0]}.png")
    person.until_top(known[0][0])
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    assert "160 maps of 8 × 8" in person.text("#grid-note")
    person.click("#grid", position={"x": 40, "y": 40})
    person.until("!document.getElementById('unit-body').hidden")
    assert person.text("#unit-title").startswith("relu4_1:")
    person.until("/ to /.test(document.getElementById('patches-note').textContent)")
    person.until("/^([0-9.]+, ){3}−[0-9.]+ in conv4_1$/.test(document.getElementById('maximized-note').textContent)")
    person.until("document.getElementById('back-note').textContent === ''")
    for canvas in ("#map", "#gradient", "#patches", "#patches-deconv", "#patches-guided", "#least", "#maximized"):
        assert person.evaluate(f"""(() => {{
            const canvas = document.querySelector({canvas!r});
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(data.buffer)).size;
        }})()""") > 5, canvas
    ways = {person.picture("#gradient")}
    for _ in range(2):
        before = person.picture("#gradient")
        person.keyboard.press("r")
        person.until(f"document.getElementById('gradient').toDataURL() !== {before!r}")
        ways.add(person.picture("#gradient"))
    assert len(ways) == 3


@pytest.mark.slow
def test_a_class_is_a_unit_and_its_number_is_explained(person, known, film):
    name = known[0][0]
    person.choose_file(film / f"{name}.png")
    person.until_top(name)
    person.click("#classes button")
    person.until(f"document.getElementById('unit-title').textContent === {name!r}")
    person.until("document.getElementById('unit-value').textContent !== ''")
    person.keyboard.press("e")
    person.until("!document.getElementById('arithmetic').hidden")
    assert person.text("#arithmetic-title").startswith(f"fc8:{name} = ")
    assert person.locator("#sums .rules > div").count() == len(RULES)
    person.locator("#sums .link").first.click()
    person.until("/^relu7:/.test(document.getElementById('arithmetic-title').textContent)")


@pytest.mark.slow
@pytest.mark.parametrize("key, said", [
    ("s", "Gradient of"), ("c", "Occlusion of"), ("k", "Grad-CAM of"), ("l", "LRP of"), ("m", None),
])  # fmt: skip
def test_on_the_frozen_frame(person, known, film, key, said):
    person.choose_file(film / f"{known[0][0]}.png")
    person.until_top(known[0][0])
    if key == "m":
        person.click("#classes li:nth-child(2) button")
        person.until("!document.getElementById('unit-body').hidden")
        said = f"{person.text('#unit-title')}: "
    person.keyboard.press(key)
    person.until(f"document.getElementById('over-note').textContent.startsWith({said!r})")
    assert person.is_visible("#over") and person.is_visible("#frozen")
    person.keyboard.press("Escape")
    assert not person.is_visible("#over")


@pytest.mark.slow
def test_everything_is_reached_by_keys_alone(person, known, film):
    person.choose_file(film / f"{known[0][0]}.png")
    person.until_top(known[0][0])
    person.keyboard.press("]")
    person.until("document.querySelector('#layers [aria-current=true]').dataset.layer === 'pool1'")
    person.keyboard.press("[")
    person.until("document.getElementById('grid-title').textContent === 'relu1_1'")
    for key, unit in (("ArrowRight", "0"), ("ArrowRight", "1"), ("ArrowLeft", "0")):
        person.keyboard.press(key)
        person.until(f"document.getElementById('unit-title').textContent === 'relu1_1:{unit}'")
    plain = person.picture("#grid")
    for key in ("g", "u", "o"):
        person.keyboard.press(key)
        person.until(f"document.getElementById('grid').toDataURL() !== {plain!r}")
        plain = person.picture("#grid")
    before = person.evaluate("document.documentElement.dataset.theme")
    person.keyboard.press("t")
    assert person.evaluate("document.documentElement.dataset.theme") != before
    person.keyboard.press("?")
    person.until("document.getElementById('help').open")
    listed = person.evaluate("[...document.querySelectorAll('#keys kbd')].map((key) => key.textContent)")
    assert {"f", "n", "r", "g", "u", "o", "e", "s", "c", "m", "t", "esc", "?", "[", "]"} <= set(listed)
    person.keyboard.press("Escape")
    person.until("!document.getElementById('help').open")
    reached = set()
    for _ in range(70):
        person.keyboard.press("Tab")
        reached.add(person.evaluate("document.activeElement.id || document.activeElement.dataset.source || ''"))
    assert {"grid", "camera", "samples", "freeze", "search", "gamma", "overlay", "theme", "show-help"} <= reached


@pytest.mark.slow
def test_moving_pictures_change_texts_and_canvases_and_build_nothing_anew(person):
    """A browser lays out again whatever the page rebuilds, and for each frame that would cost more than the drawing."""
    person.click("[data-source=pattern]")
    person.click("[data-layer=relu3_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu3_1'")
    person.click("#grid", position={"x": 40, "y": 40})
    person.until("document.getElementById('unit-title').textContent.startsWith('relu3_1:')")
    person.until("document.getElementById('unit-value').textContent.endsWith('(max)')")
    person.evaluate("""() => {
        window.built = []; window.before = document.getElementById('grid').toDataURL();
        const note = ({ target }) => window.built.push(target.id || target.className);
        const watcher = new MutationObserver((records) => records.forEach(note));
        watcher.observe(document.body, { childList: true, subtree: true });
    }""")
    for _ in range(5):
        person.until("document.getElementById('grid').toDataURL() !== window.before")
        person.evaluate("() => { window.before = document.getElementById('grid').toDataURL(); }")
    built = [name for name in person.evaluate("window.built") if not name.endswith("-note")]    # notes are of the jobs
    assert built == []


@pytest.mark.slow
@pytest.mark.parametrize("width, height", [(390, 844), (768, 1024), (1366, 768), (1440, 900), (2560, 1300)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_phones_and_desks(browser, emoji, known, film, width, height, scheme):
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    person = Person(context.new_page(), emoji[0])
    person.choose_file(film / f"{known[0][0]}.png")
    person.until_top(known[0][0])
    person.click("#classes button")
    person.until("document.getElementById('unit-value').textContent !== ''")
    person.keyboard.press("e")
    person.until("!document.getElementById('arithmetic').hidden")
    person.click("#compare")
    person.until("document.querySelector('#beside-right .classes .name')?.textContent")
    person.evaluate("document.getElementById('ms').textContent = '1234.5'")
    person.evaluate("document.getElementById('fps').textContent = '123.4'")
    assert person.evaluate("document.documentElement.scrollWidth") <= width
    for button in person.page.query_selector_all(".top button:not([hidden]), #beside button"):
        box = button.bounding_box()
        assert not box or (box["x"] >= 0 and box["x"] + box["width"] <= width)
    assert person.evaluate("document.querySelector('.top').clientHeight") <= 100
    assert person.is_visible(".meters span") == (width > 760)       # a net's long name needs the room
    ground = person.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(19, 21, 25)") == (scheme == "dark")
    context.close()
    assert person.troubles == []


@pytest.mark.slow
def test_a_server_that_starts_again_is_noticed_and_taken_up(browser, known, film):
    from live_server import serving

    net = mv.load("emoji-vgg")
    context = browser.new_context()
    with serving(net, "emoji-vgg") as (port, _):
        person = Person(context.new_page(), port)
        person.choose_file(film / f"{known[0][0]}.png")
        person.until_top(known[0][0])
    person.until("/does not answer/.test(document.getElementById('notice').textContent)")
    assert person.is_visible("#notice")
    with serving(net, "emoji-vgg", port=port):
        person.until("!/does not answer/.test(document.getElementById('notice').textContent)")
        person.choose_file(film / f"{known[1][0]}.png")
        person.until_top(known[1][0])
        context.close()
    assert all("WebSocket" in trouble or "ERR_" in trouble for trouble in person.troubles)
