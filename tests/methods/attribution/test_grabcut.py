"""GrabCut in NumPy: mixtures, the smallest cut through a graph, and outlines that are known."""

import itertools

import numpy as np
import pytest

from minivis.methods.attribution.grabcut import (
    BACKGROUND,
    MAYBE,
    MAYBE_NOT,
    OBJECT,
    Mixture,
    clusters,
    grabcut,
    labelled,
    links_of,
    nearest,
    sides,
    smallest_cut,
)


def disc(height=80, width=120, radius=20):
    """(a disc of another colour in noise, where it is, hints from a spot in it and from the border)."""
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - height / 2, x - width / 2)
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 3))
    picture = (np.where((away < radius)[..., None], [220, 180, 40], [40, 90, 160]) + noise).clip(0, 255)
    hints = np.select([away < radius / 3, away < radius, away < 1.8 * radius], [OBJECT, MAYBE, MAYBE_NOT], BACKGROUND)
    return picture.astype(np.uint8), away < radius, hints.astype(np.uint8)


def overlap(found, wanted):
    return (found & wanted).sum() / (found | wanted).sum()


@pytest.mark.parametrize("sides", [(80, 120), (400, 600)])
def test_finds_a_disc_from_a_spot_in_it(sides):
    picture, where, hints = disc(*sides, radius=sides[0] // 4)
    found = grabcut(picture, hints)
    assert found.dtype == bool and found.shape == sides and overlap(found, where) > 0.97


def test_finds_the_same_again():
    picture, _, hints = disc()
    np.testing.assert_array_equal(grabcut(picture, hints), grabcut(picture, hints))


def test_hints_of_another_size_and_grey_pictures():
    picture, where, hints = disc()
    assert overlap(grabcut(picture, nearest(hints, (20, 30))), where) > 0.95
    assert overlap(grabcut(picture[..., :1], hints), where) > 0.95


@pytest.mark.parametrize("shape, longest, expected", [
    ((80, 120, 3), 60, (40, 60)), ((120, 80, 3), 60, (60, 40)), ((80, 120), 120, (80, 120)),
    ((80, 120), 500, (80, 120)), ((1, 1000), 10, (1, 10)), ((30, 91), 90, (30, 90)),
])  # fmt: skip
def test_a_picture_is_shrunk_until_its_longer_side_fits(shape, longest, expected):
    assert sides(shape, longest) == expected


def test_the_nearest_pixel_is_read():
    values = np.array([[1, 2, 3], [4, 5, 6]])
    assert nearest(values, (4, 3)).tolist() == [[1, 2, 3]] * 2 + [[4, 5, 6]] * 2
    assert nearest(values, (1, 6)).tolist() == [[4, 4, 5, 5, 6, 6]]
    assert nearest(values, (3, 2)).tolist() == [[1, 3], [4, 6], [4, 6]]


@pytest.mark.parametrize("value", [OBJECT, MAYBE, MAYBE_NOT, BACKGROUND])
def test_hints_all_alike_are_none(value):
    assert not grabcut(disc()[0], np.full((80, 120), value, np.uint8)).any()


@pytest.mark.parametrize("shape", [(1, 9, 3), (9, 1, 3), (2, 2, 3)])
def test_flat_and_narrow_pictures(shape):
    hints = np.full(shape[:2], BACKGROUND, np.uint8)
    hints[0, 0] = OBJECT
    found = grabcut(np.full(shape, 77, np.uint8), hints)
    assert found[0, 0] and found.sum() == 1


def test_hints_of_the_background_are_certain_and_those_of_the_object_are_not():
    picture, where, hints = disc()
    hints[20:60, 75:84] = OBJECT                                    # beside the disc, in the background's colours
    hints[38:42, 58:62] = BACKGROUND                                    # in the middle of it
    found = grabcut(picture, hints)
    assert overlap(found, where & (hints != BACKGROUND)) > 0.95 and not found[hints == BACKGROUND].any()


def test_a_hint_is_worth_as_much_as_colours_that_speak_against_it():
    picture = np.array([[[0.0] * 3, [9.0] * 3]])
    models = [Mixture.fitted(np.full((2, 3), value), np.zeros(2, int)) for value in (0.0, 9.0)]
    apart = (np.array([0]), np.array([1]), np.array([0.0]))
    free, hinted = np.full((1, 2), -1), np.array([[True, False]])
    against = models[1].cost(picture[0, :1]) - models[0].cost(picture[0, :1])
    assert 10 < against < 20                                        # more than TRUST, less than twice that
    assert labelled(picture, apart, models, free).tolist() == [[False, True]]
    assert labelled(picture, apart, models, free, hinted).tolist() == [[False, True]]
    assert labelled(picture, apart, models, free, 2 * hinted).tolist() == [[True, True]]


@pytest.mark.parametrize("seed", range(5))
def test_the_cut_is_the_smallest_of_all(seed):
    rng = np.random.default_rng(seed)
    as_background, as_object = rng.integers(0, 20, (2, 7)).astype(float)
    first, second = np.triu_indices(7, 1)
    weight = rng.integers(0, 9, len(first)).astype(float)

    def energy(labels):
        return np.where(labels, as_object, as_background).sum() + weight[labels[first] != labels[second]].sum()

    least = min(energy(np.array(labels)) for labels in itertools.product([False, True], repeat=7))
    assert energy(smallest_cut(as_background, as_object, first, second, weight)) == least


def test_known_neighbours_pull_at_free_pixels():
    """A row of one colour, object at one end and background at the other: the cut lies where the models put it."""
    picture = np.array([[[0.0] * 3, [0.0] * 3, [0.0] * 3]])
    same = [Mixture.fitted(np.zeros((2, 3)), np.zeros(2, int))] * 2
    kept = np.array([[1, -1, 1]])
    assert labelled(picture, links_of(picture), same, kept).all()
    assert not labelled(picture, links_of(picture), same, np.array([[0, -1, 0]])).any()


def test_a_mixture_is_the_density_of_its_parts():
    rng = np.random.default_rng(2)
    colours = np.concatenate([rng.normal(60, 20, (300, 3)), rng.normal(200, 5, (100, 3))])
    mixture = Mixture.fitted(colours, np.repeat([0, 1], [300, 100]))
    at = rng.uniform(0, 255, (10, 3))
    density = 0
    for weight, mean, inverse, log_det in zip(np.exp(mixture.log_weights), *mixture[1:]):
        away = at - mean
        density = density + weight * np.exp(-0.5 * ((away @ inverse * away).sum(axis=1) + log_det))
    np.testing.assert_allclose(mixture.cost(at), -np.log(density), rtol=1e-9)
    np.testing.assert_allclose(np.exp(mixture.log_weights), [0.75, 0.25])


def test_clusters_find_groups_of_colours():
    rng = np.random.default_rng(3)
    centres = np.array([[20, 20, 20], [230, 30, 30], [30, 230, 30], [30, 30, 230], [230, 230, 230]])
    true = rng.permutation(np.repeat(np.arange(5), 40))
    labels = clusters(centres[true] + rng.normal(0, 3, (200, 3)))
    assert all(len(np.unique(labels[true == k])) == 1 for k in range(5)) and len(np.unique(labels)) >= 4


def test_one_colour_has_one_cluster():
    assert len(np.unique(clusters(np.full((9, 3), 5.0)))) == 1
