"""The content and the style of a picture as losses of its activations (Gatys, Ecker & Bethge 2015).

    content     |F - P|^2 / |P|^2                           F (H, W, C): activations, P: those of the photograph
    style       |G - A|^2 / |A|^2,  G = sum over positions p of m_p f_p f_p^T / (C * sum of m)
                A: the same of the painting; m: a mask, 1 where this style belongs, in [0, 1]; 1 everywhere without one

A Gram matrix says which channels are active together, but not where. Both losses are relative: 1 is the loss of a
picture in which the net sees nothing. So weights mean the same at every layer of every net, whatever the size of its
activations. Sums over positions also add up over tiles (image_gradient.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.image_gradient import activations, add, whole_layers
from minivis.errors import BadValue
from minivis.images.colour import luminance
from minivis.images.resampling import area, linear
from minivis.objectives.activations import code_distance, times
from minivis.objectives.base import Objective, objective
from minivis.objectives.layer_weights import layer_weights
from minivis.runtime.backend import get_xp
from minivis.runtime.matmul import product
from minivis.types import Array, Shape

if TYPE_CHECKING:
    from minivis.engine.activations import Activations
    from minivis.engine.network import Network


def gram_sum(a: Array, mask: Any = None) -> Array:
    """Sum over images and positions of m f f^T: (C, C), of a (N, H, W, C) and a mask that broadcasts to it."""
    rows = a.reshape(-1, a.shape[-1])
    weighted = rows if mask is None else (a * mask).reshape(rows.shape)
    return product(rows.T, weighted)


def gram(a: Array, mask: Any = None) -> Array:
    """The Gram matrix (C, C) of the masked positions, divided by their number and by C."""
    return gram_sum(a, mask) / (a.shape[-1] * positions(a.shape, mask))


def positions(shape: Shape, mask: Any = None) -> Any:
    """The number of positions that count."""
    return float(np.prod(shape[:-1])) if mask is None else float(mask.sum())


def style_distance(layer: str, wanted: Any, mask: Any = None) -> Objective:
    """The relative distance of a layer's Gram matrix from ``wanted``, (C, C). mask: (1, H, W, 1), of the layer's
    size."""
    size = float((wanted.astype("float64") ** 2).sum())
    if not size > 0:
        raise BadValue(f"the net sees nothing of this style in {layer}: use other layers, or another picture")
    if mask is not None and not positions((), mask) > 0:
        raise BadValue("a mask is black everywhere; it must be bright where its style is to be used")

    def sums(acts: Activations) -> dict[Any, Any]:
        return {"products": gram_sum(acts[layer], None if mask is None else acts.cut(layer, mask))}

    def evaluate(acts: Activations, sums: Any) -> tuple[Any, dict[Any, Any]]:
        a = acts[layer]
        count = a.shape[-1] * positions(acts.shapes[layer], mask)
        difference = sums["products"] / count - wanted                      # symmetric, like G and A
        seed = times(a, difference * (4 / (count * size)))                  # d|D|^2 / df = 2 (D + D^T) m f / count
        if mask is not None:
            seed *= acts.cut(layer, mask)
        return (difference.astype("float64") ** 2).sum()[None] / size, {layer: seed}

    return objective(f"style({layer})", (layer,), evaluate, sums=sums)


def content_distance(layer: str, wanted: Any) -> Objective:
    """The relative distance of a layer from ``wanted``, its activations for the photograph, (1, H, W, C)."""
    (part,) = code_distance(layer, wanted).parts
    return Objective((part._replace(name=f"content({layer})"),))


# ---- whole pictures ----

def content_loss(net: Network, x: Array, layers: Any, tile: int | None = None) -> Objective:
    """The weighted mean of `content_distance` from x (1, H, W, C) in ``layers``, {name: weight}."""
    acts = whole_layers(net, x, layers, tile)
    check_finite(*(acts[layer] for layer in layers))
    return sum(weight * content_distance(layer, acts[layer]) for layer, weight in layers.items())


def style_loss(net: Network, shape: Shape, paintings: Any, layers: Any, blend: Any = None, masks: Any = None,
               tile: int | None = None) -> Any:
    """The weighted mean of `style_distance` in ``layers`` from pictures, each an input (1, H, W, C) of the net.

    Without masks, the style is the mean of all, by the weights of ``blend``. With masks, uint8 (H, W, C) each, every
    style applies where its mask is bright, weighted by its area. ``shape``: the shape of the picture to paint.
    """
    weights = normal_weights(blend, len(paintings), "styles")
    wanted = [grams_of(net, painting, layers, tile) for painting in paintings]
    if masks is None:
        return sum(weight * style_distance(layer, sum(w * grams[layer] for w, grams in zip(weights, wanted)))
                   for layer, weight in layers.items())
    if len(masks) != len(paintings):
        raise BadValue(f"{len(paintings)} styles and {len(masks)} masks: give one mask for each style")
    covers = [mask_of(mask, shape, wanted[0]) for mask in masks]
    shapes, total = net.shapes(shape), []
    room = normal_weights([float(cover.mean()) for cover in covers], len(covers), "masks")
    for cover, grams, share in zip(covers, wanted, room):
        total += [share * weight * style_distance(layer, grams[layer], area(cover, shapes[layer][1:3]))
                  for layer, weight in layers.items()]
    return sum(total)


def grams_of(net: Network, x: Array, layers: Any, tile: int | None = None) -> dict[Any, Any]:
    """{layer: `gram`} of a picture x (1, H, W, C), summed over tiles if there is a tile size."""
    sums: dict[str, Any] = {}
    for acts in activations(net, x, layers, tile):
        check_finite(*(acts[layer] for layer in layers))
        add(sums, {layer: gram_sum(acts[layer]) for layer in layers})
        shapes = acts.shapes
    return {layer: total / (total.shape[0] * positions(shapes[layer])) for layer, total in sums.items()}


def mask_of(mask: Any, shape: Shape, grams: Any) -> Any:
    """Convert a picture, uint8 (H, W, C) of any size, to a mask (1, h, w, 1) of values in [0, 1] for ``shape``."""
    mask = np.asarray(mask)
    if mask.ndim != 3 or mask.dtype != np.uint8:
        raise BadValue(f"a mask must be a picture, uint8 (H, W, C), not {mask.dtype} {mask.shape}")
    like = next(iter(grams.values()))
    grey = luminance(mask[None].astype(like.dtype)) / 255
    smaller = [min(sides) for sides in zip(grey.shape[1:3], shape[1:3])]
    return get_xp(like).asarray(linear(area(grey, smaller), shape[1:3]))


def weighed(net: Network, layers: Any, role: str) -> dict[Any, Any]:
    """`layer_weights`, scaled so that their sum is 1."""
    weights = layer_weights(net, layers, role)
    return dict(zip(weights, normal_weights(weights.values(), len(weights), f"{role} layers")))


def normal_weights(weights: Any, count: int, of_what: Any) -> list[Any]:
    """Scale weights so that their sum is 1; None means equal weights."""
    weights = [1.0] * count if weights is None else [float(w) for w in weights]
    if len(weights) != count or count == 0:
        raise BadValue(f"{count} {of_what} and {len(weights)} weights: give one weight for each")
    if not all(np.isfinite(w) and w >= 0 for w in weights) or not sum(weights):
        raise BadValue(f"the weights of {of_what} must be at least 0, and one above 0; not {weights}")
    return [w / sum(weights) for w in weights]
