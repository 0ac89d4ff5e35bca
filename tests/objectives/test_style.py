"""Gram matrices by hand, their gradients by finite differences, masks, and that the whole is the sum of its tiles."""

import numpy as np
import pytest
from commandline import scene

from minivis.engine.finite_differences import numerical_gradient
from minivis.engine.surgery import trunk
from minivis.errors import BadValue, UnknownName
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.objectives.style import content_loss, gram, mask_of, normal_weights, style_distance, style_loss, weighed


def test_gram_by_hand():
    a = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 5.0]]).reshape(1, 1, 3, 2)
    np.testing.assert_allclose(gram(a), np.array([[10, 2], [2, 29]]) / (2 * 3))
    mask = np.array([1.0, 0.5, 0.0]).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(gram(a, mask), np.array([[1 + 4.5, 2], [2, 4]]) / (2 * 1.5))


class Acts(dict):
    """Activations without a net."""

    def __init__(self, arrays):
        super().__init__(arrays)
        self.shapes = {name: a.shape for name, a in arrays.items()}

    def cut(self, name, whole):
        return whole


@pytest.mark.parametrize("masked", [False, True])
def test_style_is_zero_at_home_and_one_at_nothing_and_its_gradient_is_one(rng, masked):
    a, home = rng.standard_normal((2, 1, 4, 3, 5))
    mask = rng.uniform(0, 1, (1, 4, 3, 1)) if masked else None
    loss = style_distance("x", gram(home, mask), mask)
    assert loss(Acts({"x": home}))[0] == pytest.approx(0, abs=1e-30)
    assert loss(Acts({"x": 0 * home}))[0] == pytest.approx(1)
    value, seeds = loss(Acts({"x": a}))
    by_hand = ((gram(a, mask) - gram(home, mask)) ** 2).sum() / (gram(home, mask) ** 2).sum()
    assert value == pytest.approx(by_hand)
    slopes = numerical_gradient(lambda t: np.array(loss(Acts({"x": t}))[0]), a, np.array(1.0))
    np.testing.assert_allclose(seeds["x"], slopes, rtol=1e-6, atol=1e-9)
    assert not masked or not np.allclose(by_hand, ((gram(a) - gram(home)) ** 2).sum() / (gram(home) ** 2).sum())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("net, content, style", [
    (tiny_vgg(dtype=np.float64), "relu2_1", {"relu1_1": 0.25, "relu2_1": 0.75}),
    (tiny_branches(dtype=np.float64), "sum", {"stem_relu": 0.5, "sum": 0.5}),
    (tiny_vgg(dtype=np.float64, channels=1), "relu2_1", {"relu1_1": 1.0}),
], ids=["vgg", "branches", "grey"])  # fmt: skip
def test_loss_and_gradient_of_whole_pictures_agree(rng, net, content, style, masked):
    body = trunk(net, {content, *style})
    photo, painting = body.preprocess(scene(21, 18)), body.preprocess(scene(30, 24)[:, ::-1])
    masks = [scene(10, 12), 255 - scene(21, 18)] if masked else None
    loss = content_loss(body, photo, {content: 1.0}) + 10 * style_loss(
        body, photo.shape, [painting] * (2 if masked else 1), style, masks=masks)
    x = photo + 0.1 * rng.standard_normal(photo.shape)
    direction = rng.standard_normal(x.shape)
    value, dx = body.image_gradient(x, loss)
    above, below = (body.image_gradient(x + step * direction, loss)[0] for step in (1e-6, -1e-6))
    assert (dx * direction).sum() == pytest.approx((above - below) / 2e-6, rel=1e-6)
    tiled, tiled_dx = body.image_gradient(x, loss, tile=13)
    assert tiled == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(tiled_dx, dx, rtol=0, atol=1e-12 * abs(dx).max())


