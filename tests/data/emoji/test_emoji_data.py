"""The emoji data: classes, sprites, how pictures are drawn, and the files of it that the repository holds.

No fonts, sets or photographs are needed: small sprites are made here.
"""

import colorsys
import dataclasses
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minivis.data.emoji import backgrounds, compose, ink, photos
from minivis.data.emoji import sprites as emoji
from minivis.data.emoji.classes import CLASSES, NAMES
from minivis.data.emoji.compose import EmojiPictures, Ranges
from minivis.errors import BadFile, BadValue, MissingExtra, UnknownName

STILL = Ranges(scale=(0.5, 0.5), overflow=0, rotation=0, flip_share=0, brightness=(0, 0), contrast=(1, 1),
               saturation=(1, 1), hue=0, blur_share=0, noise_share=0, grey_share=0, visible=0)  # fmt: skip
ROOT = Path(__file__).parents[3]


def square_sprite(rgb, height=emoji.CONTENT, width=emoji.CONTENT, hidden=0):
    """A rectangle in the middle of a sprite; what is transparent is ``hidden`` underneath, in files mostly black."""
    sprite = np.zeros((emoji.SPRITE, emoji.SPRITE, 4), np.uint8)
    sprite[..., :3] = hidden
    top, left = (emoji.SPRITE - height) // 2, (emoji.SPRITE - width) // 2
    sprite[top : top + height, left : left + width] = [*rgb, 255]
    return sprite


def sprites_of(sprite):
    """Sprites in which every class of every set looks like ``sprite``."""
    sets = ["noto", "openmoji"]
    rng = np.random.default_rng(0)
    names = ["grass.png", photos.HELD_OUT_PHOTOS[0]]
    return emoji.Sprites(
        images=np.broadcast_to(sprite, (len(sets) * len(NAMES), *sprite.shape)),
        labels=np.tile(np.arange(len(NAMES)), len(sets)),
        sets=np.repeat(sets, len(NAMES)),
        class_names=np.array(NAMES),
        photos=rng.integers(0, 256, (len(names), 320, 480, 3)).astype(np.uint8),
        photo_names=np.array(names),
    )


def draw(sprite, count=30, *, split="test", seed=0, background=None, size=64, **changes):
    """images and masks of one sprite, everything standing still but for ``changes``."""
    ranges = dataclasses.replace(STILL, **changes)
    pictures = EmojiPictures(sprites_of(sprite), size, split, sets=("noto",), ranges=ranges)
    if background is not None:
        pictures.backgrounds.draw = lambda rng: np.full((size, size, 3), background, np.float32)
    images, _, masks = pictures.batch(range(count), seed)
    return images, masks


def box_of(mask):
    rows, columns = np.flatnonzero(mask.max(axis=1) > 127), np.flatnonzero(mask.max(axis=0) > 127)
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


# --- classes ---------------------------------------------------------------------------------------------------------


def test_class_names_aliases_and_code_points_are_unique():
    words = [word for c in CLASSES for word in (c.name, *c.aliases)]
    assert len(NAMES) >= 96
    assert len(set(words)) == len(words)
    assert all(word == word.lower().strip() for word in words)
    assert len({c.code for c in CLASSES}) == len(CLASSES)
    assert all(len(c.text) == 2 and ord(c.text[0]) > 0x2000 for c in CLASSES)
    assert {c.category for c in CLASSES} == {"animal", "animal face", "food", "plant", "vehicle", "object", "face"}


def test_classes_of_the_lecture_are_there():
    by_name = {c.name: c for c in CLASSES}
    assert {"goose", "dog", "cat", "flamingo", "owl", "bus", "racing car", "sailboat"} <= set(by_name)
    assert "goldfish" in by_name["tropical fish"].aliases
    assert "daisy" in by_name["blossom"].aliases
    assert by_name["goose"].text[0] == "\U0001fabf"
    assert by_name["lady beetle"].aliases == ("ladybug", "ladybird")


def test_renamed_drawings_are_of_classes_that_exist():
    assert {name for renamed in emoji.RENAMED.values() for name in renamed} <= set(NAMES)
    assert set(emoji.RENAMED) <= set(emoji.SETS)


# --- sprites ---------------------------------------------------------------------------------------------------------


def test_sprites_come_back_from_their_file_with_the_same_fingerprint(tmp_path):
    sprites = sprites_of(square_sprite((200, 30, 40)))
    sprites.save(tmp_path / "sprites.npz")
    again = emoji.load(tmp_path / "sprites.npz")
    np.testing.assert_array_equal(again.images, sprites.images)
    assert again.fingerprint == sprites.fingerprint
    other = dataclasses.replace(sprites, photos=255 - sprites.photos)
    renamed = dataclasses.replace(sprites, sets=sprites.sets[::-1])
    assert len({sprites.fingerprint, other.fingerprint, renamed.fingerprint}) == 3


