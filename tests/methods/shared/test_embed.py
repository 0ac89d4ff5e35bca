"""Places in the plane: those alike are close."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.methods.shared.embed import embed


def test_two_heaps_stay_apart(rng):
    heaps = np.concatenate([rng.normal(0, 0.1, (10, 5)), rng.normal(5, 0.1, (10, 5))])
    places, used, _ = embed(heaps, perplexity=5)
    assert places.shape == (20, 2) and places.min() >= 0 and places.max() <= 1 and used == 5
    within = np.linalg.norm(places[:10] - places[:10].mean(axis=0), axis=1).mean()
    assert within < np.linalg.norm(places[:10].mean(axis=0) - places[10:].mean(axis=0))


def test_nothing_to_map():
    with pytest.raises(BadValue, match="all these codes are the same"):
        embed(np.ones((5, 3)))


def test_a_unit_that_never_fires_does_not_hinder(rng):
    codes = rng.normal(size=(12, 4))
    codes[:, 2] = 0.0
    assert np.isfinite(embed(codes, perplexity=3)[0]).all()
