"""Letters of known size, whatever Pillow's are, for tests of where words stand."""

import numpy as np


def block(text, width=None, **how):
    """A black block of 13 pixels by 6 for each letter; a line of a given width is filled."""
    return np.zeros((13, 6 * len(text) if width is None else width, 3), np.uint8)


def runs(ink):
    """[(first, last + 1)] of what is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ink.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))
