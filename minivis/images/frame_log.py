"""The frames of a film that is being made: a file that only grows, so that a run goes on from the last whole frame.

Its first block is JSON, {"format", "identity"}: the identity is a text that must be the same where the run goes on.
Each further block is a frame, as a PNG.
"""

import io
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadFile
from minivis.images.files import png_bytes
from minivis.runtime.block_log import BlockLog, blocks
from minivis.runtime.files import atomic_write
from minivis.types import Picture

FORMAT = "minivis frames 1"


class FrameLog:
    """The file at ``path``. With ``resume`` the frames that it holds are counted, in ``count``; else it starts over.

    A context, which closes the file and removes it if it holds no frame.
    """

    def __init__(self, path: str, identity: str, resume: bool = False) -> None:
        self.path, self.count = path, 0
        if resume and os.path.exists(path):
            header = next(blocks(path), (0, b""))
            self.end = header[0]
            check_header(path, header[1], identity)
            for end, _ in self.blocks():
                self.count, self.end = self.count + 1, end
        else:
            head = json.dumps({"format": FORMAT, "identity": identity}).encode()
            # whole or not at all, so that it can always be recognised
            with atomic_write(path, force=True) as temporary, BlockLog(temporary) as log:
                log.append(head)
                self.end = log.end
        self.log = BlockLog(path, self.end)

    def blocks(self) -> Iterator[Any]:
        whole = blocks(self.path)
        next(whole)                             # the header
        return whole

    def frames(self) -> Iterator[Picture]:
        """The frames so far, uint8 (H, W, C)."""
        for _, block in self.blocks():
            frame = np.asarray(Image.open(io.BytesIO(block)))
            yield frame if frame.ndim == 3 else frame[..., None]

    def append(self, frame: Picture) -> None:
        """Keep one more frame: it is in the file, whole, when this returns."""
        self.log.append(png_bytes(frame))
        self.count += 1

    def remove(self) -> None:
        """The film is made: the file is no longer needed."""
        self.log.close()
        os.unlink(self.path)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        self.log.close()
        if not self.count and os.path.exists(self.path):
            os.unlink(self.path)


def check_header(path: str, block: bytes, identity: str) -> None:
    """Raise BadFile unless this is the first block of a log of the same run."""
    try:
        about = json.loads(block)
        known = about["format"] == FORMAT
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise BadFile(f"{path} is not a checkpoint of a film that this minivis can continue, or is damaged: --force "
                      "starts over")
    if about["identity"] != identity:
        raise BadFile(f"{path} is the checkpoint of another film: the film, net, settings and seed must be the same to "
                      "continue it; --force starts over")
