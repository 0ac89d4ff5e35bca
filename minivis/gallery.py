"""Everything on one picture: the methods in the lecture's order, each as the command that makes it alone.

A method joins with one entry of SECTIONS. Its words are a command line; {names} in them are filled in for the net and
the picture by `choices`. A section that a net cannot have (it has no classes, say) becomes one sentence.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minivis.errors import MinivisError


@dataclass(frozen=True)
class Section:
    """One picture of the page. ``sentence`` and ``formula`` are HTML."""

    key: str                                    # the anchor, and a part of file names
    title: str
    sentence: str
    formula: str
    words: tuple[str, ...]
    of_picture: bool = True                     # False: it begins with something else


SECTIONS = (
    Section(
        "classify", "What the net says",
        "The last layer gives every class a score; the softmax turns scores into probabilities. Every picture below "
        "asks where in the image, and by way of which weights, this answer came about.",
        "<i>p<sub>k</sub></i> = exp <i>s<sub>k</sub></i> / Σ<i><sub>j</sub></i> exp <i>s<sub>j</sub></i>",
        ("classify",),
    ),
    Section(
        "filters", "Weights of the first layer",
        "The first layer reads colours, so each of its filters is a small picture of what it looks for. Squares of "
        "3 × 3 pixels have little room; larger ones, AlexNet’s of 11 × 11, show edges, stripes and blobs of colour.",
        "<i>a<sub>ijf</sub></i> = <i>b<sub>f</sub></i> + Σ<i><sub>uvc</sub></i> "
        "<i>x</i><sub><i>i</i>+<i>u</i>, <i>j</i>+<i>v</i>, <i>c</i></sub> · <i>w<sub>uvcf</sub></i>",
        ("filters",),
    ),
    Section(
        "deep-filters", "Weights of a deeper layer",
        "Filters of the second layer on read feature maps, not colours: a row is a filter, a square its weights on one "
        "input channel. They are honest, and hard to read; hence the methods that follow.",
        "<i>w<sub>uvcf</sub></i>, blue below zero, red above",
        ("filters", "--layer", "{second}"),
    ),
    Section(
        "early-activations", "Activations of an early layer",
        "One small picture a channel: bright where its filter found what it looks for. Early maps still look like the "
        "image.",
        "<i>a</i> = max(0, <i>x</i> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{early}"),
    ),
    Section(
        "activations", "Activations of a deep layer",
        "Deeper maps are coarse, and there are many: each says where something lies, a part or a pattern, and hardly "
        "any looks like the image. The strongest are shown.",
        "<i>a</i><sup>(<i>l</i>)</sup> = max(0, <i>a</i><sup>(<i>l</i>−1)</sup> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{content}"),
    ),
    Section(
        "occlude", "Occlusion",
        "Slide a grey square over the image and watch the probability of the class: red is where covering hurts, blue "
        "where it helps. No gradient is needed, only many forward passes.",
        "drop<i><sub>ij</sub></i> = mean over windows <i>W</i> ∋ (<i>i</i>, <i>j</i>) of "
        "<i>p</i>(<i>x</i>) − <i>p</i>(<i>x</i> with <i>W</i> covered)",
        ("occlude",),
    ),
    Section(
        "backprop", "Three ways back",
        "The same sweep from the score down to the pixels, with three rules at each ReLU. The chain rule gives the "
        "true gradient; the deconvnet keeps what is positive on the way down; guided backpropagation asks for both.",
        "d<i>x</i> = d<i>y</i>·[<i>x</i> &gt; 0] &nbsp;|&nbsp; d<i>y</i>·[d<i>y</i> &gt; 0] &nbsp;|&nbsp; "
        "d<i>y</i>·[<i>x</i> &gt; 0]·[d<i>y</i> &gt; 0]",
        ("backprop",),
    ),
    Section(
        "neuron", "Three ways back from one neuron",
        "Nothing is special about classes: any neuron in the middle can be asked. Here it is the strongest one of a "
        "deep layer, and what arrives is the patch of the image that it saw.",
        "∂<i>a<sub>ijc</sub></i> / ∂<i>x</i> &nbsp;at the neuron’s strongest position",
        ("backprop", "--unit", "{neuron}"),
    ),
    Section(
        "saliency", "Saliency",
        "How much does the score change if this pixel changes a little? One backward pass, the largest of the three "
        "colours, no sign.",
        "<i>M<sub>ij</sub></i> = max<i><sub>c</sub></i> |∂<i>s</i> / ∂<i>x<sub>ijc</sub></i>|",
        ("saliency",),
    ),
    Section(
        "smoothgrad", "Saliency, averaged over noise",
        "A gradient is true only at one point, and jumps from one to the next. The mean over noisy copies of the image "
        "keeps what they agree on (SmoothGrad).",
        "<i>M</i> = max<i><sub>c</sub></i> |mean<i><sub>n</sub></i> ∂<i>s</i>/∂<i>x</i> "
        "(<i>x</i> + <i>ε<sub>n</sub></i>)|, &nbsp;<i>ε<sub>n</sub></i> ~ N(0, <i>σ</i>²)",
        ("saliency", "--samples", "50"),
    ),
    Section(
        "fool", "Fooled",
        "The gradient that shows what a class hangs on also shows how to take it away: a change of a few levels of 255 "
        "in every pixel, each in the direction that misleads most. People see the same picture, the net does not.",
        "<i>x</i> ← <i>P</i>(<i>x</i> + <i>α</i> sign ∂(−log <i>p<sub>y</sub></i>) / ∂<i>x</i>), &nbsp;|<i>x</i> − "
        "<i>x</i><sub>0</sub>| ≤ <i>ε</i>",
        ("fool", "--steps", "10"),
    ),
    Section(
        "noise", "Sure of noise",
        "The same towards a class, from noise: still noise to us, and to the net a sure case of what it saw in the "
        "picture. High confidence says little far from the pictures that a net was trained on.",
        "max <i>p<sub>y</sub></i>(<i>x</i>), &nbsp;|<i>x</i> − noise| ≤ <i>ε</i>",
        ("fool", "--from", "noise", "--to", "{answer}", "--steps", "20"), of_picture=False,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A section that ran: its command, its Result and picture, and the seconds it took; or why it could not."""

    section: Section
    words: tuple[str, ...]
    seconds: float = 0.0
    result: Any = None
    picture: Any = None
    text: Any = None                            # what the PNG says about how it was made
    why_not: str = ""


