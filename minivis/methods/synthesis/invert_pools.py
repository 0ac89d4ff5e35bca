"""Two methods for inverting through a max pool; they change where the loss is measured, not the goal.

As a function of the image, a loss behind a pool and a ReLU has many local minima: a maximum found at the wrong pixel
stays there, and an inactive ReLU has no gradient. Two methods avoid them.

`held_by`: between a pool and the codes of the next convolutions there are few local minima; one convolution is even
linear. So the values of the pool are found first, and then the image that gives the pool these values.

`Multipliers`: a pool's code does not determine where its maxima are. The convolution c below must lie in

    Z = {z: in each window the maximum is the code where that is above 0, and nothing is above 0 where it is 0}

by the alternating direction method of multipliers (Boyd et al. 2011, section 9.1), with a few steps for each image:

    z = the point of Z nearest to c(x) + u;    u = u + c(x) - z;    x = argmin |c(x) - (z - u)|^2
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.layers import Conv2D, MaxPool2D, ReLU
from minivis.objectives.activations import code_distance
from minivis.optimize.scipy_bridge import ScipyProblem, minimise
from minivis.runtime.backend import get_xp
from minivis.types import Array

START = 0.1                                     # of a pool's values: at 0, the ReLUs after it are inactive


def layers_down(net: Network, layer: str) -> Any:
    """``layer``, the layer that it reads, and so on, as long as each reads only one."""
    names = [layer]
    while names[-1] != "input" and len(net.nodes[names[-1]].inputs) == 1:
        names += net.nodes[names[-1]].inputs
    return names


def pool_before(net: Network, layer: str) -> Any:
    """The max pool below ``layer`` with only convolutions and ReLUs between; None if there is none."""
    for name in layers_down(net, layer)[:-1]:
        if isinstance(net.layers[name], MaxPool2D):
            return name if name != layer else None
        if not isinstance(net.layers[name], (Conv2D, ReLU)):
            return None
    return None


def held_by(net: Network, pool: Any, shape: Any, layer: str, code: Any, steps: int) -> Any:
    """Values (N, H, W, C) of ``pool``, of outputs of ``shape``, for which ``layer`` gives ``code``; by L-BFGS."""
    low = 0.0 if isinstance(net.layers.get(net.nodes[pool].inputs[0]), ReLU) else None
    shape = (len(code), *shape[1:])
    start = np.full(int(np.prod(shape)), START)
    fun = ScipyProblem(Above(net, pool, layer, code), shape, net.dtype, net.xp)
    return fun.image(minimise(fun, start, steps=steps, bounds=(low, None), history=20, stop_when_flat=False).x)


@dataclass(frozen=True, eq=False)
class Above:
    """The problem of `held_by`: a `gradient` at a pool's output, as `optimize.Problem` has one at z."""

    net: Any
    pool: str
    layer: str
    code: Any

    def gradient(self, held: Any) -> tuple[Any, Any]:
        objective = code_distance(self.layer, self.code)
        acts = self.net.forward(held, start_after=self.pool, until=self.layer, keep={self.layer})
        found = objective.evaluate(acts)
        dacts, _ = self.net.backward(acts, found.seeds, keep={self.pool})
        return found, dacts[self.pool]


class Multipliers:
    """``aim(x)`` is the next objective, starting from the image x."""

    def __init__(self, net: Network, conv: Any, window: Any, code: Any) -> None:
        self.net, self.conv, self.window, self.code, self.u = net, conv, window, code, 0

    @classmethod
    def of(cls, net: Network, layer: str, code: Any, shapes: Any) -> Any:
        """For a pool of adjacent windows behind another pool; otherwise None, because the first pool is easier.

        ``shapes``: of every layer's output, see `Network.shapes`.
        """
        names = layers_down(net, layer)
        kinds = [type(net.layers.get(name)) for name in names]
        if kinds[:3] != [MaxPool2D, ReLU, Conv2D] or MaxPool2D not in kinds[3:]:
            return None
        pool: Any = net.layers[layer]
        conv = names[2]
        (H, W), (h, w) = shapes[conv][1:3], shapes[layer][1:3]
        side_by_side = pool.stride == pool.size and (h * pool.size[0], w * pool.size[1]) == (H, W)
        return cls(net, conv, pool.size, code) if side_by_side else None

    def aim(self, x: Array) -> Any:
        c = self.net.forward(x, until=self.conv, keep={self.conv}, grad=None)[self.conv]
        z = nearest(c + self.u, self.code, self.window)
        self.u = self.u + c - z
        return code_distance(self.conv, z - self.u)


def nearest(c: Any, code: Any, window: Any) -> Any:
    """The point of Z nearest to c (N, H, W, C), where ``code`` (N or 1, H / h, W / w, C) is the maximum of each window.

    The largest value of a window becomes its maximum; values above their bound become the bound.
    """
    xp, (h, w), (N, H, W, C) = get_xp(c), window, c.shape
    windows = c.reshape(N, H // h, h, W // w, w, C).transpose(0, 1, 3, 5, 2, 4).reshape(N, H // h, W // w, C, h * w)
    most = code[..., None]
    largest = windows.argmax(axis=-1)[..., None] == xp.arange(h * w)
    z = xp.where(largest & (most > 0), most, xp.minimum(windows, most))
    return z.reshape(N, H // h, W // w, C, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(c.shape)
