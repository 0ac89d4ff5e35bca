"""The gallery: one page with everything, whose commands make its pictures, bit for bit."""

import base64
import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from inspect import unwrap
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from commandline import contents, fill

from minivis.cli import main
from minivis.commands.gallery import run
from minivis.commands.gallery.chapters import Chapter
from minivis.commands.gallery.run import chapter_picture  # the real one, before conftest.py replaces it
from minivis.commands.gallery.sections import PARTS, SECTIONS
from minivis.commands.registry import COMMANDS
from minivis.data import samples
from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, ReLU
from minivis.methods.attribution.kinds import KINDS
from minivis.methods.looking import dictionary
from minivis.methods.looking.dictionary import compare_filters
from minivis.models.tiny import tiny_vgg
from minivis.weights import catalogue
from minivis.weights.native import save


class Page(HTMLParser):
    """What a reader gets: headings, pictures with their alt texts, commands, links; and whether tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.images, self.ids, self.links = [], [], [], []
        self.text = {"h2": [], "code": [], "h1": [], "figcaption": []}
        self.feed(text)
        assert not self.stack, f"never closed: {self.stack}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        if tag == "img":
            self.images.append(attributes)
        if tag not in ("img", "meta", "br"):
            self.stack.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        for tag in set(self.stack):
            self.text[tag][-1] += data


# what these tests ask of an optimisation holds after a few steps; the words of the page itself are parsed below
QUICK = {
    "style": ("--steps", "3"), "maximize": ("--steps", "3"), "invert": ("--steps", "3"), "noise": ("--steps", "3"),
    "evolve": ("--generations", "2", "--population", "20"), "dream": ("--steps", "2"), "tsne": ("--most", "30"),
    **dict.fromkeys(("kinds", "curve", "sanity"), ("--samples", "3")),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """The sections that take seconds take fewer steps, patches and sample pictures."""
    sections = [replace(section, words=(*section.words, *QUICK.get(section.key, ()))) for section in SECTIONS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.run, "__kwdefaults__", {"progress": False, "sections": sections})
        few = {**unwrap(compare_filters).__kwdefaults__, "patches": 90}
        patch.setattr(unwrap(compare_filters), "__kwdefaults__", few)
        patch.setattr(dictionary, "COUNT", 9)
        patch.setattr("platformdirs.user_cache_path", tmp_path_factory.mktemp("cache").joinpath)
        patch.setitem(samples.SETS, samples.NAME, lambda: islice(samples.sample_files(), 0, None, 5))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, quick):
    """(folder, page, what --json said) of a gallery made once."""
    folder = tmp_path_factory.mktemp("gallery")
    fill(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["gallery", "photo.png", "--net", "tiny.h5", "--quiet"]) == 0
    return folder, (folder / "gallery" / "index.html").read_text(encoding="utf-8")


def test_is_one_file_that_needs_nothing_else(made):
    folder, text = made
    assert [p.name for p in (folder / "gallery").iterdir()] == ["index.html"]
    page = Page(text)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert not re.search(r"https?:|<script|@import|url\(", text)
    assert str(folder) not in text


def test_reads_well(made):
    page = Page(made[1])
    assert page.text["h1"] == ["What tiny sees in photo.png", *PARTS]
    assert len(page.text["h2"]) == len(SECTIONS) and len(set(page.ids)) == len(page.ids) == len(SECTIONS)
    assert {link[1:] for link in page.links if link[0] == "#"} == set(page.ids)
    assert all(len(image["alt"]) > 10 for image in page.images) and len(page.images) == len(SECTIONS) + 1
    assert "prefers-color-scheme: dark" in made[1] and 'name="viewport"' in made[1] and '<html lang="en">' in made[1]
    assert all(section.formula in made[1] and section.sentence in made[1] for section in SECTIONS)
    assert "pictures of nothing" not in made[1] and "$" not in re.sub(r"base64,[^\"]*", "", made[1])


def test_each_command_makes_its_picture_bit_for_bit(made, monkeypatch, tmp_path):
    folder, text = made
    monkeypatch.chdir(folder)
    commands = [shlex.split(code) for code in Page(text).text["code"] if code.startswith("minivis ")
                and "PICTURE" not in code][::2]             # the footer's; every second one is to try
    pictures = [image["src"].split(",")[1] for image in Page(text).images][1:]
    assert len(commands) == len(SECTIONS) and len(pictures) == len(SECTIONS)
    for k, (words, picture) in enumerate(zip(commands, pictures)):
        code = main([*words[1:], "-o", str(tmp_path / f"{k}.png"), "--quiet"])
        assert code == 0 or (words[1] == "fool" and code == 1)      # a net may withstand
        assert (tmp_path / f"{k}.png").read_bytes() == base64.b64decode(picture), words


def test_a_saved_picture_of_the_page_can_be_made_again(made, monkeypatch, capsys):
    folder, text = made
    monkeypatch.chdir(folder)
    (folder / "saved.png").write_bytes(base64.b64decode(Page(text).images[-1]["src"].split(",")[1]))
    assert main(["rerun", "saved.png"]) == 0
    assert "bit for bit" in capsys.readouterr().out


@pytest.fixture
def here(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def three(monkeypatch):
    """Only three sections, which is all that most tests need."""
    kept = [section for section in SECTIONS if section.key in ("classify", "filters", "neuron")]
    monkeypatch.setattr("minivis.commands.gallery.run.run.__kwdefaults__", {"progress": False, "sections": kept})
    return kept


@pytest.fixture
def of_the_net(monkeypatch):
    """All sections but those that look the same for every net."""
    sections = [section for section in run.run.__kwdefaults__["sections"]
                if section.key != "compare-filters" and section.words[0] != "linear"]
    monkeypatch.setitem(run.run.__kwdefaults__, "sections", sections)
    return sections


def test_json(here, three, capsys):
    assert main(["gallery", "photo.jpg", "--net", "tiny.h5", "--json", "-o", "here"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert err == "" and said["command"] == "gallery" and said["files"] == ["here/index.html"]
    assert list(said["numbers"]) == ["classify", "filters", "neuron"]
    one = said["numbers"]["neuron"]
    assert one["seconds"] > 0 and one["command"][:2] == ["minivis", "backprop"]
    assert one["numbers"]["unit"].startswith("relu2_1:") and one["numbers"]["unit"].endswith("@max")


def test_what_a_net_cannot_do_is_one_sentence(here, of_the_net, capsys):
    net = tiny_vgg()
    roles = {**net.roles, "logits": None, "prob": None, "content": None}
    save(replace(net, roles=roles, class_names=(), class_aliases={}), "plain.h5")
    assert main(["gallery", "photo.png", "--net", "plain.h5"]) == 0
    page = Page((here / "gallery/index.html").read_text(encoding="utf-8"))
    text = (here / "gallery/index.html").read_text(encoding="utf-8")
    assert len(page.text["h2"]) == len(of_the_net) and 1 < len(page.images) < len(of_the_net)
    assert "Not for this net: this net has no classes" in text and "This net has no classes: it computes" in text


def test_maps_that_a_section_has_made_are_tested_and_not_made_again(here, monkeypatch, capsys):
    counts = dict.fromkeys(("integrated", "gradient"), 0)
    for kind in counts:
        def counted(*args, kind=kind, make=KINDS[kind].make, **settings):
            counts[kind] += 1
            return make(*args, **settings)

        monkeypatch.setitem(KINDS, kind, KINDS[kind]._replace(make=counted))
    sections = [section for section in SECTIONS if section.key in ("kinds", "curve", "sanity")]
    monkeypatch.setattr(run.run, "__kwdefaults__", {"progress": False, "sections": sections})
    assert main(["gallery", "photo.png", "--net", "tiny.h5", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["numbers"]["sanity"]["numbers"]["layers"]
    assert counts == {"integrated": 1, "gradient": 1 + len(layers)} and layers     # shuffled weights: other maps


def test_an_existing_page_is_kept_unless_forced(here, three, capsys):
    assert main(["gallery", "photo.png", "--net", "tiny.h5", "-q"]) == 0
    before = contents(here)
    assert main(["gallery", "photo.jpg", "--net", "tiny.h5", "-q"]) == 2
    assert "gallery/index.html exists and is kept" in capsys.readouterr().err and contents(here) == before
    assert main(["gallery", "photo.jpg", "--net", "tiny.h5", "-q", "--force"]) == 0
    assert "photo.jpg" in (here / "gallery/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_before_the_first_section_leaves_nothing_behind(here, three, monkeypatch, error):
    def broken(*args, **kwargs):
        raise error

    before = contents(here)
    monkeypatch.setattr("minivis.commands.gallery.page.Page.html", broken)
    if error is RuntimeError:
        with pytest.raises(RuntimeError):
            main(["gallery", "photo.png", "--net", "tiny.h5"])
    else:
        assert main(["gallery", "photo.png", "--net", "tiny.h5"]) == 130
    assert contents(here) == before


def test_ctrl_c_leaves_the_sections_that_are_done(here, three, monkeypatch):
    seen = []

    def make(*args, **kwargs):
        seen.append((here / "gallery" / "index.html").read_text(encoding="utf-8"))
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS["filters"], "make", make)                          # the second section
    assert main(["gallery", "photo.png", "--net", "tiny.h5", "-q"]) == 130
    text = (here / "gallery" / "index.html").read_text(encoding="utf-8")
    assert Page(text).text["h2"] == ["1What the net says"] == Page(seen[0]).text["h2"]
    assert 'http-equiv="refresh"' in seen[0] and 'http-equiv="refresh"' not in text


def test_names_are_escaped(here, three):
    (here / "photo.png").rename(here / "a<b>&c.png")
    assert main(["gallery", "a<b>&c.png", "--net", "tiny.h5", "-q"]) == 0
    text = (here / "gallery/index.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;&amp;c.png" in text and "a<b>" not in text and Page(text)


def test_other_nets(here, of_the_net):
    assert main(["gallery", "photo.jpg", "--net", "grey.h5", "-q", "-o", "grey"]) == 0
    words = ["gallery", "photo.jpg", "--net", "branches.h5", "--size", "32", "--seed", "5", "-q", "-o", "branches"]
    assert main(words) == 0
    text = (here / "branches/index.html").read_text(encoding="utf-8")
    slow, many = sum(s.slow for s in SECTIONS), sum(s.many for s in SECTIONS)
    assert text.count("would take minutes") == slow > 2 and text.count("give --pictures FOLDER") == many > 2
    assert text.count('class="missing"') == slow + many and "seed 5" in text
    smooth = shlex.split(next(code for code in Page(text).text["code"] if "smoothgrad" in code))
    assert smooth[1:] == shlex.split("saliency photo.jpg --map smoothgrad --size 32 --net branches.h5 --seed 5")


def test_the_photograph_of_a_chapter_is_one_of_an_installed_package(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "skimage" else real(name))
    assert Path(chapter_picture()).name == "china.jpg"                  # scikit-learn is always here
    assert chapter_picture("coffee") is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert chapter_picture() is None


def test_chapters_of_what_comes_in_packages(here, monkeypatch, capsys):
    few = tuple(s for s in SECTIONS if s.key in ("classify", "saliency"))
    ours = Chapter("Another net", "It sees as well.", "emoji-alexnet", ("classify", "saliency"))
    away = replace(ours, title="Nowhere", net="vgg16-craft")
    unseen = replace(ours, title="Unseen", photograph="coffee")
    monkeypatch.setattr(run, "SECTIONS", few)
    monkeypatch.setattr(run.run, "__kwdefaults__", {"progress": False, "sections": few})
    monkeypatch.setattr(run.chapters, "__kwdefaults__", {"progress": False, "wanted": (ours, away, unseen)})
    monkeypatch.setattr(run, "chapter_picture", {"cat": str(here / "photo.png")}.get)
    monkeypatch.setattr(catalogue.Package, "find", lambda self: None)
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(here))
    assert main(["gallery", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["numbers"]
    assert list(said) == ["classify", "saliency", "emoji-alexnet-classify", "emoji-alexnet-saliency"]
    assert said["emoji-alexnet-saliency"]["command"][-2:] == ["--net", "emoji-alexnet"]
    page = Page((here / "gallery" / "index.html").read_text(encoding="utf-8"))
    assert page.text["h1"][1:] == ["Understanding", "Another net"]
    assert len(page.images) == 5 and len(set(page.ids)) == len(page.ids)
    assert main(["gallery", "photo.png", "-o", "mine", "--json"]) == 0              # about a picture: no chapters
    assert len(json.loads(capsys.readouterr().out)["numbers"]) == 2


def test_the_neuron_is_one_that_has_a_gradient():
    """Of a ReLU6 several channels reach 6, where nothing passes: the strongest before it is taken."""
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,), size=(2, 2)))
    net.add("conv", Conv2D(np.zeros((1, 1, 1, 3)), np.array([7.0, 9.0, 2.0]))).add("relu", ReLU(6))
    net.roles["content"] = "relu"
    found = run.choices(net, np.zeros((2, 2, 3), np.uint8))
    assert (found["neuron"], found["channel"], found["content"]) == ("conv:1@max", "1", "relu")
