"""The page of the gallery as HTML: order, numbers, what is escaped, what is wide."""

import base64
import re
from types import SimpleNamespace

import numpy as np

from minivis.commands.gallery.chapters import Chapter
from minivis.commands.gallery.page import Page, data_uri
from minivis.commands.gallery.run import Shown
from minivis.commands.gallery.sections import Section
from minivis.images.files import png_bytes

FACTS = {
    "portrait_alt": "a <goose>", "title": "A & B", "version": "1", "net": "n<1>", "seed": 5, "threads": "1 thread",
}  # fmt: skip


def shown(key="one", *, width=640, seconds=0.5, caption="seen", part="Understanding", **more):
    section = Section(key, f"Title of {key}", "A <i>sentence</i>.", "<i>f</i>", (key,), part=part)
    picture = np.zeros((2, width, 3), np.uint8)
    return Shown(section, (key, "a b.png"), seconds, SimpleNamespace(caption=caption), picture, None, **more)


def page(*several, **state):
    made = Page(np.zeros((1, 1, 3), np.uint8), **FACTS)
    for one in several:
        made.add(one)
    return made.html("x < y", "none", **state).decode()


def test_sections_are_numbered_from_one_in_their_order():
    text = page(shown("one"), shown("two"))
    assert '<h2><a href="#one">1</a>Title of one</h2>' in text and '<h2><a href="#two">2</a>Title of two</h2>' in text
    assert text.index('<li><a href="#one">') < text.index('<li><a href="#two">') < text.index('<section id="one">')


def test_words_of_a_user_are_escaped_and_sections_are_html():
    text = page(shown(caption="p < 1 & more"))
    assert "<h1>A &amp; B</h1>" in text and "x &lt; y" in text and "n&lt;1&gt;" in text and "a &lt;goose&gt;" in text
    assert "<figcaption>p &lt; 1 &amp; more</figcaption>" in text and "A <i>sentence</i>." in text
    assert "<code>minivis one &#x27;a b.png&#x27;</code>" in text


def test_only_a_picture_of_more_than_640_pixels_is_wide():
    assert 'class="wide"' not in page(shown(width=640)) and '<img class="wide"' in page(shown(width=641))
    assert 'width="641" height="2"' in page(shown(width=641))


def test_seconds_have_decimals_below_ten():
    assert ">9.99 s<" in page(shown(seconds=9.99)) and ">10 s<" in page(shown(seconds=10.0))


def test_a_section_that_could_not_be_made_says_why_in_place_of_its_picture():
    text = page(shown(why_not="no <classes>"))
    assert '<p class="missing">no &lt;classes&gt;.</p>' in text and "<figure>" not in text and "0.50 s" not in text


def test_a_chapter_begins_before_its_first_section():
    text = page(shown("one"), shown("two", chapter=Chapter("More", "Another net.", "n", ("two",))))
    assert text.index('<section id="one">') < text.index("<h1>More</h1>") < text.index('<section id="two">')
    assert text.count("<h1>More</h1>") == 1 and '<li class="chapter">More</li>' in text


def test_a_part_begins_where_it_changes_and_a_chapter_has_none():
    chapter = Chapter("More", "Another net.", "n", ("four", "five"))
    text = page(shown("one"), shown("two"), shown("three", part="Fun"), shown("four", part="Fun", chapter=chapter),
                shown("five", part="Confusion"))
    assert re.findall("<h1>(.*?)</h1>", text) == ["A &amp; B", "Understanding", "Fun", "More"]
    assert text.index('<section id="two">') < text.index("<h1>Fun</h1>") < text.index('<section id="three">')
    assert re.findall('<li class="chapter">(.*?)</li>', text) == ["Understanding", "Fun", "More"]


def test_only_an_incomplete_page_is_read_again():
    assert 'http-equiv="refresh"' in page(shown(), complete=False) and 'http-equiv="refresh"' not in page(shown())


def test_a_picture_is_a_link_that_holds_its_file():
    assert data_uri(b"abc") == "data:image/png;base64,YWJj"
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert base64.b64decode(data_uri(png_bytes(picture)).split(",")[1]) == png_bytes(picture)
