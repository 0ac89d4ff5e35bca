"""What a pass does, step by step: which layers run, which of them as one, and which outputs can go after each.

`Network.forward` and `backward` walk through these steps. Here alone it is decided what is fused: a convolution with
the ReLU that alone reads it, and that with its max pool, and two such where the second alone reads the first (its
stripes, where pictures are large), unless somebody wants to see or to seed what is between them.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

from minivis.errors import BadValue
from minivis.layers.fused import FusedConv, fusable
from minivis.layers.striped import StripedConvs


@dataclass(frozen=True, eq=False)
class Step:
    """``layer`` reads ``inputs`` and stands for the layers ``names``, in order: one, or several that run fused."""

    names: tuple
    layer: object
    inputs: tuple
    last_uses: tuple = ()               # outputs that nobody reads afterwards

    def mode(self, mode):
        """``mode`` for this step's layer, where algorithms are given by layer."""
        return mode if isinstance(self.layer, StripedConvs) else mode.at(self.names[0])

    def caches(self, acts):
        """What ``layer.backward`` takes: the layer's cache, or those of all that are fused."""
        caches = [acts.caches[name] for name in self.names]
        return caches[0] if len(caches) == 1 else caches


def forward_steps(net, until=None, keep=None, since="input"):
    """The steps of a forward pass. With ``keep`` None every output stays, and each layer is a step of its own."""
    names = reached(net, until, since)
    if keep is None:
        return [Step((name,), *net.nodes[name]) for name in names]
    keep = net.check_names(keep)
    steps = [step(net, group) for group in grouped(net, names, seen={*keep, *names[-1:]})]
    last_use = {made.names[-1]: made for made in steps}                 # nobody reads it: it can go at once
    last_use.update((source, made) for made in steps for source in made.inputs)
    return [
        replace(made, last_uses=tuple(used for used, last in last_use.items() if last is made and used not in keep))
        for made in steps
    ]


def backward_steps(net, names, seeds, keep, param_grads):
    """The steps of a backward pass over the layers ``names``, last first. Parameters' gradients need every layer's."""
    seen = set(names) if param_grads else {*seeds, *keep}
    return [step(net, group) for group in reversed(grouped(net, names, seen))]


def grouped(net, names, seen):
    """Cut ``names`` into groups that run as one step: tuples of one or two tuples of layers that fuse.

    Of the outputs in ``seen`` none is inside a group.
    """
    readers = defaultdict(list)
    for name in names:
        for source in net.nodes[name].inputs:
            readers[source].append(name)
    groups, taken = [], set()
    for name in names:
        if name in taken:
            continue
        group = fused_from(net, name, readers, seen)
        taken.update(group)
        before = groups[-1][-1] if groups else ()
        striped = len(group) > 1 and len(before) == 2 and before[-1] not in seen and readers[before[-1]] == [name]
        if striped and len(groups[-1]) == 1:
            groups[-1] = (before, group)
        else:
            groups.append((group,))
    return groups


def fused_from(net, name, readers, seen):
    """The names of the layers that run fused with ``name``, the first of them."""
    group = [name]
    while len(group) < 3 and len(readers[group[-1]]) == 1 and group[-1] not in seen:
        longer = [*group, readers[group[-1]][0]]
        if not fusable(*(net.nodes[n].layer for n in longer)):
            break
        group = longer
    return tuple(group)


def step(net, groups):
    names = tuple(name for group in groups for name in group)
    fused = [FusedConv(group, [net.nodes[name].layer for name in group]) for group in groups if len(group) > 1]
    layer = StripedConvs(*fused) if len(fused) == 2 else fused[0] if fused else net.nodes[names[0]].layer
    return Step(names, layer, net.nodes[names[0]].inputs)


def reached(net, until=None, since="input"):
    """The names of the layers after ``since`` up to and including ``until`` (None: all)."""
    names = list(net.nodes)
    if until is not None:
        net.check_name(until)
        names = [] if until == "input" else names[: names.index(until) + 1]
    if since == "input":
        return names
    names = names[1 + list(net.nodes).index(net.check_name(since)) :]
    if until is not None and not names:
        raise BadValue(f"a pass since {since!r} does not come by {until!r}")
    for name in names:
        for source in net.nodes[name].inputs:
            if source != since and source not in names:
                raise BadValue(f"a pass cannot begin at {since!r}: {name!r} reads {source!r} as well, which is before")
    return names
