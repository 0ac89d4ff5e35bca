"""Random weights, and a model of Keras in both kinds of file that hold its description."""

import numpy as np
import pytest
from keras_models import Keras

import minivis as mv


@pytest.fixture
def w(rng):
    """w(3, 3, 3, 4): an array of numbers around 1."""
    return lambda *shape: rng.standard_normal(shape).astype("f4")


@pytest.fixture
def both(tmp_path):
    """both(model): its nets from .h5 and from .keras, which must be the same; the first is returned. What it reads is
    what the model reads, unless ``preprocess`` says otherwise."""

    def read(model, **settings):
        settings.setdefault("preprocess", "none")
        nets = [mv.load(model.h5(tmp_path / "a.h5"), **settings)]
        if model.keras == 3:
            nets.append(mv.load(model.archive(tmp_path / "a.keras"), **settings))
            assert list(nets[0].nodes) == list(nets[1].nodes)
            for name, layer in nets[0].layers.items():
                assert layer.config() == nets[1].layers[name].config()
                for key, array in layer.params.items():
                    np.testing.assert_array_equal(array, nets[1].layers[name].params[key])
        return nets[0]

    return read


@pytest.fixture
def answer():
    """answer(net, x): what the last layer makes of x as the model reads it, before the net's preprocessing."""

    def run(net, x):
        given = net.preprocessing
        x = x[..., ::-1] if given.channel_order == "BGR" else x
        x = (x - np.array(given.mean)) / np.array(given.scale)
        return net.forward(np.ascontiguousarray(x, "f4"), grad=None)[list(net.nodes)[-1]]

    return run


@pytest.fixture
def two(w):
    """two(): a model, two branches of it, and what they make of x, as functions."""

    def branches(keras=3):
        net = Keras(keras=keras)
        kernels = w(1, 1, 3, 4), w(1, 1, 3, 4)
        names = [net.layer("Conv2D", net.input, {"kernel": k}, name=name) for k, name in zip(kernels, "ab")]
        return net, names, [lambda x, k=k: x @ k[0, 0] for k in kernels]

    return branches
