"""`minivis fool`, `evolve`, `linear`, `hog`: what people take for one thing and a classifier for another."""

import click

from minivis.commands.common import SEED, THREADS
from minivis.commands.picture_command import PictureCommand, picture_command
from minivis.commands.types import START

METHODS = ("pgd", "bim", "fgsm", "deepfool", "szegedy")


@picture_command(
    "fool",
    click.Option(["--to"], metavar="CLASS", help="What the net is to say; by default anything but what it says now."),
    click.Option(["--label"], metavar="CLASS", help="What IMAGE shows: refused if the net does not see that anyway."),
    click.Option(["--from", "start"], type=START, metavar="noise|grey|black|white|R,G,B",
                 help="Start from this instead of an IMAGE, and go on until the net is sure."),
    click.Option(["--method"], type=click.Choice(METHODS), default="pgd", show_default=True,
                 help="One step (fgsm), many (bim; pgd: from a random point), the nearest boundary (deepfool), or "
                      "the smallest change by L-BFGS (szegedy)."),
    click.Option(["--norm"], type=click.Choice(["Linf", "L2"]), default="Linf", show_default=True,
                 help="fgsm, bim, pgd: whether a pixel or the whole picture moves by at most eps."),
    click.Option(["--eps"], type=float, metavar="LEVELS", help="In levels of 255; by default the smallest that does."),
    click.Option(["--steps"], type=click.IntRange(min=1), metavar="N",
                 help="Steps of the method; by default 40 for pgd, 10 for bim."),
    click.Option(["--sure"], type=click.FloatRange(0, 1, max_open=True), metavar="P",
                 help="The probability that the new class must have; 0.99 with --from, else it must come first."),
    parts=("picture",),
)
def fool(given, seed, progress, to, label, start, **settings):
    """Make the net say something else of IMAGE, or see a class where there is nothing.

    The figure shows what was changed, and what the net says of it before and after. Beside it goes the picture itself,
    FILE-picture.png, whose 8 bits are what the net is asked about. Exit code 1 where it is not fooled.
    """
    from minivis.errors import BadValue
    from minivis.methods.adversarial.fool import fool

    if start is not None and given.image_name is not None:
        raise BadValue(f"--from starts without a picture: leave out {given.image_name}, or --from")
    image = given.image if start is None else None
    return fool(given.net, image, to, label=label, start=start, seed=seed, progress=progress, **settings)


@picture_command(
    "evolve",
    click.Option(["--encoding"], type=click.Choice(["cppn", "direct"]), default="cppn", show_default=True,
                 help="What mutates: a small net that draws the picture (cppn), or the pixels (direct)."),
    click.Option(["--generations"], type=click.IntRange(min=1), default=100, show_default=True, metavar="N",
                 help="How many in all."),
    click.Option(["--population"], type=click.IntRange(min=1), default=200, show_default=True, metavar="N",
                 help="The new pictures of each generation."),
    image=False, long="generations",
)
def evolve(given, seed, progress, **settings):
    """Breed a picture for every class, of which the net is sure and which shows nothing of the kind.

    By evolution alone, without a gradient: of each class the best picture so far is kept, and all of them have
    children. A sheet of all champions; Ctrl-C draws those found so far.
    """
    from minivis.methods.adversarial.evolve import evolve

    return evolve(given.net, seed=seed, progress=progress, **settings)


class DataCommand(PictureCommand):
    """Its picture is named after the data set."""

    def stem(self, params):
        return params["on"]


@picture_command(
    "linear",
    click.Option(["--on"], type=click.Choice(["lecture", "digits", "wine", "fashion", "emoji"]), default="lecture",
                 show_default=True, help="The lecture's ten numbers, printed step by step; or a data set to train on."),
    click.Option(["--to"], metavar="CLASS", help="Whose weights to mix into everything; by default the last class'."),
    click.Option(["--data"], metavar="FOLDER", help="With the four files of Fashion-MNIST; by default Debian's."),
    image=False, kind=DataCommand,
)
def linear(given, seed, progress, on, to, data):
    """Linear classifiers are fooled too: it is not the depth.

    A softmax classifier without any hidden layer, its weights as pictures, the smallest nudge of every number that
    changes its answer, and a bit of the weights of one class mixed into everything. On emoji, beside the nudges that
    the convnet takes.
    """
    from minivis.errors import BadValue
    from minivis.methods.adversarial.lecture_linear import lecture_linear
    from minivis.methods.adversarial.linear import linear_fool

    if data is not None and on != "fashion":
        raise BadValue("--data is the folder of Fashion-MNIST: it goes with --on fashion")
    if on == "lecture":
        if to is not None:
            raise BadValue("--to needs classes: name a data set with --on")
        return lecture_linear()
    from minivis.data.rows import rows

    found = rows(on, **({"folder": data} if on == "fashion" else {}))
    return linear_fool(**found, target=to, net=given.net if on == "emoji" else None, seed=seed, progress=progress)


@picture_command(
    "hog",
    click.Argument(["like"], required=False),
    click.Option(["--steps"], type=click.IntRange(min=1), default=450, show_default=True, help="Of the optimisation."),
    click.Option(["--eps"], type=click.FloatRange(0, min_open=True), metavar="LEVELS", default=4.0, show_default=True,
                 help="Of the normalisation of blocks: edges far below it do not count."),
    compute=[SEED, THREADS], net=False, inputs=("like",), parts=("picture",),
)
def hog(given, seed, progress, steps, eps):
    """A picture that looks like LIKE and has the histogram of oriented gradients of IMAGE.

    LIKE is cropped to the size of IMAGE. Without LIKE, IMAGE is drawn anew from its HOG alone. The twin itself goes
    beside the figure, FILE-picture.png. Exit code 1 where the distance of the HOGs fell by less than 95 %.
    """
    from minivis.images.files import read_image
    from minivis.images.preprocessing import Preprocessing
    from minivis.methods.adversarial.hog import hog_twin

    start = None
    if "like" in given.inputs:
        start, _ = Preprocessing(crop_fraction=1.0).fit_image(read_image(given.inputs["like"]),
                                                              size=given.image.shape[:2])
    return hog_twin(given.image, start, steps=steps, eps=eps, seed=seed, progress=progress)