def test_a_file_that_holds_no_sprites_is_refused(tmp_path):
    path = tmp_path / "sprites.npz"
    path.write_bytes(b"not a zip file")
    with pytest.raises(BadFile, match="no file of emoji sprites"):
        emoji.load(path)
    np.savez(path, images=np.zeros(3))
    with pytest.raises(BadFile, match="no file of emoji sprites"):
        emoji.load(path)
    sprites = sprites_of(square_sprite((1, 2, 3)))
    dataclasses.replace(sprites, class_names=sprites.class_names[::-1]).save(path)
    with pytest.raises(BadFile, match="other classes"):
        emoji.load(path)


def test_cut_out_crops_scales_and_centres():
    image = Image.new("RGBA", (300, 200))
    image.paste((10, 200, 30, 255), (250, 10, 290, 30))  # 40 x 20 in a corner
    sprite = np.asarray(emoji.cut_out(image))
    assert sprite.shape == (128, 128, 4)
    assert box_of(sprite[..., 3]) == (36, 8, 92, 120)
    np.testing.assert_array_equal(sprite[64, 64], [10, 200, 30, 255])


def test_missing_font_npm_and_photographs_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(emoji, "FONT", tmp_path / "none.ttf")
    with pytest.raises(MissingExtra, match="apt install fonts-noto-color-emoji"):
        emoji.font_drawer()
    monkeypatch.setattr(emoji.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match="needs npm"):
        emoji.read_npm("@iconify-json/twemoji@1.2.5", tmp_path)
    with pytest.raises(MissingExtra, match="apt install lomiri"):
        photos.find_photo(tmp_path, "meadow.jpg")
    with pytest.raises(MissingExtra, match="pip install"):
        photos.find_photo("no_such_package.data", "meadow.jpg")


def npm_archive(path, icons):
    data = json.dumps(icons).encode()
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("package/icons.json")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def test_svg_drawings_are_found_by_name_alias_and_old_name(tmp_path):
    pytest.importorskip("resvg_py")

    def square(colour):
        return {"body": f'<path fill="{colour}" d="M0 0h10v10H0z"/>'}

    drawings = {"goose": square("red"), "pup": square("#00f"), "bunny": square("#0f0")}
    icons = {"width": 10, "height": 10, "icons": drawings, "aliases": {"dog-face": {"parent": "pup"}}}
    for archive in ("iconify-json-twemoji-1.2.5.tgz", "iconify-json-fxemoji-1.2.2.tgz"):
        npm_archive(tmp_path / archive, icons)
    by_name = {c.name: c for c in CLASSES}
    drawer = emoji.svg_drawer("twemoji", tmp_path, side=20)
    assert drawer(by_name["goose"]).getpixel((10, 10)) == (255, 0, 0, 255)
    assert drawer(by_name["dog face"]).getpixel((10, 10)) == (0, 0, 255, 255)
    assert drawer(by_name["owl"]) is None
    assert emoji.svg_drawer("fxemoji", tmp_path, 20)(by_name["rabbit face"]).getpixel((1, 1)) == (0, 255, 0, 255)


def test_a_damaged_npm_archive_is_named(tmp_path):
    (tmp_path / "iconify-json-twemoji-1.2.5.tgz").write_bytes(b"half a file")
    with pytest.raises(BadFile, match="delete it"):
        emoji.read_npm("@iconify-json/twemoji@1.2.5", tmp_path)


# --- pictures --------------------------------------------------------------------------------------------------------


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


# --- colours, styles, backgrounds ------------------------------------------------------------------------------------


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


# --- files of the repository -----------------------------------------------------------------------------------------


def test_the_test_pictures_are_sane():
    path = ROOT / "tests" / "data" / "emoji.npz"
    assert path.stat().st_size < 4e6
    with np.load(path) as file:
        images, masks, labels, names = (file[key] for key in ("images", "masks", "labels", "names"))
    assert images.shape == (200, 64, 64, 3) and images.dtype == np.uint8
    assert masks.shape == (200, 64, 64) and masks.dtype == np.uint8
    assert tuple(names) == NAMES
    assert set(labels) == set(range(len(NAMES)))
    covered = (masks > 127).mean(axis=(1, 2))
    assert covered.min() > 0.03 and covered.max() < 0.9
    assert masks.max(axis=(1, 2)).min() == 255
    assert images.std(axis=(1, 2, 3)).min() > 5


def test_the_goose_is_a_picture():
    with Image.open(ROOT / "minivis" / "data" / "goose.png") as goose:
        assert goose.size == (512, 512) and goose.mode == "RGB"
        pixels = np.asarray(goose.convert("RGB"), float)
    red, blue = pixels[250:470, 180:380, ::2].reshape(-1, 2).T
    assert np.mean((red > 170) & (abs(red - blue) < 30)) > 0.4  # white feathers fill the middle
    assert np.mean((red > 200) & (blue < 110)) > 0.02  # orange feet
