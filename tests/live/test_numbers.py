"""The names of single numbers, and the one number that stands for the rest of a long sum."""

from dataclasses import replace

import numpy as np
import pytest

from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.live.numbers import named, place, rest, source_name


@pytest.fixture(scope="module")
def acts(vgg):
    return vgg.forward(np.random.default_rng(1).standard_normal((1, 16, 16, 3)))


def test_a_unit_has_its_row_and_column_first_and_then_its_channel(vgg, acts):
    assert place(acts, parse_unit(vgg, "conv2_1:5@3,4")) == (3, 4, 5)
    assert place(acts, parse_unit(vgg, "fc7:6")) == (6,)
    row, column = np.unravel_index(acts["conv2_1"][0, :, :, 5].argmax(), (8, 8))
    assert place(acts, parse_unit(vgg, "conv2_1:5@max")) == (row, column, 5)
    with pytest.raises(BadValue, match="add the place of the number"):
        place(acts, parse_unit(vgg, "conv2_1:5"))


def test_only_the_classes_have_names(vgg):
    assert named(vgg, "conv2_1", (3, 4, 1)) == "conv2_1:1@3,4"
    assert named(vgg, "fc8", (1,)) == "fc8:cat" and named(vgg, "prob", (4,)) == "prob:tropical fish"
    assert named(vgg, "fc7", (1,)) == "fc7:1"
    few = replace(vgg, class_names=("goose",))                  # of the classes beyond the names, the numbers
    assert [named(few, "fc8", (k,)) for k in range(3)] == ["fc8:goose", "fc8:1", "fc8:2"]


def test_a_number_behind_a_flatten_is_named_as_it_was_before(vgg, acts):
    assert acts["pool2"].shape == (1, 4, 4, 8)
    assert source_name(vgg, acts, "flatten", ((2 * 4 + 3) * 8 + 5,)) == "pool2:5@2,3"
    assert source_name(vgg, acts, "relu6", (7,)) == "relu6:7"


def test_the_rest_is_all_that_is_not_shown():
    assert rest([1, 20, 300, 4000], [2, 0]) == {"count": 2, "sum": 4020.0}
    assert rest([1, 2], [0, 1]) == {"count": 0, "sum": 0.0}
