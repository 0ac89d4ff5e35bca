"""What a pass does, step by step: which layers run, which of them as one, and which outputs can go after each.

`Network.forward` and `backward` walk through these steps. Here alone it is decided what is fused: a convolution with
the ReLU that alone reads it, and that with its max pool; two such where the second alone reads the first (in stripes,
where pictures are large); a MobileNet's block, where no backward will follow. Never where somebody wants to see or to
seed what is between.
"""

import functools
from collections import defaultdict
from dataclasses import dataclass, replace

from minivis.engine.fusion.bottleneck import LONGEST, Bottleneck, block_length
from minivis.engine.fusion.conv_relu_pool import FusedConv, fusable
from minivis.engine.fusion.stripes import StripedConvs
from minivis.errors import BadValue

MOST_PLANS = 100                        # of one net, at a time


@dataclass(frozen=True, eq=False)
class Step:
    """``layer`` reads ``inputs`` and stands for the layers ``names``, in order: one, or several that run fused."""

    names: tuple
    layer: object
    inputs: tuple
    last_uses: tuple = ()               # outputs that nobody reads afterwards

    def mode(self, mode):
        """``mode`` for this step's layer, where algorithms are given by layer."""
        return mode if isinstance(self.layer, StripedConvs | Bottleneck) else mode.at(self.names[0])

    def caches(self, acts):
        """What ``layer.backward`` takes: the layer's cache, or those of all that are fused."""
        caches = [acts.caches[name] for name in self.names]
        return caches[0] if len(caches) == 1 else caches


def made_once(make):
    """The function ``make``, whose plans are kept with the net: making one takes some percent of a small net's pass.

    A plan goes by what the net consists of, so that it is made anew for a net that has changed.
    """

    @functools.wraps(make)
    def steps(net, *question):
        key = make.__name__, tuple(net.nodes.items()), *question
        plan = net.plans.get(key)
        if plan is None:
            if len(net.plans) >= MOST_PLANS:
                net.plans.clear()               # at any time, by any thread: what we return, we hold ourselves
            plan = net.plans[key] = make(net, *question)
        return plan

    return steps


@made_once
def forward_steps(net, until, keep, since, grad):
    """The steps of a forward pass. With ``keep`` None every output stays, and each layer is a step of its own."""
    names = reached(net, until, since)
    if keep is None:
        return [Step((name,), *net.nodes[name]) for name in names]
    steps = fused_steps(net, names, {*keep, *names[-1:]}, blocks=grad is None)
    last_use = {made.names[-1]: made for made in steps}                 # nobody reads it: it can go at once
    last_use.update((source, made) for made in steps for source in made.inputs)
    return [
        replace(made, last_uses=tuple(used for used, last in last_use.items() if last is made and used not in keep))
        for made in steps
    ]


@made_once
def backward_steps(net, names, seeds, keep, param_grads):
    """The steps of a backward pass over the layers ``names``, last first. Parameters' gradients need every layer's."""
    return fused_steps(net, names, set(names) if param_grads else {*seeds, *keep})[::-1]


def fused_steps(net, names, seen, *, blocks=False):
    """Steps for ``names``, with what fuses as one. Of the outputs in ``seen`` none is inside a step.

    blocks: whether a `Bottleneck` may be one, which keeps nothing for a backward.
    """
    readers = defaultdict(list)
    for name in names:
        for source in net.nodes[name].inputs:
            readers[source].append(name)
    steps, taken = [], set()
    for name in names:
        if name in taken:
            continue
        made = step_from(net, name, readers, seen, blocks)
        taken.update(made.names)
        if steps and follows(steps[-1], made, readers, seen):
            first = steps.pop()
            made = Step(first.names + made.names, StripedConvs(first.layer, made.layer), first.inputs)
        steps.append(made)
    return steps


def step_from(net, name, readers, seen, blocks):
    """The step that begins with the layer ``name``: it and those that run fused with it."""
    chain, source = [name], net.nodes[name].inputs[0]
    while len(chain) < LONGEST and len(readers[chain[-1]]) == 1 and chain[-1] not in seen:
        (reader,) = readers[chain[-1]]
        if sorted(net.nodes[reader].inputs) not in ([chain[-1]], sorted([chain[-1], source])):
            break
        chain.append(reader)
    layers, kind = [net.nodes[n].layer for n in chain], Bottleneck
    length = block_length(layers) if blocks else 0
    if not length:
        length, kind = next((n for n in (3, 2) if n <= len(chain) and fusable(*layers[:n])), 1), FusedConv
    names = tuple(chain[:length])
    return Step(names, kind(names, layers[:length]) if length > 1 else layers[0], net.nodes[name].inputs)


def follows(first, second, readers, seen):
    """Whether two steps are convolutions of which the second alone reads the first."""
    if not (isinstance(first.layer, FusedConv) and isinstance(second.layer, FusedConv)):
        return False
    between = first.names[-1]
    return first.layer.pool is None and between not in seen and readers[between] == [second.names[0]]


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
