"""Is this Oxford's VGG, and how are its kernels stored? Told by numbers, not by the file's name.

The first filter of conv1_1 has another number in each corner and in each colour, so a file that is rotated by 180
degrees (Theano convolves, all others correlate) or in RGB order (Oxford trained on BGR) gives itself away.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from minivis.types import Array

# conv1_1 at (row, column, channel, filter), BGR; VGG16's from public test code, VGG19's from a printed .mat
KERNELS = {
    "VGG16": {
        (0, 0, 0, 0): 0.42947057, (0, 1, 0, 0): 0.373467, (0, 2, 0, 0): -0.061360113,
        (1, 0, 0, 0): 0.27476987, (1, 1, 0, 0): 0.038680777, (1, 2, 0, 0): -0.36722335,
        (2, 0, 0, 0): -0.05746817, (2, 1, 0, 0): -0.26224968, (2, 2, 0, 0): -0.35009676,
        (0, 0, 1, 0): 0.550379455, (0, 0, 2, 0): 0.480015397, (0, 0, 0, 1): 0.117273867, (0, 0, 0, 63): 0.00757738389,
    },
    "VGG19": {                                  # only what a swap of rows and columns, in doubt there, leaves in place
        (0, 0, 0, 0): 0.34119523, (1, 1, 0, 0): 0.08978214, (2, 2, 0, 0): -0.33683276,
        (0, 0, 1, 0): 0.46418372, (1, 1, 1, 0): 0.10385381, (2, 2, 1, 0): -0.46453714,
        (0, 0, 2, 0): 0.39416704, (1, 1, 2, 0): 0.09986369, (2, 2, 2, 0): -0.41602272,
        (0, 0, 0, 63): -0.00299793, (2, 2, 2, 63): -0.26588449,
    },
}  # fmt: skip
BIASES = {
    "VGG16": (0.73429835, 0.093403675, 0.06775674, 0.8862966, 0.25994542, 0.66426694, -0.015828926, 0.3249065),
    "VGG19": (0.73017758, 0.06493629, 0.03428847, 0.8260386, 0.2578029, 0.54867655, -0.01243854, 0.34789944),
}
DEEPER = {                                      # (layer, parameter, index): value
    "VGG16": {
        ("conv1_2", "w", (2, 2, 63, 63)): 0.016082443, ("conv2_1", "b", (1,)): 0.06440781,
        ("conv5_1", "w", (1, 0, 63, 269)): -0.011236359, ("conv5_2", "b", (510,)): 0.23517226,
        ("conv5_3", "w", (0, 2, 0, 400)): -0.008714244,
    },
    "VGG19": {},
}  # fmt: skip
WIDTHS = {"conv1": 64, "conv2": 128, "conv3": 256, "conv4": 512, "conv5": 512}
CLASSES = 1000
TOLERANCE = 1e-3                                # float16 keeps 0.5 to 2.4e-4; other trainings are off by 0.1


class FirstLayer(NamedTuple):
    """Whose conv1_1 it is ("VGG16", "VGG19"; None: another's), and how it is stored."""

    net: str | None
    rotated: bool = False
    rgb: bool = False


def recognise(w: Any, b: Any) -> FirstLayer:
    """The `FirstLayer` of conv1_1's w (3, 3, 3, F) and b (F,)."""
    if w.shape != (3, 3, 3, 64):
        return FirstLayer(None)
    for net, rotated, rgb in product(KERNELS, (False, True), (False, True)):
        turned = oriented(w, rotated=rotated, rgb=rgb)
        if agrees(turned, KERNELS[net]) and np.allclose(b[:8], BIASES[net], rtol=0, atol=TOLERANCE):
            return FirstLayer(net, rotated, rgb)
    return FirstLayer(None)


def oriented(w: Any, *, rotated: bool = False, rgb: bool = False) -> Any:
    """w (KH, KW, C, F) turned by 180 degrees, with its input channels reversed, or both: a view."""
    w = w[::-1, ::-1] if rotated else w
    return w[:, :, ::-1] if rgb else w


def agrees(array: Array, values: Any) -> bool:
    """Whether ``array[index]`` is close to the value, for every index; an index that it lacks does not agree."""
    return all(
        all(i < n for i, n in zip(index, array.shape)) and abs(array[index] - value) < TOLERANCE
        for index, value in values.items()
    )


def is_whole(name: str, layers: Any) -> bool:
    """Whether the deeper layers (name -> layer), as far as they are known, are those of Oxford's net too."""
    return all(agrees(layers[layer].params[key], {i: value}) for (layer, key, i), value in DEEPER[name].items())


def whose(first: Any, name: str, layers: Any) -> tuple[str, str]:
    """(training, licence) of a ``name`` (VGG16, ...) whose conv1_1 is that of Oxford's ``first``, as far as they tell.

    Of VGG19 no deeper number is known: a net that went on training with a frozen conv1_1 would look the same.
    """
    if first != name or not is_as_wide(layers) or not is_whole(name, layers):
        return f"conv1_1 is Oxford {first}'s, the rest is not", "unknown"
    if "fc8" in layers and layers["fc8"].params["b"].size != CLASSES:
        return f"convolutions of Oxford {first} (fingerprint), another's classifier", "unknown (CC BY 4.0 without fc8)"
    if not DEEPER[name]:
        return (f"conv1_1 is Oxford {first}'s (fingerprint); of the other layers no number is known to compare",
                "CC BY 4.0, if the other layers are Oxford's too")
    return f"Oxford {first} (fingerprint)", "CC BY 4.0"


def is_as_wide(layers: Any) -> bool:
    """Whether the convolutions have as many filters as Oxford's."""
    return all(layers[name].params["b"].size == WIDTHS[name[:5]] for name in layers if name[:5] in WIDTHS)
