"""Objectives of dreams: activations -> (loss, seeds), to be minimised.

    -|a|^2 / 2                              everything that a layer sees; the seed is minus the activations
    -sum of a channel                       one feature, everywhere
    -sum over positions of max_j a . y_j    the features y_j of a guide, at its positions j
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.image_gradient import activations, whole_layers
from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.objectives.activations import energy, unit_value
from minivis.objectives.base import objective
from minivis.runtime.backend import get_xp
from minivis.types import Array

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network

ROWS = 2**22                                    # dot products with a guide at a time: 16 MB


def dream_loss(net: Network, x: Array, wanted: Any, guide: Any = None, tile: int | None = None) -> Any:
    """The objective of ``wanted``, {a layer or a unit: weight}; x, guide (1, H, W, C): inputs of the net.

    Each term is relative to its value in x, so that weights mean shares. Raise BadValue if that value is 0.
    """
    layers = {text.partition(":")[0] for text in wanted}
    guides = {} if guide is None else whole_layers(net, guide, layers, tile)
    terms, seen = [], np.zeros(len(wanted))
    for text in wanted:
        layer, _, channel = text.partition(":")
        terms.append(guided(layer, guides[layer]) if guides else unit_value(parse_unit(net, text)) if channel else
                     energy(layer))
    for acts in activations(net, x, layers, tile):
        seen += [one(acts)[0] for one in terms]
    total = []
    for (text, weight), one, size in zip(wanted.items(), terms, abs(seen)):
        check_finite(size)
        if size == 0:
            raise BadValue(f"{text} sees nothing in this picture, so there is nothing to amplify: use another layer, "
                           "or the one before its ReLU")
        total.append(-weight / float(size) * one)
    return sum(total)


def guided(layer: str, features: Any) -> Any:
    """The sum over positions of the largest dot product with a feature of the guide, (1, h, w, C)."""
    def evaluate(acts: Activations) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        xp = get_xp(a)
        y = features.reshape(-1, features.shape[-1])                        # (P, C)
        rows, values, nearest = a.reshape(-1, a.shape[-1]), [], []
        for first in range(0, len(rows), max(1, ROWS // len(y))):
            products = rows[first : first + max(1, ROWS // len(y))] @ y.T
            nearest.append(products.argmax(axis=1))
            values.append(products.max(axis=1))
        best = xp.concatenate(values).reshape(len(a), -1).sum(axis=1, dtype=np.float64)
        return best, {layer: y[xp.concatenate(nearest)].reshape(a.shape)}

    return objective(f"guide({layer})", (layer,), evaluate, per_position=True)
