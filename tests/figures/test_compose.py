"""Every pixel of a figure that can be known: where pictures stand, what colours bars have, where ticks are."""

import numpy as np
import pytest
from letters import block, runs

from minivis.errors import BadValue, TooLarge
from minivis.figures import compose
from minivis.figures.colormaps import colorize
from minivis.figures.compose import above, bar_chart, beside, colorbar, contact_sheet, overlay, panels
from minivis.figures.text import text_picture
from minivis.images.preprocessing import TORCH, Box


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def find(figure, picture):
    """(top, left) of a picture that stands in a figure, or None."""
    h, w = picture.shape[:2]
    starts = np.argwhere((figure[:figure.shape[0] - h + 1, :figure.shape[1] - w + 1] == picture[0, 0]).all(axis=2))
    return next(((y, x) for y, x in starts.tolist() if np.array_equal(figure[y:y + h, x:x + w], picture)), None)


def has_ink(part):
    return (part.min(axis=2) < 120).any()


# --- rows and columns ---

def test_beside_and_above():
    a, b = np.zeros((2, 3, 3), np.uint8), np.full((4, 1), 50, np.uint8)
    row = beside([a, b], gap=2)
    assert row.shape == (4, 6, 3)
    empty, full = [255, 255, 255, 255, 255, 50], [0, 0, 0, 255, 255, 50]
    assert row[:, :, 0].tolist() == [empty, full, full, empty]
    assert beside([a, b], 0, "top")[0, 0, 0] == 0 and beside([a, b], 0, "bottom")[3, 0, 0] == 0
    column = above([a, b], gap=1, align="right")
    assert column.shape == (7, 3, 3) and column[3:, :, 0].tolist() == [[255, 255, 50]] * 4 and (column[2] == 255).all()


# --- contact sheets ---

