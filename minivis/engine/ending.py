"""How a net ends, and what its answers therefore are. Only this module decides it, for everything that takes a class.

    the end                                     the answers                         their probabilities
    K scores, or their softmax, or its log      one class of K                      softmax of the scores
    K sigmoids                                  K classes, each by itself           sigmoid of each score
    one score z, or its sigmoid                 the class, and "not" the class      sigmoid of z and of -z

`answering` gives the net that a method runs, which has layers for these scores and probabilities, added where the net
itself lacks them. The net that was read is not changed.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minivis.engine.graph import Node
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.layers import Flatten, FullyConnected, Sigmoid, Softmax
from minivis.layers.base import ForwardMode
from minivis.layers.elementwise import HardSigmoid
from minivis.layers.opposites import Opposites
from minivis.types import Array

CLASS = "class"                                 # the class of a net with one output, if it has no name


def answering(net: Network) -> Any:
    """The net with layers added where it lacks them, so that it has at least two scores and their probabilities.

    A net that has them, or that has no classes (no layer has the role "logits", or one that makes maps), is returned
    unchanged. The new net shares its layers; those that are added are called "answers" and "probabilities".
    """
    logits, prob = net.roles.get("logits"), net.roles.get("prob")
    shape = shape_of(net, logits) if logits else None
    in_maps = shape is not None and len(shape) == 4 and shape[1:3] != (1, 1)
    if shape is None or in_maps or (prob and len(shape) == 2 and shape[1] > 1):
        return net
    new = replace(net, nodes=dict(net.nodes), roles=dict(net.roles))
    squash = net.layers[prob] if prob else None
    if len(shape) == 4:
        logits = added(new, "flat_answers", Flatten(), logits)
    if shape[-1] == 1:
        logits = added(new, "answers", Opposites(), logits)
        new.class_names = both(net.class_names)
        squash = squash if isinstance(squash, HardSigmoid) else Sigmoid()
    new.roles["logits"] = logits
    new.roles["prob"] = added(new, "probabilities", squash or Softmax(), logits)
    return new


def without_lone_softmax(net: Network) -> Any:
    """The net with a sigmoid in place of a softmax that reads a single number, of which it would always make 1.

    The tables of known architectures end in a softmax; a file for one of them may have a single output.
    """
    logits, prob = net.roles.get("logits"), net.roles.get("prob")
    if not (logits and prob and isinstance(net.layers[prob], Softmax) and shape_of(net, logits)[-1] == 1):
        return net
    return replace(net, nodes={**net.nodes, prob: Node(Sigmoid(), (logits,))})


def shape_of(net: Network, logits: str) -> Any:
    """The shape of the scores; None if it is unknown, as it can be for a net built by hand."""
    layer = net.layers[net.check_name(logits)]
    if isinstance(layer, FullyConnected):
        return 1, layer.params["w"].shape[1]
    try:
        return net.shapes()[logits]
    except BadValue:
        if net.input_size is not None:
            raise
        return None


def added(net: Network, name: str, layer: Any, source: Any) -> Any:
    """Add a layer after ``source`` and return its name: ``name``, with a number if that is taken."""
    number = 2
    free = name
    while free in net.nodes:
        free, number = f"{name}_{number}", number + 1
    net.nodes[free] = Node(layer, (source,))
    return free


def both(names: Any) -> Any:
    """The names of the two answers of a net with one output: those given, or made from the only one."""
    names = tuple(names) or (CLASS,)
    return names if len(names) == 2 else (names[0], f"not {names[0]}")


def class_count(net: Network) -> Any:
    """How many classes the answers of a net have, two for a net with one output; 0 for a net without classes."""
    shape = shape_of(net, net.roles["logits"]) if net.roles.get("logits") else None
    return max(2, shape[-1]) if shape else 0


def name_classes(net: Network, names: Any) -> None:
    """Name the classes of a net, one name for each; for a net with one output, name the class that it scores.

    Two names for one output are those of the labels 0 and 1, as data sets number them: the output scores the second.
    """
    names = tuple(str(name) for name in names)
    shape = shape_of(net, net.roles["logits"]) if net.roles.get("logits") else (1, 0)
    check_count(names, shape[-1])
    net.class_names, net.class_aliases = both(names[::-1]) if shape[-1] == 1 else names, {}


def check_count(names: Any, outputs: int) -> None:
    """Raise BadValue, saying what is needed, unless the number of names suits a net with ``outputs`` outputs."""
    if len(names) == outputs or (outputs == 1 and len(names) == 2):
        return
    if outputs == 1:
        raise BadValue(f"there are {len(names)} class names, and this net has one output: give one name, that of the "
                       "class that the output scores, or two, those of label 0 and of label 1, which it scores")
    are = "is 1 class name" if len(names) == 1 else f"are {len(names)} class names"
    raise BadValue(f"there {are} for {outputs} classes: give one name for each, in the order "
                   "of the net's outputs")


@dataclass(frozen=True)
class Ending:
    """The last layers of a net from `answering`, and what its scores (N, K) mean."""

    logits: str
    prob: str
    squash: Any                                 # the layer that turns scores into probabilities
    class_names: tuple
    two_sided: bool                             # of one output: the class and "not" the class

    @classmethod
    def of(cls, net: Network) -> "Ending":
        if not net.roles.get("logits") or not net.roles.get("prob"):
            raise UnknownName("this net has no classes (no layer has the role 'logits'), so there is nothing to "
                              "classify")
        logits, prob = net.roles["logits"], net.roles["prob"]
        return cls(logits, prob, net.layers[prob], tuple(net.class_names), isinstance(net.layers[logits], Opposites))

    @property
    def independent(self) -> bool:
        """Whether each answer has a probability of its own: sigmoids, and the two sides of one output."""
        return bool(self.squash.elementwise)

    @property
    def several(self) -> Any:
        """Whether any number of classes can be right at once, so that their probabilities do not add up to 1."""
        return self.independent and not self.two_sided

    def names(self, count: int) -> Any:
        return self.class_names or tuple(f"class {k}" for k in range(count))

    def probs(self, scores: Array) -> Any:
        """The probabilities of scores (N, K)."""
        return self.squash.forward(scores, mode=ForwardMode(grad=None))[0]

    def says(self, scores: Array, classes: Array) -> Any:
        """Whether the net's answer is, or includes, each picture's class: scores (N, K), classes (N,) -> (N,)."""
        if not self.independent:
            return scores.argmax(axis=1) == classes
        return scores[np.arange(len(scores)), classes] > 0

    def log_probs(self, scores: Array, k: int) -> tuple[Any, Any]:
        """(log p, log (1 - p)) of class ``k`` for scores (K,)."""
        if self.independent:
            return -np.logaddexp(0, -scores[k]), -np.logaddexp(0, scores[k])
        total = np.logaddexp.reduce(scores)
        return scores[k] - total, np.logaddexp.reduce(np.delete(scores, k)) - total
