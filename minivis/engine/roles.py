"""Find the roles of a net's layers by their types, for nets whose file does not give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivis.layers import Add, Conv2D, LogSoftmax, ReLU, Sigmoid, Softmax
from minivis.layers.elementwise import Elementwise, HardSigmoid
from minivis.types import Shape

if TYPE_CHECKING:
    from minivis.engine.network import Network


def name_roles(net: Network, last: Any = None) -> None:
    """Give each role that no layer has yet to a suitable one: logits and prob, code, style, content, dream.

    ``last``: the layer that makes the answer, by default the last one. The style layers are the first activations (ReLU
    or another) of each size of feature maps; in a net without any, the first convolutions or sums.
    """
    shapes = net.shapes()
    last = list(net.nodes)[-1] if last is None else last
    found = end_of(net, last, shapes)
    logits = net.roles.get("logits") or found.get("logits")
    if logits:
        squashed = (ReLU, Elementwise)
        rows = [n for n in ancestors(net, logits) if len(shapes[n]) == 2 and isinstance(net.nodes[n].layer, squashed)]
        found["code"] = rows[-1] if rows else net.nodes[logits].inputs[0]
    style = style_of(net, ancestors(net, last), shapes)
    if style:
        found.update(style=style, content=style[min(3, len(style) - 1)], dream=style[min(3, len(style) - 1)])
    net.roles.update({role: played for role, played in found.items() if not net.roles.get(role)})


def end_of(net: Network, last: Any, shapes: dict[str, Shape]) -> dict[Any, Any]:
    """{"logits": layer, "prob": layer}, as far as they exist, for a net that ends in ``last``; {} if that makes maps.

    A softmax or a sigmoid turns the scores that it reads into probabilities. The logarithm of a softmax is skipped,
    since it reads scores too. Anything else is a score.
    """
    if len(shapes[last]) != 2 and shapes[last][1:3] != (1, 1):
        return {}
    layer, inputs = net.nodes[last]
    if isinstance(layer, Softmax | Sigmoid | HardSigmoid):
        return {"logits": inputs[0], "prob": last}
    return {"logits": inputs[0] if isinstance(layer, LogSoftmax) else last}


def style_of(net: Network, names: Any, shapes: dict[str, Shape]) -> Any:
    """Up to five layers, the first of each size of feature maps: activations, or in a net without any, convolutions."""
    for kinds in ((ReLU, Elementwise), (Conv2D, Add)):
        maps = [n for n in names if isinstance(net.nodes[n].layer, kinds) and len(shapes[n]) == 4]
        maps = [n for n in maps if max(shapes[n][1:3]) > 1]
        if maps:
            return list({shapes[n][1:3]: n for n in reversed(maps)}.values())[::-1][:5]
    return []


def ancestors(net: Network, name: str) -> list[Any]:
    """``name`` and the layers that it is made from, in the order of the net, without the input."""
    wanted = {name}
    for above in reversed(net.nodes):
        if above in wanted:
            wanted.update(net.nodes[above].inputs)
    return [known for known in net.nodes if known in wanted]
