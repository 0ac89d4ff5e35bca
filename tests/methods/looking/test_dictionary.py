"""What other ways of learning find in patches of photographs."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.figures.text import percent
from minivis.methods.looking.dictionary import FilterComparison, compare_filters, learn
from minivis.methods.looking.filters import FilterGrid
from minivis.methods.looking.gabor import fitted, part_used
from minivis.models.tiny import tiny_vgg


def test_pca_is_the_direction_of_the_largest_variance(rng):
    pattern = rng.standard_normal((4, 4, 1))
    pattern -= pattern.mean()
    strength = rng.choice([-1, 1], (500, 1, 1, 1)) * rng.uniform(20, 30, (500, 1, 1, 1))
    patches = np.rint(128 + strength * pattern + rng.normal(0, 2, (500, 4, 4, 1))).clip(0, 255)
    found = learn(patches, 5)
    likeness = abs((found["PCA"][0] * pattern).sum()) / np.linalg.norm(found["PCA"][0]) / np.linalg.norm(pattern)
    assert likeness > 0.99 and set(found) == {"PCA", "ICA", "k-means", "sparse coding"}
    assert all(filters.shape == (5, 4, 4, 1) for filters in found.values())


def test_ica_and_sparse_coding_find_the_parts_that_pca_mixes(rng):
    """Patches of a few independent bright bars: ICA and sparse coding give the bars back, PCA gives sums of them."""
    bars = np.zeros((6, 6, 6, 1))
    for k in range(6):
        bars[k, k] = 1
    strength = rng.laplace(0, 25, (3000, 6)) * (rng.random((3000, 6)) < 0.3)
    patches = (128 + np.einsum("nk,khwc->nhwc", strength, bars) + rng.normal(0, 0.5, (3000, 6, 6, 1))).clip(0, 255)
    found = learn(patches, 5)
    mean = {way: part_used(filters.reshape(5, -1)).mean() for way, filters in found.items()}
    assert mean["ICA"] < 0.8 * mean["PCA"]


@pytest.mark.parametrize("count, h, w, columns, scale", [
    (9, 5, 7, 3, 11), (10, 7, 5, 4, 11), (9, 4, 45, 3, 2), (16, 4, 40, 4, 2),
])  # fmt: skip
def test_each_sheet_of_filters_is_as_large_as_its_side_allows(rng, monkeypatch, count, h, w, columns, scale):
    """280 pixels hold 3 columns of 7 + 1 pixels 11 times. Each pixel of a filter becomes 2 x 2 at least."""
    seen = []
    monkeypatch.setattr("minivis.methods.looking.dictionary.contact_sheet",
                        lambda tiles, columns, **how: seen.append((len(tiles), columns, how["scale"]))
                        or contact_sheet(tiles, columns, **how))
    titles = []
    monkeypatch.setattr("minivis.methods.looking.dictionary.panels",
                        lambda sheets, given, **how: titles.extend(given) or panels(sheets, given, **how))
    own = FilterGrid("conv1", rng.standard_normal((9, 5, 5, 3)), True)
    learnt = rng.standard_normal((count, h, w, 1))
    fits = {"conv1": fitted(own.filters), "PCA": fitted(learnt)}
    settings = {"patches": 490, "photos": 2}
    found = FilterComparison(own, {"PCA": learnt}, fits, [("a.jpg", "a.jpg is empty")], settings=settings)
    found.picture()
    assert seen == 2 * [(9, 3, 15)] + 2 * [(count, columns, scale)]
    assert titles[1::2] == [f"{name}, nearest Gabors\n{fits[name].told()}" for name in fits]
    said = [f"{name:<14} {percent(fits[name].local.mean()):>7} local edges; Gabor {fits[name].told()}" for name in fits]
    assert str(found).splitlines() == [*said, "left out: a.jpg is empty"]
    assert titles[0].startswith("conv1\n9 of 5 x 5; ") and titles[2].startswith(f"PCA\n{count} of {w} x {h}; ")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_nearly_every_method_finds_local_edges_and_pca_does_not(seed):
    """What demo 02_gabors, its README and the figure claim; the measured ranges are of three BLAS kernels and seeds."""
    found = compare_filters(mv.load("emoji-alexnet"), seed=seed)
    edges = {name: fit.local.mean() for name, fit in found.fits.items()}
    likeness = {name: np.median(fit.likeness) for name, fit in found.fits.items()}
    assert edges["PCA"] < 0.1 and likeness["PCA"] < 0.4
    for way in ("ICA", "k-means", "sparse coding"):
        assert edges[way] > 0.3 and likeness[way] > 0.5
    assert likeness["conv1"] > 0.8


def test_compare(vgg, tmp_path):
    found = compare_filters(vgg, patches=490)
    assert list(found.learnt) == ["PCA", "ICA", "k-means", "sparse coding"]
    assert found.learnt["ICA"].shape == (49, 12, 12, 1) and found.picture().shape[2] == 3
    assert found.numbers["learnt"]["PCA"]["gabor_fit"] == pytest.approx(np.median(found.fits["PCA"].likeness))
    again = compare_filters(vgg, patches=490)
    assert all((again.learnt[way] == found.learnt[way]).all() for way in found.learnt)
    assert compare_filters(tiny_vgg(channels=1), patches=490).learnt["k-means"].shape == (49, 12, 12, 1)
    for settings, message in (({"layer": "conv2_1"}, "reads feature maps"), ({"patches": 20}, "use 490 or more")):
        with pytest.raises(BadValue, match=message):
            compare_filters(vgg, **settings)
