"""Which net a command uses if --net names none.

    a picture that you name, with 128 pixels or more on its shorter side    squeezenet (ImageNet), where it is installed
    anything else: the goose of minivis, folders, small pictures            emoji-vgg

A record always names the net that was taken for a picture, so what is installed later changes nothing.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from minivis.commands.common import DEFAULT_NET, Given, read_given, tell_answer, viewing

PHOTOGRAPHS_NET = "squeezenet"
PHOTOGRAPHS_SIDE = 128                          # pixels; twice what the emoji nets read


def read_for(params: dict[str, Any], *, photographs: bool = True, quiet: bool = False, **settings: Any) -> Given:
    """`read_given` of a command's parameters, in which ``net`` becomes the one that was chosen for the picture.

    ``photographs=False``: the command keeps to its default net whatever the picture. Of several nets, the first; the
    others are in ``others``. The nets in ``nets.told`` need no remark.
    """
    told: set[str] = getattr(settings.get("nets"), "told", set())
    net, image = params.get("net"), params.get("image")
    if isinstance(net, tuple):
        every = [read_for({**params, "net": one}, photographs=photographs, quiet=quiet, **settings) for one in net]
        return replace(every[0], others=every[1:])
    choosing = photographs and net is not None and image is not None and unnamed("net")
    given = read_given(for_picture if choosing else net, image, size=params.get("size"),
                       device=params.get("device", "cpu"), **viewing(params), **settings)
    if choosing:
        params["net"] = given.net_name
        say_which(given, quiet or given.net_name in told)
        told.add(str(given.net_name))
    tell_answer(given.net, quiet)
    if params.get("frame") is None:
        tell_of_file(given, quiet)
    return given


def tell_of_file(given: Given, quiet: bool) -> None:
    """Say what a user may not expect of the picture: further frames, or numbers that are read as black."""
    if given.image is not None and given.image_name is not None:
        tell(given.image_name if given.piped is None else given.piped, given.image, quiet)


def tell_of_further(given: Given, quiet: bool) -> None:
    """The same of the pictures that options name."""
    for several in given.further.values():
        for one in several:
            tell(one.name, one.pixels, quiet)


def tell(source: Any, pixels: Any, quiet: bool) -> None:
    from minivis.images.given import remarks_on
    from minivis.runtime.progress import remark

    if pixels.shape[2] in (1, 3):
        for said in remarks_on(source, pixels):
            remark(said, not quiet)


def unnamed(option: str) -> bool:
    """Whether the command line that is being run leaves an option out."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is ParameterSource.DEFAULT


def is_photograph(pixels: Any) -> bool:
    return min(pixels.shape[:2]) >= PHOTOGRAPHS_SIDE


def installed() -> bool:
    """Whether the net for photographs is on this machine."""
    from minivis.weights.catalogue import find

    return find(PHOTOGRAPHS_NET) is not None


def for_picture(pixels: Any) -> str:
    """The name of the net for a picture that a user named."""
    return PHOTOGRAPHS_NET if is_photograph(pixels) and installed() else DEFAULT_NET


def say_which(given: Given, quiet: bool) -> None:
    """One line about the net that was chosen for a photograph, or about how to get one that knows photographs."""
    from minivis.runtime.progress import remark

    name, net = Path(str(given.image_name)).name, given.net_name
    if net == PHOTOGRAPHS_NET:
        remark(f"using {net}, a net trained on photographs, for {name}; --net {DEFAULT_NET} chooses the net of emoji",
               not quiet)
    elif is_photograph(given.image):
        remark(f"using {net}, a net trained on emoji, for {name}; pip install 'minivis[imagenet]' adds one trained on "
               "photographs", not quiet)
