"""What all commands share: options, reading the net and the picture, and printing the result."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands import option_groups
from minivis.commands.option_groups import COMPUTING, OUTPUT, under
from minivis.commands.several import ImageArgument, NetOption
from minivis.commands.types import BYTES, CHANNELS, PictureFile, whole

if TYPE_CHECKING:
    from minivis.engine.network import Network
    from minivis.types import Device, PathLike, Picture

DEFAULT_NET = "emoji-vgg"
ANY_SIZE = 512                                  # pixels: the longer side of IMAGE for a net that takes any size

IMAGE, IMAGES = click.Argument(["image"], required=False), ImageArgument()
BY_IMAGE = f"{DEFAULT_NET}; for an IMAGE of 128 pixels or more squeezenet, if installed"


def net_option(used: str = DEFAULT_NET, several: bool = False) -> NetOption:
    """--net; ``used``: what the command uses without it. several: it draws several nets side by side."""
    more = "; repeat the option for several nets side by side" if several else ""
    option = NetOption(["--net"], default=DEFAULT_NET, metavar="NAME|FILE", show_default=used,
                       help=f"Net to use: a name from `minivis weights list`, or a file of weights{more}.")
    under(COMPUTING, option)
    return option


NET = net_option(BY_IMAGE)
NET_ARGUMENT = click.Argument(["net"], default=DEFAULT_NET, required=False, metavar="[NAME|FILE]")
SIZE = click.Option(["--size"], type=whole(), metavar="N", help="Shrink IMAGE until its longer side has N pixels.",
                    show_default=f"{ANY_SIZE} for nets that take any size; otherwise IMAGE is not shrunk")
DEVICE = click.Option(["--device"], type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True,
                      help="Compute on the processor or on an NVIDIA GPU.")
SEED = click.Option(["--seed"], type=whole(0, 2**32 - 1), default=0, metavar="N", show_default=True,
                    help="Seed of the random numbers.")
FASHION_FOLDER = click.Option(["--data"], metavar="FOLDER", show_default="the folder of Debian's package",
                              help="Folder with the four files of Fashion-MNIST.")
THREADS = click.Option(["--threads"], type=whole(1, 4096), metavar="N", show_default="one for each core",
                       help="Number of threads that compute.")
OUT = click.Option(["-o", "--out"], metavar="FILE", show_default="named after IMAGE and the command",
                   help="File to write; its suffix chooses the format.")
OUT_ARRAYS = click.Option(["-o", "--out"], metavar="FILE", show_default="named after IMAGE and the command",
                          help="File to write; its suffix chooses the format. A name in .npy, .npz or .tiff gets the "
                               "numbers behind the picture, any other the picture.")
FORCE = click.Option(["-f", "--force"], is_flag=True, help="Replace an existing file.")
JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object with all numbers.")
QUIET = click.Option(["-q", "--quiet"], is_flag=True, help="Show no progress bar and no remarks.")
READING = under(                                # how to read a file that does not say everything about its net
    option_groups.READING,
    click.Option(["--arch"], metavar="NAME|TABLE.json", show_default="recognised from names and shapes",
                 help="Architecture of the net, or a file with a layer table of your own."),
    click.Option(["--preprocess"], metavar="NAME|FILE.json", show_default="what the file or the architecture says",
                 help="Preprocessing from pixels to the net's input: caffe, torch, tensorflow, matconvnet, "
                      "efficientnet-lite, unit or none; or a file with mean and scale, for any number of channels."),
    click.Option(["--classes"], metavar="FILE", show_default="the names in the file, if any",
                 help="File with the class names, in the order of the net's outputs: one per line, or JSON. For "
                      "a net with one output: the class that it stands for, or label 0 and label 1."),
    click.Option(["--part"], metavar="NAME", show_default="the only net in the file",
                 help="Name of the net to read from a PyTorch checkpoint that holds several."),
    click.Option(["--output"], metavar="NAME", show_default="the first that the file names",
                 help="Which output of the net is its answer, where it has several; or the layer that makes it."),
    click.Option(["--answers"], type=click.Choice(["one", "several"]), show_default="by how the net ends",
                 help="What the scores mean: one class is right (softmax), or several may be (a sigmoid for each)."),
)  # fmt: skip
MEMORY = click.Option(["--memory"], type=BYTES, metavar="SIZE", show_default="what is free", help="Use at most this "
                                                                                                  "much memory, such "
                                                                                                  "as 4GB; a run that "
                                                                                                  "needs more "
                                                                                                  "switches to tiles, "
                                                                                                  "then to a smaller "
                                                                                                  "optimiser.")
TILE = click.Option(["--tile"], type=whole(), metavar="N", show_default="only when memory is short",
                    help="Compute in tiles of N pixels, which is exact and needs less memory.")
COMPUTE = under(COMPUTING, NET, DEVICE, SEED, THREADS)          # NET: a command puts its own in its place
SHOW = click.Option(["--show"], type=CHANNELS, metavar="R,G,B",
                    help="Channels to draw as red, green and blue, counted from 1, or one channel for grey. By default "
                         "those called so, or the first three; of two channels, 1,2,2.")
FRAME = click.Option(["--frame"], type=whole(), metavar="N", show_default="1",
                     help="Frame to use of an IMAGE that is a film or an animation, counted from 1.")
VIEW = [*(option for option in READING if option.name == "output"), *under(COMPUTING, SHOW), FRAME]
REPORT = under(OUTPUT, FORCE, JSON, QUIET)
under(COMPUTING, MEMORY, TILE)
under(OUTPUT, OUT, OUT_ARRAYS)


@dataclass
class Given:
    """The net and the picture that a command works on, each with where it came from. Either may be None."""

    net: Any
    net_name: str | None
    net_sha256: str | None
    image: Any = None                           # uint8 (H, W, C)
    image_name: str | None = None               # None: the bundled picture, or no picture
    image_sha256: str | None = None
    out: str | None = None                      # where the picture will be written
    inputs: dict = field(default_factory=dict)  # name of a parameter -> the path of a further file or folder
    further: dict = field(default_factory=dict)     # option -> [Further, ...], such as a style, a guide or a start
    source: str | None = None                   # the picture's file
    piped: Any = None                           # the bytes that came instead, as a file
    begin: Any = None                           # levels (H, W, C) that this frame of a film begins with
    others: list = field(default_factory=list)      # what is the same for each further net, [Given, ...]
    maps: Any = None                            # the SaliencyKinds of the picture, where a section has made them


@dataclass(frozen=True)
class Further:
    """A further picture that an option names."""

    name: str
    pixels: Any                                 # uint8 (H, W, C)
    sha256: str


def viewing(params: dict[str, Any]) -> dict[str, Any]:
    """The settings of `read_given` among a command's parameters: those of VIEW."""
    found = {option.name: params.get(option.name) for option in VIEW}
    return found | {"show": None} if isinstance(found["show"], str) else found      # segment's words are not channels


