"""Whether a net came back from a file or a table as it was."""

import json

from minivis.engine.layer_table import describe


def same(some, other):
    """Whether two nets are the same in every number and word."""

    def everything(net):
        params = {n: {k: (p.dtype, p.tobytes()) for k, p in layer.params.items()} for n, layer in net.layers.items()}
        return json.dumps(describe(net)), params

    return everything(some) == everything(other)
