"""The panel of the unit while it waits; a grid that is tall, or empty; what is laid over the input; links."""

import threading

import pytest
from live_person import Person
from live_server import Watcher, serving

import minivis as mv
from minivis.live.patches import Peaks

pytestmark = pytest.mark.slow


@pytest.fixture
def held(monkeypatch):
    """The search for patches stops at the picture ``held.at``, until ``held.set()``."""
    gate, add = threading.Event(), Peaks.add

    def add_or_wait(peaks, number):
        if number == gate.at:
            gate.wait(60)
        add(peaks, number)

    gate.at = 40
    monkeypatch.setattr(Peaks, "add", add_or_wait)
    yield gate
    gate.set()


def drawn(person, canvas):
    """How many of the red, green and blue bytes of a canvas are not 0."""
    return person.evaluate(f"""(() => {{
        const source = document.getElementById({canvas!r}), copy = document.createElement('canvas');
        copy.width = source.width; copy.height = source.height;
        const context = copy.getContext('2d', {{ willReadFrequently: true }});
        context.drawImage(source, 0, 0);
        const {{ data }} = context.getImageData(0, 0, copy.width, copy.height);
        return data.filter((value, i) => i % 4 < 3 && value > 0).length;
    }})()""")


def test_the_strongest_patches_so_far_are_shown_while_it_still_looks(browser, held):
    """A server that was restarted begins its search again, and the page does not say that patches are drawn back."""
    net = mv.load("emoji-vgg")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with serving(net, "emoji-vgg") as (port, _):
        person = Person(context.new_page(), port)
        person.until("/looking, 20 %/.test(document.getElementById('patches-note').textContent)")
        assert drawn(person, "patches") > 1000 and drawn(person, "patches-deconv") == 0
        held.set()
        person.until("/ to /.test(document.getElementById('patches-note').textContent)")
    person.until("document.getElementById('patches-note').textContent === 'the server does not answer'")
    held.clear()
    with serving(net, "emoji-vgg", port=port):
        person.until("/looking, 20 %/.test(document.getElementById('patches-note').textContent)")
        assert person.text("#back-note") == ""
        held.set()
        person.until("/ to /.test(document.getElementById('patches-note').textContent)")
        context.close()


def test_values_of_another_layer_than_the_units_say_which(person):
    """What excites a probability least is told by its score: none is below 0."""
    person.goto(person.url.split("#")[0] + "#sample=0&layer=prob&unit=prob:5")
    person.reload()
    person.until("/^(−[0-9.]+, ){2}−[0-9.]+ in fc8$/.test(document.getElementById('least-note').textContent)")


def test_a_tall_grid_grows_when_it_is_enlarged(person):
    person.click("[data-stage=conv3_1]")
    person.select_option("#zoom", "2")
    person.until("document.getElementById('grid').height > 1.5 * document.getElementById('grid').width")
    before = person.locator("#grid").bounding_box()
    person.click("#enlarge-grid")
    after = person.locator("#large").bounding_box()
    assert after["width"] > 1.2 * before["width"]
    assert after["height"] / after["width"] == pytest.approx(before["height"] / before["width"], rel=0.05)
    assert person.locator("#save").bounding_box()["y"] < 900
    person.keyboard.press("Escape")


def test_the_unit_that_nobody_chose_is_the_first_class_of_what_is_shown_now(person, known):
    """A camera comes after the page's first picture, the goose."""
    person.until_top("goose")
    person.until("document.getElementById('unit-title').textContent === 'goose'")
    person.click("[data-source=camera]")
    names = [name for name, _ in known]
    person.until(f"{names}.includes(document.getElementById('unit-title').textContent)")
    assert person.text("#tools-target") in [f"Why {name}?" for name in names]


def test_a_search_that_finds_nothing_says_so_and_leaves_no_hole(person):
    person.until("document.getElementById('grid-note').textContent.startsWith('24 maps')")
    tile = person.evaluate("document.getElementById('grid').clientHeight") / 4
    person.fill("#search", "zzz")
    person.until("document.getElementById('grid-note').textContent.endsWith('none found')")
    assert person.evaluate("document.getElementById('grid').clientHeight") <= 1.1 * tile


def test_a_sheet_that_is_wide_is_enlarged_without_black_above_and_below(person):
    person.until("/^−/.test(document.getElementById('least-note').textContent)")
    person.click("[data-enlarge=least]")
    box = person.locator("#large").bounding_box()
    assert box["width"] > 900 and box["width"] / box["height"] == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("tool, title", [("lrp", "LRP"), ("integrated", "Integrated gradients")])
def test_what_speaks_for_a_white_goose_is_seen_on_it(person, tool, title):
    """Pale red over white, and most pixels' values small against the largest: nothing was seen of either."""
    person.until_top("goose")
    person.click(f"[data-tool={tool}]")
    person.until(f"document.getElementById('over-note').textContent === '{title} of goose'")
    red, green, seen = person.evaluate("""(() => {
        const canvas = document.getElementById('over'), found = [0, 0, 0];
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) {
            if (data[i] <= data[i + 2] || data[i + 3] < 60) continue;   // what speaks against it, what is faint
            found[0] += data[i]; found[1] += data[i + 1]; found[2] += 1;
        }
        return found;
    })()""")
    assert seen > 200 and red > 2 * green


@pytest.mark.parametrize("link, unit", [("unit=relu1_1:999", "goose"), ("unit=relu1_1:3@99,99", "relu1_1:3")])
def test_a_link_to_what_the_net_has_not_leads_as_far_as_it_has(person, link, unit):
    person.goto(person.url.split("#")[0] + f"#sample=0&{link}")
    person.reload()
    person.until(f"document.getElementById('unit-title').textContent === {unit!r}")
    person.until("document.getElementById('unit-value').textContent !== ''")
    assert person.text("#notice") == ""


def test_no_frames_come_from_a_server_that_is_gone(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with serving(mv.load("emoji-vgg"), "emoji-vgg") as (port, _):
        person = Person(context.new_page(), port)
        person.click("[data-source=camera]")
        person.until("parseFloat(document.getElementById('fps').textContent) > 0")
    person.until("/does not answer/.test(document.getElementById('notice').textContent)")
    assert person.text("#fps") == "–"
    context.close()


def test_who_gets_in_when_there_is_room_is_not_told_that_the_server_is_back(browser, monkeypatch):
    """It was not gone."""
    monkeypatch.setattr("minivis.live.app.MAX_VIEWERS", 1)
    page = browser.new_context().new_page()
    with serving(mv.load("emoji-vgg"), "emoji-vgg") as (port, _):
        with Watcher(port):
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("#notice:has-text('connected already')")
        page.wait_for_selector("#classes button", timeout=90_000)
        assert not page.is_visible("#notice")
        page.context.close()
