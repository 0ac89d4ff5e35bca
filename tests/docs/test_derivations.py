"""Each page of docs/derivations: its numbers by hand hold, and the lines of code that it quotes are in the code."""

import re
from pathlib import Path

import numpy as np
import pytest

import minivis as mv

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "derivations").glob("*.md"))
pages = pytest.mark.parametrize("page", [p for p in PAGES if p.name != "README.md"], ids=lambda page: page.stem)


@pages
def test_the_numbers_by_hand(page):
    text = page.read_text("utf-8")
    (code,) = re.findall(r"## By hand\n.*?```python\n(.*?)```", text, re.DOTALL)
    assert "assert" in code
    exec(compile(code, page.name, "exec"), {})


@pages
def test_the_quoted_lines_are_in_the_code(page):
    quotes = re.findall(r"^\* \[(\S+)\]\(../../(\S+)\):\s+`(.+?)`", page.read_text("utf-8"), re.MULTILINE)
    assert quotes
    for name, path, line in quotes:
        assert name == path and line in (ROOT / path).read_text("utf-8"), (path, line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_every_page_is_in_the_list():
    listed = re.findall(r"\]\((\w+\.md)\)", (ROOT / "docs" / "derivations" / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(page.name for page in PAGES if page.name != "README.md")


def test_the_flat_body_of_the_goose_is_a_kink():
    """kinks.md: at this pixel the slopes to the right and to the left differ, so that no finite difference is one."""
    net = mv.load("emoji-vgg", dtype=np.float64)
    x = net.preprocess(net.fit(mv.read_image(ROOT / "minivis" / "data" / "goose.png")))

    def score(x):
        return net.forward(x, keep=["fc8"], grad=None)["fc8"][0, 0]

    e = np.zeros_like(x)
    e[0, 38, 33, 0] = 1e-6
    right, left = (score(x + e) - score(x)) / 1e-6, (score(x) - score(x - e)) / 1e-6
    assert right == pytest.approx(0.0711, abs=1e-3) and left == pytest.approx(-0.0260, abs=1e-3)