def read_net(net: str, device: Device = "cpu", output: str | None = None, show: Any = None) -> tuple[Network, str]:
    """(the net that a name or a path stands for, the SHA-256 of its file)."""
    from minivis.engine.geometry import preprocessing_of
    from minivis.runtime.files import file_hash
    from minivis.weights.catalogue import load, locate
    from minivis.weights.outputs import choose_output

    path, loaded = locate(net), load(net, device=device)
    if output is not None:
        choose_output(loaded, output)
    if show is not None:
        loaded.preprocessing = replace(preprocessing_of(loaded), show=show)
    return loaded, file_hash(path)


def read_given(
    net: Any, image: str | None = None, *, size: int | None = None, needs_image: bool = True, device: Device = "cpu",
    output: str | None = None, show: Any = None, frame: int | None = None, nets: Callable[..., Any] = read_net,
) -> Given:  # fmt: skip
    """Load the net that the command line names, or None, and the picture (None: the goose), no larger than ``size``.

    output: of a net that has several, the one that is its answer. show: channels to draw. frame: of a film.
    ``net`` may also be a function that gets the picture's pixels and returns the name of a net. nets: `read_net`, or
    what keeps the nets that it has read.
    """
    from minivis.runtime.files import file_hash

    pixels: Any = None
    source = own_picture() if image is None else io.BytesIO(sys.stdin.buffer.read()) if image == "-" else image
    if needs_image:                             # first, so that its mistakes show before a large net is read
        pixels = read_again(source, size, frame=frame)
    if callable(net):
        net = net(pixels)
    loaded, net_sha256 = (None, None) if net is None else nets(net, device, output, show)
    channels = None if loaded is None else loaded.input_channels
    if needs_image and channels not in (None, 1, 3) and pixels.shape[2] != channels:
        pixels = read_again(source, size, channels, frame)
    any_size = loaded is None or loaded.input_size is None
    if needs_image and size is None and any_size and max(pixels.shape) > ANY_SIZE:
        del pixels                              # it may be large, and is read anew
        pixels = read_again(source, ANY_SIZE, channels, frame)
    digest = file_hash(source) if isinstance(source, str) and os.path.isfile(source) else "none: it came through a pipe"
    return Given(loaded, net, net_sha256, pixels, image, None if image is None else digest,
                 source=source if isinstance(source, str) else None, piped=None if isinstance(source, str) else source)


