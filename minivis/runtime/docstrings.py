"""Docstrings of public functions, as numpydoc writes them, with what is the same everywhere written once.

A docstring describes its function's own arguments. Those that many functions share are in SHARED; those that are
settings say what they are in their dataclass (described.py). `complete` puts all of them into the section "Parameters",
in the order of the signature, and what every function raises into "Raises".
"""

import inspect
import re
import textwrap
from collections.abc import Iterable

WIDTH = 110
HEAD = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
ROW = re.compile(r"^(\w+)( :.*)?$")

PICTURE = "A picture with levels 0 to 255; or a batch (N, H, W, C), or a list of pictures of one size or of several."
UNIT = ('What is asked about: a class of the net such as "goose", or a neuron such as "conv3_1:7" (a channel, summed '
        'over positions), "conv3_1:7@max" (its strongest position) or "conv3_1:7@3,4" (row, column); several for a '
        "batch. By default the class that the net puts first.")
SHARED = {
    "net": ("Network", "The net, as `load` returns it."),
    "image": ("uint8 array (H, W, C), or several", PICTURE),
    "unit": ("str, int or several, optional", UNIT),
    "target": ("str, int or sequence, optional", "The class to reach, or one for each picture, by name or number."),
    "label": ("str, int or sequence, optional", "The class to leave; with neither, the net's own answer is left."),
    "batch": ("int, optional", "Number of pictures in one pass."),
    "seed": ("int, default 0", "Seed of the random numbers: the same seed gives the same bits."),
    "progress": ("bool or function, default False", "Show a progress bar for work of more than two seconds; or a "
                 "function that iterates over the items that it is given."),
    "watch": ("Watch, optional", "What follows the run: a callback, a checkpoint, a film."),
    "tile": ("int, in pixels, optional", "Compute in tiles of this side, which is exact and needs less memory; by "
             "default only where memory is short."),
    "memory": ("float, in bytes, optional", "Most memory for the whole program, by default what is free. A run that "
               "needs more goes to tiles, then to a smaller optimiser, and says so."),
    "preset": ("str, optional", "The name of a set of defaults, from minivis, a paper or a tool."),
    "pictures": ("str, list of str, or arrays", "A folder, a file, a list of files, or uint8 arrays (H, W, C)."),
    "content": ("uint8 array (H, W, C)", "The picture to paint."),
    "styles": ("uint8 array (H, W, C), or several", "The picture, or pictures, in whose style."),
    "blend": ("sequence of float, optional", "A weight for each style; by default equal ones."),
    "masks": ("sequence of arrays, optional", "For each style a picture that is bright where the style is to be used."),
    "layer": ("str, optional", "The layer; by default that of the net's role content."),
    "steps": ("int", "Number of steps of the optimiser."),
    "side": ("int, in pixels, optional", "Side of each image; by default what a few places of the layer see."),
    "guide": ("uint8 array (H, W, C), optional", "A picture whose features are amplified instead."),
    "objective": ("str or Objective, optional", "Instead of units or layers a sum of them with weights, such as "
                  '"goose + 0.5*relu4_1:12".'),
    "mask": ("array (H, W), str or rectangle, optional", "Where the picture may change: an array or a picture file "
             "that is bright there, or (left, top, right, bottom)."),
    "feather": ("float, in pixels, default 0", "Blur of the mask's edge: the standard deviation of a Gaussian."),
    "begin": ("array (H, W, C), optional", "Levels to begin with, such as the result of the last frame of a film; by "
              "default those of the picture, or noise."),
    "jobs": ("int, default 1", "Number of processes with one thread each; 1 uses this process, with all threads."),
    "backend": ('{"loky", "dask"}, default "loky"', "Processes of this machine, or the workers of a Dask cluster."),
    "scheduler": ("str, optional", 'Address of the cluster\'s scheduler, such as "tcp://10.0.0.1:8786".'),
}  # fmt: skip
RAISES = """BadValue
    A setting of a wrong type or beyond its bounds, an unknown one, or a picture that does not fit.
UnknownName
    A layer, unit, class or choice that does not exist; the sentence has the closest name."""


def row(name: str, kind: str, words: str) -> list[str]:
    """The lines of one argument."""
    return [f"{name} : {kind}", *textwrap.wrap(words, WIDTH, initial_indent="    ", subsequent_indent="    ")]


def complete(text: str | None, names: Iterable[str], rows: dict[str, list[str]]) -> str | None:
    """A docstring whose section "Parameters" describes ``names`` in their order.

    What the text says of an argument comes first, then ``rows``, {name: lines}, then SHARED. A text without sections
    that describes nothing gets none.
    """
    if text is None:                            # python -OO
        return None
    before, own, after = parted(inspect.cleandoc(text))
    known = {**{name: row(name, *SHARED[name]) for name in SHARED}, **rows, **own}
    lines = [line for name in names for line in known.get(name, ())]
    if not lines or not (own or rows or after):
        return text
    return "\n\n".join(filter(None, [before, "\n".join(["Parameters", "----------", *lines]), raising(after)])) + "\n"


def raising(text: str) -> str:
    """The sections after "Parameters", with RAISES at the head of "Raises", which is made if there is none."""
    if RAISES in text or not text.startswith("Returns\n"):
        return text
    title = "Raises\n------\n"
    if title in text:
        return text.replace(title, f"{title}{RAISES}\n")
    end = next((head.start() for head in HEAD.finditer(text) if head[1] != "Returns"), len(text))
    return "\n\n".join(filter(None, [text[:end].rstrip(), title + RAISES, text[end:]]))


def parted(text: str) -> tuple[str, dict[str, list[str]], str]:
    """(the text before the section "Parameters", {name: lines} of that section, the text after it)."""
    heads = list(HEAD.finditer(text))
    ours = next((i for i, head in enumerate(heads) if head[1] == "Parameters"), None)
    if ours is None:
        cut = heads[0].start() if heads else len(text)
        return text[:cut].rstrip(), {}, text[cut:].rstrip()
    end = heads[ours + 1].start() if ours + 1 < len(heads) else len(text)
    own: dict[str, list[str]] = {}
    name = ""
    for line in text[heads[ours].end():end].strip("\n").split("\n"):
        found = ROW.match(line)
        name = found[1] if found else name
        own.setdefault(name, []).append(line.rstrip())
    own = {name: lines if lines[-1] else lines[:-1] for name, lines in own.items() if name}
    return text[:heads[ours].start()].rstrip(), own, text[end:].rstrip()
