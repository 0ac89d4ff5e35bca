"""The page of a map: self-contained, every picture on its sheet, names that do no harm."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minivis.errors import BadValue
from minivis.methods.looking.tsne import TsneGrid
from minivis.methods.looking.tsne_page import page, write_page


@pytest.fixture
def result():
    tiles = tuple(np.full((20 + k % 3, 30, 3), (40 * (k % 6), 90, 200), np.uint8) for k in range(6))
    places = np.linspace(0, 1, 12).reshape(6, 2)
    cells = np.column_stack(np.divmod(np.arange(6), 3))
    names = ("a.png", "</script><b>.png", "caf\udce9.png", "d.png", "e.png", "f.png")
    return TsneGrid(places, cells, np.arange(6), tiles, 100, 0.5, (), names, settings={"layout": "grid"})


def data_of(text):
    return json.loads(re.search(r"const data = (.*);\n", text)[1])


def test_the_page_needs_nothing_else(result):
    text = page(result, "Maps & more")
    assert "<title>Maps &amp; more</title>" in text and "6 pictures" in text
    assert not re.search(r"https?://|src=|href=", text) and text.count("</script>") == 1


def test_every_picture_stands_on_its_sheet(result):
    data = data_of(page(result))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["sheets"][0].partition(",")[2]))))
    assert [item[6] for item in data["items"]][:2] == ["a.png", "</script><b>.png"] and len(data["sheets"]) == 1
    for k, item in enumerate(data["items"]):
        assert item[4:6] == [30, 20 + k % 3] and abs(int(pixels[10, 64 * k + 15, 0]) - 40 * (k % 6)) < 12
        assert item[2:4] == pytest.approx([(k % 3 + 0.5) / 3, (k // 3 + 0.5) / 3], abs=1e-5)


def test_more_pictures_take_more_sheets(result, monkeypatch):
    from minivis.methods.looking import tsne_page

    monkeypatch.setattr(tsne_page, "ON_SHEET", 4)
    assert len(data_of(page(result))["sheets"]) == 2
    assert [item[6] for item in data_of(page(replace(result, names=())))["items"]] == list("012345")


def test_what_is_no_page(result, tmp_path):
    with pytest.raises(BadValue, match=r"must end in \.html or \.htm"):
        write_page(tmp_path / "a.txt", result)
    write_page(tmp_path / "a.html", result)
    with pytest.raises(BadValue, match="exists and is kept"):
        write_page(tmp_path / "a.html", result)
