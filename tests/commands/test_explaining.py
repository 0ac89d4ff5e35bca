"""`minivis explain`: the text, the numbers, the page, and what is refused."""

import json
import re

import numpy as np
import pytest
from channel_nets import channel_net, channel_picture
from ended_nets import ended

from minivis.commands.explaining import framed
from minivis.weights.native import save


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
    (["-o", "no/where.html"], "the folder no does not exist"),
    (["--largest", "0"], "'--largest'"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(refused, words, message):
    assert message in refused("explain", "photo.png", "--net", "tiny.h5", *words)


@pytest.mark.parametrize("end", ["one sigmoid", "sigmoids", "logits"])
def test_every_end_is_explained_from_its_answer(run, here, end):
    save(ended(end, names=["cat"] if end == "one sigmoid" else ["cat", "dog", "owl"]), here / "ended.h5")
    first = json.loads(run("classify", "photo.png", "--net", "ended.h5", "--json")[1])["numbers"]["top"][0]
    found = json.loads(run("explain", "photo.png", "--net", "ended.h5", "--json")[1])["numbers"]
    assert found["unit"].endswith(f":{first['class']}")
    assert found["value"] == pytest.approx(first["score"], rel=1e-5)


def test_a_page_for_four_channels_shows_three(run, here):
    save(channel_net(4), here / "four.h5")
    np.save("four.npy", channel_picture(4))
    code, _, err = run("explain", "four.npy", "--net", "four.h5", "--show", "4,2,1", "-o", "a.html")
    assert (code, err) == (0, "") and "data:image/png;base64," in (here / "a.html").read_text("utf-8")


def test_the_frame_lies_on_the_edge_of_its_pixel_and_not_inside():
    large = framed(np.zeros((2, 3, 1), np.uint8), (1, 2))
    red = (large == (220, 30, 30)).all(axis=2)
    assert large.shape == (8, 12, 3) and not red[:4].any() and not red[:, :8].any()
    assert red[4:, 8:].tolist() == [[True] * 4, [True, False, False, True], [True, False, False, True], [True] * 4]
