"""The picture behind a mask lies where the net sees it."""

import numpy as np

from minivis.images.preprocessing import to_uint8
from minivis.methods.synthesis.masked import behind_mask
from minivis.optimize.parameterize import pixels


def test_the_mask_is_fitted_as_the_picture_is(vgg, rng):
    """A wide picture is cropped to the net's square, and so is its mask."""
    start = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
    space = behind_mask(pixels(vgg, (1, 16, 16, 3)), start, (10, 3, 24, 16))
    z = np.full((1, 16, 16, 3), 9.0)
    fitted, _ = vgg.fit(start)
    cover, _ = vgg.fit(np.repeat([[0] * 10 + [255] * 14], 16, axis=0).astype(np.uint8)[..., None])
    out, inside = to_uint8(space.pixels(z))[0], cover[..., 0] == 255
    inside[:6] = False
    beyond = cover[..., 0] == 0
    assert inside.any() and beyond.any()
    assert (out[inside] == 9).all() and (out[beyond] == fitted[beyond]).all() and (out[0] == fitted[0]).all()


def test_without_a_picture_the_rest_is_the_net_s_mean_colour(vgg):
    space = behind_mask(pixels(vgg, (1, 16, 16, 3)), None, (0, 0, 4, 16))
    out = space.forward(np.full((1, 16, 16, 3), 9.0))[0]
    assert abs(out[:, :, 4:]).max() < 1e-9 and abs(out[:, :, :4]).min() > 0
