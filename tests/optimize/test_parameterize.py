"""What is optimised: finite differences through every stage, exact starts."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.images.preprocessing import CAFFE_VGG
from minivis.models.tiny import tiny_vgg
from minivis.optimize import parameterize as p


@pytest.fixture(params=["pixels", "fourier", "fourier without colours", "grey net", "BGR net", "odd", "spectrum"])
def made(request, vgg):
    size = (9, 7) if request.param == "odd" else (16, 12) if request.param == "spectrum" else (16, 16)
    net = vgg
    if request.param == "grey net":
        net = tiny_vgg(channels=1, dtype=np.float64)
    if request.param == "BGR net":
        net = tiny_vgg(dtype=np.float64)
        net.preprocessing = CAFFE_VGG
    if request.param == "spectrum":
        return p.spectrum(net, (2, *size, 3))
    if request.param == "pixels":
        return p.pixels(net, (2, *size, 3))
    return p.fourier(net, (2, *size, net.input_channels), decorrelate="without" not in request.param)


def test_backward_is_the_adjoint_of_the_derivative(made, rng):
    z = made.start(rng.uniform(20, 235, made.shape))
    x, caches = made.forward(z)
    assert x.shape == made.shape and x.dtype == z.dtype == np.float64
    dx = rng.standard_normal(x.shape)
    dz = made.backward(dx, caches)
    assert dz.shape == z.shape
    for _ in range(3):
        d = rng.standard_normal(z.shape)
        ends = [(made.forward(z + t * d)[0] * dx).sum() for t in (1e-6, -1e-6)]
        assert (dz * d).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_every_element_of_a_spectrum(rng):
    """Element by element, as a direction would hide columns that count double."""
    for shape, finest in [((1, 4, 6, 2), 0), ((1, 5, 3, 1), 0), ((1, 6, 5, 1), 3)]:
        stage = p.Spectrum(*shape[1:3], finest=finest)
        z, dout = rng.standard_normal((1, shape[1], shape[2] // 2 + 1, shape[3], 2)), rng.standard_normal(shape)
        expected = np.empty_like(z)
        for i in np.ndindex(z.shape):
            e = np.zeros_like(z)
            e[i] = 1
            expected[i] = ((stage.forward(z + e)[0] - stage.forward(z - e)[0]) * dout).sum() / 2
        np.testing.assert_allclose(stage.backward(dout, None), expected, atol=1e-12)


@pytest.mark.parametrize(("height", "width", "decay"), [(6, 10, 1.5), (7, 4, 1.0)])
def test_a_coefficient_weighs_by_its_frequency(height, width, decay):
    """gain / frequency^decay, and the constant as the lowest frequency of the longer side."""
    weights, _ = p.frequency_weights(height, width, decay, 0.25, 0, np)
    for i, j in np.ndindex(height, width // 2 + 1):
        down, across = min(i, height - i) / height, j / width
        frequency = max((down**2 + across**2) ** 0.5, 1 / max(height, width))
        assert weights[i, j, 0] == pytest.approx(0.25 / frequency**decay, rel=1e-12)


def test_waves_shorter_than_the_finest_are_left_out(vgg, rng):
    """A wave of exactly that length stays, in any direction; a start keeps what is coarser."""
    height, width = 12, 16
    weights, _ = p.frequency_weights(height, width, 1.0, 0.25, 4, np)
    free, _ = p.frequency_weights(height, width, 1.0, 0.25, 0, np)
    for i, j in np.ndindex(height, width // 2 + 1):
        down, across = min(i, height - i) / height, j / width
        assert weights[i, j, 0] == (free[i, j, 0] if down**2 + across**2 <= 1 / 16 else 0)
    made = p.fourier(vgg, (1, height, width, 3), finest=4)
    columns = np.arange(width)
    coarse, fine = (127 + 50 * np.cos(2 * np.pi * columns / length)[None, None, :, None] for length in (8, 2))
    np.testing.assert_allclose(made.pixels(made.start(coarse)), np.broadcast_to(coarse, made.shape), atol=2)
    assert np.ptp(made.pixels(made.start(fine))) < 1e-6


def test_colours_are_those_of_lucid(vgg):
    """Its square root of the covariance of ImageNet's colours, over the length of the longest column."""
    published = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    np.testing.assert_allclose(p.COLOURS, published / np.linalg.norm(published, axis=0).max(), atol=1e-7)
    kinds = [type(stage).__name__ for stage in p.fourier(vgg, (1, 16, 16, 3)).stages]
    assert kinds == ["Spectrum", "Colours", "Squash"]


def test_starts_from_a_picture(made, rng):
    levels = rng.uniform(1, 254, made.shape)
    z = made.start(levels)
    np.testing.assert_allclose(made.pixels(z), levels, atol=1e-8)
    np.testing.assert_allclose(made.forward(z)[0], made.net.preprocess(levels), atol=1e-8)
    one = made.start(levels[0])
    np.testing.assert_allclose(made.pixels(one)[1], levels[0], atol=1e-8)


def test_grey_is_zero_for_the_net(made):
    assert abs(made.forward(made.grey())[0]).max() < 1e-9


def test_black_and_white_are_finite(vgg):
    made = p.fourier(vgg, (1, 8, 8, 3))
    levels = np.zeros((1, 8, 8, 3))
    levels[:, :4] = 255
    z = made.start(levels)
    assert np.isfinite(z).all() and abs(made.pixels(z) - levels).max() < 0.6


def test_low_frequencies_weigh_more():
    scale = p.Spectrum(16, 16).weights(np)[0][..., 0]
    assert scale[0, 0] == scale[0, 1] == pytest.approx(0.25 * 16) and scale[0, 2] == pytest.approx(0.25 * 8)
    assert scale[3, 4] == pytest.approx(0.25 * 16 / 5) and scale[-3, 4] == scale[3, 4]


def test_keeps_float32():
    net = tiny_vgg()
    for kind in p.KINDS.values():
        made = kind(net, (1, 16, 16, 3))
        x, caches = made.forward(made.grey())
        assert x.dtype == made.grey().dtype == made.backward(x, caches).dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 16, 16, 1), (1, 0, 16, 3), (16, 16, 3)])
def test_mistakes(vgg, shape):
    with pytest.raises(BadValue, match=r"must be \(N, H, W, 3\)"):
        p.pixels(vgg, shape)


@pytest.mark.parametrize("kind", ["pixels", "fourier"])
def test_behind_a_mask_the_picture_stays_and_the_gradient_is_masked(vgg, rng, kind):
    mask = np.zeros((1, 16, 16, 1))
    mask[:, 4:9], mask[:, 9] = 1, 0.25
    under = rng.uniform(0, 255, (1, 16, 16, 3))
    space = p.covered(p.KINDS[kind](vgg, (1, 16, 16, 3)), mask, under)
    z = rng.standard_normal(space.start(under).shape)
    out = space.pixels(z)
    np.testing.assert_array_equal(out[:, :4], under[:, :4])
    np.testing.assert_allclose(space.pixels(space.start(under)), under, atol=1)
    dx = rng.standard_normal(out.shape)
    step = rng.standard_normal(z.shape)
    _x, caches = space.forward(z)
    rise = ((space.forward(z + 1e-4 * step)[0] - space.forward(z - 1e-4 * step)[0]) * dx).sum() / 2e-4
    assert (space.backward(dx, caches) * step).sum() == pytest.approx(rise, rel=1e-5)
