"""Small copies of the pictures of a file of codes; a missing picture becomes a grey tile."""

from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import MinivisError
from minivis.figures.text import text_picture
from minivis.images.channels import rgb
from minivis.runtime.progress import track

SMALLEST_NUMBER = 24                            # pixels of a tile in which a number can be read


def thumbnails(file: Any, numbers: Any, side: Any, progress: bool = False, channels: Any = None) -> tuple[Any, Any]:
    """([uint8 (h, w, 3) of at most ``side`` pixels], [sentences on what is missing or has changed])."""
    tiles, lost, changed = [], [], []
    for number in track(list(map(int, numbers)), progress, "pictures"):
        path = file.picture(number)
        if file.nameless:
            tiles.append(numbered(path, side))
            continue
        try:
            image, is_new = file.read(number, channels)
            changed += [path] * is_new
        except MinivisError:
            lost.append(path)
            image = np.full((side, side, 3), 205, np.uint8)
        tiles.append(shrunk(image, side))
    notes = [f"{len(paths)} pictures {what} since {file.path} was made, such as {paths[0]}"
             for what, paths in (("can no longer be read", lost), ("have changed", changed)) if paths]
    return tiles, notes


def numbered(number: int, side: Any) -> Any:
    """A grey tile with the number of a code that has no picture."""
    tile = np.full((side, side, 3), 225, np.uint8)
    if side < SMALLEST_NUMBER:
        return tile
    text = text_picture(str(number), side - 4, size=min(14, max(7, side // 3)), max_lines=1)[: side - 4, : side - 4]
    top, left = (side - text.shape[0]) // 2, (side - text.shape[1]) // 2
    part = tile[top : top + text.shape[0], left : left + text.shape[1]]
    np.minimum(part, text, out=part)
    return tile


def shrunk(image: Any, side: Any) -> Any:
    """Scale to uint8 (h, w, 3) with a longer side of ``side``; smaller pictures are enlarged by a whole factor."""
    image = rgb(image)
    scale = side // max(image.shape[:2])
    if scale > 1:
        return image.repeat(scale, axis=0).repeat(scale, axis=1)
    im = Image.fromarray(image)
    im.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(im)
