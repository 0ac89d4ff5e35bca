"""Classes, activations and filters: what is shown is what the net computed."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.engine.memory import check_fits, needed
from minivis.engine.network import Network
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected
from minivis.methods.attribution.saliency import saliency
from minivis.methods.looking.activations import activation_grid
from minivis.methods.looking.classify import classify
from minivis.methods.looking.filters import filter_grid
from minivis.methods.shared.result import Result, Subject
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_classify(vgg, picture):
    acts = vgg.forward(vgg.preprocess(picture))
    result = classify(vgg, picture, top=3)
    order = np.argsort(-acts["prob"][0])[:3]
    assert [row["class"] for row in result.numbers["top"]] == [vgg.class_names[k] for k in order]
    np.testing.assert_allclose([row["probability"] for row in result.numbers["top"]], acts["prob"][0][order])
    np.testing.assert_allclose([row["score"] for row in result.numbers["top"]], acts["fc8"][0][order])
    assert str(result).count("\n") == 2 and vgg.class_names[order[0]] in str(result).splitlines()[0]
    assert result.picture().dtype == np.uint8


def test_classify_a_batch_and_more_classes_than_there_are(vgg, rng):
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in ((30, 20, 3), (30, 20, 3), (9, 40, 1))]
    result = classify(vgg, pictures, top=99)
    assert result.classes.shape == (3, 5) and result.settings == {"top": 5}
    np.testing.assert_allclose(result.probs.sum(axis=1), 1)
    alone = classify(vgg, pictures[2])
    np.testing.assert_allclose(result.scores[2], alone.scores[0], rtol=1e-9)


def test_classify_without_names_or_classes(vgg, picture):
    assert classify(replace(vgg, class_names=()), picture).numbers["top"][0]["class"].startswith("class ")
    with pytest.raises(UnknownName, match="no classes"):
        classify(replace(vgg, roles={**vgg.roles, "prob": None}), picture)
    with pytest.raises(BadValue, match="top is at least 1"):
        classify(vgg, picture, top=0)


def test_an_answer_that_is_no_number_is_refused(vgg, picture):
    huge = vgg.map_params(lambda p: p * 1e200)
    for method in (classify, saliency):
        with pytest.raises(BadValue, match="infinite or NaN"), np.errstate(all="ignore"):
            method(huge, picture)


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
    with pytest.raises(BadValue, match="channels is at least 1"):
        activation_grid(vgg, picture, channels=0)


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
    with pytest.raises(UnknownName, match="no content layer: name a layer"):
        activation_grid(replace(vgg, roles={}), picture)


def test_large_maps_become_small_tiles(branches, rng):
    picture = rng.integers(0, 256, (300, 500, 3), np.uint8)
    assert max(activation_grid(branches, picture, "stem").picture().shape) < 1500


def test_filters_of_the_first_layer_are_pictures(vgg):
    result = filter_grid(vgg)
    w = vgg.layers["conv1_1"].params["w"]
    assert result.layer == "conv1_1" and result.reads_picture
    np.testing.assert_array_equal(result.filters[4], w[..., 4])
    assert result.numbers["largest"] == pytest.approx(abs(w).max()) and result.picture().ndim == 3
    bgr = replace(vgg, preprocessing=Preprocessing("BGR", (0,) * 3, (1,) * 3, size=(16, 16)))
    np.testing.assert_array_equal(filter_grid(bgr).filters[4], w[:, :, ::-1, 4])


def test_filters_of_a_deep_layer_are_a_square_a_channel(vgg):
    result = filter_grid(vgg, "conv2_1", rows=5, columns=4)
    assert not result.reads_picture and result.filters.shape == (8, 3, 3, 6)
    assert filter_grid(vgg, "conv2_1").picture().shape > result.picture().shape
    with pytest.raises(UnknownName, match="no convolution named 'fc6'"):
        filter_grid(vgg, "fc6")
    with pytest.raises(BadValue, match="at least 1"):
        filter_grid(vgg, rows=0)


def test_a_net_without_convolutions_has_no_filters():
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,), size=(1, 1)))
    net.add("flatten", Flatten()).add("fc", FullyConnected(np.ones((1, 2)), np.zeros(2)))
    with pytest.raises(UnknownName, match="no convolutions"):
        filter_grid(net)


def test_subject_keeps_colours_for_the_net_and_shows_what_it_sees(rng):
    net, picture = tiny_vgg(channels=1, dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    subject = Subject.of(net, picture)
    np.testing.assert_array_equal(subject.input(net), net.preprocess(picture))      # luma, not rounded
    assert subject.seen.shape == (1, 16, 16, 1)
    assert abs(subject.seen[0, :, :, 0] - picture @ [0.299, 0.587, 0.114]).max() <= 0.5 + 1e-9


def test_pictures_of_several_sizes_need_a_net_with_a_size(branches, rng):
    pictures = [rng.integers(0, 256, (20, side, 3), np.uint8) for side in (20, 30)]
    with pytest.raises(BadValue, match="any size, but a batch is of one; these pictures are 20 x 20, 30 x 20 pixels"):
        Subject.of(branches, pictures)
    with pytest.raises(BadValue, match="an empty batch"):
        Subject.of(branches, [])
    with pytest.raises(BadValue, match="uint8"):
        Subject.of(branches, np.zeros((4, 4, 3)))


def test_memory_is_checked_before(branches, monkeypatch):
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: needed(branches, (1, 100, 100, 3)))
    check_fits(branches, (1, 100, 100, 3))
    with pytest.raises(TooLarge, match=r"1000 x 2000 pixels need .* the longer side 13. pixels or less"):
        check_fits(branches, (1, 2000, 1000, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 110, 110, 3))
    monkeypatch.undo()
    check_fits(branches, (1, 64, 64, 3))
    with pytest.raises(TooLarge):
        check_fits(branches, (1, 500_000, 500_000, 3))


def test_results_share_a_form(vgg, picture):
    for method in (classify, activation_grid):
        result = method(vgg, picture)
        assert isinstance(result, Result) and result.stopped == "done" and isinstance(result.settings, dict)
        with pytest.raises(AttributeError):
            result.stopped = "changed"


def test_convolution_on_the_picture_only_counts_as_one_that_reads_it(rng):
    net = Network(preprocessing=Preprocessing("grey", (0.0,), (1.0,)))
    net.add("a", Conv2D(rng.standard_normal((5, 3, 1, 4)), None))
    net.add("b", Conv2D(rng.standard_normal((1, 1, 4, 2)), None))
    assert filter_grid(net).reads_picture and not filter_grid(net, "b").reads_picture
    assert filter_grid(net).picture().shape[2] == filter_grid(net, "b").picture().shape[2] == 3
