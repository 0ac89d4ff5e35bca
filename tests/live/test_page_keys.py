"""The page by keys alone: few stops of the Tab key, each place and unit within reach, and said aloud."""

import pytest

pytestmark = pytest.mark.slow


def focus(person):
    return person.evaluate("document.activeElement.id")


def test_the_bar_of_layers_is_one_stop_and_the_skip_link_leads_to_the_grid(person):
    person.until_top("goose")
    person.keyboard.press("Tab")
    person.keyboard.press("Enter")
    person.until("document.activeElement.id === 'grid'")
    person.reload()
    person.until_top("goose")
    for _ in range(36):
        person.keyboard.press("Tab")
        if focus(person) == "grid":
            break
    assert focus(person) == "grid"
    person.keyboard.press("Shift+Tab")
    assert person.evaluate("document.querySelectorAll('#layers button:not([tabindex=\"-1\"])').length") == 1
    person.focus("#layers [aria-current=true]")
    person.keyboard.press("ArrowRight")
    person.until("document.getElementById('grid-title').textContent === 'pool1'")
    person.keyboard.press("End")
    person.until("document.getElementById('grid-title').textContent === 'prob'")
    assert person.evaluate("document.activeElement.dataset.layer") == "prob"


def test_units_are_chosen_by_arrows_home_end_and_page_keys_and_are_said(person):
    person.until_top("goose")
    person.focus("#grid")
    for key, unit in (("ArrowRight", 0), ("ArrowRight", 1), ("End", 23), ("Home", 0), ("PageDown", 12), ("PageUp", 0),
                      ("ArrowDown", 6)):
        person.keyboard.press(key)
        person.until(f"document.getElementById('unit-title').textContent === 'relu1_1:{unit}'")
        assert person.text("#announce").startswith(f"relu1_1:{unit}: 0 to ")


def test_a_place_on_the_map_is_chosen_by_arrows_and_said(person):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    person.click("#grid", position={"x": 40, "y": 40})
    person.until("/\\(max\\)/.test(document.getElementById('unit-value').textContent)")
    person.focus("#map")
    person.keyboard.press("Home")
    person.keyboard.press("PageUp")
    person.until("/ at 0, 0$/.test(document.getElementById('unit-value').textContent)")
    person.keyboard.press("ArrowRight")
    person.keyboard.press("ArrowDown")
    person.until("/ at 1, 1$/.test(document.getElementById('unit-value').textContent)")
    person.until("/^Row 1, column 1: /.test(document.getElementById('announce').textContent)")
    person.keyboard.press("x")
    person.until("/\\(max\\)/.test(document.getElementById('unit-value').textContent)")


def test_what_keys_change_is_said(person):
    person.until_top("goose")
    for key, said in (("f", "Frozen"), ("f", "Going on"), ("r", "deconvnet"), ("u", "whole layer"),
                      ("o", "the picture"), ("v", "back from the unit"), ("w", "Mirrored")):
        person.keyboard.press(key)
        person.until(f"document.getElementById('announce').textContent === {said!r}")


def test_a_class_that_is_switched_off_stays_the_unit_though_another_is_first(person):
    said = "document.getElementById('announce').textContent === {!r}".format
    person.until_top("goose")
    assert person.text("#unit-title") == "goose"                # nobody has chosen it
    person.keyboard.press("z")
    person.until(said("Switched off"))
    person.until("!document.querySelector('#classes .name').textContent.includes('goose')")
    assert person.text("#unit-title") == "goose"
    person.keyboard.press("z")
    person.until(said("Switched on"))
    person.until_top("goose")


def test_how_many_were_found_is_said_once(person):
    person.until_top("goose")
    person.evaluate("""() => {
        const place = document.getElementById('announce'), heard = window.heard = [];
        new MutationObserver(() => heard.push(place.textContent)).observe(place, { childList: true });
    }""")
    person.click("[data-source=pattern]")
    person.click("[data-layer=fc8]")
    person.until("document.getElementById('grid-title').textContent === 'fc8'")
    person.select_option("#sort", "value")
    person.fill("#search", "owl")
    person.until("window.heard.length > 0")
    person.click("#compare")                            # whose grids are drawn alike
    person.until("document.querySelector('#beside-right .classes .name')?.textContent")
    person.wait_for_timeout(1500)                       # the list is sorted again and again
    assert person.evaluate("window.heard") == ["1 found"]


def test_slash_finds_a_class(person):
    person.until_top("goose")
    person.click("[data-layer=fc8]")
    person.until("document.getElementById('grid-title').textContent === 'fc8'")
    person.keyboard.press("/")
    person.keyboard.type("owl")
    person.until("document.getElementById('announce').textContent === '1 found'")
    person.keyboard.press("Escape")
    person.keyboard.press("ArrowRight")
    person.until("document.getElementById('unit-title').textContent === 'owl'")
