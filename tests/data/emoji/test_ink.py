"""Sprites redrawn with dark lines."""

import numpy as np
from emoji_sprites import box_of, square_sprite

from minivis.data.emoji import ink


def test_styles_keep_the_shape_and_add_dark_lines():
    sprite = square_sprite((240, 60, 60), height=80, width=80)
    sprite[64:, :, :3] = (60, 60, 240)
    sprite[..., :3] += np.random.default_rng(0).integers(0, 12, (128, 128, 1)).astype(np.uint8)
    for style, (colours, width, white) in ink.STYLES.items():
        styled = ink.restyle(sprite, style)
        assert styled.shape == sprite.shape and styled.dtype == np.uint8
        assert (styled[..., 3] >= sprite[..., 3]).all()
        top, _, bottom, right = box_of(styled[..., 3])
        assert 24 - width <= top <= 24 and 104 <= right <= 104 + width and bottom - top < 80 + 2 * width + 1
        edge_is_dark = styled[24, 64, :3].max() < 100
        assert edge_is_dark == bool(width)
        seam_is_dark = styled[62:66, 64, :3].max(axis=1).min() < 100
        assert seam_is_dark == bool(width and colours)
        inside = styled[44, 64, :3]
        np.testing.assert_allclose(inside, (255, 255, 255) if white else (245, 65, 65), atol=12)
