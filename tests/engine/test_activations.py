"""What a pass leaves says why something is not there."""

import numpy as np
import pytest

from minivis.engine.activations import Activations
from minivis.errors import UnknownName
from minivis.layers import ForwardMode


def test_a_missing_output_says_why(vgg):
    acts = Activations(vgg, ForwardMode())
    acts.begin("input", np.ones((1, 4, 4, 3)))
    acts["conv1_1"] = np.ones((1, 4, 4, 6))
    acts.record("conv1_1", (1, 4, 4, 6), None)
    acts.drop(["conv1_1"])
    with pytest.raises(UnknownName, match="the output of 'conv1_1' was not kept: name it in keep="):
        acts["conv1_1"]
    with pytest.raises(UnknownName, match="the output of 'fc8' was not reached by this pass: see until="):
        acts["fc8"]
    with pytest.raises(UnknownName, match="no layer named 'fc9'; did you mean 'fc8'"):
        acts["fc9"]
    assert acts.dtype == np.float64 and list(acts.shapes) == ["input", "conv1_1"]


@pytest.mark.parametrize("grad, kept", [(None, {}), ("image", {"relu1_1": "signs"}), ("params", {"relu1_1": "signs"})])
def test_caches_are_kept_where_a_backward_may_follow(vgg, grad, kept):
    acts = Activations(vgg, ForwardMode(grad))
    acts.record("relu1_1", (1, 2), "signs")
    assert acts.caches == kept and acts.shapes == {"relu1_1": (1, 2)}


def test_a_whole_pass_cuts_nothing(vgg):
    whole = np.ones((1, 2, 2, 3))
    assert Activations(vgg, ForwardMode()).cut("conv1_1", whole) is whole
