"""What the page says of classes and numbers: as a picture grows, of layers without positions, under the pointer."""

import re

import pytest

pytestmark = pytest.mark.slow


def show_layer(person, layer):
    person.click(f"[data-layer={layer}]")
    person.until(f"document.getElementById('grid-title').textContent === {layer!r}")


def test_the_answers_move_with_the_picture_that_grows_and_it_can_be_kept(person):
    """From the goose to an owl: the bars say owl, the note names it; kept, it is the input, and the net says owl."""
    person.until_top("goose")
    show_layer(person, "fc8")
    person.fill("#search", "owl")
    person.until("document.getElementById('grid-note').textContent.includes('124 not shown')")
    person.click("#grid", position={"x": 20, "y": 10})
    person.until("document.getElementById('unit-title').textContent === 'owl'")
    person.evaluate("""() => {
        const note = document.getElementById('tool-note'), said = window.said = [];
        new MutationObserver(() => said.push(note.textContent)).observe(note, { childList: true });
    }""")
    person.keyboard.press("m")
    person.until("/^owl: .* step [0-9]+ of 160$/.test(document.getElementById('over-note').textContent)")
    person.until_top("owl")
    person.until("/160 steps.*owl/.test(document.getElementById('tool-note').textContent)")
    said = [text for text in person.evaluate("window.said") if text]
    assert [text[:9] for text in said] == ["working …", "160 steps"]            # aloud: not each step
    person.click("#keep")
    person.until("document.getElementById('over').hidden && document.getElementById('frozen').hidden")
    person.until_top("owl")
    person.click("[data-source=samples]")
    person.click("#sample-list button")
    person.until_top("goose")


def test_the_answers_of_the_frame_come_back_when_the_tool_is_cleared(person):
    person.until_top("goose")
    person.click("#classes li:nth-child(2) button")
    name = person.text("#classes li:nth-child(2) .name")
    person.keyboard.press("m")
    person.until_top(name)
    person.keyboard.press("Escape")
    person.until_top("goose")


def test_a_layer_without_positions_is_drawn_by_one_range_with_names_sorted_and_searched(person):
    person.until_top("goose")
    show_layer(person, "prob")
    person.select_option("#sort", "value")
    person.mouse.move(5, 5)
    box = person.locator("#grid").bounding_box()
    person.mouse.move(box["x"] + 30, box["y"] + 10)
    person.until("/^goose +0\\.99|^goose +1\\.00/.test(document.getElementById('readout').textContent)")
    colors = person.evaluate("""(() => {
        const canvas = document.getElementById('grid'), copy = document.createElement('canvas');
        copy.width = canvas.width; copy.height = canvas.height;
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const at = (x, y) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3).reduce((a, b) => a + b);
        return [at(3, 3), at(3, canvas.height - 4)];
    })()""")
    assert colors[0] > colors[1] + 300              # the largest shines, 1e-15 does not
    person.fill("#search", "goo")
    person.until("document.getElementById('grid-note').textContent.includes('124 not shown')")


def test_the_value_under_the_pointer_has_its_sign(person):
    person.until_top("goose")
    show_layer(person, "fc8")
    person.select_option("#sort", "value")
    box = person.locator("#grid").bounding_box()
    person.fill("#search", "owl")
    person.until("document.getElementById('grid-note').textContent.includes('124 not shown')")
    box = person.locator("#grid").bounding_box()
    person.mouse.move(box["x"] + 20, box["y"] + 10)
    person.until("/^owl +−/.test(document.getElementById('readout').textContent)")
    person.fill("#search", "")
    show_layer(person, "relu1_1")
    show_layer(person, "conv1_1")                       # inside the same stage
    box = person.locator("#grid").bounding_box()
    person.mouse.move(box["x"] + 40, box["y"] + 40)
    person.until("/^conv1_1:/.test(document.getElementById('readout').textContent)")
    found = re.search(r"about (\S+) at (\d+), (\d+) \((\S+) to (\S+)\)", person.text("#readout"))
    value, low, high = (float(found[k].replace("−", "-")) for k in (1, 4, 5))
    assert low < 0 and low - 0.01 <= value <= high + 0.01
