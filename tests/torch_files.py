"""State dicts of known architectures at any width with random numbers, as PyTorch names and orders them."""

import numpy as np

from minivis.models.known import Known
from minivis.models.resnet import Design, resnet, torch_names

SMALL_RESNET = Design((1, 1), bottleneck=False, first=4, filters=(4, 6))


def state_dict(known, *, body_only=False, seed=0):
    """Name -> array of the net at the widths of its table."""
    rng, found, body = np.random.default_rng(seed), {}, set(known.body)
    for name, (layer, key, shape) in known.arrays.items():
        if body_only and layer not in body:
            continue
        shape = shape[::-1] if len(shape) == 2 else (*shape[:1:-1], *shape[:2]) if len(shape) == 4 else shape
        numbers = rng.uniform(0.5, 1.5, shape) if key in ("gamma", "var") else rng.standard_normal(shape) / 3
        found[name] = numbers.astype("f4")
    return found


def small_resnet(design=SMALL_RESNET, *, classes=5, shortcut="downsample"):
    return Known(design.name, "torchvision", lambda: resnet(design, classes), torch_names(design, shortcut))


def linear(prefix, reads, gives, seed=1):
    """A Linear's two arrays."""
    rng = np.random.default_rng(seed)
    return {f"{prefix}.weight": rng.standard_normal((gives, reads)).astype("f4"),
            f"{prefix}.bias": rng.standard_normal(gives).astype("f4")}  # fmt: skip