def read_again(source: Any, size: int | None = None, channels: int | None = None, frame: int | None = None) -> Picture:
    """`read_image` of a path, or of standard input, which is held in memory."""
    from minivis.images.files import read_image

    if isinstance(source, io.BytesIO):
        source.seek(0)
        source.name = "standard input"          # for messages
    return read_image(source, size, channels=channels, frame=frame)


def tell_answer(net: Any, quiet: bool) -> None:
    """Say which of several outputs is the answer, if none was named."""
    said = "" if net is None else str(net.about.get("output", ""))
    if not quiet and "names another" in said:
        click.echo(f"minivis: the answer is the output {said}", err=True)


def read_further(
    params: dict[str, Any], options: Iterable[click.Parameter], where: Callable[[str], str] = lambda name: name,
    net: Any = None,
) -> dict[str, list[Further]]:  # fmt: skip
    """{option: [Further, ...]} for the options that name pictures; ``where`` maps a name to its file."""
    channels = None if net is None else net.input_channels
    from minivis.images.files import read_image
    from minivis.runtime.files import file_hash

    found: dict[str, list[Further]] = {}
    for option in options:
        if isinstance(option.type, PictureFile) and params[option.name]:
            names = params[option.name] if takes_several(option) else [params[option.name]]
            if not all(map(option.type.names_file, names)):
                continue
            found[option.name] = [Further(name, read_image(where(name), channels=channels), file_hash(where(name)))
                                  for name in names]
    return found


def takes_several(option: click.Parameter) -> bool:
    """Whether the value is a tuple: of an option that may be repeated, or an argument that takes all words."""
    return option.multiple or option.nargs == -1


def own_picture() -> str:
    """The path of the bundled goose, for commands without a picture."""
    return str(Path(__file__).parents[1] / "data" / "goose.png")


@contextmanager
def blas_threads(count: int | None) -> Iterator[int]:
    """Compute on ``count`` threads (None: MINIVIS_THREADS, or every core). Yield the number that BLAS uses by
    itself."""
    from threadpoolctl import ThreadpoolController

    from minivis.runtime.threads import threads

    every = ThreadpoolController().select(user_api="blas")          # goes through all libraries of the process: once
    # OpenCV's OpenBLAS, which computes nothing here, crashes if memory is too short for another thread
    blas = every.select(filepath=[lib.filepath for lib in every.lib_controllers if "opencv" not in lib.filepath])
    with threads(count), blas.limit(limits=count):
        yield max((lib.num_threads for lib in blas.lib_controllers), default=1)


def say(
    command: str, text: str | None, *, settings: dict[str, Any], numbers: Any, files: Sequence[PathLike] = (),
    as_json: bool = False, quiet: bool = False, lines: bool = False,
) -> None:  # fmt: skip
    """Print one JSON object, on one line with ``lines``, or the text (None: nothing) and the names of the files
    written."""
    files = [relative(file) for file in files]
    if as_json:
        found = {"command": command, "settings": settings, "numbers": numbers, "files": files}
        click.echo(json.dumps(found, indent=None if lines else 2, default=plain, allow_nan=False))
        return
    if text:
        click.echo(text)
    for file in [] if quiet else files:
        click.echo(f"wrote {file}")


def plain(value: Any) -> Any:
    """A NumPy number or array in a form that json can write."""
    return value.tolist()


def positional(path: str) -> str:
    """A path as a word that cannot be mistaken for an option."""
    return f"./{path}" if path.startswith("-") else path


def relative(path: PathLike) -> str:
    """A path, relative to the current folder if that is shorter."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


def reading(params: dict[str, Any]) -> dict[str, Any]:
    """The settings of `catalogue.load` among a command's parameters: those of READING that were given."""
    return {option.name: params[option.name] for option in READING if params[option.name] is not None}
