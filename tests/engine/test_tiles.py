"""Tiles ask of a layer what layers/base.py says, and say which layer cannot run in them."""

import numpy as np
import pytest

from minivis.engine.image_gradient import per_position
from minivis.engine.local_passes import LocalPasses
from minivis.engine.network import Network
from minivis.engine.tiles import readers, tiles
from minivis.errors import BadValue
from minivis.layers import Conv2D, Layer, ReLU
from minivis.layers.base import Window


class Blur3(Layer):
    """The mean of 3 x 3 positions, without padding: what base.py asks of a layer, and no more."""

    def forward(self, x, *, mode):
        H, W = x.shape[1] - 2, x.shape[2] - 2
        return sum(x[:, i : i + H, j : j + W] for i in range(3) for j in range(3)) / 9, x.shape

    def backward(self, dout, cache, mode):
        dx = np.zeros(cache, dout.dtype)
        for i in range(3):
            for j in range(3):
                dx[:, i : i + dout.shape[1], j : j + dout.shape[2]] += dout / 9
        return (dx,), {}

    def output_shape(self, shape):
        return shape[0], shape[1] - 2, shape[2] - 2, shape[3]

    def window(self, shape):
        return (3, 3), (1, 1), (0, 0)


class Same3(Blur3):
    """The same with a line of zeros around it; ``pads`` as its setting."""

    def __init__(self, pads=((1, 1), (1, 1))):
        super().__init__()
        self.pads = pads

    def forward(self, x, *, mode):
        return super().forward(np.pad(x, ((0, 0), *self.pads, (0, 0))), mode=mode)

    def backward(self, dout, cache, mode):
        (top, bottom), (left, right) = self.pads
        (dx,), _ = super().backward(dout, cache, mode)
        return (dx[:, top : dx.shape[1] - bottom, left : dx.shape[2] - right],), {}

    def output_shape(self, shape):
        N, H, W, C = shape
        return N, H - 2 + sum(self.pads[0]), W - 2 + sum(self.pads[1]), C

    def window(self, shape):
        return Window((3, 3), (1, 1), (-self.pads[0][0], -self.pads[1][0]), self.pads)


class Padded3(Same3):
    def with_padding(self, pads):
        return type(self)(pads)


class Silent3(Blur3):
    """Does not say what its positions see."""

    def window(self, shape):
        return None


@per_position("relu")
def energy(acts):
    a = acts["relu"]
    return float((a * a).sum()) / 2, {"relu": a}


def net_with(layer, rng):
    w = rng.standard_normal((3, 3, 3, 4))
    return Network().add("conv", Conv2D(w, padding=1)).add("own", layer).add("relu", ReLU())


@pytest.mark.parametrize("tile", [16, (9, 30)])
@pytest.mark.parametrize("kind", [Blur3, Padded3])
def test_a_layer_that_keeps_the_contract_works_in_tiles(rng, kind, tile):
    net, x = net_with(kind(), rng), rng.standard_normal((1, 40, 37, 3))
    loss, dx = net.image_gradient(x, energy)
    found, part = net.image_gradient(x, energy, tile=tile)
    assert found == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(part, dx, rtol=0, atol=1e-12 * abs(dx).max())


@pytest.mark.parametrize("kind", [Blur3, Padded3, Same3])
def test_a_layer_that_keeps_the_contract_works_in_local_passes(rng, kind):
    """One without with_padding is computed as a whole."""
    net, x = net_with(kind(), rng), rng.standard_normal((1, 20, 18, 3))
    covers, boxes = rng.standard_normal((1, 20, 18, 3)), [(0, 0, 4, 5), (9, 8, 13, 13), (16, 12, 20, 18)]
    acts = LocalPasses(net, x, ["relu"]).forward(boxes, covers)
    for i, (top, left, bottom, right) in enumerate(boxes):
        covered = x.copy()
        covered[0, top:bottom, left:right] = covers[0, top:bottom, left:right]
        whole = net.forward(covered)["relu"][0]
        np.testing.assert_allclose(acts["relu"][i], whole, rtol=0, atol=1e-12 * abs(whole).max())


@pytest.mark.parametrize("kind, sentence", [
    (Same3, r"own: Same3 has no with_padding\(pads\).* use tile=None"),
    (Silent3, r"own: Silent3.window\(shape\) is None, .* let window\(shape\) say what a position sees"),
])  # fmt: skip
def test_a_layer_that_cannot_run_in_tiles_is_named(rng, kind, sentence):
    net, x = net_with(kind(), rng), rng.standard_normal((1, 40, 37, 3))
    net.image_gradient(x, energy)
    with pytest.raises(BadValue, match=sentence):
        net.image_gradient(x, energy, tile=16)


@pytest.mark.parametrize("kernel, stride, padding, dilation", [
    (1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 0, 1), (3, 2, 1, 1), (2, 2, 0, 1), (5, 3, 2, 1), (3, 1, 2, 2),
    (4, 1, ((0, 3), (2, 1)), 1),
])  # fmt: skip
def test_the_positions_that_see_some_of_a_box(rng, kernel, stride, padding, dilation):
    """All of them, and none more where the kernel has no gaps: they are those whose numbers change with the box."""
    w = rng.uniform(0.1, 1, (kernel, kernel, 1, 1))
    net = Network().add("conv", Conv2D(w, stride=stride, padding=padding, dilation=dilation))
    shape = (1, 9, 11, 1)
    shapes = net.shapes(shape)
    boxes = [(0, 1, 0, 1), (8, 9, 10, 11), (2, 3, 5, 6), (3, 6, 4, 5), (0, 9, 0, 11), (4, 9, 7, 8)]
    for low, high, first, last in boxes:
        x = np.zeros(shape)
        x[0, low:high, first:last] = 1
        seen = np.nonzero(net.forward(x)["conv"][0, :, :, 0])
        if not seen[0].size:
            continue                                        # a stride may step over a pixel
        least = tuple((int(at.min()), int(at.max()) + 1) for at in seen)
        found = readers(net, {"input": shape, **shapes}, ((low, high), (first, last)))["conv"]
        for (a, b), (begin, end) in zip(found, least):
            assert (a, b) == (begin, end) if dilation == 1 else a <= begin and end <= b


@pytest.mark.parametrize("padding", [1, 3, ((0, 4), (2, 0))])
def test_tiles_in_the_padding_under_a_1x1(rng, padding):
    """The outermost positions of such a layer see padding alone, and a tile may hold nothing but those."""
    net = Network().add("conv", Conv2D(rng.standard_normal((1, 1, 3, 4)), rng.standard_normal(4), padding=padding))
    net.add("conv2", Conv2D(rng.standard_normal((3, 3, 4, 2)))).add("relu", ReLU())
    x = rng.standard_normal((1, 9, 11, 3))
    loss, dx = net.image_gradient(x, energy)
    for tile in (2, (3, 5), 4):
        found, part = net.image_gradient(x, energy, tile=tile)
        assert found == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(part, dx, rtol=0, atol=1e-12 * abs(dx).max())
    cut = tiles(net, x.shape, ["relu"], 2)
    count = np.zeros(net.shapes(x.shape)["relu"][1:3], int)
    for tile in cut:
        (top, bottom), (left, right) = tile.own["relu"]
        count[top:bottom, left:right] += 1
    assert (count == 1).all()
