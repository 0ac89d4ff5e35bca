"""The files of emoji that the repository holds, rendered here so that anybody can make them again.

    python -m minivis.data.emoji.shipped                                collect the sprites into the user's cache
    python -m minivis.data.emoji.shipped --out tests/data/emoji.npz     200 test pictures with masks, labels, names
    python -m minivis.data.emoji.shipped --goose minivis/data/goose.png the goose that commands start from
    python -m minivis.data.emoji.shipped --upright minivis/data/upright.png     a goose and a goldfish, for emoji-linear
    python -m minivis.data.emoji.shipped --families                     ten pictures each of twenty classes
"""

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image, ImageChops, ImageFilter

from minivis.data.emoji.classes import CLASSES, NAMES
from minivis.data.emoji.compose import UPRIGHT, EmojiPictures, Ranges
from minivis.data.emoji.photos import WALLPAPERS, find_photo
from minivis.data.emoji.sprites import Sprites, default_path, load, svg_drawer
from minivis.data.samples import FAMILIES, write_sheet
from minivis.errors import MinivisError
from minivis.runtime.files import atomic_write
from minivis.types import Array

GOOSE_SIDE = 512  # pixels
GOOSE_SCALE = 0.78  # height of the goose / side of the picture
GOOSE_PHOTO = "picosdeeuropa_by_Aitzol_Berasategi.jpg"  # CC BY 4.0, Aitzol Berasategi
GOOSE_CROP = (1100, 648, 1800)  # left, top, side, pixels of the photograph

FAMILY_CLASSES = (
    "goose", "duck", "flamingo", "owl", "dog", "cat", "elephant", "tropical fish", "butterfly", "banana", "strawberry",
    "pizza", "rose", "bus", "fire engine", "bicycle", "airplane", "guitar", "umbrella", "castle",
)  # fmt: skip
FAMILY_SETS = ("noto", "noto-v1", "twemoji", "fluent", "fluent-flat")

UPRIGHT_NUMBERS = (1375, 1278)  # of a goose and a tropical fish that emoji-linear classifies correctly

# Clear pictures: large emoji, upright or nearly, little blur and noise.
CLEAR = Ranges(
    scale=(0.6, 0.95), rotation=12, brightness=(-12, 12), contrast=(0.9, 1.15), saturation=(0.8, 1.25), hue=6,
    blur_share=0.15, blur=(0.3, 0.6), noise_share=0.15, noise=(2, 6), grey_share=0, visible=45,
)  # fmt: skip


def held_out_pictures(sprites: Sprites, count: int = 200, seed: int = 2016) -> dict[str, Any]:
    """images, masks, labels, names of ``count`` clear pictures on held-out backgrounds, every class in them."""
    pictures = EmojiPictures(sprites, 64, "test", sets=("noto", "twemoji"), ranges=CLEAR)
    images, labels, masks = pictures.batch(range(count), seed)
    return {"images": images, "masks": masks, "labels": labels, "names": sprites.class_names}


def family_pictures(sprites: Sprites, each: int = 10, seed: int = 2012) -> tuple[Array, list[str]]:
    """Clear pictures on held-out backgrounds, ``each`` of every class of FAMILY_CLASSES, and their names."""
    pictures = EmojiPictures(sprites, 64, "test", sets=FAMILY_SETS, ranges=CLEAR)
    numbers = [NAMES.index(name) + len(NAMES) * k for name in FAMILY_CLASSES for k in range(each)]
    images, labels, _ = pictures.batch(numbers, seed)
    return images, [NAMES[label] for label in labels]


def upright_pictures(sprites: Sprites) -> Array:
    """The goose and the tropical fish of `linear --on emoji`, side by side, (64, 128, 3), on held-out backgrounds."""
    pictures = EmojiPictures(sprites, 64, "test", ranges=UPRIGHT)
    images, _, _ = pictures.batch(UPRIGHT_NUMBERS, 1)
    return np.concatenate(list(images), axis=1)


def render_goose(folder: Path) -> Image.Image:
    """The goose standing in a mountain meadow, (512, 512) RGB, drawn large from its SVG."""
    side = GOOSE_SIDE
    left, top, cut = GOOSE_CROP
    with find_photo(WALLPAPERS, GOOSE_PHOTO).open("rb") as file:
        photo = Image.open(file).convert("RGB").crop((left, top, left + cut, top + cut))
    picture = photo.resize((side, side), Image.Resampling.LANCZOS)
    picture = picture.filter(ImageFilter.GaussianBlur(1.5))  # the lens was focused on the goose

    goose = svg_drawer("noto-svg", folder, side=1024)(CLASSES[0])
    assert goose is not None                    # the set has a goose
    goose = goose.crop(goose.getbbox())
    height = round(GOOSE_SCALE * side)
    goose = goose.resize((round(height * goose.width / goose.height), height), Image.Resampling.LANCZOS)
    corner = (round(0.5 * (side - goose.width)), round(0.93 * side) - height)

    # Its shadow: the same shape laid flat on the ground behind its feet, soft.
    flat = goose.getchannel("A").resize((goose.width, height // 5))
    shadow = Image.new("L", (side, side))
    shadow.paste(flat.point(lambda a: a * 0.65), (corner[0] + 24, corner[1] + height - flat.height + 16))
    shadow = shadow.filter(ImageFilter.GaussianBlur(7))
    picture = ImageChops.multiply(picture, Image.merge("RGB", 3 * [ImageChops.invert(shadow)]))
    picture.paste(goose, corner, goose)
    return picture


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Where sprites.npz is, or goes [the user's cache].")
@click.option("--out", type=click.Path(path_type=Path), help="Write the test pictures to this .npz file.")
@click.option("--goose", type=click.Path(path_type=Path), help="Write the goose on a photograph to this .png file.")
@click.option("--families", is_flag=True, help="Write the sheet of the pictures called families into the package.")
@click.option("--upright", type=click.Path(path_type=Path), help="Write a goose and a goldfish to this .png file.")
def main(folder: Path | None, out: Path | None, goose: Path | None, families: bool, upright: Path | None) -> None:
    """Collect the emoji sprites, and render the files of them that the repository holds."""
    try:
        folder = folder or default_path().parent
        sprites = load(folder / "sprites.npz")
        click.echo(f"{folder / 'sprites.npz'}: {len(sprites.images)} sprites of {len(NAMES)} classes")
        click.echo(f"fingerprint {sprites.fingerprint}")
        if out:
            with atomic_write(out, force=True) as temporary:
                np.savez_compressed(temporary, **held_out_pictures(sprites))
        if families:
            images, names = family_pictures(sprites)
            write_sheet(FAMILIES, images, names, quality=80)
        if upright:
            with atomic_write(upright, force=True) as temporary:
                Image.fromarray(upright_pictures(sprites)).save(temporary, format="png", optimize=True)
        if goose:
            with atomic_write(goose, force=True) as temporary:
                render_goose(folder).save(temporary, format="png", optimize=True)
    except (MinivisError, OSError) as error:
        click.echo(f"minivis: error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
