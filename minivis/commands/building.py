"""`minivis blocks` and `atlas`: what a layer sees at each place of a picture, or in a folder of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from minivis.commands.option_groups import OPTIMISER, under
from minivis.commands.picture_command import picture_command
from minivis.commands.setting_options import option
from minivis.commands.types import whole
from minivis.methods.synthesis.settings import AtlasSettings, BlockSettings

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.methods.shared.result import Result

LAYER = click.Option(["--layer"], metavar="NAME", show_default="the net's content layer",
                     help="Layer of feature maps whose places are drawn.")
RUN = under(OPTIMISER, option(BlockSettings, "steps"), option(BlockSettings, "side", type=whole(8, 1024)))


@picture_command(
    "blocks", LAYER,
    option(BlockSettings, "cells", type=whole(1, 64)),
    *RUN,
)
def blocks(given: Given, seed: int, progress: bool, layer: str | None, **settings: Any) -> Result:
    """Draw what a layer sees at each place of IMAGE: its building blocks.

    Each place of the layer has a vector, and for each vector an image is made that asks for the same. It stands at its
    place in a grid, the larger, the more strongly the layer responds there.
    """
    from minivis.methods.synthesis.building_blocks import building_blocks

    return building_blocks(given.net, given.image, layer, seed=seed, progress=progress, **settings)


@picture_command(
    "atlas",
    click.Argument(["folder"]),
    LAYER,
    option(AtlasSettings, "cells", type=whole(2, 64)), option(AtlasSettings, "per_picture", type=whole()),
    option(AtlasSettings, "most", type=whole(4, 100_000)), option(AtlasSettings, "fewest", type=whole()),
    *RUN,
    image=False, inputs=("folder",),
)
def atlas(given: Given, seed: int, progress: bool, layer: str | None, **settings: Any) -> Result:
    """Draw an activation atlas: all that a layer sees in a FOLDER of pictures, laid out so that like lies by like.

    t-SNE lays out the layer's vectors at some places of each picture. Those in one cell of a raster are averaged, and
    an image is made that asks for the mean. Pictures that cannot be read are listed at the end.
    """
    from minivis.methods.synthesis.building_blocks import activation_atlas

    return activation_atlas(given.net, given.inputs["folder"], layer, seed=seed, progress=progress, **settings)
