"""What each pixel adds to the score: gradient x input, and integrated gradients (Sundararajan et al. 2017).

    gradient x input        sum over c of  x * ds(x)/dx                         exact for a linear score without bias
    integrated              sum over c of  (x - x0) * integral from 0 to 1 of  ds/dx (x0 + a (x - x0)) da

x is what the net reads: its zero is the mean colour that preprocessing subtracts. x0 is a picture with nothing on it.
The second is complete: over all pixels it sums to s(x) - s(x0), whatever the net. The integral is the trapezoid rule,
whose steps are halved until that holds to ``tolerance``.
"""

from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.methods.attribution.settings import SaliencySettings
from minivis.methods.shared.fills import filled
from minivis.methods.shared.gradient import input_gradient, mean_gradient
from minivis.methods.shared.result import Subject, input_of
from minivis.methods.shared.target import aim
from minivis.runtime.backend import get_xp, to_cpu
from minivis.types import Array, Progress

MOST_STEPS = 1024


def gradient_x_input(net: Network, subject: Subject, target: Any) -> Array:
    """What each pixel adds to the score in the tangent at x, (N, H, W), with a sign."""
    return to_cpu((subject.input(net) * input_gradient(net, target)).sum(axis=3))


def integrated_gradients(net: Network, subject: Subject, target: Any, *, baseline: Any = SaliencySettings.baseline,
                         steps: int = SaliencySettings.steps, tolerance: float = 0.01, seed: Any = 0,
                         progress: Progress = False) -> tuple[Any, Any, Any]:
    """``maps, rises, steps``: what each pixel adds, (N, H, W); s(x) - s(x0), (N,); and the number of steps.

    ``baseline``: x0, as what covers in `fills.filled`. Steps are doubled, up to 1024, until no gap exceeds
    ``tolerance``; where x and x0 score alike there is nothing to divide by, and the gap is in units of the score.
    """
    if steps < 1 or not tolerance > 0:
        raise BadValue(f"steps must be at least 1 and tolerance above 0, not {steps} and {tolerance}")
    x = subject.input(net)
    xp = get_xp(x)
    side = max(x.shape[1:3])
    x0 = xp.broadcast_to(input_of(net, filled(subject.fitted, baseline, (side, side), seed)), x.shape)
    path = x - x0
    ends = [aim(net, end, target.units) for end in (x, x0)]
    rise = (ends[0].values - ends[1].values).astype(np.float64)

    def between(n: int) -> Any:                                     # the middles of n equal parts
        return mean_gradient(net, lambda k: x0 + xp.asarray((k + 0.5) / n, x.dtype) * path, n, target.units,
                             progress=progress, title=f"integrated gradients, {n} more points")

    mean, n = sum(input_gradient(net, end) for end in ends) / 2, 1
    while True:
        mean, n = (mean + between(n)) / 2, 2 * n        # the trapezoid rule with twice the steps
        maps = to_cpu((path * mean).sum(axis=3))
        found = maps.reshape(len(maps), -1).sum(axis=1, dtype=np.float64)
        gaps = abs(found - rise) / np.where(abs(rise) > 1e-3, abs(rise), 1)
        if n >= MOST_STEPS or (n >= steps and gaps.max() <= tolerance):
            return maps, rise, n
