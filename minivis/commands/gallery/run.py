"""Run every method on one picture, in the lecture's order, each as the command that makes it alone.

sections.py has the methods and their texts, chapters.py further nets and photographs. A section that does not apply to
a net (because it has no classes, say) becomes one sentence.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.commands.gallery.chapters import CHAPTERS, PHOTOGRAPHS
from minivis.commands.gallery.sections import SECTIONS, Section
from minivis.data.samples import FAMILIES
from minivis.data.samples import NAME as SAMPLES
from minivis.errors import MinivisError, MissingExtra

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.types import Picture

SMALL_INPUT = 96                                # pixels
CHAPTER_SIDE = 320                              # pixels: the longer side for a net that takes any size


@dataclass(frozen=True)
class Shown:
    """A section that ran: its command, its Result and picture, and the seconds it took, or why it could not run."""

    section: Section
    words: tuple[str, ...]
    seconds: float = 0.0
    result: Any = None
    picture: Any = None
    text: Any = None                            # the record in the PNG
    why_not: str = ""
    chapter: Any = None                         # the Chapter that begins here


def chapter_picture(name: str = "cat") -> str | None:
    """The path of a photograph of `PHOTOGRAPHS`; None if no package that has it is installed."""
    from importlib.util import find_spec
    from pathlib import Path

    for package, file in PHOTOGRAPHS[name]:
        found = find_spec(package)
        if found and found.origin and (path := Path(found.origin).parent / file).is_file():
            return str(path)
    return None


def chapters(params: dict[str, Any], *, progress: bool = False, wanted: Any = CHAPTERS) -> Iterator[Shown]:
    """Yield the sections of every chapter whose packages are installed, as `run` does."""
    from minivis.commands.common import read_given, viewing

    for chapter in wanted:
        picture = chapter.photograph and chapter_picture(chapter.photograph)
        if chapter.photograph and picture is None:
            continue
        own = {**params, "net": chapter.net, "image": picture, "size": CHAPTER_SIDE, **dict.fromkeys(viewing(params))}
        try:
            given = read_given(chapter.net, picture, size=CHAPTER_SIDE, device=params["device"])
        except MissingExtra:
            continue
        stem = "-".join([chapter.net] + ([chapter.photograph] if chapter.photograph not in (None, "cat") else []))
        some = [replace(section, key=f"{stem}-{section.key}") for section in SECTIONS if section.key in chapter.keys]
        for number, one in enumerate(run(given, own, progress=progress, sections=some)):
            yield replace(one, chapter=chapter if number == 0 else None)


def choices(net: Any, image: Any) -> dict[str, Any]:
    """The values of the {names} in SECTIONS for this net and picture; names without a value are left out."""
    from minivis.engine.ending import answering
    from minivis.layers import Conv2D, ReLU
    from minivis.methods.adversarial.attacks import logits_of
    from minivis.methods.shared.result import Subject

    convolutions = [name for name, (layer, _) in net.nodes.items() if isinstance(layer, Conv2D)]
    found = {
        "second": convolutions[1] if len(convolutions) > 1 else None,
        "early": (net.roles.get("style") or [None])[0],
        "content": net.roles.get("content"),
    }
    if layer := net.roles.get("content"):
        if isinstance(limited := net.nodes[layer].layer, ReLU) and limited.max_value is not None:
            layer, = net.nodes[layer].inputs            # where the strongest unit still has a gradient
        maps = net.forward(Subject.of(net, image).input(net), until=layer, keep=(layer,), grad=None)[layer]
        strongest = int(maps.reshape(-1, maps.shape[-1]).max(axis=0).argmax())
        found.update(neuron=f"{layer}:{strongest}" + ("@max" if maps.ndim == 4 else ""), channel=str(strongest))
    if net.roles.get("logits"):
        net = answering(net)
        best = int(logits_of(net, net.fit(image).image[None]).argmax())
        known = net.class_names.count(net.class_names[best]) == 1 if net.class_names else False
        found["answer"] = net.class_names[best] if known else str(best)
    return {name: value for name, value in found.items() if value is not None}


def small_input(net: Any) -> bool:
    """Whether the net's pictures are small enough to be optimised in seconds."""
    return net.input_size is not None and max(net.input_size) <= SMALL_INPUT


def run(
    given: Given, params: dict[str, Any], *, progress: bool = False, sections: Sequence[Section] = SECTIONS,
) -> Iterator[Shown]:  # fmt: skip
    """Yield each section, made with the net and picture of ``given``; ``params`` are a command's: net, seed, ..."""
    from minivis.commands.common import viewing
    from minivis.commands.registry import COMMANDS
    from minivis.runtime.progress import track

    filled = choices(given.net, given.image)
    filled["pictures"] = params["pictures"] or (SAMPLES if small_input(given.net) else "FOLDER")
    filled["families"] = FAMILIES if filled["pictures"] == SAMPLES else filled["pictures"]
    results: dict[str, Any] = {}
    for section in track(sections, progress, "gallery"):
        try:
            words = tuple(word.format(**filled) for word in section.words)
        except KeyError as missing:
            why_not = f"This net has no {missing.args[0]}, or no layer for it"
            yield Shown(section, section.words, why_not=why_not)
            continue
        if section.slow and not small_input(given.net):
            why_not = "its pictures are large, so this section would take minutes; the command below makes it"
            yield Shown(section, words, why_not=why_not)
            continue
        if section.many and filled["pictures"] == "FOLDER":
            why_not = "this section needs a folder of pictures; the command below makes it, or give --pictures FOLDER"
            yield Shown(section, words, why_not=why_not)
            continue
        command = COMMANDS[words[0]]
        by_net = {option.name: command.by_net[option.name](given.net) for option in command.own
                  if option.name in command.by_net and not set(option.opts) & set(words)}
        own = {**command.parse(words), **by_net, **{key: params[key] for key in ("net", "device", "seed", "threads")},
               **viewing(params)}
        if command.needs_image and section.of_picture:
            own.update(image=params["image"], size=params["size"])
        words = tuple(command.words(own))
        began = time.perf_counter()
        try:
            now = given if section.of_picture else replace(given, image_name=None)
            made = command.make(replace(now, inputs=command.further_inputs(own), maps=results.get(section.tests)), own)
        except MinivisError as error:
            here = "Not on this machine" if isinstance(error, MissingExtra) else "Not for this net"
            yield Shown(section, words, why_not=f"{here}: {error}")
            continue
        results[section.key] = made[0]
        yield Shown(section, words, time.perf_counter() - began, *made)


def numbers(shown: Sequence[Shown]) -> dict[str, Any]:
    """The numbers of each section and its time, for --json."""
    return {s.section.key: {"command": ["minivis", *s.words], "seconds": round(s.seconds, 3),
                            **({"why_not": s.why_not} if s.why_not else {"numbers": s.result.numbers})} for s in shown}


def small(picture: Any, side: int = 640) -> Picture:
    """Shrink a picture until its longer side has ``side`` pixels, for the head of the page."""
    from PIL import Image

    im = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    im.thumbnail((side, side))
    return np.asarray(im)
