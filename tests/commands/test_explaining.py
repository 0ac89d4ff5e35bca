"""`minivis explain`: the text, the numbers, the page, and what is refused."""

import json
import re

import pytest


def test_text_and_numbers(run):
    code, out, _ = run("explain", "photo.png", "--net", "tiny.h5", "--unit", "relu2_1:3@2,1", "--largest", "2")
    assert code == 0 and out.startswith("relu2_1:3@2,1 = ")
    for words in ("Conv2D: b + Σ x · w", "smaller contributions", "bias", "normal  deconv  guided", "From the class"):
        assert words in re.sub(" +", lambda gap: gap[0][:2], out), words
    found = json.loads(run("explain", "photo.png", "--net", "tiny.h5", "--json")[1])
    assert found["numbers"]["unit"].startswith("fc8:") and found["numbers"]["steps"][-1]["bias"] is not None


def test_a_page(run, here):
    code, out, _ = run("explain", "photo.png", "--net", "tiny.h5", "-o", "number.html")
    page = (here / "number.html").read_text("utf-8")
    assert code == 0 and "wrote number.html" in out
    assert page.count("<table>") == page.count("</table>") > 3 and "data:image/png;base64," in page
    assert "<script" not in page and "<h2>Back" in page


@pytest.mark.parametrize("words, message", [
    (["--unit", "relu2_9:1@0,0"], "did you mean 'relu2_1'"),
    (["--unit", "relu2_1:1"], "add the place of the number"),
    (["--unit", "relu2_1:1@99,0"], "99"),
    (["--target", "gose"], "did you mean 'goose'"),
    (["-o", "number.txt"], "its name ends in .html"),
    (["-o", "no/where.html"], "there is no folder no"),
    (["--largest", "0"], "'--largest'"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(refused, words, message):
    assert message in refused("explain", "photo.png", "--net", "tiny.h5", *words)
