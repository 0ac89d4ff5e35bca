"""`minivis fool`, `evolve`, `directions`, `linear`, `hog`, `sound`, `robustness`: what only classifiers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import FASHION_FOLDER, SEED, THREADS, Given
from minivis.commands.default_net import unnamed
from minivis.commands.option_groups import OPTIMISER, under
from minivis.commands.picture_command import PictureCommand, picture_command
from minivis.commands.setting_options import option, options
from minivis.commands.types import START, real, whole
from minivis.methods.adversarial.settings import (
    EvolveSettings,
    FoolSettings,
    HogSettings,
    RobustnessSettings,
    SoundSettings,
)

if TYPE_CHECKING:
    from minivis.methods.shared.result import Result

LINEAR_NET, VOWELS_NET = "emoji-linear", "vowels-net"
VOWELS = ("a", "e", "i", "o", "u")


@picture_command(
    "fool",
    click.Option(["--to"], metavar="CLASS", show_default="any class but the present one",
                 help="Class that the net is to see."),
    click.Option(["--label"], metavar="CLASS", show_default="what the net says",
                 help="Class that IMAGE truly shows; it is an error if the net does not see it in IMAGE."),
    click.Option(["--from", "start"], type=START, metavar="noise|grey|black|white|R,G,B", show_default="IMAGE",
                 help="Start from this instead of an IMAGE, and continue until the net is sure."),
    *under(OPTIMISER, *options(FoolSettings, "method", "norm", "eps", "steps", "sure")),
    parts=("picture",),
)
def fool(
    given: Given, seed: int, progress: bool, to: str | None, label: str | None, start: Any, **settings: Any,
) -> Result:  # fmt: skip
    """Change IMAGE slightly so that the net sees another class, or make the net see a class in noise.

    The figure shows the change, and the net's answers before and after it. The changed picture itself is written beside
    the figure as FILE-picture.png, with exactly the 8-bit pixels that the net saw. The exit code is 1 if the net is not
    fooled.
    """
    from minivis.errors import BadValue
    from minivis.methods.adversarial.fool import fool

    if start is not None and given.image_name is not None:
        raise BadValue(f"--from needs no picture: leave out either {given.image_name} or --from")
    image = given.image if start is None else None
    return fool(given.net, image, to, label=label, start=start, seed=seed, progress=progress, **settings)


@picture_command(
    "evolve",
    *options(EvolveSettings, "encoding", "generations", "population", "best"),
    image=False, long="generations",
)
def evolve(given: Given, seed: int, progress: bool, **settings: Any) -> Result:
    """Breed, for every class, a picture that the net recognises and people do not.

    Evolution needs no gradient: the best picture of each class is kept, and all of them have children. The result is a
    sheet of the best picture of each class, or with --best of the surest ones; after Ctrl-C it shows the best so far.
    """
    from minivis.methods.adversarial.evolve import evolve

    return evolve(given.net, seed=seed, progress=progress, **settings)


@picture_command(
    "directions",
    click.Option(["--count"], type=whole(1, 1000), default=100, show_default=True, metavar="N",
                 help="Number of random directions."),
    click.Option(["--eps"], type=real(high=255, min_open=True), default=16, show_default=True, metavar="LEVELS",
                 help="How far each pixel moves at the end of each line, in levels of 255."),
    arrays=True,
)
def directions(given: Given, seed: int, progress: bool, count: int, eps: float) -> Result:
    """Show why so little fools a net: the score of IMAGE's class along the gradient, and along random directions.

    Each pixel moves as far along any of them. The figure also counts how much more a step along the gradient moves the
    score than a random one, from ten numbers to all numbers of the picture.
    """
    from minivis.methods.adversarial.directions import directions

    return directions(given.net, given.image, count=count, eps=eps, seed=seed, progress=progress)


class DataCommand(PictureCommand):
    """A command whose picture is named after the data set."""

    def stem(self, params: dict[str, Any]) -> str:
        return params["on"]


def fashion_folder(on: str, data: str | None) -> str:
    """The folder of Fashion-MNIST. Raise BadValue if one was given and is not asked for."""
    from minivis.data.fashion import DEBIAN
    from minivis.errors import BadValue

    if data is not None and on != "fashion":
        raise BadValue("--data is the folder of Fashion-MNIST: use it with --on fashion")
    return DEBIAN if data is None else data


@picture_command(
    "linear",
    click.Option(["--on"], type=click.Choice(["lecture", "digits", "wine", "fashion", "emoji"]), default="lecture",
                 show_default=True,
                 help="Data to train on; lecture shows the lecture's example of ten numbers step by step."),
    click.Option(["--to"], metavar="CLASS", show_default="the last class",
                 help="Class whose weights are mixed into every example."),
    FASHION_FOLDER, image=False, kind=DataCommand,
)
def linear(given: Given, seed: int, progress: bool, on: str, to: str | None, data: str | None) -> Result:
    """Fool a linear classifier, which shows that depth is not the reason.

    The figure shows the weights of a softmax classifier without hidden layers as pictures, the smallest changes that
    alter its answers, and examples with the weights of one class mixed in. With --on emoji the classifier is the net
    emoji-linear: a goose with a bit of goldfish's weights, and a goldfish with a bit of daisy's, each beside what --net
    needs for the same. --to names the class that the goose is to be.
    """
    from minivis.errors import BadValue
    from minivis.methods.adversarial.lecture_linear import lecture_linear
    from minivis.methods.adversarial.linear import linear_fool

    folder = fashion_folder(on, data)
    if on == "lecture":
        if to is not None:
            raise BadValue("--to needs classes: name a data set with --on")
        return lecture_linear()
    if on == "emoji":
        import numpy as np

        from minivis.data.samples import Samples, upright
        from minivis.methods.adversarial.templates import CHAIN, linear_templates
        from minivis.weights.catalogue import load

        samples, leading, linear = Samples(), upright(), load(LINEAR_NET)
        labels = np.array([linear.class_names.index(name) for name in [*leading, *samples.names]])
        images = np.concatenate([np.stack(list(leading.values())), samples.images])
        return linear_templates(linear, images, labels, chain=(*CHAIN[:1], to) if to else CHAIN, convnet=given.net,
                                seed=seed, progress=progress)
    from minivis.data.rows import rows

    found = rows(on, **({"folder": folder} if on == "fashion" else {}))
    return linear_fool(**found, target=to, seed=seed, progress=progress)


class SoundCommand(PictureCommand):
    """A command for sounds: its net is vowels-net, unless --net names another."""

    usual_net = VOWELS_NET

    def run(self, **params: Any) -> Any:
        if unnamed("net"):
            params["net"] = self.usual_net
        return super().run(**params)

    def stem(self, params: dict[str, Any]) -> str:
        return f"{params['say']}-to-{params['to']}"


@picture_command(
    "sound",
    click.Option(["--say"], type=click.Choice(VOWELS), default="a", show_default=True, help="Vowel that is spoken."),
    click.Option(["--to"], type=click.Choice(VOWELS), default="i", show_default=True,
                 help="Vowel that the net is to hear."),
    option(SoundSettings, "snr", type=real(0, 100), metavar="DB"),
    image=False, kind=SoundCommand, parts=("before.wav", "after.wav"),
)
def sound(given: Given, seed: int, progress: bool, say: str, to: str | None, snr: float) -> Result:
    """Add a faint sound to a spoken vowel, so that the net hears another one.

    The vowel is made by rule, by a speaker drawn from --seed, and shown as a spectrogram, which is what the net
    vowels-net reads. The addition is found in the waveform. Both sounds are written beside the figure, as
    FILE-before.wav and FILE-after.wav. The exit code is 1 if the net is not fooled.
    """
    import numpy as np

    from minivis.data.vowels import speak
    from minivis.methods.adversarial.sound import sound_fool

    return sound_fool(given.net, speak(say, np.random.default_rng((seed, 9))), to, snr=snr)


@picture_command(
    "hog",
    click.Argument(["like"], required=False),
    *options(HogSettings, "steps", "eps"),
    compute=[SEED, THREADS], net=False, inputs=("like",), parts=("picture",),
)
def hog(given: Given, seed: int, progress: bool, steps: int, eps: float) -> Result:
    """Make a picture that looks like LIKE and has the histogram of oriented gradients (HOG) of IMAGE.

    LIKE is cropped to the size of IMAGE. Without LIKE, IMAGE is reconstructed from its HOG alone. The picture itself is
    written beside the figure as FILE-picture.png. The exit code is 1 if the distance between the HOGs fell by less than
    95 %.
    """
    from minivis.images.files import read_image
    from minivis.images.preprocessing import Preprocessing
    from minivis.methods.adversarial.hog import hog_twin

    start = None
    if "like" in given.inputs:
        start, _ = Preprocessing(crop_fraction=1.0).fit_image(read_image(given.inputs["like"]),
                                                              size=given.image.shape[:2])
    return hog_twin(given.image, start, steps=steps, eps=eps, seed=seed, progress=progress)


@picture_command(
    "robustness",
    click.Option(["--on"], type=click.Choice(["emoji", "digits", "fashion"]), default="emoji", show_default=True,
                 help="Compare emoji-vgg with emoji-vgg-robust on the sample pictures, or train three nets, as usual, "
                      "with shifts and noise, and against FGSM: of digits, which takes a minute, or of the clothes of "
                      "Fashion-MNIST, which takes several."),
    click.Option(["--count"], type=whole(2, 297), default=100, show_default=True, metavar="N",
                 help="Number of pictures."),
    option(RobustnessSettings, "steps", type=whole()),
    FASHION_FOLDER, image=False, kind=DataCommand, net=False, compute=[SEED, THREADS],
)
def robustness(
    given: Given, seed: int, progress: bool, on: str, count: int, steps: int, data: str | None,
) -> Result:  # fmt: skip
    """Show how accurate nets are under attacks of growing strength, each net attacked through its own weights.

    A net that was trained against an attack withstands more of it, but new adversarial pictures fool it, too.
    """
    import numpy as np

    from minivis.methods.adversarial.robustness import robustness

    folder = fashion_folder(on, data)
    if on == "digits":
        from minivis.data.digits import every_digit
        from minivis.training.hardened import hardened

        images, labels, new = every_digit()
        return robustness(hardened(seed=seed, progress=progress), images[new][:count], labels[new][:count],
                          steps=steps, seed=seed, eps=(0, 8, 16, 24, 32, 48, 64, 96), progress=progress)
    if on == "fashion":
        from minivis.data.fashion import FashionMNIST
        from minivis.training.hardened import hardened

        images, labels = FashionMNIST(folder, split="test").batch(0, count)
        nets = hardened("fashion", data=folder, seed=seed, progress=progress)
        return robustness(nets, images, labels, steps=steps, seed=seed, eps=(0, 2, 4, 8, 12, 16, 24, 32),
                          progress=progress)
    from minivis.data.samples import Samples
    from minivis.weights.catalogue import load

    nets, samples = {name: load(name) for name in ("emoji-vgg", "emoji-vgg-robust")}, Samples()
    some = np.unique(np.linspace(0, len(samples.names) - 1, min(count, len(samples.names))).round().astype(int))
    labels = np.array([nets["emoji-vgg"].class_names.index(samples.names[i]) for i in some])
    return robustness(nets, samples.images[some], labels, steps=steps, seed=seed, progress=progress)
