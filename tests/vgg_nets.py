"""VGGs of few channels, for tests: 3,000 numbers instead of 138 million, and all the layers."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from minivis.images.preprocessing import CAFFE_VGG, Preprocessing
from minivis.models.vgg import BLOCKS, POOLS, vgg

WIDTHS = (4, 5, 6, 7, 8)
SIZE = 64                                       # so that fc6 sees 2 x 2 positions: a wrong order of its rows shows


def narrow_vgg(
    name="VGG16", *, widths=WIDTHS, hidden=(11, 10), classes=9, top=True, channels=3, seed=0, dtype=np.float32
):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        w = rng.standard_normal(shape) * (2 / np.prod(shape[:-1])) ** 0.5
        return w.astype(dtype), (0.1 * rng.standard_normal(shape[-1])).astype(dtype)

    convs, before = [], channels
    for count, width in zip(BLOCKS[name], widths):
        for _ in range(count):
            convs.append(draw(3, 3, before, width))
            before = width
    sizes = [before * (SIZE // POOLS) ** 2, *hidden, classes]
    dense = [draw(rows, columns) for rows, columns in pairwise(sizes)] if top else ()
    preprocessing = CAFFE_VGG if channels == 3 else Preprocessing("grey", (0.0,), (1.0,))
    return vgg(name, convs, dense, preprocessing=replace(preprocessing, size=(SIZE, SIZE) if top else None))
