"""The same small net with every end that nets have: how many outputs, and what makes them of the scores."""

from minivis.engine.network import Node
from minivis.engine.roles import name_roles
from minivis.layers import FullyConnected, LogSoftmax, Sigmoid, Softmax
from minivis.models.tiny import tiny_vgg

ENDS = {
    "logits": (3, None), "softmax": (3, Softmax), "log-softmax": (3, LogSoftmax), "sigmoids": (3, Sigmoid),
    "one logit": (1, None), "one sigmoid": (1, Sigmoid),
}  # fmt: skip


def ended(end, *, names=(), **settings):
    """A tiny VGG with such an end; its roles are found. ``settings``: as of tiny_vgg."""
    outputs, last = ENDS[end]
    net = tiny_vgg(classes=3, **settings)
    fc = net.layers["fc8"]
    w, b = fc.params["w"][:, :outputs], fc.params["b"][:outputs]
    net.nodes["fc8"] = Node(FullyConnected(w, b), net.nodes["fc8"].inputs)
    del net.nodes["prob"]
    if last:
        net.add("end", last())
    net.roles.update(dict.fromkeys(net.roles))
    net.class_names, net.class_aliases = tuple(names), {}
    name_roles(net)
    return net
