"""What a dream wants more of: activations -> (loss, seeds), each to be minimised.

    -|a|^2 / 2                              whatever a layer sees; the seed is minus the activations
    -sum of a channel                       one thing, everywhere
    -sum over positions of max_j a . y_j    what a guide shows there: y_j are its features, at its positions
"""

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.image_gradient import activations, whole_layers
from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.objectives.activations import energy, score
from minivis.objectives.base import objective
from minivis.runtime.backend import get_xp

ROWS = 2**22                                    # dot products with a guide at a time: 16 MB


def dream_loss(net, x, wanted, guide=None, tile=None):
    """The objective of ``wanted``, {"layer" or "layer:channel": weight}; x, guide (1, H, W, C): inputs of the net.

    Each is measured by what the layer sees in x, so that weights mean shares. Raise BadValue where it sees nothing.
    """
    layers = {text.partition(":")[0] for text in wanted}
    guides = {} if guide is None else whole_layers(net, guide, layers, tile)
    terms, seen = [], np.zeros(len(wanted))
    for text in wanted:
        layer, _, channel = text.partition(":")
        terms.append(guided(layer, guides[layer]) if guides else score(layer, int(channel)) if channel else
                     energy(layer))
    for acts in activations(net, x, layers, tile):
        seen += [one(acts)[0] for one in terms]
    total = []
    for (text, weight), one, size in zip(wanted.items(), terms, abs(seen)):
        check_finite(size)
        if size == 0:
            raise BadValue(f"{text} sees nothing at all in this picture, so there is nothing to make more of: take "
                           "another layer, or the one before its ReLU")
        total.append(-weight / float(size) * one)
    return sum(total)


def guided(layer, features):
    """Sum over positions of the largest dot product with a feature of the guide, (1, h, w, C)."""
    def evaluate(acts):
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


def parse_wanted(net, wanted):
    """A layer, a channel "conv4_1:12", several of them, or {one: weight} as a dict of checked names."""
    if wanted is None:
        wanted = net.role("dream")
    wanted = {wanted: 1.0} if isinstance(wanted, str) else wanted
    wanted = dict(wanted) if isinstance(wanted, dict) else dict.fromkeys(wanted, 1.0)
    if not wanted or not all(np.isfinite(weight) and weight >= 0 for weight in wanted.values()):
        raise BadValue(f"a dream has at least one layer, with weights from 0 up, not {wanted}")
    found = {}
    for text, weight in wanted.items():
        if text in net.nodes:
            found[text] = float(weight)
        elif ":" in text:
            unit = parse_unit(net, text)
            if unit.where is not None:
                raise BadValue(f"{text}: a dream wants a channel everywhere; leave out the @")
            found[f"{unit.layer}:{unit.channel}"] = float(weight)
        else:
            net.check_name(text)
    found = {text: weight for text, weight in found.items() if weight}
    if not found:
        raise BadValue("every weight of the dream is 0: there is nothing to dream of")
    return found
