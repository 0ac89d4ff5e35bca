"""The arithmetic on the page leads on, and back."""

from threading import Event

import pytest

from minivis.live.jobs import JOBS

pytestmark = pytest.mark.slow


def title_begins(person, text):
    person.until(f"document.getElementById('arithmetic-title').textContent.startsWith({text!r})")


def test_links_lead_on_in_the_arithmetic_and_back(person):
    person.until_top("goose")
    person.click("#classes li:nth-child(2) button")
    name = person.text("#classes li:nth-child(2) .name")
    person.until(f"document.getElementById('unit-title').textContent === {name!r}")
    person.until("document.getElementById('unit-value').textContent !== ''")
    person.keyboard.press("e")
    title_begins(person, f"fc8:{name} = ")
    assert f"the score of {name}" in person.text("#sums")            # its own score, not that of the first class
    parts = "[...document.querySelector('#sums .part .link').childNodes].map((part) => part.data ?? part.tagName)"
    assert person.evaluate(parts)[:2] == ["relu7:", "WBR"]           # a long name breaks between its parts
    path = [person.text("#arithmetic-title").split(" = ")[0]]
    for layer in ("relu7:", "fc7:", "relu6:"):
        person.click("#sums .part .link >> nth=0")
        title_begins(person, layer)
        path.append(person.text("#arithmetic-title").split(" = ")[0])
        assert f"the score of {name}" in person.text("#sums")
    assert person.text("#unit-title") == name                        # what is out of sight stays
    assert person.locator("#arithmetic-path li").all_text_contents() == path
    person.click("#arithmetic-back")
    title_begins(person, f"{path[2]} = ")
    person.click("#arithmetic-path button >> nth=0")
    title_begins(person, f"{path[0]} = ")
    assert not person.is_visible("#arithmetic-back")
    person.select_option("#arithmetic-target", label="goose")
    person.until("document.getElementById('sums').textContent.includes('the score of goose')")
    person.click("#sums .part .link >> nth=0")
    title_begins(person, "relu7:")
    person.click("#arithmetic-choose")
    person.until("/^relu7:/.test(document.getElementById('unit-title').textContent)")


def test_while_it_is_worked_out_the_button_says_so_and_escape_drops_the_wish_not_the_unit(person, monkeypatch):
    held, explain = Event(), JOBS["explain"]
    monkeypatch.setitem(JOBS, "explain", lambda *given: held.wait(60) and explain(*given))
    person.until_top("goose")
    person.click("#classes button")
    person.until("document.getElementById('unit-value').textContent !== ''")
    person.click("#explain")
    person.until("document.getElementById('explain').textContent === 'Working it out …'")
    person.keyboard.press("Escape")
    assert person.text("#explain") == "Explain this number" and person.text("#unit-title") == "goose"
    held.set()
    person.click("#layers [data-stage=conv2_1]")            # an answer that is asked for after that one
    person.until("document.getElementById('grid-title').textContent === 'relu2_1'")
    person.wait_for_timeout(1000)
    assert not person.is_visible("#arithmetic")
    person.keyboard.press("e")
    title_begins(person, "fc8:goose = ")
    assert person.text("#explain") == "Explain this number"