def test_contact_sheet_by_hand():
    tiles = np.arange(3, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3) * 50        # three pixels
    sheet = contact_sheet(tiles, columns=2, gap=1, scale=2)
    W = 255
    assert sheet[:, :, 0].tolist() == [
        [W, W, W, W, W, W, W], [W, 0, 0, W, 50, 50, W], [W, 0, 0, W, 50, 50, W], [W, W, W, W, W, W, W],
        [W, 100, 100, W, W, W, W], [W, 100, 100, W, W, W, W], [W, W, W, W, W, W, W]]
    assert contact_sheet(tiles, columns=2, gap=1, scale=2, background=(1, 2, 3))[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("count, h, w", [(64, 7, 7), (96, 3, 3), (12, 40, 90), (5, 300, 100), (1, 2, 2), (1000, 4, 4)])
def test_contact_sheet_is_nearly_square_and_easy_to_see(rng, count, h, w):
    tiles = rng.integers(0, 250, (count, h, w, 3), np.uint8)
    sheet = contact_sheet(tiles)
    assert 0.5 < sheet.shape[0] / sheet.shape[1] < 2 or count < 6
    assert max(sheet.shape) >= 200
    scale = (sheet[2, 2:, 0] == 255).argmax() // w      # the white gap ends the first tile
    first = sheet[2:2 + h * scale, 2:2 + w * scale]
    np.testing.assert_array_equal(first, tiles[0].repeat(scale, axis=0).repeat(scale, axis=1))
    assert scale * max(h, w) > 55 and (scale == 1 or scale * max(h, w) <= 256)


@pytest.mark.parametrize("count, h, w, columns, scale", [(64, 7, 7, 8, 11), (4, 7, 5, 2, 36), (400, 7, 7, 20, 9)])
def test_a_sheet_is_640_pixels_wide_if_its_tiles_are_64_to_256(count, h, w, columns, scale):
    sheet = contact_sheet(np.zeros((count, h, w, 3), np.uint8), columns=columns)
    assert sheet.shape == (count // columns * (h * scale + 2) + 2, columns * (w * scale + 2) + 2, 3)


def test_tiles_of_different_sizes_are_centred(rng):
    tiles = [rng.integers(0, 200, s, np.uint8) for s in [(10, 20, 3), (30, 10, 1), (6, 6)]]
    sheet = contact_sheet(tiles, columns=3, gap=0, scale=1)
    assert sheet.shape == (30, 60, 3)
    assert find(sheet, tiles[0]) == (10, 0)
    assert find(sheet, tiles[1].repeat(3, axis=2)) == (0, 25)
    assert find(sheet, tiles[2][:, :, None].repeat(3, axis=2)) == (12, 47)


def test_a_sheet_has_room_for_its_labels_and_no_more():
    tile, words = np.zeros((20, 50, 3), np.uint8), ["below", "a label of several lines"]
    high = max(text_picture(one, 50, size=12, align="center", max_lines=2).shape[0] for one in words)
    assert contact_sheet([tile, tile], columns=2, labels=words, scale=1).shape == (10 + 20 + 4 + high + 10, 130, 3)
    assert contact_sheet([tile, tile], columns=1, labels=words, scale=1).shape == (10 + 2 * (34 + high), 70, 3)


def test_labels_stand_under_their_tiles(rng):
    tiles = rng.integers(0, 200, (2, 70, 80, 3), np.uint8)
    sheet = contact_sheet(tiles, columns=2, labels=["goose", ""], scale=1)
    (y, x), (_, x2) = find(sheet, tiles[0]), find(sheet, tiles[1])
    assert has_ink(sheet[y + 74:, x:x + 80]) and not has_ink(sheet[y + 70:y + 74])
    assert not has_ink(sheet[y + 70:, x2:]) and (sheet[-3:] == 255).all()


def test_a_label_of_a_number_and_a_name_has_room_for_a_long_name(monkeypatch):
    """As under evolved pictures: the name may take two lines of 64 pixels, and nothing is cut."""
    texts, real = [], compose.text_picture
    monkeypatch.setattr(compose, "text_picture", lambda text, width, **how: texts.append(
        (text, how["max_lines"])) or real(text, width, **how))
    sheet = contact_sheet(np.zeros((1, 64, 64, 3), np.uint8), labels=["99.9 %\nfour leaf clover"], scale=1)
    assert texts == [("99.9 %\nfour leaf clover", 3)] and sheet.shape[0] > 64 + 3 * 13


@pytest.mark.parametrize("call, message", [
    (lambda t: contact_sheet([]), "needs at least one picture"),
    (lambda t: contact_sheet(t, labels=["a"]), "2 pictures need as many labels, not 1"),
    (lambda t: contact_sheet(t, columns=0), "columns must be a whole number of at least 1, not 0"),
    (lambda t: contact_sheet(t, scale=1.5), "scale must be a whole number of at least 1, not 1.5"),
    (lambda t: contact_sheet(t / 255), r"uint8 \(H, W\), \(H, W, 1\) or \(H, W, 3\), not float64 .*or to_uint8"),
    (lambda t: contact_sheet(np.zeros((2, 3, 3, 4), np.uint8)), r"not uint8 \(3, 3, 4\)"),
])
def test_wrong_sheets(call, message):
    with pytest.raises(BadValue, match=message):
        call(np.zeros((2, 3, 3, 3), np.uint8))


def test_figures_have_a_limit(monkeypatch):
    monkeypatch.setattr(compose, "MAX_PIXELS", 1_000_000)
    message = r"would have \d+ x \d+ pixels, \d+ million, and the limit is 1 million: use fewer or smaller pictures"
    with pytest.raises(TooLarge, match=message):
        contact_sheet(np.zeros((100, 3, 3), np.uint8), scale=100)
    with pytest.raises(TooLarge, match=message):
        panels([np.zeros((1, 900, 3), np.uint8)], ["flat"])


# --- panels ---

def test_panels_hold_pictures_titles_bars_and_footer(rng):
    a, b = rng.integers(0, 256, (240, 200, 3), np.uint8), rng.integers(0, 256, (240, 260), np.uint8)
    figure = panels([a, b], ["input", "gradient\nof the logit"], "made by minivis", [None, ("magma", 0, 1, "size")])
    (ya, xa), (yb, xb) = find(figure, a), find(figure, b[:, :, None].repeat(3, axis=2))
    assert ya == yb and xa == 16 and xb == xa + 200 + 16
    assert has_ink(figure[16:ya, xa:xa + 200]) and has_ink(figure[16:ya, xb:xb + 260])      # titles
    assert not has_ink(figure[ya - 6:ya])
    assert find(figure, colorbar("magma", 0, 1, 240, "size")) == (yb, xb + 260 + 6)
    assert has_ink(figure[ya + 240:-16]) and figure.shape[0] < ya + 240 + 60                # footer
    for margin in (figure[:16], figure[-16:], figure[:, :16], figure[:, -16:]):
        assert (margin == 255).all()


def test_letters_are_of_three_sizes(rng, calls_of):
    """Titles 15 pixels, names and numbers of bars 13, and all that explains 12."""
    written = calls_of("minivis.figures.compose.text_picture")
    image = rng.integers(0, 256, (40, 60, 3), np.uint8)
    panels([image], ["a title\nwhat it means"], "the footer", [("grey", 0, 1, "label")])
    contact_sheet([image], labels=["below"])
    bar_chart(["goose"], [0.5])
    sizes = {words[0]: how["size"] for words, how in written}
    assert {name: sizes.pop(name) for name in ("a title", "goose", "50.0 %")} == {"a title": 15, "goose": 13,
                                                                                  "50.0 %": 13}
    assert {"what it means", "the footer", "label", "below"} < set(sizes) and set(sizes.values()) == {12}


def test_panels_enlarge_small_maps_to_one_height_with_even_squares():
    checks = (np.indices((9, 9)).sum(axis=0) % 2 * 255).astype(np.uint8)
    figure = panels([checks], [""])
    assert figure.shape[1] == 224 + 32
    middles = ((np.arange(9) + 0.5) * 224 / 9).astype(int)
    np.testing.assert_array_equal(figure[figure.shape[0] - 16 - 224 + middles[:, None], 16 + middles, 0], checks)


@pytest.mark.parametrize("height, width, expected", [(500, 1, 1), (300, 3, 2), (448, 6, 3), (112, 3, 6)])
def test_a_picture_keeps_its_shape_at_another_height(height, width, expected):
    """However narrow, at least one pixel."""
    assert compose._to_height(np.zeros((height, width, 3), np.uint8), 224).shape == (224, expected, 3)


def test_panels_in_rows(rng):
    images = list(rng.integers(0, 200, (3, 230, 230, 3), np.uint8))
    figure = panels(images, ["a", "b", "c"], columns=2)
    (y0, x0), (y1, x1), (y2, x2) = (find(figure, image) for image in images)
    assert y0 == y1 < y2 and x0 == x2 < x1


def test_narrow_pictures_get_room_for_their_title(rng):
    image = rng.integers(0, 256, (224, 5, 3), np.uint8)
    figure = panels([image], ["a title"])
    assert figure.shape[1] == 96 + 32 and find(figure, image)[1] == 16 + (96 - 5) // 2


def test_wrong_panels():
    image = np.zeros((3, 3, 3), np.uint8)
    with pytest.raises(BadValue, match="1 pictures, 2 titles and 1 colour bars: a figure needs one title"):
        panels([image], ["a", "b"])
    with pytest.raises(BadValue, match="0 pictures"):
        panels([], [])
    with pytest.raises(BadValue, match="height must be a whole number of at least 1, not 0"):
        panels([image], ["a"], height=0)


# --- colour bars ---

def test_colorbar_runs_from_low_below_to_high_above():
    bar = colorbar("viridis", -1, 1, 201)
    assert bar.shape[0] == 201
    np.testing.assert_array_equal(bar[1:-1, 5], colorize(np.linspace(1, -1, 201), "viridis", -1, 1)[1:-1])


@pytest.mark.parametrize("low, high, height, values, texts, factor", [
    (0, 1, 200, [0, 0.2, 0.4, 0.6, 0.8, 1], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], ""),
    (-0.5, 0.5, 200, [-0.5, -0.25, 0, 0.25, 0.5], ["-0.50", "-0.25", "0.00", "0.25", "0.50"], ""),
    (0, 2.3e-7, 200, [0, 5e-8, 1e-7, 1.5e-7, 2e-7], ["0.0", "0.5", "1.0", "1.5", "2.0"], "1e-7"),
    (12.1, 12.9, 200, [12.2, 12.4, 12.6, 12.8], ["12.2", "12.4", "12.6", "12.8"], ""),
    (-70, 30, 80, [-50, 0], ["-50", "0"], ""),
    (0, 123456, 80, [0, 1e5], ["0", "1"], "1e5"), (0, 300, 40, [0, 200], ["0", "200"], ""),
    (3, 3, 200, [3], ["3"], ""),
])
def test_ticks_are_round(low, high, height, values, texts, factor):
    ticks, got_factor = compose.round_ticks(low, high, max(2, height // 40))
    np.testing.assert_allclose([value for value, _ in ticks], values, atol=1e-12 * (high - low))
    assert [text for _, text in ticks] == texts and got_factor == factor
    bar = colorbar("grey", low, high, height)
    marks = np.nonzero((bar[:, 12:16] == compose.LINE).all(axis=(1, 2)))[0]
    expected = [round((height - 1) * (high - v) / (high - low)) for v in values] if high > low else [height // 2]
    assert sorted(marks) == sorted(expected)
    assert has_ink(bar[:, 19:])


@pytest.mark.parametrize("low, high", [(0, 1e-300), (1e6, 1e6 + 1e-6), (-1e12, 3e12), (0, 5e-320), (0.1, 0.1 + 1e-15)])
@pytest.mark.parametrize("height", [1, 7, 224])
def test_any_range_and_height_can_be_drawn(low, high, height):
    assert colorbar("viridis", low, high, height, "label").shape[0] >= height


def test_wrong_colorbars():
    with pytest.raises(BadValue, match=r"height must be a whole number of at least 1, not 2\.5"):
        colorbar("grey", 0, 1, 2.5)
    with pytest.raises(BadValue, match="low must be at most high, and both finite, not 1 and 0"):
        colorbar("grey", 1, 0, 50)


# --- overlays ---

def test_overlay_blends_and_interpolates():
    image = np.full((64, 48, 1), 200, np.uint8)
    heat = np.arange(8.0)[:, None].repeat(6, axis=1)
    full = overlay(image, heat, "grey", alpha=1)[:, 24, 0].astype(float)
    rows = ((np.arange(64) + 0.5) / 8 - 0.5)[12:-12]    # middle of a pixel, in cells of the map
    np.testing.assert_allclose(full[12:-12], rows / 7 * 255, atol=1)
    half = overlay(image, heat, "grey", alpha=0.5)[:, 24, 0]
    np.testing.assert_allclose(half, (full + 200) / 2, atol=1)
    np.testing.assert_array_equal(overlay(image, heat, alpha=0), image.repeat(3, axis=2))


def test_overlay_fades_where_the_map_says_nothing():
    image = np.full((80, 80, 3), 100, np.uint8)
    heat = np.kron([[0.0, 0.0], [1.0, -0.25]], np.ones((8, 8)))         # four fields, each flat in its middle
    got = overlay(image, heat, "diverging", alpha=0.8, fade=True)
    np.testing.assert_array_equal(got[20, 20], image[20, 20])                   # zero: the picture, untouched
    np.testing.assert_allclose(got[60, 20], 0.2 * 100 + 0.8 * np.array([142, 47, 45]), atol=1)
    weight = 0.8 * 0.25
    blue = colorize([-0.625], "diverging", -1, 1)[0]                            # a strong one: pale ones are left out
    np.testing.assert_allclose(got[60, 60], (1 - weight) * 100 + weight * blue.astype(float), atol=4)
    assert (overlay(image, np.zeros((2, 2)), fade=True) == image).all()


def test_overlay_stays_within_its_box():
    image = np.zeros((40, 60, 3), np.uint8)
    heat = np.zeros((3, 3))
    heat[0, 2] = 1
    got = overlay(image, heat, "grey", alpha=1, box=Box(10, 20, 30, 30))
    outside = np.ones((40, 60), bool)
    outside[10:40, 20:50] = False
    assert (got[outside] == 76).all()                   # 0.3 of white
    assert got[15, 45, 0] > 240 and got[35, 25, 0] < 15


def test_overlay_of_a_padded_picture_uses_the_middle_of_the_map(rng):
    image = rng.integers(0, 256, (20, 60, 3), np.uint8)
    _, box = TORCH.fit_image(image, 30, "pad")
    assert box == Box(-20, 0, 60, 60)
    heat = np.repeat([[0.0], [1.0], [0.0]], 3, axis=1)  # only the middle third lies on the picture
    got = overlay(image, heat, "grey", alpha=1, box=box)
    assert got.shape == image.shape and got[8:12].min() > 220


def test_overlay_ranges():
    image = np.zeros((4, 4, 3), np.uint8)
    assert overlay(image, np.full((2, 2), 3.0), "grey", 1).min() == 255         # from 0 to 3
    assert (overlay(image, np.zeros((2, 2)), "diverging", 1) == 255).all()      # zero is white
    assert (overlay(image, np.full((2, 2), -1.0), "diverging", 1) == [45, 79, 137]).all()
    assert (overlay(image, np.full((2, 2), 0.5), "grey", 1, low=0, high=1) == 128).all()


@pytest.mark.parametrize("heat, settings, message", [
    (np.zeros((2, 2, 3)), {}, r"a map \(h, w\) and an alpha from 0 to 1, not \(2, 2, 3\) and 0.55"),
    (np.zeros((2, 2)), {"alpha": 1.5}, "not .* and 1.5"),
    (np.full((2, 2), np.nan), {}, "NaN"), (np.zeros((2, 2)), {"low": 2, "high": 1}, "not 2 and 1"),
    (np.zeros((2, 2)), {"box": Box(100, 0, 5, 5)}, r"box Box\(top=100.* lies outside the picture of 4 x 4"),
    *((np.zeros((2, 2)), {"box": beside}, "lies outside the picture of 4 x 4")
      for beside in (Box(4, 0, 2, 3), Box(0, 4, 2, 3), Box(-2, 0, 2, 3), Box(0, -3, 2, 3))),
])
def test_wrong_overlays(heat, settings, message):
    with pytest.raises(BadValue, match=message):
        overlay(np.zeros((4, 4, 3), np.uint8), heat, **settings)


# --- bar charts ---

def bars(chart):
    """The lengths of the bars, top to bottom, in pixels."""
    colored = (chart == compose.ACCENT).all(axis=2) | (chart == compose.PALE).all(axis=2)
    lengths = colored.sum(axis=1)
    return [int(n) for before, n in zip([0, *lengths], lengths) if n and not before]


def test_bars_are_as_long_as_the_numbers():
    chart = bar_chart(["goose", "duck", "swan"], [0.5, 0.25, 0.0001], width=200)
    assert chart.shape[1] == 200 and bars(chart) == [100, 50, 1]
    assert bar_chart(["a"], [1.0]).shape[1] == 260 and bars(bar_chart(["a"], [1.0])) == [260]


def test_bars_of_scores_grow_from_zero():
    chart = bar_chart(["a", "b"], [3.0, -1.0], width=200, percent=False)
    assert bars(chart) == [150, 50]
    left = np.nonzero((chart == compose.ACCENT).all(axis=2).any(axis=0))[0][0]
    assert left == 50
    assert bars(bar_chart(["a", "b"], [-1.0, -2.0], width=200, percent=False)) == [100, 200]
    assert bars(bar_chart(["a"], [0.0], percent=False)) == [1]


def test_bar_chart_stands_in_the_middle_of_its_height():
    chart = bar_chart(["a"] * 5, [0.2] * 5, height=300)
    assert chart.shape == (300, 260, 3)
    rows = np.nonzero((chart < 250).any(axis=(1, 2)))[0]
    assert abs(rows[0] - (299 - rows[-1])) < 12
    assert bar_chart(["a"] * 20, [0.05] * 20, height=100).shape[0] > 500        # never squeezed until unreadable


@pytest.mark.parametrize("names, values, percent, message", [
    (["a"], [0.1, 0.2], True, "one finite number for each name, not 2 for 1 names"), ([], [], True, "not 0 for 0"),
    (["a"], [np.nan], True, "finite number"), (["a"], [1.5], True, "for scores use percent=False"),
    (["a"], [-0.1], True, "probabilities in 0..1"),
])
def test_wrong_bar_charts(names, values, percent, message):
    with pytest.raises(BadValue, match=message):
        bar_chart(names, values, percent=percent)


def test_a_faded_overlay_neither_bleaches_nor_blackens():
    """Under the pale end of inferno, or under its black one, nothing of the picture could be told."""
    image = np.full((40, 40, 3), 100, np.uint8)
    for strength in (0.25, 0.5, 1.0):
        got = overlay(image, np.full((4, 4), strength), alpha=0.7, high=1, fade=True)[20, 20].astype(float)
        assert 40 < got.mean() < 180 and got.max() - got.min() > 20, strength


def test_a_faded_overlay_does_not_veil_a_picture_of_which_the_map_says_little():
    """A noisy gradient has a third of its largest value nearly everywhere."""
    image = np.full((40, 40, 3), 100, np.uint8)
    got = overlay(image, np.full((4, 4), 0.3), alpha=0.7, high=1, fade=True)[20, 20].astype(float)
    assert abs(got - 100).max() < 30


# --- where words stand ---

@pytest.fixture
def blocks(monkeypatch):
    monkeypatch.setattr(compose, "text_picture", block)


def test_the_numbers_of_a_bar_stand_at_their_marks_and_none_is_cut(blocks):
    bar = colorbar("viridis", 0, 1, 101, "label")
    black = (bar == 0).all(axis=2)
    assert bar.shape == (101, 12 + 7 + 3 * 6 + 13, 3)                           # bar, marks, "0.0", the label upright
    assert runs(black[:, 20]) == [(0, 13), (44, 57), (88, 101)]                 # 1.0, 0.5 at row 50, and 0.0
    assert black[:, 37:].all() and not black[:, 12:19].any() and black[50, 19:37].all()
    assert not (colorbar("viridis", 0, 1, 12, None) == 0).all(axis=2)[:, 19:].any()     # shorter than a letter: none
    assert (colorbar("viridis", 0, 1, 13, None) == 0).all(axis=2)[:, 19:].any()


def test_a_label_stands_4_pixels_under_its_tile_and_as_wide_as_the_largest(blocks):
    tiles = [np.full((h, w, 3), 100, np.uint8) for h, w in ((20, 30), (16, 20), (20, 30))]
    sheet = contact_sheet(tiles, columns=2, labels=["a", "b", "c"], scale=1)
    shade, black = (sheet == 100).all(axis=2), (sheet == 0).all(axis=2)
    assert sheet.shape == (10 + 2 * (20 + 4 + 13 + 10), 10 + 2 * (30 + 10), 3)
    assert runs(shade[:, 25]) == [(10, 30), (57, 77)] and runs(shade[:, 65]) == [(14, 30)]     # on its label
    assert runs(black[:, 25]) == [(34, 47), (81, 94)] and runs(black[:, 65]) == [(34, 47)]
    assert runs(shade[20]) == [(10, 40), (55, 75)] and runs(black[40]) == [(10, 40), (50, 80)]


def test_the_words_of_a_bar_chart_fill_its_width_and_its_rows_the_height(blocks):
    chart = bar_chart(["goose", "duck"], [0.5, 0.25], width=200, height=80)
    assert chart.shape == (80, 200, 3)
    black = (chart == 0).all(axis=2)
    # a line of 13 pixels, 2, and a bar of 8; of what the two leave, 34, each has half
    assert runs(black[:, 0]) == [(8, 21), (48, 61)] and runs(~(chart == 255).all(axis=(1, 2))) == [
        (8, 21), (23, 31), (48, 61), (63, 71)]
    assert runs(black[10]) == [(0, 200 - 6 * 6 - 8), (200 - 6 * 6, 200)]        # the name, 8 pixels, "50.0 %"
    close, wide = (runs((bar_chart(["a", "b"], [0.5, 0.25], height=height) == 0).all(axis=2)[:, 0])
                   for height in (None, 500))
    assert close[1][0] - close[0][0] == 23 + 8 and wide[1][0] - wide[0][0] == 23 + 24


def test_rows_of_panels_stand_under_each_other(blocks):
    images = [np.full((20, width, 3), 100, np.uint8) for width in (100, 120, 110)]
    figure = panels(images, ["a", "b\nmore", "c"], "footer", [("grey", 0, 1), None, None], height=20, columns=2)
    shade = (figure == 100).all(axis=2)
    first, second = 16 + 26 + 6, 16 + 26 + 6 + 20 + 16 + 13 + 6                 # above the first row two lines
    assert runs(shade.any(axis=1)) == [(first, first + 20), (second, second + 20)]
    right = 16 + 100 + 6 + 12 + 7 + 6 * 3 + 16                                 # the first cell has a bar of "0.0", ...
    assert runs(shade[first]) == [(16, 116), (right, right + 120)] and runs(shade[second]) == [(16, 126)]
    black = (figure == 0).all(axis=2)
    assert runs(black[:, right + 5]) == [(16, 42), (second + 20 + 10, second + 43)]    # a title, and the footer
    assert figure.shape == (second + 43 + 16, right + 120 + 16, 3)
