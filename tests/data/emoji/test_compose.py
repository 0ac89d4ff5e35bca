"""A training picture: a sprite on a background, moved, turned, recoloured."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from emoji_sprites import STILL, blocks_of, box_of, draw, sprites_of, square_sprite

from minivis.data.emoji import compose
from minivis.data.emoji import sprites as emoji
from minivis.data.emoji.classes import NAMES
from minivis.data.emoji.compose import SPLITS, EmojiPictures
from minivis.errors import BadValue, UnknownName


def test_a_picture_depends_on_its_seed_split_and_number_alone():
    sprites = sprites_of(square_sprite((200, 30, 40), height=60))
    pictures = EmojiPictures(sprites, 48, "train", sets=("noto",))
    images, labels, masks = pictures.batch(range(40), seed=3)
    assert images.shape == (40, 48, 48, 3) and images.dtype == np.uint8
    assert masks.shape == (40, 48, 48) and masks.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.arange(40) % len(NAMES))

    fresh = EmojiPictures(sprites, 48, "train", sets=("noto",))
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda k: fresh.batch([k], seed=3), reversed(range(40))))
    np.testing.assert_array_equal(np.concatenate([p[0] for p in reversed(parts)]), images)
    np.testing.assert_array_equal(np.concatenate([p[2] for p in reversed(parts)]), masks)

    assert (pictures.batch([7], seed=4)[0] != images[7]).any()
    assert (pictures.batch([7 + len(NAMES)], seed=3)[0] != images[7]).any()
    assert (EmojiPictures(sprites, 48, "test", sets=("noto",)).batch([7], seed=3)[0] != images[7]).any()


@pytest.mark.parametrize("split", SPLITS)
def test_pictures_are_drawn_by_the_random_numbers_that_the_nets_were_trained_with(split):
    """But for a picture whose background is chosen just so, and the last digits of this Pillow's blur."""
    with np.load(Path(__file__).parents[2] / "golden" / "emoji_draws.npz") as kept:
        apart = abs(blocks_of(split) - kept[split]).mean(axis=(1, 2, 3))
    assert (apart < 1.5).mean() >= 0.95


def test_labels_say_which_sprite_was_drawn():
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (len(NAMES), 3))
    sprites = sprites_of(square_sprite((0, 0, 0)))
    images = np.concatenate([[square_sprite(c) for c in colours]] * 2)
    pictures = EmojiPictures(dataclasses.replace(sprites, images=images), 32, "test", sets=("openmoji",), ranges=STILL)
    indices = rng.integers(0, 10**6, 50)
    drawn, labels, masks = pictures.batch(indices, seed=0)
    for picture, label, mask in zip(drawn, labels, masks):
        assert (mask == 255).sum() > 8
        assert np.abs(picture[mask == 255].astype(float) - colours[label]).max() <= 3


def test_where_the_mask_is_full_there_is_emoji_and_where_it_is_zero_background():
    images, masks = draw(square_sprite((250, 20, 30)), background=(10, 20, 240), rotation=20)
    for image, mask in zip(images, masks):
        assert np.abs(image[mask == 255] - [250.0, 20, 30]).max() <= 3
        assert np.abs(image[mask == 0] - [10.0, 20, 240]).max() <= 1
        assert abs(mask.mean() / 255 - 0.25) < 0.02  # half the side, so a quarter of the area


def test_edges_have_no_dark_and_no_bright_fringe():
    for hidden in (0, 255):
        sprite = square_sprite((150, 150, 150), hidden=hidden)
        images, _ = draw(sprite, background=150, rotation=45, scale=(0.4, 1))
        assert images.min() >= 145 and images.max() <= 155


def test_a_fine_pattern_is_averaged_when_it_shrinks():
    sprite = square_sprite((0, 0, 0))
    sprite[..., :3] = 255 * (np.indices((128, 128)).sum(axis=0) % 2)[..., None]
    images, masks = draw(sprite, scale=(0.4, 0.4), background=128, rotation=20)
    for image, mask in zip(images, masks):
        assert np.abs(image[mask == 255].astype(float) - 127.5).max() < 30


def test_scale_fills_its_range_and_the_emoji_stays_inside():
    _, masks = draw(square_sprite((9, 9, 9), height=56), 200, scale=(0.4, 1.0), overflow=0)
    boxes = np.array([box_of(mask) for mask in masks])
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    assert widths.min() in range(25, 29) and widths.max() in range(62, 65)
    np.testing.assert_allclose(heights, widths / 2, atol=1.1)
    small = widths < 35
    assert boxes[small, 0].min() < 6 and boxes[small, 2].max() > 58  # it goes everywhere
    assert boxes[small, 1].min() < 6 and boxes[small, 3].max() > 58


