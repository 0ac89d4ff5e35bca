"""Shuffled weights, and what of a map survives them; how well maps find an object whose outline is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from minivis.errors import BadValue, UnknownName
from minivis.methods.attribution.saliency import saliency
from minivis.methods.attribution.sanity import QUICK, rank_correlation, sanity_check, shuffled
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_layers_are_shuffled_from_the_top_and_stay_shuffled(vgg, picture):
    found = sanity_check(vgg, picture, "cat", kinds=("gradient", "guided"), seed=3)
    assert found.layers == ("fc8", "fc7", "fc6", "conv2_1", "conv1_2", "conv1_1")
    rng, broken = np.random.default_rng(3), vgg
    for stage, name in enumerate(found.layers, 1):
        broken = shuffled(broken, name, rng)
        expected = saliency(broken, picture, "cat", kind="guided").maps
        np.testing.assert_array_equal(found.maps["guided"][stage], expected)
        like = spearmanr(found.maps["guided"][0].ravel(), expected.ravel()).statistic if expected.any() else 0
        assert found.likeness["guided"][stage - 1, 0] == pytest.approx(like)
    np.testing.assert_array_equal(found.maps["guided"][0], saliency(vgg, picture, "cat", kind="guided").maps)
    assert found.numbers["kinds"]["guided"]["at_the_end"] == found.likeness["guided"][-1, 0]


def test_a_shuffled_layer_has_the_same_numbers_and_the_net_is_unchanged(vgg):
    before = vgg.layers["conv2_1"].params["w"].copy()
    broken = shuffled(vgg, "conv2_1", np.random.default_rng(0))
    now = broken.layers["conv2_1"].params["w"]
    assert (now != before).any() and now.shape == before.shape
    np.testing.assert_array_equal(np.sort(now.ravel()), np.sort(before.ravel()))
    np.testing.assert_array_equal(vgg.layers["conv2_1"].params["w"], before)
    assert all(broken.layers[name] is layer for name, layer in vgg.layers.items() if name != "conv2_1")


def test_rank_correlation_by_hand():
    a = np.array([[1.0, 2], [3, 4]])
    assert rank_correlation(a, a**3) == pytest.approx(1) and rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.array([[1, 3], [2, 4]])) == pytest.approx(0.8)      # 1 - 6 * 2 / (4 * 15)
    assert rank_correlation(a, np.ones((2, 2))) == 0


def test_the_chart_begins_with_the_trained_net_and_has_all_likeness_from_0_to_1(vgg, rng, calls_of):
    charts = calls_of("minivis.methods.attribution.sanity.line_chart")
    found = sanity_check(vgg, rng.integers(0, 256, (16, 16, 3), np.uint8), kinds=("gradient",))
    found.picture()
    ((lines,), how), = charts
    (x, y), = lines.values()
    assert (how["low"], how["high"]) == (0, 1)
    np.testing.assert_array_equal(x, np.arange(len(found.layers) + 1))
    np.testing.assert_array_equal(y, [1, *found.likeness["gradient"][:, 0]])


def test_six_maps_are_drawn_from_the_trained_nets_to_the_last_with_their_likeness_below(vgg, rng, calls_of):
    drawn, texts = (calls_of(f"minivis.methods.attribution.sanity.{name}") for name in ("unsigned", "text_picture"))
    found = sanity_check(vgg, rng.integers(0, 256, (2, 16, 16, 3), np.uint8), kinds=("gradient", "guided"))
    found.draw(1)
    stages, names = (0, 1, 2, 4, 5, 6), ("fc8", "fc7", "conv2_1", "conv1_2", "conv1_1")
    np.testing.assert_array_equal([args[0] for args, _ in drawn],
                                  [found.maps[kind][stage, 1] for kind in found.maps for stage in stages])
    expected = []
    for kind, title in (("gradient", "gradient"), ("guided", "guided backprop")):
        likeness = [f"{found.likeness[kind][stage - 1, 1]:.2f}" for stage in stages[1:]]
        expected += ["trained", "", *(text for pair in zip((f"down to {name}" for name in names), likeness)
                                      for text in pair), title]
    assert [args[0] for args, _ in texts] == expected


def test_a_neuron_in_the_middle_batches_and_grey_nets(vgg, rng):
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = sanity_check(vgg, pictures, "relu2_1:3@max", kinds=QUICK)
    assert found.layers == ("conv2_1", "conv1_2", "conv1_1") and found.likeness["gradcam"].shape == (3, 2)
    alone = sanity_check(vgg, pictures[1], "relu2_1:3@max", kinds=("gradient",))
    np.testing.assert_allclose(found.likeness["gradient"][:, 1], alone.likeness["gradient"][:, 0], atol=1e-6)
    assert found.picture().shape[2] == 3 and str(found).count("likeness") == 2
    assert sanity_check(tiny_vgg(channels=1), pictures[0], kinds=("deconv",)).picture().shape[2] == 3


def test_mistakes(vgg, picture):
    with pytest.raises(UnknownName, match="did you mean 'guided'"):
        sanity_check(vgg, picture, kinds=("gided",))
    with pytest.raises(BadValue, match="depends on no weights"):
        sanity_check(vgg, picture, "input:0", kinds=("gradient",))
