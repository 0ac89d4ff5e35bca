"""Checks that every pass and every method shares, with their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivis.convolution.choose import check_algorithm
from minivis.errors import BadValue, UnknownName
from minivis.layers.base import ForwardMode
from minivis.layers.conv import Conv2D
from minivis.layers.rules import rule_named
from minivis.runtime import plain
from minivis.runtime.backend import get_xp
from minivis.types import Array, Gradients, GradKind

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network


def check_finite(*answers: Any) -> None:
    """Raise BadValue if one of a net's answers (arrays) is infinite or NaN."""
    for values in answers:
        if not get_xp(values).isfinite(values).all():
            raise BadValue("the net's answer to this picture is infinite or NaN: its weights overflow")


def check_forward(net: Network, x: Array, grad: GradKind | None, training: bool, rng: Any,
                  algorithm: Any, workspace: Any, start_after: str) -> Any:
    """The `ForwardMode` of a pass over x; raise BadValue or UnknownName for what does not fit."""
    if grad not in (None, "image", "params"):
        raise UnknownName.of("grad", grad, (None, "image", "params"))
    if start_after == "input" and (getattr(x, "ndim", 0) != 4 or x.shape[3] != net.input_channels or 0 in x.shape):
        got = getattr(x, "shape", type(x).__name__)
        raise BadValue(f"the net reads (N, H, W, {net.input_channels}), got {got}")
    if x.dtype.kind != "f" or (x.dtype != net.dtype and net.parameter_count):     # without parameters: any float
        raise BadValue(f"dtype mismatch: the net is {net.dtype}, the input {x.dtype}; convert with net.astype(...) or "
                       "x.astype(...)")
    if any(get_xp(p) is not get_xp(x) for layer in net.layers.values() for p in layer.params.values()):
        raise BadValue("the net and the input are on different devices; move the net with net.to('cpu' | 'gpu')")
    return ForwardMode(grad, training, rng, checked_algorithm(net, algorithm), workspace)


def checked_algorithm(net: Network, algorithm: Any) -> Any:
    """The algorithm for convolutions; in plain mode the definition, for every layer for which no other is named."""
    named = algorithm if isinstance(algorithm, dict) else {None: algorithm}
    for name, value in named.items():
        if name is not None and not isinstance(net.layers.get(net.check_name(name)), Conv2D):
            raise BadValue(f"algorithm: {name!r} is not a convolution")
        check_algorithm(value)
    if not plain.is_plain():
        return algorithm
    if isinstance(algorithm, dict):
        return dict.fromkeys(net.nodes, plain.algorithm()) | algorithm
    return plain.algorithm() if algorithm == "auto" else algorithm


def check_backward(net: Network, acts: Activations, seeds: Gradients, rule: Any, param_grads: bool,
                   keep: Any) -> tuple[Any, Any]:
    """The rule, and the names of the layers to keep, as a set; raise BadValue or UnknownName for what does not fit."""
    if acts.net.nodes is not net.nodes:
        raise BadValue("these activations come from a different net")
    if acts.mode.grad is None:
        raise BadValue("this forward pass kept nothing for a backward pass: run it with grad='image' or 'params'")
    if param_grads and acts.mode.grad != "params":
        raise BadValue("this forward pass did not keep the layers' inputs: run it with grad='params' for param_grads")
    rule = rule_named(rule)
    if rule.relevance and param_grads:
        raise BadValue(f"parameters have no relevance: the rule {rule.name!r} works only with param_grads=False")
    if not seeds:
        raise BadValue("backward needs a seed: {layer name: gradient there}")
    for name, seed in seeds.items():
        net.check_name(name)
        if name not in acts.shapes:
            raise BadValue(f"a seed at {name!r}, but this pass ended before it, at {list(acts.shapes)[-1]!r}")
        wanted = f"{acts.dtype} {acts.shapes[name]}"
        got = f"{seed.dtype} {seed.shape}" if hasattr(seed, "dtype") else f"a {type(seed).__name__}"
        if got != wanted:
            raise BadValue(f"the seed at {name!r} must be {wanted}, got {got}")
    return rule, set(acts.shapes) if keep == "all" else net.check_names(keep)
