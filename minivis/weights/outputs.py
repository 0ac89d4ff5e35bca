"""Which of a net's outputs is the answer, where its file has several, and what its scores mean."""

from dataclasses import replace
from typing import Any

from minivis.engine.ending import shape_of
from minivis.engine.network import Network, Node
from minivis.engine.roles import name_roles
from minivis.errors import BadValue, UnknownName
from minivis.layers import LogSoftmax, Sigmoid, Softmax

ANSWERS = {"one": Softmax, "several": Sigmoid}  # of the classes are right: what makes probabilities of scores


def tell_outputs(net: Network, outputs: Any) -> None:
    """Keep in ``net.about`` which layer makes each of several outputs of a file, {name: layer}, the answer first."""
    if len(outputs) > 1:
        first, *others = outputs
        net.about["outputs"] = dict(outputs)
        net.about["output"] = f"{first!r}; the file also has {', '.join(map(repr, others))}: --output names another"


def choose_output(net: Network, name: str) -> None:
    """Make the output ``name``, or the layer of that name, the answer of the net."""
    outputs = net.about.get("outputs") or {}
    layer = outputs.get(name, name)
    if layer not in net.nodes:
        raise UnknownName.of("output", name, [*(outputs or net.nodes)])
    net.roles.update(logits=None, prob=None, code=None)
    net.class_names, net.class_aliases = (), {}
    name_roles(net, layer)
    net.about["output"] = f"{name!r}, as asked for"


def with_answers(net: Network, kind: Any) -> Any:
    """The net whose scores mean that "one" class is right, or that "several" may be: softmax, or a sigmoid for each."""
    if kind not in ANSWERS:
        raise UnknownName.of("kind of answers", kind, ANSWERS)
    if not net.roles.get("logits"):
        raise BadValue("this net has no classes, so there are no answers of which one or several could be right")
    if shape_of(net, net.roles["logits"])[-1] == 1:
        raise BadValue("this net has one output, whose answers are yes and no: leave --answers out")
    nodes, logits, squash = dict(net.nodes), net.roles["logits"], ANSWERS[kind]()
    ends = [name for name, (layer, inputs) in nodes.items()
            if logits in inputs and isinstance(layer, Softmax | LogSoftmax | Sigmoid)]
    name = ends[0] if ends else net.roles.get("prob") or "prob"
    while name in nodes and name not in ends:
        name += "_"
    nodes[name] = Node(squash, (logits,))
    return replace(net, nodes=nodes, roles={**net.roles, "prob": name})
