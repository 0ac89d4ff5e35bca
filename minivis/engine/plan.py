"""What a pass does, step by step: which layers run, which of them as one, and which outputs can go after each.

`Network.forward` and `backward` define what a pass computes; `run_forward` and `run_backward` here compute the same in
steps of one layer or of several. Only this module decides what is fused: a convolution with a ReLU that is its only
reader, and with the max pool after that; two such steps, if the second is the only reader of the first (in stripes, for
large pictures); a MobileNet block, if no backward will follow. Layers are never fused if an output between them is kept
or seeded, nor if one is of another class, such as a subclass of Conv2D, which may compute something else.

What a step runs has the methods

    forward(*inputs, mode)              the output, and [(name, shape of its output, cache), ...] of every layer in it
    backward(dout, caches, mode)        (dxs, dparams); ``caches`` is a list, one for each layer
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from minivis.engine.fusion.bottleneck import LONGEST, Bottleneck, block_length
from minivis.engine.fusion.conv_relu_pool import FusedConv, fusable
from minivis.engine.fusion.stripes import StripedConvs
from minivis.errors import BadValue
from minivis.layers.base import BackwardMode, ForwardMode
from minivis.runtime.affinity import STAY
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.types import Array, Gradients, GradKind

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

MOST_PLANS = 100                        # of one net, at a time


@dataclass(frozen=True, eq=False)
class Step:
    """``run`` reads ``inputs`` and stands for the layers ``names``, in order: one, or several that run fused."""

    names: tuple
    run: object
    inputs: tuple
    last_uses: tuple = ()               # outputs that are not read afterwards


class OneLayer:
    """A layer that runs by itself, as a step."""

    def __init__(self, name: str, layer: Any) -> None:
        self.name, self.layer = name, layer

    def forward(self, *inputs: Sequence[Array], mode: ForwardMode) -> Any:
        out, cache = self.layer.forward(*inputs, mode=mode.at(self.name))
        return out, [(self.name, out.shape, cache)]

    def backward(self, dout: Array, caches: Any, mode: BackwardMode) -> Any:
        return self.layer.backward(dout, caches[0], mode.at(self.name))


def run_forward(acts: Activations, steps: Any) -> Any:
    """The loop of `Network.forward` over steps."""
    with ONE_BLAS_THREAD, STAY:                                         # once, and not by each layer
        for step in steps:
            acts[step.names[-1]], made = step.run.forward(*(acts[source] for source in step.inputs), mode=acts.mode)
            for name, shape, cache in made:
                acts.record(name, shape, cache)
            acts.drop(step.last_uses)
    return acts


def run_backward(acts: Activations, seeds: Gradients, keep: Any, mode: Any) -> Any:
    """The loop of `Network.backward` over steps: the gradients at the layers of ``keep``."""
    dacts = dict(seeds)
    with ONE_BLAS_THREAD, STAY:
        for step in backward_steps(acts.net, tuple(acts.caches), frozenset(seeds), frozenset(keep)):
            name = step.names[-1]
            if name not in dacts:
                continue                                                # no seed and nothing above: no gradient here
            dout = dacts[name] if name in keep else dacts.pop(name)
            dxs, _ = step.run.backward(dout, [acts.caches[name] for name in step.names], mode)
            for source, dx in zip(step.inputs, dxs):
                dacts[source] = dacts[source] + dx if source in dacts else dx       # not +=: arrays may be shared
    return kept(dacts, keep)


def made_once(make: Any) -> Any:
    """Keep the plans that ``make`` returns with the net: making one takes a few percent of a small net's pass.

    The key includes the net's nodes, so a net that has changed gets a new plan.
    """

    @functools.wraps(make)
    def steps(net: Any, *question: Any) -> Any:
        key = make.__name__, tuple(net.nodes.items()), *question
        plan = net.plans.get(key)
        if plan is None:
            if len(net.plans) >= MOST_PLANS:
                net.plans.clear()               # safe at any time, in any thread: callers hold the plans that they use
            plan = net.plans[key] = make(net, *question)
        return plan

    return steps


@made_once
def forward_steps(net: Network, until: str | None, keep: Any, start_after: str, grad: GradKind | None) -> list[Any]:
    """The steps of a forward pass. With ``keep`` None every output stays, and each layer is a step of its own."""
    names = reached(net, until, start_after)
    if keep is None:
        return [single(net, name) for name in names]
    steps = fused_steps(net, names, {*keep, *names[-1:]}, blocks=grad is None)
    last_uses = dropped([(step.names[-1], step.inputs) for step in steps], keep)
    return [replace(step, last_uses=last_uses[step.names[-1]]) for step in steps]


def unused_after(net: Network, names: Any, keep: Any) -> Any:
    """Name -> the outputs that are not needed once this layer has run, if each of ``names`` runs by itself."""
    if keep is None:
        return dict.fromkeys(names, ())
    return dropped([(name, net.nodes[name].inputs) for name in names], net.check_names(keep))


def dropped(made: Any, keep: Any) -> Any:
    """For [(name, inputs), ...] in order: name -> the outputs that can go after it, since nothing later reads them."""
    last_use = {name: name for name, _ in made}                         # if nothing reads it, it can go at once
    last_use.update((source, name) for name, inputs in made for source in inputs)
    found: dict[str, list[str]] = {name: [] for name, _ in made}
    for used, last in last_use.items():
        if used not in keep:
            found[last].append(used)
    return found


@made_once
def backward_steps(net: Network, names: Any, seeds: Gradients, keep: Any) -> Any:
    """The steps of a backward pass over the layers ``names`` to those of ``keep``, last first."""
    steps = fused_steps(net, names, {*seeds, *keep})
    way = leading({step.names[-1]: step.inputs for step in steps}, keep)
    return [step for step in reversed(steps) if step.names[-1] in way]


def leading(inputs: Any, keep: Any) -> set[str]:
    """Of the layers of ``inputs`` (name -> what it reads, in the order of the net) those that depend on one of
    ``keep``: a gradient at any other goes nowhere that is asked for."""
    found: set[str] = set()
    for name, sources in inputs.items():
        if any(source in keep or source in found for source in sources):
            found.add(name)
    return found


def kept(dacts: Gradients, keep: Any) -> Gradients:
    """Of the gradients of a backward pass those that were asked for."""
    return {name: dout for name, dout in dacts.items() if name in keep}


def fused_steps(net: Network, names: Any, seen: Any, *, blocks: bool = False) -> Any:
    """The steps for ``names``, fused where possible; no output in ``seen`` is inside a step.

    blocks: whether a step may be a `Bottleneck`, which keeps nothing for a backward.
    """
    readers = defaultdict(list)
    for name in names:
        for source in net.nodes[name].inputs:
            readers[source].append(name)
    steps: list[Step] = []
    taken: set[str] = set()
    for name in names:
        if name in taken:
            continue
        made = step_from(net, name, readers, seen, blocks)
        taken.update(made.names)
        if steps and follows(steps[-1], made, readers, seen):
            first = steps.pop()
            made = Step(first.names + made.names, StripedConvs(first.run, made.run), first.inputs)
        steps.append(made)
    return steps


def step_from(net: Network, name: str, readers: Any, seen: Any, blocks: Any) -> Any:
    """The step that begins with the layer ``name``: it and those that run fused with it."""
    chain, source = [name], net.nodes[name].inputs[0]
    while len(chain) < LONGEST and len(readers[chain[-1]]) == 1 and chain[-1] not in seen:
        (reader,) = readers[chain[-1]]
        if sorted(net.nodes[reader].inputs) not in ([chain[-1]], sorted([chain[-1], source])):
            break
        chain.append(reader)
    layers = [net.nodes[n].layer for n in chain]
    kind: type[Bottleneck] | type[FusedConv] = Bottleneck
    length = block_length(layers) if blocks else 0
    if not length:
        length, kind = next((n for n in (3, 2) if n <= len(chain) and fusable(*layers[:n])), 1), FusedConv
    if length == 1:
        return single(net, name)
    names = tuple(chain[:length])
    return Step(names, kind(names, layers[:length]), net.nodes[name].inputs)


def single(net: Network, name: str) -> Step:
    """The step of one layer."""
    layer, inputs = net.nodes[name]
    return Step((name,), OneLayer(name, layer), inputs)


def follows(first: Any, second: Any, readers: Any, seen: Any) -> Any:
    """Whether two steps are convolutions and the second is the only reader of the first."""
    if not (isinstance(first.run, FusedConv) and isinstance(second.run, FusedConv)):
        return False
    between = first.names[-1]
    return first.run.pool is None and between not in seen and readers[between] == [second.names[0]]


def reached(net: Network, until: str | None = None, start_after: str = "input") -> Any:
    """The names of the layers after ``start_after`` up to and including ``until`` (None: all)."""
    names = list(net.nodes)
    if until is not None:
        net.check_name(until)
        names = [] if until == "input" else names[: names.index(until) + 1]
    if start_after == "input":
        return names
    names = names[1 + list(net.nodes).index(net.check_name(start_after)) :]
    if until is not None and not names:
        raise BadValue(f"{until!r} does not come after {start_after!r} (start_after={start_after!r}, until={until!r})")
    for name in names:
        for source in net.nodes[name].inputs:
            if source != start_after and source not in names:
                raise BadValue(f"a pass cannot start after {start_after!r}: {name!r} also needs {source!r}, which lies "
                               "before it")
    return names
