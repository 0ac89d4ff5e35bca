"""As few pixels as it takes: the pixels are those that count, and no more of them are changed than are needed."""

import numpy as np
import pytest
from channel_nets import channel_net, channel_picture
from linear_nets import linear

from minivis.methods.adversarial import few_pixels
from minivis.methods.adversarial.few_pixels import greedy, jsma, margins, needed, one_pixel
from minivis.methods.adversarial.fool import fool
from minivis.methods.adversarial.fool_result import MARKED, marked


def weighted():
    """A linear net of 2 x 3 pixels in which the middle of the upper row decides, and its neighbour a little."""
    w = np.zeros((2, 3, 3))
    w[0, 1], w[0, 2] = (0.0, 2.0, 0.0), (0.1, 0.0, 0.0)
    return linear(w)


GREY = np.full((2, 3, 3), 120, np.uint8)                    # class a leads by 2 * 1 + 0.1 * 2 = 2.2


@pytest.mark.parametrize("attack", [jsma, one_pixel])
def test_the_one_pixel_that_decides_is_found(attack):
    found = attack(weighted(), GREY, label="a")
    assert np.argwhere((found[0] != GREY).any(axis=2)).tolist() == [[0, 1]]
    assert margins(weighted(), found, 0, 1)[0] < 0 and found.min() >= 0 and found.max() <= 255
    np.testing.assert_array_equal(found, np.rint(found))    # whole levels: a file holds them


@pytest.mark.parametrize("attack", [jsma, one_pixel])
def test_it_leads_to_a_class_too(attack):
    found = attack(weighted(), GREY, "b")
    assert margins(weighted(), found, 1, -1)[0] < 0


@pytest.mark.parametrize("attack", [jsma, one_pixel])
def test_where_the_mask_is_zero_nothing_changes(attack):
    mask = np.ones((2, 3, 1))
    mask[0, 1] = 0
    found = attack(weighted(), GREY, label="a", mask=mask, steps=2)
    assert (found[0, 0, 1] == GREY[0, 1]).all()


@pytest.mark.parametrize("attack", [jsma, one_pixel])
@pytest.mark.parametrize("free", [[], [(1, 1)], [(1, 0), (1, 2)]])
def test_fewer_places_than_steps(attack, free):
    """None of them fools the net: it ends there."""
    mask = np.zeros((2, 3, 1))
    mask[tuple(zip(*free))] = bool(free)
    found = attack(weighted(), GREY, label="a", mask=mask, steps=5)
    changed = np.argwhere((found[0] != GREY).any(axis=2)).tolist()
    assert {*map(tuple, changed)} <= {*free} and margins(weighted(), found, 0, 1)[0] > 0


def test_the_first_part_ends_at_the_pixel_that_fools_the_net():
    found = greedy(weighted(), GREY.astype(float), 0, 1, 6, np.ones((2, 3), bool))
    assert np.argwhere((found != GREY).any(axis=2)).tolist() == [[0, 1]]


def test_each_channel_of_a_pixel_goes_to_the_end_at_which_the_class_loses():
    w = np.zeros((2, 3, 3))
    w[0, 1], w[1, 2] = (-1, 3, 1), (0.1, -0.1, -0.1)
    found = GREY.astype(float)
    for k, sign, wanted in ((0, 1, [255, 0, 0]), (0, -1, [0, 255, 255]), (1, -1, [255, 0, 0])):    # from a, to a, to b
        found = greedy(linear(w), found, k, sign, 5, np.ones((2, 3), bool))
        assert found[0, 1].tolist() == wanted and (found != GREY).any(axis=2).sum() == 1


@pytest.mark.parametrize("channels", [slice(None), 1])     # of a pixel that was white in two, one alone may change
def test_pixels_that_are_not_needed_go_back(channels):
    net, picture = weighted(), GREY.astype(float)
    found = picture.copy()
    found[0, 1] = 0
    found[1, :, channels] = 255                             # three pixels that change nothing
    kept = needed(net, picture, found, 0, 1)
    assert np.argwhere((kept != picture).any(axis=2)).tolist() == [[0, 1]]


def test_every_pass_over_the_net_is_a_step_of_a_bar(monkeypatch):
    """Where a net is slow, both parts of jsma take minutes, and so does each number of pixels of the evolution."""
    shown = {}

    class Shown:
        def __init__(self, total, progress, title):
            self.title = title
            shown[title] = [0, total]

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self):
            shown[self.title][0] += 1

    monkeypatch.setattr(few_pixels, "bar", Shown)
    mask = np.ones((2, 3, 1))
    mask[0, 1] = 0                                          # the one pixel that would be enough
    one_pixel(weighted(), GREY, label="a", mask=mask, steps=3, most=2)
    assert shown == {"1 pixel, generations": [4, 4], "2 pixels, generations": [4, 4]}
    found = GREY.astype(float)
    found[0, 1], found[1] = 0, 255
    rounds = []
    needed(weighted(), GREY, found, 0, 1, progress=lambda items: rounds.append(len(items)) or items)
    assert rounds == [3]


def test_pixels_that_are_needed_together_stay():
    """Without its second change the first class leads again, if only by a little."""
    net, picture = weighted(), GREY.astype(float)
    leads = {}
    for green in range(120):
        one, both = picture.copy(), picture.copy()
        one[0, 1] = both[0, 1] = green
        both[0, 2] = 0
        leads[green] = margins(net, np.stack([one, both]), 0, 1)
    found = picture.copy()
    found[0, 1] = next(green for green, (one, both) in leads.items() if 0 < one < 0.5 and both < 0)
    found[0, 2] = 0
    np.testing.assert_array_equal(needed(net, picture, found, 0, 1), found)


def test_one_after_the_other_the_score_falls(vgg, rng):
    picture = rng.integers(0, 256, (16, 16, 3)).astype(vgg.dtype)
    k = int(vgg.forward(vgg.preprocess(picture))["fc8"][0].argmax())
    falls = [margins(vgg, greedy(vgg, picture, k, 1, n, np.ones((16, 16), bool))[None], k, 1)[0] for n in (1, 2, 4)]
    before = margins(vgg, picture[None], k, 1)[0]
    assert all(a > b or a < 0 for a, b in zip([before, *falls], falls))


@pytest.mark.parametrize("method", ["jsma", "one-pixel"])
def test_the_figure_says_how_many_and_shows_which(method):
    found = fool(weighted(), GREY, method=method)
    assert found.ok and found.numbers["l0"] == 1 and found.settings["norm"] == "L0"
    assert found.draw(0).ndim == 3
    assert (found.made[0] != GREY).any(axis=2).sum() == 1


@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels(channels):
    picture = channel_picture(channels, 16, 16)
    found = fool(channel_net(channels), picture, method="jsma", steps=3)
    assert found.made.shape == (1, 16, 16, channels) and (found.made[0] != picture).any(axis=2).sum() <= 3
    assert found.draw(0).ndim == 3


def test_frames_stand_around_the_pixels():
    picture = np.full((4, 4, 3), 40, np.uint8)
    where = np.zeros((4, 4), bool)
    where[1, 2] = True
    sheet = marked(picture, where, 80)
    assert sheet.shape == (80, 80, 3) and (sheet[30, 50] == 40).all() and (sheet[70, 10] > 100).all()
    assert (sheet == (214, 39, 40)).all(axis=2).any()
    many = marked(np.full((16, 16, 3), 40, np.uint8), np.ones((16, 16), bool), 16)
    assert where.size < MARKED < 256 and (many == 40).all()
