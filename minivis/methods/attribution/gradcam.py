"""Grad-CAM (Selvaraju et al. 2017): which places of the last feature maps speak for a class.

    alpha[k] = mean over i, j of  ds / dA[i, j, k]              how much the score likes map k
    cam[i, j] = max(0, sum over k of  alpha[k] * A[i, j, k])    equations 1 and 2

The maps are coarse, so the result is spread smoothly over the picture. Guided Grad-CAM multiplies it with guided
backpropagation: the details of the one where the other looks.
"""

from typing import Any

import numpy as np
from PIL import Image

from minivis.engine.network import Network
from minivis.engine.roles import ancestors
from minivis.errors import BadValue, UnknownName
from minivis.layers import Add, Concat, Conv2D, ReLU
from minivis.layers.elementwise import Elementwise
from minivis.methods.shared.gradient import pixel_gradient, strongest_channel
from minivis.methods.shared.target import aim
from minivis.runtime.backend import to_cpu
from minivis.types import HW


def gradcam(net: Network, subject: Any, target: Any, *, layer: str | None = None) -> tuple[Any, Any, Any]:
    """``maps, coarse, layer``: (N, H, W), at the size of the net's input, and (N, h, w), as ``layer``
    (`maps_layer`) has it."""
    layer = maps_layer(net, target.units[0].layer, layer, subject.fitted.shape[1:3])
    aimed = aim(net, subject.input(net), target.units, also=(layer,))
    dacts, _ = net.backward(aimed.acts, aimed.seeds(), keep=(layer,))
    maps, dmaps = aimed.acts[layer], dacts[layer]                           # (N, h, w, K)
    alpha = dmaps.mean(axis=(1, 2), keepdims=True)
    cam = to_cpu((alpha * maps).sum(axis=3).clip(0))
    return np.stack([spread(one, subject.fitted.shape[1:3]) for one in cam]), cam, layer


def guided_gradcam(net: Network, subject: Any, target: Any, *, layer: str | None = None) -> tuple[Any, Any]:
    """``maps, layer``: guided backpropagation times Grad-CAM, the strongest colour of each pixel."""
    cam, _, layer = gradcam(net, subject, target, layer=layer)
    return cam * strongest_channel(pixel_gradient(net, target, rule="guided")), layer


def maps_layer(net: Network, unit_layer: Any, layer: Any, image_size: HW) -> Any:
    """Check ``layer``, or choose one with positions below the unit: the last activation (ReLU or another), Add or
    Concat, else convolution."""
    shape_of = net.shapes((1, *image_size, net.input_channels))
    below = [name for name in ancestors(net, unit_layer) if name != unit_layer]
    spatial = [name for name in below if len(shape_of[name]) == 4 and max(shape_of[name][1:3]) > 1]
    if layer is not None:
        net.check_name(layer)
        if layer not in spatial:
            raise BadValue(f"Grad-CAM needs feature maps from which {unit_layer} is computed, and {layer} has none; "
                           f"choose one of: {', '.join(spatial) or 'none'}")
        return layer
    for kinds in ((ReLU, Elementwise, Add, Concat), (Conv2D,)):
        for name in reversed(spatial):
            if isinstance(net.nodes[name].layer, kinds):
                return name
    raise UnknownName(f"Grad-CAM needs feature maps, and there are none below {unit_layer}: ask for a unit further up")


def spread(coarse: Any, size: Any) -> Any:
    """A coarse map (h, w), smoothly enlarged to ``size`` (H, W), nowhere below zero."""
    smooth = Image.fromarray(coarse.astype(np.float32)).resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(smooth).clip(0).astype(coarse.dtype)
