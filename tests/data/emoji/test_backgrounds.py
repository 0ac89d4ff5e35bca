"""Backgrounds: photographs and textures, and that the splits share none."""

import colorsys

import numpy as np
from emoji_sprites import sprites_of, square_sprite
from PIL import Image

from minivis.data.emoji import backgrounds


def striped_backgrounds(split):
    """Of two photographs, red and green, each darker in its upper half, and nothing else."""
    found = backgrounds.Backgrounds.__new__(backgrounds.Backgrounds)
    found.size, found.split = 32, split
    steps = np.linspace(-1, 1, 32, dtype=np.float32)
    found.coordinates = np.stack(np.meshgrid(steps, steps), axis=2)
    found.photos = []
    for colour in ((200, 0, 0), (0, 200, 0)):
        photo = np.zeros((32, 32, 3), np.uint8)
        photo[:16], photo[16:] = np.array(colour) // 2, colour
        found.photos.append(Image.fromarray(photo))
    return found


def test_photographs_trained_on_are_turned_recoloured_and_laid_beside_one_another(monkeypatch):
    rng, train = np.random.default_rng(0), striped_backgrounds("train")
    monkeypatch.setattr(backgrounds, "SHARES", (1.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(backgrounds, "SMALLEST_CROP", 1.0)
    pictures = np.stack([train.draw(rng) for _ in range(600)])
    light = pictures.sum(axis=3)
    whole = np.ptp(light.mean(axis=1), axis=1) < 1              # every column the same: the edge lies, and
    upright = np.ptp(light.mean(axis=2), axis=1) < 1            # every line the same: it was turned by a quarter
    assert 0.25 < whole.mean() < 0.55 and 0.25 < upright.mean() < 0.55      # half of the 70 % that are one photograph
    blue = pictures[..., 2].max(axis=(1, 2)) > 0                # 0.4 * 2/6, and of collages the same
    assert 0.08 < blue.mean() < 0.2
    several = (pictures.max(axis=(1, 2)) > 0).sum(axis=1) > 1
    assert 0.08 < several.mean() < 0.3                          # 0.3 lie beside another, half of them beside their like
    test = striped_backgrounds("test")
    for picture in (test.draw(rng) for _ in range(100)):        # the test split stays what it was
        assert np.ptp(picture.sum(axis=2), axis=1).max() < 1 and picture[..., 2].max() == 0
        assert (picture.max(axis=(0, 1)) > 0).sum() == 1


def test_backgrounds_of_the_splits_share_nothing():
    sprites = sprites_of(square_sprite((1, 2, 3)))
    train, test = (backgrounds.Backgrounds(sprites, 32, split) for split in ("train", "test"))
    assert len(train.photos) == len(test.photos) == 1
    np.testing.assert_array_equal(train.photos[0], sprites.photos[0])
    np.testing.assert_array_equal(test.photos[0], sprites.photos[1])
    assert not set(backgrounds.NOISE_EXPONENTS["train"]) & set(backgrounds.NOISE_EXPONENTS["test"])
    rng = np.random.default_rng(0)
    for background, half in ((train, 0), (test, 1)):
        for _ in range(100):
            image = background.draw(rng)
            assert image.shape == (32, 32, 3) and image.min() >= 0 and image.max() <= 255
            colour = background.colour(rng)
            if np.ptp(colour) > 5:
                hue = colorsys.rgb_to_hsv(*colour.tolist())[0]
                assert int(hue * 12) % 2 == half  # which half of its 60 degrees


def test_noise_has_the_spectrum_it_is_named_for():
    rng = np.random.default_rng(0)
    for exponent in (0.0, 1.0, 2.0):
        noise = backgrounds.spectral_noise(rng, exponent).astype(float).mean(axis=2)
        power = np.abs(np.fft.fft2(noise - noise.mean()))
        frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
        low = power[(frequency > 0.02) & (frequency < 0.04)].mean()
        high = power[(frequency > 0.08) & (frequency < 0.16)].mean()
        assert abs(np.log2(low / high) / 2 - exponent) < 0.35
