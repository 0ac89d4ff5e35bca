"""The published solutions in emoji-vgg give what our own layers give."""

import numpy as np
import pytest

from minivis.exercises.read import get
from minivis.exercises.scene import Scene


@pytest.fixture(scope="module")
def scene():
    return Scene()


@pytest.mark.parametrize("name, replaced", [
    ("relu", lambda scene, functions: scene.with_relus(functions)),
    ("fc", lambda scene, functions: scene.with_fcs(functions)),
    ("softmax", lambda scene, functions: scene.with_softmax(functions)),
    ("max_pool", lambda scene, functions: scene.with_pools(functions)),
    ("conv_im2col", lambda scene, functions: scene.with_convs(forward=functions["conv_forward"])),
    ("conv_input_grad", lambda scene, functions: scene.with_convs(
        backward=lambda dout, w, x_shape, padding: functions["conv_input_grad"](dout, w, padding))),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_right_layer_changes_nothing(scene, name, replaced):
    net = replaced(scene, get(name).solutions)
    assert scene.answer(net) == scene.answer(scene.net)
    for rule in ("normal", "guided"):
        ours = scene.gradient(scene.net, rule)
        np.testing.assert_allclose(scene.gradient(net, rule), ours, atol=1e-4 * abs(ours).max())


def test_the_goose_is_a_goose(scene):
    assert scene.answer(scene.net).startswith("goose")