def choices(net, image):
    """What the {names} of SECTIONS stand for in this net and picture; a name that it has no answer for is left out."""
    from minivis.layers import Conv2D
    from minivis.methods.attacks import logits_of
    from minivis.methods.result import Subject

    convolutions = [name for name, (layer, _) in net.nodes.items() if isinstance(layer, Conv2D)]
    found = {
        "second": convolutions[1] if len(convolutions) > 1 else None,
        "early": (net.roles.get("style") or [None])[0],
        "content": net.roles.get("content"),
    }
    if layer := net.roles.get("content"):
        maps = net.forward(Subject.of(net, image).input(net), until=layer, keep=(layer,), grad=None)[layer]
        strongest = int(maps.reshape(-1, maps.shape[-1]).max(axis=0).argmax())
        found["neuron"] = f"{layer}:{strongest}" + ("@max" if maps.ndim == 4 else "")
    if net.roles.get("logits"):
        best = int(logits_of(net, net.fit(image).image[None]).argmax())
        known = net.class_names.count(net.class_names[best]) == 1 if net.class_names else False
        found["answer"] = net.class_names[best] if known else str(best)
    return {name: value for name, value in found.items() if value is not None}


def run(given, params, *, progress=False, sections=SECTIONS):
    """Every section, made with the net and picture of ``given``; ``params`` are a command's: net, seed, threads, ..."""
    from minivis.commands.every import COMMANDS
    from minivis.progress import track

    filled = choices(given.net, given.image)
    shown = []
    for section in track(sections, progress, "gallery"):
        try:
            words = tuple(word.format(**filled) for word in section.words)
        except KeyError as missing:
            why_not = f"this net has no {missing.args[0]}, or no layer for it"
            shown.append(Shown(section, section.words, why_not=why_not))
            continue
        command = COMMANDS[words[0]]
        own = {**command.parse(words), **{key: params[key] for key in ("net", "device", "seed", "threads")}}
        if command.needs_image and section.of_picture:
            own.update(image=params["image"], size=params["size"])
        words = tuple(command.words(own))
        began = time.perf_counter()
        try:
            made = command.make(given if section.of_picture else replace(given, image_name=None), own)
        except MinivisError as error:
            shown.append(Shown(section, words, why_not=str(error)))
            continue
        shown.append(Shown(section, words, time.perf_counter() - began, *made))
    return shown


def numbers(shown):
    """For --json: what each section measured, and how long it took."""
    return {s.section.key: {"command": ["minivis", *s.words], "seconds": round(s.seconds, 3),
                            **({"why_not": s.why_not} if s.why_not else {"numbers": s.result.numbers})} for s in shown}


def small(picture, side=640):
    """A picture shrunk until its longer side has ``side`` pixels, for the head of the page."""
    from PIL import Image

    im = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    im.thumbnail((side, side))
    return np.asarray(im)
