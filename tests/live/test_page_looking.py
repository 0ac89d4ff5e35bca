"""What there is to see on the page: stages, the unit, pictures to enlarge, tools, other nets, the tour."""

import json
import re
from io import BytesIO
from urllib.parse import parse_qs

import pytest
from live_person import Person
from PIL import Image

pytestmark = pytest.mark.slow


def address(person):
    return {key: value[0] for key, value in parse_qs(person.evaluate("location.hash.slice(1)")).items()}


def colors(person, selector):
    """How many colours a canvas shows."""
    return person.evaluate(f"""(() => {{
        const source = document.querySelector({selector!r}), canvas = document.createElement('canvas');
        canvas.width = source.width; canvas.height = source.height;
        const context = canvas.getContext('2d', {{ willReadFrequently: true }});
        context.drawImage(source, 0, 0);
        return new Set(new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
    }})()""")


def test_it_opens_with_the_first_class_as_the_unit_and_follows_it(person):
    person.until("document.getElementById('unit-title').textContent === 'goose'")
    assert person.text("#grid-title") == "relu1_1"
    person.keyboard.press("n")
    person.until("!['', 'goose'].includes(document.querySelector('#classes .name').textContent)")
    person.until("document.getElementById('unit-title').textContent === "
                 "document.querySelector('#classes .name').textContent")
    person.click("#classes li:nth-child(3) button")
    chosen = person.text("#unit-title")
    person.keyboard.press("n")
    person.wait_for_timeout(1500)
    assert person.text("#unit-title") == chosen            # what a person chose stays


def test_stages_have_small_pictures_and_lead_to_their_layers(person):
    person.until_top("goose")
    person.until("document.querySelectorAll('#layers button').length > 8")
    person.click("#layers [data-stage=conv3_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu3_1'")
    person.click("#inside [data-layer=conv3_1]")
    person.until("document.getElementById('grid-title').textContent === 'conv3_1'")
    assert colors(person, "#layers [data-stage=conv3_1] canvas") > 5


