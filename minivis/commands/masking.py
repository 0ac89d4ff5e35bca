"""--mask and --feather of the commands that change a picture: where it may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from minivis.commands.types import MASK_FILE, real
from minivis.errors import BadValue

if TYPE_CHECKING:
    from minivis.commands.common import Given

SEGMENT = "segment"


def mask_options(picture: str = "IMAGE") -> list[click.Parameter]:
    """The two options; ``picture`` is what the mask lies on."""
    return [
        click.Option(["--mask"], type=MASK_FILE, metavar="FILE|L,T,R,B|segment[:UNIT]", show_default="everywhere",
                     help=f"Where {picture} may change: a picture that is bright there; a rectangle, left,top,right,"
                          f"bottom in pixels of {picture}; or segment, what `minivis segment` cuts out."),
        click.Option(["--feather"], type=real(0, 10_000), default=0.0, metavar="PIXELS", show_default="a sharp edge",
                     help="Blur the edge of the mask: the standard deviation of a Gaussian."),
    ]  # fmt: skip


def mask_of(given: Given, mask: str | None, feather: float | None, picture: Any, source: Any = None) -> dict[str, Any]:
    """{"mask", "feather"}, as the methods take them, for pixels ``picture`` read from ``source`` (None: our own)."""
    if mask is None:
        if feather:
            raise BadValue("--feather blurs the edge of a mask: give --mask, too")
        return {}
    if isinstance(mask, str) and mask.partition(":")[0] == SEGMENT:
        from minivis.methods.attribution.segment import segment

        found = segment(given.net, picture, mask.partition(":")[2] or None)
        if not found.masks[0].any():
            raise BadValue("--mask segment found no object in the picture: draw a mask, or name a unit as in "
                           "segment:goose")
        return {"mask": found.masks[0], "feather": feather}
    if isinstance(mask, str):
        from minivis.images.masks import mask_over

        mask = mask_over(mask, picture.shape[:2], full_size=full_size(source, picture))
    return {"mask": mask, "feather": feather}


def full_size(source: Any, picture: Any) -> tuple[int, int]:
    """(H, W) of the picture in its file, where it may be larger than the pixels that were read."""
    from minivis.commands.common import own_picture
    from minivis.errors import MinivisError
    from minivis.images.given import size_of

    try:
        return size_of(own_picture() if source is None else source)
    except (MinivisError, TypeError):           # an array, or something that came through a pipe
        return picture.shape[:2]