def test_flip_is_left_to_right():
    sprite = square_sprite((255, 0, 0))
    sprite[:, 64:, :3] = (0, 0, 255)
    for share, left in ((0, 0), (1, 2)):
        images, masks = draw(sprite, flip_share=share)
        for image, mask in zip(images, masks):
            top, first, bottom, last = box_of(mask)
            assert image[(top + bottom) // 2, first + 4].argmax() == left
            assert image[(top + bottom) // 2, last - 5].argmax() == 2 - left


def test_rotation_stays_in_its_range_and_uses_it():
    _, masks = draw(square_sprite((9, 9, 9), height=16), 80, rotation=20, scale=(0.7, 0.7))
    angles = []
    for mask in masks:
        y, x = np.nonzero(mask > 127)
        axes = np.linalg.eigh(np.cov(x, y))[1]
        angles.append(np.degrees(np.arctan2(*(axes[:, 1] * np.sign(axes[0, 1]))[::-1])))
    assert np.max(np.abs(angles)) < 21
    assert min(angles) < -12 and max(angles) > 12


def test_blur_noise_and_grey_happen_when_asked_for():
    still, _ = draw(square_sprite((250, 20, 30)), 5, background=100)
    blurred, _ = draw(square_sprite((250, 20, 30)), 5, background=100, blur_share=1, blur=(2, 2))
    noisy, _ = draw(square_sprite((250, 20, 30)), 5, background=100, noise_share=1, noise=(10, 10))
    grey, _ = draw(square_sprite((250, 20, 30)), 5, background=100, grey_share=1)
    assert np.abs(np.diff(blurred[..., 0].astype(float), axis=1)).max() < 60
    assert np.abs(np.diff(still[..., 0].astype(float), axis=1)).max() > 100
    assert 8 < (noisy.astype(float) - still)[still == 100].std() < 12
    assert np.ptp(grey.astype(int), axis=3).max() <= 1 and np.ptp(still.astype(int), axis=3).max() > 200


def test_an_emoji_that_nobody_could_see_gets_another_background():
    sprite = square_sprite((255, 255, 255))
    seen = []
    pictures = EmojiPictures(
        sprites_of(sprite), 32, "test", ranges=dataclasses.replace(STILL, visible=25), sets=("noto",)
    )
    pictures.backgrounds.draw = lambda rng: np.full(
        (32, 32, 3), seen.append(1) or (250 if len(seen) < 3 else 90), np.float32
    )
    image, mask = pictures.picture(0, 0)
    assert len(seen) == 3
    assert image[mask == 0].max() == 90


def test_openmoji_is_never_trained_on():
    sprites = sprites_of(square_sprite((1, 2, 3)))
    assert "openmoji" not in emoji.TRAINING_SETS
    with pytest.raises(BadValue, match="held out"):
        EmojiPictures(sprites, 64, "train", sets=("noto", "openmoji"))
    EmojiPictures(sprites, 64, "test", sets=("openmoji",))


def test_wrong_settings_are_explained():
    sprites = sprites_of(square_sprite((1, 2, 3)))
    with pytest.raises(UnknownName, match="did you mean 'openmoji'"):
        EmojiPictures(sprites, 64, "test", sets=("openmojy",))
    with pytest.raises(BadValue, match="unknown split"):
        EmojiPictures(sprites, 64, "validation", sets=("noto",))
    with pytest.raises(BadValue, match="too small"):
        EmojiPictures(sprites, 4, "test", sets=("noto",))
    fewer = dataclasses.replace(sprites, labels=np.where(sprites.labels == 3, 4, sprites.labels))
    with pytest.raises(BadValue, match=f"no sprite of {NAMES[3]}"):
        EmojiPictures(fewer, 64, "test", sets=("noto",))


def test_colour_changes_are_what_they_say():
    rng = np.random.default_rng(0)
    colours = rng.uniform(0, 255, (4, 5, 3)).astype(np.float32)
    nothing = compose.colour_change(rng, STILL)
    np.testing.assert_allclose(compose.apply_colour(colours, nothing), colours, atol=1e-3)
    grey = compose.colour_change(rng, dataclasses.replace(STILL, saturation=(0, 0)))
    by_hand = 0.299 * colours[..., 0] + 0.587 * colours[..., 1] + 0.114 * colours[..., 2]
    np.testing.assert_allclose(compose.apply_colour(colours, grey), by_hand[..., None].repeat(3, 2), atol=1e-2)
    contrast = compose.colour_change(rng, dataclasses.replace(STILL, contrast=(2, 2), brightness=(5, 5)))
    np.testing.assert_allclose(
        compose.apply_colour(colours, contrast), 2 * (colours - 127.5) + 132.5, rtol=1e-4, atol=1e-2
    )
    a, b = (compose.colour_change(rng, compose.RANGES["train"]) for _ in range(2))
    both = compose.apply_colour(colours, compose.compose_colour(a, b))
    np.testing.assert_allclose(both, compose.apply_colour(compose.apply_colour(colours, b), a), rtol=1e-4, atol=1e-2)