def test_the_last_row_of_a_grid_is_full_where_a_number_of_columns_near_the_best_allows_it(person):
    columns = person.evaluate("""async () => {
        const { columnsOf } = await import("./grid.js");
        const asked = [[64, 8.8], [64, 9.4], [64, 11.9], [24, 6], [160, 14], [1000, 35], [67, 9], [1009, 35],
                       [256, 19.8], [3, 6]];
        return asked.map(([tiles, best]) => columnsOf(tiles, best));
    }""")
    assert columns[:6] == [8, 8, 16, 6, 16, 40]
    assert -67 % columns[6] <= 3 and -1009 % columns[7] <= 6        # primes: few gaps
    assert columns[8] == 20                 # 16 would be half as high again, and 32 too small: four places are empty
    assert min(columns) >= 1
    person.until_top("goose")
    size = "(({ width, height }) => [width, height])(document.getElementById('grid'))"
    for layer, units in (("relu1_1", 24), ("relu2_1", 48), ("relu4_1", 160)):
        person.click(f"[data-layer={layer}]")
        person.until(f"document.getElementById('grid-title').textContent === {layer!r}")
        assert f"{units} maps" in person.text("#grid-note")
        width, height = person.evaluate(size)
        assert any(width * rows == height * (units // rows) for rows in range(1, units) if units % rows == 0), layer


def test_the_receptive_field_of_what_is_under_the_pointer_is_drawn_on_the_input(person):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    box, shown = person.locator("#grid").bounding_box(), set()
    for part in (0.1, 0.9):                             # the left and the right of the first unit's map of 8 x 8
        tile = box["width"] / 16                        # 160 units in 16 columns at this width
        person.mouse.move(box["x"] + part * tile, box["y"] + 10)
        person.until(f"/ at \\d+, {0 if part < 0.5 else 7} /.test(document.getElementById('readout').textContent)")
        shown.add(person.picture("#field"))
    person.mouse.move(5, 5)
    person.wait_for_timeout(200)
    shown.add(person.picture("#field"))
    assert len(shown) == 3


def test_where_the_place_under_the_pointer_really_looks_is_drawn_too(person):
    """A dashed box of #ffd54a, once the pointer rests."""
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    person.hover("#grid", position={"x": 40, "y": 25})
    person.until("""(() => {
        const copy = document.createElement('canvas');
        copy.width = copy.height = 512;
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(document.getElementById('field'), 0, 0);
        const { data } = context.getImageData(0, 0, 512, 512);
        return data.some((_, i) => i % 4 === 0 && data[i] === 255 && data[i + 1] === 213 && data[i + 2] === 74);
    })()""")


def test_patterns_are_laid_over_each_layer_and_the_unit_elsewhere_still_gets_its_patches(person):
    person.until_top("goose")
    person.evaluate("window.plain = document.getElementById('grid').toDataURL()")
    person.select_option("#overlay", "pattern")
    person.until("document.getElementById('grid-note').textContent.includes('looking for its patterns')")
    person.until("document.getElementById('grid').toDataURL() !== window.plain")
    person.until("!document.getElementById('grid-note').textContent.includes('patterns')")
    person.until("/ to /.test(document.getElementById('patches-note').textContent)")       # of the goose, in fc8
    person.click("[data-layer=relu2_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu2_1'")
    person.until("!document.getElementById('grid-note').textContent.includes('patterns')")
    person.evaluate("window.over = document.getElementById('grid').toDataURL()")
    person.select_option("#overlay", "none")
    person.until("document.getElementById('grid').toDataURL() !== window.over")


def test_a_sheet_enlarged_says_the_numbers_of_its_own_pictures(person):
    """Not that of the frame; and where a picture has not come yet, it is dark, as in the panel."""
    person.until_top("goose")
    for sheet, note in (("maximized", "maximising, [0-9]+ %|[0-9.]+, .*−.*"), ("patches", "[0-9.]+ to .*"),
                        ("least", "−.*, −.*")):
        person.until(f"/^({note})$/.test(document.getElementById('{sheet}-note').textContent)")
        person.click(f"[data-enlarge={sheet}]")
        assert re.fullmatch(note, person.text("#enlarged-text"))
        ground = person.evaluate("getComputedStyle(document.getElementById('large')).backgroundColor")
        assert ground == "rgb(14, 15, 18)"
        person.keyboard.press("Escape")


def test_how_the_grid_is_drawn_is_in_the_address_too(person, browser, emoji):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    small = person.locator("#hover")
    person.hover("#grid", position={"x": 20, "y": 20})
    before = small.bounding_box()["width"]
    for field, value in (("zoom", "2"), ("sort", "value"), ("norm", "layer"), ("overlay", "picture")):
        person.select_option(f"#{field}", value)
    person.check("#only")
    person.hover("#grid", position={"x": 20, "y": 20})
    assert small.bounding_box()["width"] > 1.6 * before
    person.until("location.hash.includes('only=on')")
    assert {key: address(person)[key] for key in ("zoom", "sort", "norm", "overlay")} == {
        "zoom": "2", "sort": "value", "norm": "layer", "overlay": "picture"}
    note = person.text("#grid-note")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    other = Person(context.new_page(), emoji[0])
    other.goto("about:blank")
    other.goto(person.evaluate("location.href"))
    other.until(f"document.getElementById('grid-note').textContent === {note!r}")
    assert other.is_checked("#only")
    assert [other.input_value(f"#{field}") for field in ("zoom", "overlay")] == ["2", "picture"]
    context.close()


def test_a_picture_is_enlarged_saved_with_its_record_and_its_link_leads_back(person, browser, emoji):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    person.click("#grid", position={"x": 40, "y": 40})
    person.click("#rules [data-rule=guided]")
    person.until("location.hash.includes('rule=guided') && document.getElementById('unit-value').textContent !== ''")
    unit = person.text("#unit-title")
    person.click("[data-enlarge=gradient]")
    person.until("document.getElementById('enlarged').open")
    with person.page.expect_download() as saving:
        person.click("#save")
    with open(saving.value.path(), "rb") as file:
        picture = Image.open(BytesIO(file.read()))
    record = json.loads(picture.text["minivis-live"])
    assert record["unit"].startswith(unit) and record["rule"] == "guided" and record["net"] == "emoji-vgg"
    assert picture.size == (64, 64)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    other = Person(context.new_page(), emoji[0])
    other.goto("about:blank")
    other.goto(record["link"])
    other.until(f"document.getElementById('unit-title')?.textContent === {unit!r}")
    other.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    assert other.evaluate("document.querySelector('#rules [aria-checked=true]').dataset.rule") == "guided"
    context.close()


def test_a_patch_shows_its_whole_picture(person):
    person.until("/ to /.test(document.getElementById('patches-note').textContent)")
    person.click("#patches", position={"x": 10, "y": 10})
    person.until("document.getElementById('enlarged').open")
    assert person.text("#enlarged-title") == "Patch 1 of goose"
    assert colors(person, "#large") > 20
    person.keyboard.press("Escape")
    person.until("!document.getElementById('enlarged').open")


def test_the_patches_that_excite_a_unit_least_stand_beside_the_top_ones(person):
    person.until("/^−[0-9.]+, −[0-9.]+, −[0-9.]+$/.test(document.getElementById('least-note').textContent)")
    person.click("#least", position={"x": 10, "y": 10})
    person.until("document.getElementById('enlarged').open")
    assert person.text("#enlarged-title") == "Least 1 of goose" and "weakest" in person.text("#enlarged-text")
    assert colors(person, "#large") > 20


def test_the_sheet_of_patches_is_as_high_as_there_are_patches(person):
    """Of the samples only four excite the goose."""
    person.until("/ to /.test(document.getElementById('patches-note').textContent)")
    size = person.evaluate("(({ width, height }) => [width, height])(document.getElementById('patches'))")
    assert size == [3 * 64 + 2 * 2, 2 * 64 + 2]


def test_a_unit_switched_off_moves_the_classes_and_comes_back(person):
    person.until_top("goose")
    person.click("#classes button")
    person.click("#switch-off")
    person.until("document.getElementById('off-note').textContent.includes('Without goose.')")
    person.until("document.querySelector('#classes .name').textContent !== 'goose'")
    person.click("#on-again")
    person.until_top("goose")
    assert not person.is_visible("#off-note")


def test_the_signal_back_from_the_unit_fills_the_grid(person):
    person.until_top("goose")
    person.click("#classes button")
    person.select_option("#show", "back")
    person.until("document.getElementById('grid-title').textContent === 'relu1_1: back from goose'")
    assert "choose a layer" not in person.text("#grid-note")
    for layer, said in (("fc8", "here the signal begins: choose a layer before"),
                        ("prob", "no signal comes here: choose a layer before the unit")):
        person.click(f"[data-layer={layer}]")
        person.until(f"document.getElementById('grid-note').textContent.endsWith({said!r})")
    person.click("#layers [data-stage=conv1_1]")
    person.until("document.getElementById('grid-title').textContent === 'relu1_1: back from goose'")
    person.keyboard.press("v")
    person.until("document.getElementById('grid-title').textContent === 'relu1_1'")


def test_another_net_is_chosen_on_the_page(person):
    person.until_top("goose")
    person.click("[data-layer=relu4_1]")
    person.select_option("#nets", "emoji-vgg-robust")
    person.until("/robust/.test(document.getElementById('net').textContent)")
    person.until_top("goose")
    person.until("document.getElementById('grid-title').textContent === 'relu4_1'")
    person.until("location.hash.includes('net=emoji-vgg-robust')")


def test_the_tour_goes_through_its_steps(person):
    person.until_top("goose")
    person.keyboard.press("n")
    person.click("#start-tour")
    person.until_top("goose")
    assert person.text("#tour-title").startswith("1 of 6: ")
    person.until("document.getElementById('over-note').textContent === 'Occlusion of goose'")
    person.click("#tour-next")
    person.until("document.querySelector('#rules [aria-checked=true]').dataset.rule === 'guided'")
    person.click("#tour-next")
    person.until("/^relu4_/.test(document.getElementById('unit-title').textContent)")
    person.click("#tour-next")
    person.click("#tour-next")
    person.until("document.getElementById('over-note').textContent.startsWith('owl: ')")
    person.click("#tour-next")
    person.until("/robust/.test(document.getElementById('net').textContent)")
    person.until("document.getElementById('over-note').textContent.startsWith('owl: ')")
    person.click("#tour-next")
    assert not person.is_visible("#tour")


def test_on_a_phone_the_tour_shows_what_it_speaks_of_above_its_own_box(person):
    person.set_viewport_size({"width": 390, "height": 844})
    person.until_top("goose")
    person.click("#start-tour")
    person.until("document.getElementById('over-note').textContent === 'Occlusion of goose'")
    for part in ("rules", "least", "maximized"):
        person.click("#tour-next")
        person.until(f"""(() => {{
            const [top, part, tour] = ['.top', '#{part}', '#tour'].map(
                (one) => document.querySelector(one).getBoundingClientRect());
            return part.height > 20 && part.top >= top.bottom - 1 && part.bottom <= tour.top;
        }})()""")
    before = person.evaluate("document.documentElement.scrollHeight")
    person.click("#tour-end")
    person.until(f"document.documentElement.scrollHeight < {before}")


def test_the_names_in_the_strip_are_not_cut(person):
    person.until_top("goose")
    texts = person.evaluate("""async () => {
        const { page } = await import("./page.js"), bar = document.getElementById("layers");
        const stage = (name, label, channels) => ({
            name, label, shows: name, kind: "conv", shape: [55, 55, channels], layers: [name] });
        page.layerBar.build([
            stage("fire2/squeeze1x1", ["fire2", "squeeze1x1"], 16), stage("conv1_1", ["", "conv1_1"], 3),
            stage("block10_depthwise", ["block10", "depthwise"], 1280)], page.hello.colormaps);
        const isWhole = (line) => {
            const [a, b] = [line, line.parentElement].map((one) => one.getBoundingClientRect());
            return line.scrollWidth <= Math.ceil(a.width) && a.left >= b.left && a.right <= b.right;
        };
        return [...bar.children].map((button) => {
            const lines = [...button.querySelectorAll("span, b")];
            return [button.title, lines.map((line) => line.textContent), lines.every(isWhole)];
        });
    }""")
    assert texts == [["fire2/squeeze1x1", ["fire2", "squeeze1x1", "16 × 55²"], True],
                     ["conv1_1", ["conv1_1", "3 × 55²"], True],
                     ["block10_depthwise", ["block10", "depthwise", "1280 × 55²"], True]]


def test_names_of_classes_grow_with_the_type_of_the_presenter(person):
    person.set_viewport_size({"width": 2560, "height": 1300})
    person.until_top("goose")
    person.click("[data-layer=fc8]")
    person.until("document.getElementById('grid-title').textContent === 'fc8'")
    row = "import('./page.js').then(({ page: { grid } }) => grid.canvas.clientHeight / grid.rows)"
    usual = person.evaluate(row)
    person.keyboard.press("p")
    person.until(f"{row}.then((high) => high > 1.5 * {usual})")


def test_the_stage_that_is_shown_stays_in_view_when_the_type_grows(person):
    person.until_top("goose")
    person.set_viewport_size({"width": 2560, "height": 1300})
    person.click("#layers [data-stage=fc7]")
    person.until("document.getElementById('grid-title').textContent === 'relu7'")
    person.keyboard.press("p")
    person.until("""(() => {
        const bar = document.getElementById('layers').getBoundingClientRect();
        const box = document.querySelector('#layers [aria-current=true]').getBoundingClientRect();
        return box.left >= bar.left && box.right <= bar.right;
    })()""")


def test_a_long_list_of_classes_has_its_own_height_and_shows_the_chosen_one(person):
    person.set_viewport_size({"width": 390, "height": 700})
    person.until_top("goose")
    seen = """(() => {
        const box = document.getElementById('grid').closest('.grid-box').getBoundingClientRect();
        const { height, top, bottom } = document.getElementById('cursor').getBoundingClientRect();
        return height > 20 && top >= Math.max(0, box.top) - 1 && bottom <= Math.min(innerHeight, box.bottom) + 1;
    })()"""
    person.click("[data-layer=prob]")
    person.until("document.getElementById('grid-title').textContent === 'prob'")
    assert person.locator(".grid-box").last.bounding_box()["height"] <= 0.71 * 700
    assert person.evaluate("document.getElementById('grid').clientHeight") > 700
    person.focus("#grid")
    for key, unit in (("End", 124), ("Home", 0), ("End", 124)):
        person.keyboard.press(key)
        name = person.evaluate(f"import('./page.js').then(({{ page }}) => page.hello.net.classes[{unit}])")
        person.until(f"document.getElementById('unit-title').textContent === {name!r}")
        person.until(seen)
    person.click("[data-layer=fc8]")
    person.until("document.getElementById('grid-title').textContent === 'fc8'")
    person.click("#classes li:nth-child(2) button")
    person.until(f"document.getElementById('unit-title').textContent !== {name!r}")
    person.locator(".grid-box").last.evaluate("(box) => box.scrollIntoView({ block: 'center' })")
    person.until(seen)


def test_a_class_is_marked_in_each_layer_of_answers_and_arrows_go_on_from_it(person):
    person.until_top("goose")
    person.click("#classes li:nth-child(2) button")
    name = person.text("#classes li:nth-child(2) .name")
    person.until(f"document.getElementById('unit-title').textContent === {name!r}")
    person.click("[data-layer=prob]")
    person.until("document.getElementById('grid-title').textContent === 'prob'")
    person.until("!document.getElementById('cursor').hidden")
    step = "import('./page.js').then(({ page: { hello: { net } } }) => net.classes[net.classes.indexOf('NAME') + 1])"
    following = person.evaluate(step.replace("NAME", name))
    person.focus("#grid")
    person.keyboard.press("ArrowRight")
    person.until(f"document.getElementById('unit-title').textContent === {following!r}")
    assert person.text("#unit-note").startswith("prob:")


def test_a_long_name_above_the_tools_keeps_its_end(person):
    names = person.evaluate("""async () => {
        const { withoutMiddle } = await import("./dom.js");
        return ["block5_depthwise_relu:62", "short:1"].map((name) => withoutMiddle(name, 22));
    }""")
    assert names == ["block5_dept…se_relu:62", "short:1"]


def test_a_unit_that_is_chosen_by_keys_comes_into_view(person):
    person.set_viewport_size({"width": 1000, "height": 500})
    person.until_top("goose")
    person.select_option("#zoom", "3")
    person.focus("#grid")
    person.keyboard.press("End")
    person.until("document.getElementById('unit-title').textContent === 'relu1_1:23'")
    person.until("""(() => {
        const { top, bottom } = document.getElementById('cursor').getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight + 1;
    })()""")


def test_a_tool_shows_its_picture_wherever_it_is_asked_for(person):
    person.set_viewport_size({"width": 390, "height": 700})
    person.until_top("goose")
    person.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    person.keyboard.press("s")
    person.until("document.getElementById('over-note').textContent === 'Gradient of goose'")
    box = person.locator(".screen").bounding_box()
    assert box["y"] >= person.locator(".top").bounding_box()["height"] - 1 and box["y"] + box["height"] <= 700


def test_what_is_zero_everywhere_is_said(person):
    person.until_top("goose")
    person.click("[data-layer=relu6]")
    person.until("document.getElementById('grid-title').textContent === 'relu6'")
    person.evaluate("""async () => {
        const { page } = await import("./page.js"), { goTo } = await import("./looking.js");
        goTo(`relu6:${page.last.arrays.high.data.indexOf(0)}`);
    }""")
    person.until("document.getElementById('unit-title').textContent.startsWith('relu6:')")
    person.until("document.getElementById('gradient-note').textContent === '0 everywhere: inactive'")
    person.keyboard.press("s")
    person.until("document.getElementById('tool-note').textContent.endsWith('0 everywhere')")


def test_tools_are_above_the_fold_of_a_small_laptop(person):
    person.set_viewport_size({"width": 1366, "height": 768})
    person.until_top("goose")
    boxes = [person.locator(f"[data-tool={job}]").bounding_box() for job in ("saliency", "occlusion", "grow")]
    assert max(box["y"] + box["height"] for box in boxes) <= 768


def test_the_presenter_uses_the_width_of_a_large_screen(person):
    person.set_viewport_size({"width": 2560, "height": 1300})
    person.until_top("goose")
    person.keyboard.press("p")
    person.until("document.querySelector('main').getBoundingClientRect().width > 2500")
    assert person.evaluate("parseFloat(getComputedStyle(document.querySelector('#classes .name')).fontSize)") >= 20
    assert person.evaluate("document.documentElement.scrollWidth") <= 2560


def test_the_camera_is_mirrored(person):
    person.until_top("goose")
    before = person.picture("#input")
    person.keyboard.press("w")
    person.until(f"document.getElementById('input').toDataURL() !== {before!r}")
    assert person.get_attribute("#mirror", "aria-pressed") == "true"
    person.keyboard.press("w")
    person.until(f"document.getElementById('input').toDataURL() === {before!r}")
