"""`minivis blocks` and `atlas`: what a layer sees at each place of a picture, or in a folder of pictures."""

import click

from minivis.commands.option_groups import OPTIMISER, under
from minivis.commands.picture_command import picture_command
from minivis.commands.types import whole

LAYER = click.Option(["--layer"], metavar="NAME", show_default="the net's content layer",
                     help="Layer of feature maps whose places are drawn.")
RUN = under(
    OPTIMISER,
    click.Option(["--steps"], type=whole(1), default=64, show_default=True, metavar="N",
                 help="Number of steps in which the images are made, all at once."),
    click.Option(["--side"], type=whole(8, 1024), metavar="N", show_default="what a few places of the layer see",
                 help="Side of each image, in pixels."),
)  # fmt: skip


@picture_command(
    "blocks", LAYER,
    click.Option(["--cells"], type=whole(1, 64), default=6, show_default=True, metavar="N",
                 help="Most rows and columns of the grid; where the layer has more places, neighbours are averaged."),
    *RUN,
)
def blocks(given, seed, progress, layer, **settings):
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
    click.Option(["--cells"], type=whole(2, 64), default=12, show_default=True, metavar="N",
                 help="Rows and columns of the raster."),
    click.Option(["--per-picture"], type=whole(1), default=8, show_default=True, metavar="N",
                 help="Number of places drawn at random from each picture."),
    click.Option(["--most"], type=whole(4, 100_000), default=2000, show_default=True, metavar="N",
                 help="Most places in all."),
    click.Option(["--fewest"], type=whole(1), default=2, show_default=True, metavar="N",
                 help="Fewest places of a cell that is drawn."),
    *RUN,
    image=False, inputs=("folder",),
)
def atlas(given, seed, progress, layer, **settings):
    """Draw an activation atlas: all that a layer sees in a FOLDER of pictures, laid out so that like lies by like.

    t-SNE lays out the layer's vectors at some places of each picture. Those in one cell of a raster are averaged, and
    an image is made that asks for the mean. Pictures that cannot be read are listed at the end.
    """
    from minivis.methods.synthesis.building_blocks import activation_atlas

    return activation_atlas(given.net, given.inputs["folder"], layer, seed=seed, progress=progress, **settings)
