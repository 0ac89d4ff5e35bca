"""What a dream wants more of: losses and seeds by hand."""

import numpy as np
import pytest
from commandline import scene

from minivis.engine.surgery import trunk
from minivis.objectives.dream import dream_loss, guided


def test_a_channel_and_a_mix_of_layers(vgg):
    body = trunk(vgg, ["relu1_1", "relu2_1"])
    x = body.preprocess(scene())
    acts = body.forward(x)
    loss, seeds = dream_loss(body, x, {"relu2_1:3": 1.0})(acts)
    assert loss == pytest.approx(-1) and (seeds["relu2_1"][..., 3] < 0).all() and not seeds["relu2_1"][..., :3].any()
    loss, seeds = dream_loss(body, x, {"relu1_1": 1.0, "relu2_1": 3.0})(acts)
    assert loss == pytest.approx(-4)                                        # shares of what is seen to begin with
    a = acts["relu2_1"]
    np.testing.assert_allclose(seeds["relu2_1"], -3 * a / ((a * a).sum() / 2), rtol=1e-9)


@pytest.mark.parametrize("rows", [3, 6, 100])          # of a at a time: one, two, all
def test_a_guide_sends_the_feature_that_fits_best(rows, monkeypatch):
    monkeypatch.setattr("minivis.objectives.dream.ROWS", rows)
    a = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]).reshape(1, 1, 3, 2)
    y = np.array([[3.0, 0.0], [0.0, 1.0], [2.0, -1.0]]).reshape(1, 3, 1, 2)
    loss, seeds = guided("layer", y)({"layer": a})
    assert loss == 3 + 2 + 3
    np.testing.assert_array_equal(seeds["layer"].reshape(3, 2), [[3, 0], [0, 1], [3, 0]])