def test_two_styles_without_masks_are_one_between_them(vgg):
    body = trunk(vgg, ["relu1_1"])
    first, second = body.preprocess(scene()), body.preprocess(scene()[::-1].copy() // 2)
    loss = style_loss(body, first.shape, [first, second], {"relu1_1": 1.0}, blend=[3, 1])
    a, b = (gram(body.forward(x)["relu1_1"]) for x in (first, second))
    middle = 0.75 * a + 0.25 * b
    assert loss(body.forward(first))[0] == pytest.approx(((a - middle) ** 2).sum() / (middle**2).sum())


def test_what_lies_outside_a_mask_does_not_count(vgg):
    body = trunk(vgg, ["conv1_1"])
    photo, painting = scene(), scene()[:, ::-1].copy()
    left = np.zeros((40, 60, 1), np.uint8)
    left[:, :30] = 255
    loss = style_loss(body, (1, 40, 60, 3), [body.preprocess(painting)], {"conv1_1": 1.0}, masks=[left])
    changed = photo.copy()
    changed[:, 32:] = 255 - changed[:, 32:]
    before, after = (loss(body.forward(body.preprocess(picture)))[0] for picture in (photo, changed))
    assert after == pytest.approx(before)
    _, dx = body.image_gradient(body.preprocess(photo), loss)
    assert not dx[:, :, 31:].any() and dx[:, :, :29].any()


RAMP = [0, 1 / 3, 2 / 3, 1]


@pytest.mark.parametrize("mask, expected", [
    ([[0, 255]], [RAMP] * 2),                                           # a picture wider than high, and one higher
    ([[0], [255]], np.transpose([RAMP] * 2)),
    ([[0, 255]] * 4, [RAMP] * 2),                                       # smaller along one side, larger along the other
    ([[0] * 4, [255] * 4], np.transpose([RAMP] * 2)),
])
def test_a_small_mask_of_a_picture_that_is_not_square(mask, expected):
    """Enlarged along the side where it is smaller than the picture, and averaged along the one where it is larger."""
    got = mask_of(np.array(mask, np.uint8)[..., None], (1, *np.shape(expected), 3), {"x": np.zeros((2, 2))})
    assert got.shape == (1, *np.shape(expected), 1)
    np.testing.assert_allclose(got[0, :, :, 0], expected, atol=1e-12)


def test_losses_are_parts_of_the_whole_in_every_net():
    """The same weights mean the same, however large a net's activations are."""
    from minivis.engine.network import Network, Node

    plain = trunk(tiny_vgg(), ["relu2_1"])
    nodes = dict(plain.nodes)
    first = nodes["conv1_1"]
    scaled = {name: 7 * p for name, p in first.layer.params.items()}
    loud = Network({**nodes, "conv1_1": Node(first.layer.with_params(**scaled), first.inputs)}, plain.preprocessing)
    values = []
    for net in (plain, loud):
        loss = style_loss(net, (1, 40, 60, 3), [net.preprocess(scene()[::-1].copy())], {"relu1_1": 1.0})
        values.append(loss(net.forward(net.preprocess(scene())))[0])
    assert values[0] == pytest.approx(values[1], rel=1e-4)


@pytest.mark.parametrize("call, error, message", [
    (lambda net: weighed(net, "relu9", "style"), UnknownName, "no layer named 'relu9'"),
    (lambda net: weighed(net, {"relu1_1": 0.0}, "style"), BadValue, "weights of the style layers are all 0"),
    (lambda net: weighed(net, [], "content"), BadValue, "at least one content layer"),
    (lambda net: normal_weights([1, 2], 3, "styles"), BadValue, "3 styles and 2 weights"),
    (lambda net: normal_weights([1, np.nan], 2, "styles"), BadValue, "one above 0"),
    (lambda net: style_distance("x", np.zeros((3, 3))), BadValue, "the net sees nothing of this style in x"),
    (lambda net: style_loss(net, (1, 40, 60, 3), [net.preprocess(scene())], {"relu1_1": 1}, masks=[]), BadValue,
     "1 styles and 0 masks"),
    (lambda net: style_loss(net, (1, 40, 60, 3), [net.preprocess(scene())], {"relu1_1": 1},
                            masks=[np.zeros((9, 9, 1), np.uint8)]), BadValue, "one above 0"),
])  # fmt: skip
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call(trunk(tiny_vgg(dtype=np.float64), ["relu2_1"]))
