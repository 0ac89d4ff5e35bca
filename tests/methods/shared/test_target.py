"""Which unit a method is asked about."""

import numpy as np
import pytest

from minivis.errors import BadValue, MinivisError
from minivis.methods.attribution.occlusion import occlusion
from minivis.methods.attribution.saliency import saliency
from minivis.methods.looking.classify import classify


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_a_net_without_classes_asks_for_a_unit(vgg, picture):
    from dataclasses import replace

    headless = replace(vgg, roles={**vgg.roles, "logits": None, "prob": None}, class_names=())
    with pytest.raises(MinivisError, match="no classes: name a unit of one of its layers, such as 'relu2_1:0@max'"):
        occlusion(headless, picture)
    assert occlusion(headless, picture, "relu2_1:1").settings["measure"] == "score"


def test_an_answer_that_is_no_number_is_refused(vgg, picture):
    huge = vgg.map_params(lambda p: p * 1e200)
    for method in (classify, saliency):
        with pytest.raises(BadValue, match="infinite or NaN"), np.errstate(all="ignore"):
            method(huge, picture)
