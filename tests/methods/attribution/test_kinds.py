"""Every kind of map explains itself, and a new one is one entry."""

import numpy as np
import pytest

from minivis.methods.attribution.kinds import KINDS, SIGNED, Kind, Map, missing
from minivis.methods.attribution.saliency import saliency
from minivis.methods.attribution.settings import SaliencySettings


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_shows(kind, vgg, rng):
    found = saliency(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), "cat", kind=kind, samples=2, steps=2)
    sentence = found.meaning(0)
    assert sentence.endswith(".") and "{" not in sentence and len(sentence) > 40
    assert set(KINDS[kind].settings) <= set(SaliencySettings.names()) and KINDS[kind].signed == (kind in SIGNED)


def test_a_new_kind_is_one_entry(vgg, rng, monkeypatch):
    def rows(net, subject, target, *, seed, progress):
        return Map(np.arange(16.0)[None, :, None].repeat(16, axis=2) + target.values[:, None, None])

    monkeypatch.setitem(KINDS, "rows", Kind("rows", "of {name}", "Each row by its number.", rows))
    found = saliency(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), "cat", kind="rows")
    assert found.draw(0).ndim == 3 and found.gaps is None
    assert (np.diff(found.maps[0], axis=0) == pytest.approx(1))


def test_what_a_map_lacks_is_a_part_of_the_whole():
    maps = np.array([[[1.0, 2.0]], [[0.0, 0.5]]])
    np.testing.assert_allclose(missing(maps, [4.0, 0.0]), [0.25, 0.5])
