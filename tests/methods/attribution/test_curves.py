"""Insertion and deletion against their definition, one pixel at a time, and curves as pictures."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.methods.attribution.curves import RANDOM, area, insertion_deletion, ranks
from minivis.methods.attribution.saliency import KINDS
from minivis.methods.shared.fills import filled
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_both_curves_by_covering_pixel_after_pixel(vgg, picture):
    found = insertion_deletion(vgg, picture, "cat", kinds=("gradient",), steps=8)
    order = np.argsort(-mv.saliency(vgg, picture, "cat").maps[0].ravel(), kind="stable")
    blurred = filled(picture[None], "blur", (5, 5), 0)[0]
    grey = np.full_like(picture, 128)
    for curve, start, end in ((found.deletion, picture, grey), (found.insertion, blurred, picture)):
        now, expected = start.copy(), []
        for k in range(257):
            if k % 32 == 0:
                expected.append(vgg.forward(vgg.preprocess(now))["prob"][0, 1])
            if k < 256:
                now[order[k] // 16, order[k] % 16] = end[order[k] // 16, order[k] % 16]
        np.testing.assert_allclose(curve["gradient"][0], expected, rtol=1e-9)
    np.testing.assert_array_equal(found.fractions, np.arange(9) / 8)


def test_the_ends_are_the_picture_and_nothing(vgg, picture):
    found = insertion_deletion(vgg, picture, "cat", kinds=("gradient", "gradcam"), steps=5, fill="mean")
    prob = vgg.forward(vgg.preprocess(picture))["prob"][0, 1]
    for kind in ("gradient", "gradcam", RANDOM):
        assert found.deletion[kind][0, 0] == pytest.approx(prob) == found.insertion[kind][0, -1]
    assert len({round(float(c[0, -1]), 9) for c in found.deletion.values()}) == 1


def test_ranks_put_the_strongest_first_and_break_ties_by_luck():
    luck = np.array([[[0.9, 0.1], [0.5, 0.4]]])
    np.testing.assert_array_equal(ranks(np.array([[[1.0, 7.0], [-3.0, 2.0]]]), luck), [[[2, 0], [3, 1]]])
    np.testing.assert_array_equal(ranks(np.zeros((1, 2, 2)), luck), [[[3, 0], [2, 1]]])


def test_area_by_hand():
    assert area(np.array([0, 0.5, 1]), np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert area(np.array([0, 0.25, 1]), np.array([1.0, 0.0, 0.0])) == pytest.approx(0.125)


def test_of_a_linear_score_its_own_map_is_best():
    """gradient x input is what each pixel adds to a linear score: no order of covering makes it fall faster."""
    from linear_scores import linear

    w = np.array([[[1, -5, 2], [0, 0, 0]], [[3, 3, 3], [-1, 0, -9]]], float)
    picture = np.array([[[10, 20, 30], [9, 9, 9]], [[40, 0, 10], [100, 50, 0]]], np.uint8)
    found = insertion_deletion(linear(w), picture, "fc:0", kinds=tuple(KINDS), steps=4, fill=(0, 0, 0), samples=2)
    assert found.target.probs is not None
    areas = found.areas(0)
    assert all(areas["input"][0] <= lost + 1e-12 for lost, _ in areas.values())


@pytest.mark.parametrize("height, width, reach", [(12, 30, (4, 10)), (30, 12, (10, 4)), (2, 5, (1, 1))])
def test_pixels_come_back_into_a_picture_without_details(calls_of, height, width, reach):
    """Blurred by a quarter of a third of the picture."""
    from linear_nets import linear

    covers = calls_of("minivis.methods.attribution.curves.filled")
    net, picture = linear(np.ones((height, width, 3))), np.zeros((height, width, 3), np.uint8)
    insertion_deletion(net, picture, "fc:0", kinds=("input",), steps=1, fill=9)
    assert [(how, size) for (_, how, size, _), _ in covers] == [(9, reach), ("blur", reach)]


@pytest.mark.parametrize("unit, ends", [("fc8:1", {"low": 0, "high": 1}), ("relu2_1:2@max", {})])
def test_the_charts_of_a_probability_go_from_0_to_1(vgg, rng, calls_of, unit, ends):
    charts = calls_of("minivis.methods.attribution.curves.line_chart")
    found = insertion_deletion(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), unit, kinds=("gradient",), steps=4)
    found.picture()
    assert [{key: how[key] for key in ("low", "high") if key in how} for _, how in charts] == [ends, ends]
    assert [how["x_label"] for _, how in charts] == ["% of the pixels covered", "% of the pixels shown"]
    for ((lines,), _), curves in zip(charts, (found.deletion, found.insertion)):
        for (x, y), curve in zip(lines.values(), curves.values(), strict=True):
            np.testing.assert_allclose(x, [0, 25, 50, 75, 100])
            np.testing.assert_array_equal(y, curve[0])


def test_batches_values_and_pictures(vgg, rng):
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    together = insertion_deletion(vgg, pictures, "relu2_1:2@max", kinds=("gradient", "guided"), steps=4)
    for i, picture in enumerate(pictures):
        alone = insertion_deletion(vgg, picture, "relu2_1:2@max", kinds=("gradient", "guided"), steps=4)
        np.testing.assert_allclose(together.insertion["guided"][i], alone.insertion["guided"][0], rtol=1e-9)
        np.testing.assert_allclose(together.deletion[RANDOM][i], alone.deletion[RANDOM][0], rtol=1e-9)
    assert together.picture().shape[0] > 1.8 * alone.picture().shape[0]
    assert together.numbers["images"][0]["kinds"]["guided"]["deletion_area"] == together.areas(0)["guided"][0]
    assert insertion_deletion(tiny_vgg(channels=1), pictures[0], kinds=("gradcam",), steps=2).picture().shape[2] == 3


@pytest.mark.parametrize("settings, message", [
    ({"steps": 0}, "steps must be a whole number of at least 1"), ({"steps": 257}, "not 257"),
    ({"fill": "gray"}, "did you mean 'grey'"), ({"kinds": ("grad",)}, "no kind of saliency named 'grad'"),
    ({"sample": 3}, "no setting named 'sample'; did you mean 'samples'"),
])  # fmt: skip
def test_mistakes(vgg, picture, settings, message):
    with pytest.raises((BadValue, UnknownName), match=message):
        insertion_deletion(vgg, picture, **settings)
