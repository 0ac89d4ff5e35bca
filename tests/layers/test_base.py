"""The contract: parameters that nobody writes to, what is derived from them once, and sentences for a wrong input."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.layers import BackwardMode, ForwardMode, Layer
from minivis.layers.base import check_image, check_input


class Scaled(Layer):
    settings = ("power",)

    def __init__(self, w, power=1):
        super().__init__(w=w)
        self.power = power


def test_parameters_are_read_only_views_of_what_was_given():
    w = np.ones(3)
    layer = Scaled(w)
    assert np.shares_memory(layer.params["w"], w) and w.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        layer.params["w"][0] = 2


def test_parameters_are_replaced_by_others_of_their_shape():
    layer = Scaled(np.ones(3))
    layer.set_params(w=np.arange(3.0))
    assert layer.params["w"].tolist() == [0, 1, 2]
    with pytest.raises(BadValue, match=r"Scaled: w has shape \(3,\), got \(1, 3\)"):
        layer.set_params(w=np.ones((1, 3)))


def test_what_is_derived_is_made_once_and_goes_with_the_parameters():
    layer, made = Scaled(np.ones(3)), []

    def make():
        made.append(threading.get_ident())
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: layer.derive("key", make), range(200))) == {1}
    assert layer.derive("other", make) == 2 and layer.derive("key", make) == 1
    layer.set_params(w=np.zeros(3))
    assert layer.derive("key", make) == 3 and len(made) == 3


def test_settings_make_the_same_layer_with_other_parameters():
    layer = Scaled(np.ones(3), power=4)
    assert layer.config() == {"power": 4}
    other = layer.with_params(w=np.zeros(5))
    assert type(other) is Scaled and other.power == 4 and other.params["w"].shape == (5,)
    assert repr(layer) == "Scaled(w=(3,), power=4)"


def test_a_pickled_layer_is_read_only_again_and_derives_for_itself():
    layer = Scaled(np.ones(3), power=2)
    layer.derive("key", lambda: "old")
    copy = pickle.loads(pickle.dumps(layer))
    assert copy.power == 2 and copy.derived == {} and copy.derive("key", lambda: "new") == "new"
    with pytest.raises(ValueError, match="read-only"):
        copy.params["w"][0] = 2


def test_a_layer_of_ones_own_starts_from_these_answers():
    layer = Layer()
    assert layer.inputs == 1 and layer.output_shape((1, 2, 3, 4)) == (1, 2, 3, 4)
    assert layer.window((1, 2, 3, 4)) is None and layer.multiply_adds((1, 2), (1, 2)) == 0
    with pytest.raises(NotImplementedError):
        layer.forward(np.zeros(1), mode=ForwardMode())
    with pytest.raises(NotImplementedError):
        layer.backward(np.zeros(1), None, BackwardMode())


@pytest.mark.parametrize("kind", [ForwardMode, BackwardMode])
def test_a_mode_for_one_layer(kind):
    mode = kind(algorithm={"conv1": "blocked"})
    assert mode.at("conv1").algorithm == "blocked" and mode.at("conv2").algorithm == "auto"
    assert kind(algorithm="shifted").at("conv1").algorithm == "shifted"
    memory = mode.empty((2, 3), np.float32)
    assert memory.shape == (2, 3) and memory.dtype == np.float32


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5), (2, 3, 3, 4, 4)])
def test_a_wrong_input(shape):
    with pytest.raises(BadValue, match=r"Layer expects an input of 4 axes ending in 4, got \(2, 3"):
        check_input(Layer(), shape, 4, 4)
    check_input(Layer(), (2, 3, 9, 4), 4, 4)


def test_what_is_no_image():
    check_image(Layer(), (1, 2, 3, 4))
    with pytest.raises(BadValue, match=r"Layer expects an input \(N, H, W, C\), got \(1, 2, 3\)"):
        check_image(Layer(), (1, 2, 3))
