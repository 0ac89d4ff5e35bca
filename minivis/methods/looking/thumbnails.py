"""Small copies of the pictures of a file of codes; a missing picture becomes a grey tile."""

import numpy as np
from PIL import Image

from minivis.errors import MinivisError
from minivis.images.channels import rgb
from minivis.images.collection import Pictures
from minivis.runtime.progress import track


def thumbnails(file, numbers, side, progress=False, channels=None):
    """([uint8 (h, w, 3) of at most ``side`` pixels], [sentences on what is missing or has changed])."""
    tiles, lost, changed = [], [], []
    for number in track(list(map(int, numbers)), progress, "pictures"):
        path = file.picture(number)
        try:
            image, sha256 = Pictures("", (path,)).read(0, channels=channels)
            changed += [path] * (sha256 != file.hashes[number].decode())
        except MinivisError:
            lost.append(path)
            image = np.full((side, side, 3), 205, np.uint8)
        tiles.append(shrunk(image, side))
    notes = [f"{len(paths)} pictures {what} since {file.path} was made, such as {paths[0]}"
             for what, paths in (("can no longer be read", lost), ("have changed", changed)) if paths]
    return tiles, notes


def shrunk(image, side):
    """Scale to uint8 (h, w, 3) with a longer side of ``side``; smaller pictures are enlarged by a whole factor."""
    image = rgb(image)
    scale = side // max(image.shape[:2])
    if scale > 1:
        return image.repeat(scale, axis=0).repeat(scale, axis=1)
    im = Image.fromarray(image)
    im.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(im)
