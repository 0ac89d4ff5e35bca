"""Activations: what is shown is what the net computed."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.methods.looking.activations import activation_grid


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


@pytest.mark.parametrize("layer", [None, "conv1_1", "fc7", "prob"])
def test_activations(vgg, picture, layer):
    result = activation_grid(vgg, picture, layer)
    expected = vgg.forward(vgg.preprocess(picture))[layer or "relu2_1"]
    np.testing.assert_array_equal(result.maps.reshape(expected.shape), expected)
    assert result.numbers["layer"] == (layer or "relu2_1") and result.numbers["max"] == pytest.approx(expected.max())
    best = result.numbers["strongest"][0]["channel"]
    assert expected.reshape(-1, expected.shape[-1]).max(axis=0).argmax() == best
    assert result.picture().shape[2] == 3 and str(best) in str(result)


def test_of_many_maps_the_strongest_are_shown(vgg, picture):
    maps = vgg.forward(vgg.preprocess(picture))["relu2_1"][0]
    result = activation_grid(vgg, picture, channels=3)
    assert result.shown(0) == sorted(np.argsort(-maps.max(axis=(0, 1)), kind="stable")[:3].tolist())
    assert activation_grid(vgg, picture).shown(0) == list(range(8))
    with pytest.raises(BadValue, match="channels must be a whole number of at least 1"):
        activation_grid(vgg, picture, channels=0)


def test_dark_maps_are_counted_among_all_and_the_title_says_so(vgg, picture, monkeypatch):
    from minivis.methods.looking import activations

    titles, drawn = [], activations.panels
    monkeypatch.setattr(activations, "panels", lambda *args, **given: titles.extend(args[1]) or drawn(*args, **given))
    result = activation_grid(vgg, picture, channels=3)
    result.maps[..., result.shown(0)] += 1
    result.maps[:, 0, :, result.shown(0)[0]] = 0                           # dark in part alone
    result.maps[:, :, 1:, result.shown(0)[1]] = 0
    result.maps[..., [c for c in range(8) if c not in result.shown(0)]] = 0
    result.draw(0)
    assert any("the 3 strongest of 8 maps" in title and title.endswith("; dark: 5 of 8") for title in titles)


def test_maps_by_strength_and_each_on_its_own_scale(vgg, picture):
    maps = vgg.forward(vgg.preprocess(picture))["relu2_1"][0]
    strongest = np.argsort(-maps.max(axis=(0, 1)), kind="stable").tolist()
    result = activation_grid(vgg, picture, order="strength", channels=5)
    assert result.shown(0) == strongest[:5] and activation_grid(vgg, picture, order="strength").shown(0) == strongest
    shared = activation_grid(vgg, picture, "relu2_1").picture()
    own = activation_grid(vgg, picture, "relu2_1", scale="channel").picture()
    brightest = [252, 255, 164]                                         # the last colour of the map
    lit = sum(maps[..., c].max() > 0 for c in range(8))
    per_tile = [(p == brightest).all(axis=2).sum() for p in (shared[:, 320:-90], own[:, 320:])]
    assert per_tile[1] >= lit * per_tile[0] > 0, "every map that is lit reaches the brightest colour"
    with pytest.raises(UnknownName, match="did you mean 'strength'"):
        activation_grid(vgg, picture, order="strenght")
    with pytest.raises(UnknownName, match="no scale named 'own'"):
        activation_grid(vgg, picture, scale="own")


def test_activations_need_a_layer(vgg, picture):
    with pytest.raises(UnknownName, match="did you mean 'conv1_2'"):
        activation_grid(vgg, picture, "conv12")
    with pytest.raises(UnknownName, match="no content layer; choose a layer from: "):
        activation_grid(replace(vgg, roles={}), picture)


def test_large_maps_become_small_tiles(branches, rng):
    picture = rng.integers(0, 256, (300, 500, 3), np.uint8)
    assert max(activation_grid(branches, picture, "stem").picture().shape) < 1500
