"""What the methods share: the pictures that they work on, and the form of their results."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.geometry import preprocessing_of
from minivis.engine.memory import check_fits
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import above
from minivis.images.array_files import holds_arrays, write_arrays
from minivis.images.files import check_suffix, png_bytes, write_image
from minivis.images.given import as_pictures
from minivis.images.preprocessing import Box, Preprocessing, to_uint8
from minivis.runtime.text_table import shortened
from minivis.types import Array, PathLike

PANEL = 288                                     # pixels: the height of one panel of a figure
LINES = 24                                      # at most, of what a result prints of itself


@dataclass(frozen=True, eq=False)
class Subject:
    """The pictures that a method works on: as given, fitted to the net, and as the net sees them."""

    pictures: tuple                             # uint8 (H, W, C) each
    fitted: np.ndarray                          # (N, h, w, C), the net's size, the pictures' channels
    seen: np.ndarray                            # uint8 (N, h, w, the net's channels)
    boxes: tuple                                # where that lies in the originals
    look: Preprocessing = field(default_factory=Preprocessing)      # the net's, which says what is drawn of a picture

    @classmethod
    def of(cls, net: Network, image: Any) -> "Subject":
        """From uint8 (H, W, C), a batch (N, H, W, C), or a list of pictures of any sizes."""
        image = as_pictures(image, net.input_channels)
        pictures = tuple(image) if isinstance(image, (list, tuple)) or np.ndim(image) == 4 else (image,)
        if not pictures:
            raise BadValue("the batch is empty: give at least one picture")
        parts, boxes = zip(*(net.fit(picture) for picture in pictures))
        if len({part.shape[:2] for part in parts}) > 1:
            sizes = ", ".join(sorted({f"{part.shape[1]} x {part.shape[0]}" for part in parts}))
            raise BadValue(f"all pictures of a batch must have one size; these have {sizes} pixels")
        channels = max(part.shape[2] for part in parts)
        fitted = np.stack([np.broadcast_to(part, (*part.shape[:2], channels)) for part in parts])
        check_fits(net, (len(fitted), *fitted.shape[1:3], net.input_channels))
        return cls(pictures, fitted, seen_by(net, fitted), boxes, preprocessing_of(net))

    def input(self, net: Network) -> Any:
        """The values that ``net`` reads, (N, h, w, C), on its device."""
        return input_of(net, self.fitted)

    def shown(self, values: Array) -> Array:
        """Pixels, or a map over them, as they are drawn: three channels, or one."""
        return self.look.shown(values)

    def drawn(self, i: int) -> Array:
        """What the net sees of picture i, as it is drawn."""
        return self.shown(self.seen[i])

    def picture(self, i: int) -> Array:
        """Picture i as given, as it is drawn."""
        return self.shown(self.pictures[i])

    def small(self, i: int) -> tuple[Array, Any]:
        """(picture i, its box), shrunk to about twice the height of a panel: to draw on."""
        picture, box = self.picture(i), self.boxes[i]
        H, W = picture.shape[:2]
        h, w = min(H, 2 * PANEL), min(W, max(1, round(W * 2 * PANEL / H)))
        if (h, w) == (H, W):
            return picture, box
        im = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        scaled = Box(*(round(side * part) for side, part in zip((box.top, box.left, box.height, box.width),
                                                                (h / H, w / W) * 2)))
        return np.asarray(im.resize((w, h), Image.Resampling.BICUBIC)), scaled

    def repeated(self, count: int) -> "Subject":
        """One picture as a batch of ``count``: one row for each unit."""
        return Subject(self.pictures * count, self.fitted.repeat(count, axis=0), self.seen.repeat(count, axis=0),
                       self.boxes * count, self.look)

    def __len__(self) -> int:
        return len(self.pictures)


def input_of(net: Network, pixels: Array) -> Array:
    """``net.preprocess`` of pixels, on the device of the net."""
    return net.xp.asarray(net.preprocess(pixels))


def seen_by(net: Network, pixels: Array) -> Array:
    """What a net sees of pixels, as uint8 pictures: grey for a net that reads one channel."""
    return to_uint8(net.deprocess(net.preprocess(pixels)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """What a method found: a subclass draws its ``picture`` and gives the ``numbers`` behind it."""

    def __init_subclass__(cls) -> None:
        # a dataclass writes a repr of its own otherwise, with all its arrays
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    settings: dict[str, Any] = field(default_factory=dict)      # the method's settings, defaults filled in
    stopped: str = "done"                                       # why the method ended
    hashes: dict[str, str] = field(default_factory=dict)        # SHA-256 of the files that the method read, by name

    @property
    def ok(self) -> bool:
        """Whether the method found what it was asked for; if not, the command's exit code is 1."""
        return True

    @property
    def caption(self) -> str:
        """The line that the gallery writes below the figure."""
        return " · ".join(line.strip() for line in str(self).split("\n") if line)

    @property
    def parts(self) -> dict[str, Any]:
        """{name: picture uint8 (H, W, C)}, which the command saves beside the figure."""
        return {}

    @property
    def arrays(self) -> dict[str, Any]:
        """{name: array (N, ...)} of what the figure draws: maps, gradients or activations; empty if it has none."""
        return {}

    @property
    def array(self) -> Array:
        """What the method found, as one array: the first of `arrays`, or the pictures that it made."""
        return next(iter(self.arrays.values())) if self.arrays else self.picture()

    def picture(self) -> Array:
        """The figure, uint8 RGB (H, W, 3)."""
        raise NotImplementedError

    def save(self, path: PathLike, *, force: bool = False) -> str:
        """Write the figure to a new file or, for a name in .npy, .npz or .tiff, its `arrays`. Return what was written.

        Where there are no arrays, a .tiff is a picture, too.
        """
        if holds_arrays(path) and (self.arrays or check_suffix(path)):
            return write_arrays(path, self.arrays, force=force)
        write_image(path, self.picture(), force=force)
        return str(path)

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers behind the figure, as plain values for JSON."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """A few lines, whatever the size of the result; a notebook shows the figure instead."""
        lines = [f"{type(self).__name__}: {self.stopped}", *str(self).split("\n")]
        return "\n".join(shortened(lines, LINES))

    def _repr_png_(self) -> bytes:
        return png_bytes(self.picture())


class MadePicture(Result):
    """A result that is a picture: a subclass has the fields ``pixels`` (H, W, C), and ``look``, which draws them."""

    pixels: np.ndarray
    look: Preprocessing

    @property
    def array(self) -> Array:
        return self.pixels

    def picture(self) -> Array:
        return self.look.rgb(to_uint8(self.pixels))


class BatchResult(Result):
    """What a method found in each image of a batch: a subclass draws and describes image ``i``, and has a length."""

    def draw(self, i: int) -> Array:
        """The figure of image i, uint8 RGB."""
        raise NotImplementedError

    def describe(self, i: int) -> dict[str, Any]:
        """The numbers of image i, as plain values for JSON."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def picture(self) -> Array:
        """The figures of all images, one above the other."""
        return above([self.draw(i) for i in range(len(self))])

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers of the only image, or of several: {"images": [numbers, ...]}."""
        found = [self.describe(i) for i in range(len(self))]
        return found[0] if len(found) == 1 else {"images": found}
