"""HOG: the definition by hand, scikit-image's stored numbers, finite differences."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.engine.finite_differences import check_layer
from minivis.errors import BadValue
from minivis.layers.base import ForwardMode
from minivis.layers.hog import BlockNorm, Gradient, OrientationCells

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "hog.npz")
MODE = ForwardMode()


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_hard_bins_are_those_of_scikit_image(name):
    picture = GOLDEN[name]
    net = mv.hog_net(picture.shape[2], soft=False, eps=1e-5)
    code = net.forward(net.preprocess(picture).astype(float))["hog"]
    np.testing.assert_allclose(code, GOLDEN[f"{name}_hog"], rtol=0, atol=1e-6)          # measured: 2e-8


def test_gradients_of_a_picture_by_hand():
    x = np.array([[0, 1, 4], [2, 3, 8], [5, 9, 9.0]]).reshape(1, 3, 3, 1)
    out, _ = Gradient().forward(x, mode=MODE)
    np.testing.assert_array_equal(out[0, :, :, 0], [[0, 4, 0], [0, 6, 0], [0, 4, 0]])
    np.testing.assert_array_equal(out[0, :, :, 1], [[0, 0, 0], [5, 8, 5], [0, 0, 0]])
    stronger = np.concatenate([x, -2 * x], axis=3)                                      # the second colour wins
    np.testing.assert_array_equal(Gradient().forward(stronger, mode=MODE)[0], -2 * out)


@pytest.mark.parametrize(("degrees", "hard", "soft"), [
    (10, {0: 1}, {0: 1}), (15, {0: 1}, {0: 0.75, 1: 0.25}), (190, {0: 1}, {0: 1}), (175, {8: 1}, {8: 0.75, 0: 0.25}),
    (5, {0: 1}, {0: 0.75, 8: 0.25}), (95, {4: 1}, {4: 0.75, 5: 0.25}),
])  # fmt: skip
def test_votes_by_hand(degrees, hard, soft):
    g = np.zeros((1, 2, 2, 2))
    g[0, 0, 1] = 12 * np.cos(np.radians(degrees)), 12 * np.sin(np.radians(degrees))
    for layer, shares in ((OrientationCells(2, soft=False), hard), (OrientationCells(2), soft)):
        expected = np.zeros(9)
        for k, share in shares.items():
            expected[k] = 12 / 4 * share
        np.testing.assert_allclose(layer.forward(g, mode=MODE)[0], expected.reshape(1, 1, 1, 9), atol=1e-12)


def test_l2_hys_by_hand():
    cells = np.array([3.0, 4.0]).reshape(1, 1, 2, 1).repeat(2, axis=1) / np.sqrt(2)
    cells[0, 1] = [[0.1], [0.3]]
    v = np.array([*cells[0, 0, :, 0], 0.1, 0.3])
    u = np.minimum(v / np.sqrt((v**2).sum() + 4), 0.2)
    out, _ = BlockNorm(2, eps=2).forward(cells, mode=MODE)
    np.testing.assert_allclose(out[0, 0, 0], u / np.sqrt((u**2).sum() + 4), rtol=1e-12)
    assert (u[:2] == 0.2).all() and (u[2:] < 0.2).all()


@pytest.mark.parametrize(("layer", "shape"), [
    (Gradient(), (2, 6, 5, 3)), (OrientationCells(4), (2, 9, 8, 2)), (OrientationCells(4, soft=False), (2, 9, 8, 2)),
    (BlockNorm(), (2, 3, 4, 9)), (BlockNorm(3, eps=2), (1, 4, 3, 9)),
], ids=["gradient", "soft", "hard", "blocks", "blocks of 3"])  # fmt: skip
def test_finite_differences(layer, shape, rng):
    x = rng.standard_normal(shape)
    x = abs(x) ** 4 if isinstance(layer, BlockNorm) else x          # on both sides of the clipping
    assert check_layer(layer, [x])["dx"] < 1e-8                     # measured: 5e-10


def test_the_whole_net_from_the_picture(rng):
    net = mv.hog_net(3, cell=4)
    x = rng.uniform(0, 255, (1, 10, 13, 3))
    acts = net.forward(x)
    assert acts["hog"].shape == net.shapes(x.shape)["hog"] == (1, 1, 2, 36)
    dout, d = rng.standard_normal(acts["hog"].shape), rng.standard_normal(x.shape)
    dx = net.backward(acts, {"hog": dout})[0]["input"]
    ends = [(net.forward(x + t * d)["hog"] * dout).sum() for t in (1e-6, -1e-6)]
    assert (dx * d).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)
    flat = net.forward(np.full_like(x, 7))                          # no gradient anywhere: zeros, no warning
    assert not flat["hog"].any() and not net.backward(flat, {"hog": dout})[0]["input"].any()


@pytest.mark.parametrize(("layer", "size", "stride"), [("gradient", 3, 1), ("cells", 6, 4), ("hog", 10, 4)])
def test_what_a_position_sees(layer, size, stride, rng):
    """A cell of 4 and a neighbour on each side; a block of two. To the pixel that has a gradient."""
    net, x = mv.hog_net(1, cell=4), rng.uniform(0, 255, (1, 24, 24, 1))
    field = net.receptive_field(layer)
    assert field.size == (size, size) and field.stride == (stride, stride)
    acts = net.forward(x)
    dout = np.zeros_like(acts[layer])
    dout[0, 2, 1] = 1
    seen = net.backward(acts, {layer: dout})[0]["input"][0, :, :, 0] != 0
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    assert (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) == field.box(2, 1, (24, 24))


def test_layers_take_sensible_settings():
    for layer, said in ((lambda: OrientationCells(0), "cell must be a whole"),
                        (lambda: BlockNorm(eps=0), "eps must be a number above 0")):
        with pytest.raises(BadValue, match=said):
            layer()
