"""Occlusion against its definition: loops over windows and pixels, one forward pass at a time."""

import math
from dataclasses import replace

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Box
from minivis.methods.attribution.occlusion import FALLS, RISES, framed, occlusion, windows
from minivis.methods.shared.fills import filled
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def by_loops(net, picture, covers, window, stride, f):
    """Mean over the windows that cover a pixel of f(x) - f(x with the window covered): captum's, one by one."""
    H, W = picture.shape[:2]
    total, count = np.zeros((H, W)), np.zeros((H, W))
    before = f(picture)
    for i in range(math.ceil((H - window[0]) / stride[0]) + 1):
        for j in range(math.ceil((W - window[1]) / stride[1]) + 1):
            covered = picture.copy()
            inside = np.zeros((H, W), bool)
            for row in range(i * stride[0], i * stride[0] + window[0]):
                for column in range(j * stride[1], j * stride[1] + window[1]):
                    if row < H and column < W:
                        covered[row, column] = covers[row, column]
                        inside[row, column] = True
            total[inside] += before - f(covered)
            count[inside] += 1
    return total / count


@pytest.mark.parametrize("window, stride", [((5, 5), (2, 2)), ((6, 4), (5, 3)), ((16, 16), (16, 16)), ((1, 3), (1, 3))])
def test_equals_the_loops(vgg, picture, window, stride):
    def f(image):
        return vgg.forward(vgg.preprocess(image))["prob"][0, 1]

    expected = by_loops(vgg, picture, np.full_like(picture, 128), window, stride, f)
    result = occlusion(vgg, picture, "cat", window=window, stride=stride, batch=7)
    np.testing.assert_allclose(result.maps[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("unit", ["relu2_1:2@max", "conv1_2:3", "fc7:1", "relu2_1:2@1,2"])
def test_any_unit_by_its_value(vgg, picture, unit):
    def f(image):
        acts = vgg.forward(vgg.preprocess(image))
        return mv.unit_values(acts, unit)[0]

    expected = by_loops(vgg, picture, np.full_like(picture, 128), (6, 6), (4, 4), f)
    result = occlusion(vgg, picture, unit, window=6, stride=4)
    np.testing.assert_allclose(result.maps[0], expected, rtol=1e-9, atol=1e-12)
    assert result.settings["measure"] == "score" and "probability" not in result.numbers


def test_the_score_is_not_the_probability(vgg, picture):
    def f(image):
        return vgg.forward(vgg.preprocess(image))["fc8"][0, 1]

    expected = by_loops(vgg, picture, np.full_like(picture, 128), (6, 6), (4, 4), f)
    result = occlusion(vgg, picture, "cat", window=6, stride=4, measure="score")
    np.testing.assert_allclose(result.maps[0], expected, rtol=1e-9, atol=1e-12)
    assert np.abs(occlusion(vgg, picture, "cat", window=6, stride=4).maps[0] - expected).max() > 1e-3


@pytest.mark.parametrize("fill", ["mean", "blur", "noise", (200, 10, 30)])
def test_what_covers(vgg, picture, fill):
    def f(image):
        return vgg.forward(vgg.preprocess(image))["prob"][0, 0]

    covers = filled(picture[None], fill, (6, 6), seed=3)[0]
    expected = by_loops(vgg, picture, covers, (6, 6), (4, 4), f)
    result = occlusion(vgg, picture, "goose", window=6, stride=4, fill=fill, seed=3)
    np.testing.assert_allclose(result.maps[0], expected, rtol=1e-9, atol=1e-12)


def test_windows_start_at_zero_and_the_last_is_cut():
    rows = sorted({(top, bottom) for top, _, bottom, _ in windows((10, 7), (4, 3), (3, 2))})
    columns = sorted({(left, right) for _, left, _, right in windows((10, 7), (4, 3), (3, 2))})
    assert rows == [(0, 4), (3, 7), (6, 10)] and columns == [(0, 3), (2, 5), (4, 7)]
    assert sorted({(top, bottom) for top, *_, bottom, _ in windows((11, 4), (4, 4), (3, 3))})[-1] == (9, 11)


def test_the_worst_window_is_the_one_that_it_says(vgg, picture):
    result = occlusion(vgg, picture, window=5, stride=3)
    value, (top, left, bottom, right), covered = result.worst[0]
    expected = picture.copy()
    expected[top:bottom, left:right] = 128
    np.testing.assert_array_equal(covered, expected)
    best = result.target.units[0].channel
    probs = vgg.forward(vgg.preprocess(np.stack([picture, covered])))["prob"][:, best]
    np.testing.assert_allclose(probs, [result.numbers["before"], value])
    every = [picture.copy() for _ in range(result.settings["windows"])]
    for copy, (t, left, b, right) in zip(every, windows((16, 16), (5, 5), (3, 3))):
        copy[t:b, left:right] = 128
    assert value == pytest.approx(vgg.forward(vgg.preprocess(np.stack(every)))["prob"][:, best].min())


def test_the_best_window_is_where_covering_raises_the_score(vgg, picture):
    rises = []
    for unit in vgg.class_names:
        result = occlusion(vgg, picture, unit, window=5, stride=3)
        k = vgg.class_names.index(unit)
        every = np.stack([picture] * result.settings["windows"])
        for copy, (t, left, b, right) in zip(every, windows((16, 16), (5, 5), (3, 3))):
            copy[t:b, left:right] = 128
        probs = vgg.forward(vgg.preprocess(every))["prob"][:, k]
        best = result.best[0]
        assert best.value == pytest.approx(probs.max()) and (best.covered == every[probs.argmax()]).all()
        assert result.numbers["highest"] == best.value and result.numbers["best_window"] == list(best.window)
        assert result.numbers["largest_rise"] == pytest.approx(-result.maps[0].min())
        before = result.before[0]
        rises.append(best.value > before)
        assert result.helps(0) == (probs.max() - before > 1e-3 * max(before, before - probs.min()))
    assert any(rises), "this picture tests nothing: no covering helps any class"


def test_several_units_of_one_picture_from_the_same_passes(vgg, picture, monkeypatch):
    passes = []
    forward = type(vgg).forward

    def counted(net, x, **settings):
        passes.append(len(x))
        return forward(net, x, **settings)

    monkeypatch.setattr(type(vgg), "forward", counted)
    together = occlusion(vgg, picture, ["cat", "owl", "bus"], window=6, stride=5)
    assert sum(passes) == 3 + 1                     # the picture beside each unit; local_passes.py does the windows
    for i, unit in enumerate(["cat", "owl", "bus"]):
        alone = occlusion(vgg, picture, unit, window=6, stride=5)
        np.testing.assert_allclose(together.maps[i], alone.maps[0], rtol=1e-9, atol=1e-12)
        assert together.numbers["images"][i]["worst_window"] == alone.numbers["worst_window"]
        assert together.numbers["images"][i]["name"] == unit
    with pytest.raises(BadValue, match="several layers"):
        occlusion(vgg, picture, ["cat", "fc7:1"])


def test_frames_are_drawn_where_the_windows_are():
    frame = framed(np.zeros((40, 40, 3), np.uint8), Box(0, 0, 40, 40), (10, 10), [((2, 3, 6, 8), (255, 0, 0))])
    rows, columns = np.nonzero(frame[..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 23, 12, 31)
    assert frame[9, 20].tolist() == [255, 0, 0] and not frame[16, 20].any()


def test_a_batch_is_its_pictures_one_by_one(vgg, rng):
    pictures = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    together = occlusion(vgg, pictures, window=6, stride=5, batch=4)
    for i, picture in enumerate(pictures):
        alone = occlusion(vgg, picture, window=6, stride=5)
        np.testing.assert_allclose(together.maps[i], alone.maps[0], rtol=1e-9, atol=1e-12)
        described = together.numbers["images"][i]
        assert described["worst_window"] == alone.numbers["worst_window"]
        assert described["lowest"] == pytest.approx(alone.numbers["lowest"])
    assert together.picture().shape[0] > 2 * alone.picture().shape[0]


@pytest.mark.parametrize("rise, helps", [(0.5, True), (0.0, False), (-0.5, False)])
def test_the_window_that_raises_it_is_shown_where_there_is_one(vgg, picture, calls_of, rise, helps):
    frames, figures = (calls_of(f"minivis.methods.attribution.occlusion.{name}") for name in ("framed", "panels"))
    found = occlusion(vgg, picture, window=6, stride=5)
    worst, best = found.worst[0], found.best[0]._replace(value=float(found.before[0]) + rise)
    told = replace(found, best=(best,))
    told.picture()
    assert ("and one raises it to" in str(told)) == helps == ("none raises it noticeably" not in str(told))
    marks = [(worst.window, FALLS), *([(best.window, RISES)] if helps else [])]
    assert frames[0][0][-1] == marks
    ((images, titles), how), = figures
    assert len(images) == len(titles) == len(how["colorbars"]) == (4 if helps else 3)
    limit = abs(found.maps[0]).max()
    assert [bar for bar in how["colorbars"] if bar] == [("diverging", pytest.approx(-limit), pytest.approx(limit))]
    assert [title.split("\n")[0] for title in titles[2:]] == [
        "the window that lowers it most", "the window that raises it most"][:len(marks)]


def test_the_picture_is_not_changed(vgg, picture):
    before = picture.copy()
    occlusion(vgg, picture, window=6, stride=5)
    np.testing.assert_array_equal(picture, before)


def test_grey_nets_and_nets_of_any_size(branches, rng):
    grey = tiny_vgg(channels=1)
    colour = rng.integers(0, 256, (20, 30, 3), np.uint8)
    result = occlusion(grey, colour)
    assert result.maps.shape == (1, 16, 16) and result.picture().shape[2] == 3
    assert occlusion(branches, colour[:, :, :1], window=10, stride=8).maps.shape == (1, 20, 30)


@pytest.mark.parametrize("settings, message", [
    ({"window": 17}, "does not fit into 16 x 16"),
    ({"window": 4, "stride": 5}, "from 1 to the window"),
    ({"window": 2.5}, "window must be a whole number"),
    ({"window": (1, 2, 3)}, "or two"),
    ({"fill": "gray"}, "no fill named 'gray'; did you mean 'grey'"),
    ({"fill": (300, 0, 0)}, "numbers in 0..255"),
    ({"measure": "probs"}, "did you mean 'prob'"),
    ({"measure": "prob", "unit": "fc7:1"}, "not a class, so it has no probability"),
    ({"unit": "swan"}, "no class named 'swan'"),
])  # fmt: skip
def test_mistakes(vgg, picture, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        occlusion(vgg, picture, **settings)


def test_a_frame_lies_round_the_window_on_all_four_sides():
    """A window of rows 2 to 5 and columns 4 to 9 of a net's 8 x 16, in a picture ten times as large."""
    made = framed(np.zeros((80, 160, 3), np.uint8), Box(0, 0, 80, 160), (8, 16), [((2, 4, 5, 9), "#ff0000")])
    red, white = ((made == colour).all(axis=2) for colour in ((255, 0, 0), (255, 255, 255)))
    for lines, (first, last) in ((red.any(axis=1), (21, 48)), (red.any(axis=0), (41, 88)),
                                 (white.any(axis=1), (20, 49)), (white.any(axis=0), (40, 89))):
        assert (lines.argmax(), len(lines) - 1 - lines[::-1].argmax()) == (first, last)
    assert not red[24:46, 44:86].any()
