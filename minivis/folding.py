"""From the net that was trained to the net that is used: the same function in fewer layers."""

from dataclasses import replace

from minivis.layers import BatchNorm, Conv2D, Dropout, FullyConnected, fold_batch_norm
from minivis.network import Node


def for_inference(net):
    """A net without dropout, its batch norms folded into the convolutions (or FC layers) that only they read.

    The function is the same up to rounding. A batch norm behind anything else stays.
    """
    nodes, now_called = {}, {"input": "input"}

    def alone(name):                            # the batch norm is all that reads it
        return sum(name in inputs for _, inputs in net.nodes.values()) == 1

    for name, (layer, inputs) in net.nodes.items():
        inputs = tuple(now_called[source] for source in inputs)
        source = nodes[inputs[0]].layer if inputs[0] in nodes else None
        if isinstance(layer, Dropout):
            now_called[name] = inputs[0]
        elif isinstance(layer, BatchNorm) and isinstance(source, Conv2D | FullyConnected) and alone(inputs[0]):
            nodes[inputs[0]] = Node(fold_batch_norm(source, layer), nodes[inputs[0]].inputs)
            now_called[name] = inputs[0]
        else:
            nodes[name] = Node(layer, inputs)
            now_called[name] = name
    roles = {
        role: [now_called[n] for n in played] if isinstance(played, list) else played and now_called[played]
        for role, played in net.roles.items()
    }
    return replace(net, nodes=nodes, roles=roles)
