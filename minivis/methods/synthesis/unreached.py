"""What `maximize` did not reach, in sentences: a unit that still gives 0, a class that its own image is not."""

from collections.abc import Iterator
from typing import Any

from minivis.engine.ending import Ending
from minivis.engine.network import Network
from minivis.engine.units import before_relu
from minivis.figures.text import chance
from minivis.objectives.words import Sought
from minivis.types import Array

LIKELY = 0.5                                    # probability: from here on an image is one of its class


def unreached(net: Network, units: Any, values: Array, answers: Array | None) -> tuple[str, ...]:
    """A sentence for each unit that no gradient reached, and for each class that the net does not see in its image.

    ``answers`` (N, classes): the net's probabilities for each image, if they are of classes.
    """
    return (*asleep(net, units, values), *(unseen(net, units, answers) if answers is not None else ()))


def asleep(net: Network, units: Any, values: Array) -> Iterator[str]:
    """Yield a sentence for each unit of a ReLU that is still 0: there its gradient is 0 as well, and nothing moved."""
    for unit in dict.fromkeys(u for u, value in zip(units, values) if value == 0 and not isinstance(u, Sought)):
        if (before := before_relu(net, unit)) is not None:
            yield (f"{unit} is 0 in the image, and where a ReLU gives 0 no gradient passes: maximize {before} instead, "
                   "the same unit before its ReLU")


def unseen(net: Network, units: Any, answers: Array) -> Iterator[str]:
    """Yield a sentence for each image to which the net gives less than half a chance of being its class."""
    ending = Ending.of(net)
    names = ending.names(answers.shape[-1])
    for unit, probs in zip(units, answers):
        if probs[unit.channel] >= LIKELY:
            continue
        best = int(probs.argmax())
        where = "in its own image"
        if best != unit.channel and not ending.independent:
            where += f", where the net sees {names[best]} with {chance(probs[best])}"
        yield (f"{names[unit.channel]} has a probability of only {chance(probs[unit.channel])} {where}: the image "
               "shows little of this class; try more steps or another seed")
