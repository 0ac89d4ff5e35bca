"""The text that a net and its activations print as: a few lines that fit a screen, whatever their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minivis.engine.geometry import layer_table
from minivis.errors import MinivisError
from minivis.runtime.text_table import aligned, shortened

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

MOST = 32                                       # lines of a table


def summary(net: Network) -> str:
    """A net as a head and a table: each layer's name, type, output and number of parameters."""
    parameters = f"{net.parameter_count:,} parameters"
    size = " x ".join(map(str, net.input_size)) if net.input_size else "any size"
    if not net.nodes:
        return "Network without layers"
    head = f"Network of {len(net.nodes)} layers, {parameters}; input {size}, {net.input_channels} channels"
    head += f"; {len(net.class_names)} classes" if net.class_names else ""
    try:
        shapes = [" x ".join(map(str, row.shape)) for row in layer_table(net)]
    except MinivisError:                        # a picture of the usual size does not fit
        shapes = [""] * len(net.nodes)
    cells = [(name, type(layer).__name__, shape, f"{sum(p.size for p in layer.params.values()):,}")
             for (name, (layer, _)), shape in zip(net.nodes.items(), shapes)]
    lines = aligned([("layer", "type", "output", "parameters"), *cells], right=(3,))
    return "\n".join([head, "", lines[0], *shortened(lines[1:], MOST, "layers")])


def summary_of_activations(acts: Activations) -> str:
    """Activations as a table: each layer that was kept, with the shape of its output."""
    cells = [(name, " x ".join(map(str, values.shape)), str(values.dtype)) for name, values in acts.items()]
    head = f"Activations of {len(cells)} layers"
    return "\n".join([head, "", *shortened(aligned([("layer", "output", "dtype"), *cells]), MOST, "layers")])
