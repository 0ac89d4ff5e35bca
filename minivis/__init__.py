"""minivis: see inside convolutional networks, with an engine written by hand in NumPy.

    import minivis as mv
    net = mv.load("emoji-vgg")
    x = net.preprocess(net.fit(mv.read_image("photo.jpg")))
    acts = net.forward(x)
    dacts, _ = net.backward(acts, mv.one_hot(acts, "goose"), relu_rule="guided")

Reading order: demos/06_backprop.py, layers/base.py, engine/network.py, layers/relu.py, layers/conv.py. Every name is
imported when it is first used, so that ``import minivis`` costs nothing; __init__.pyi says where each one lives.
"""

import importlib
from typing import Any

import lazy_loader

# modules that have another name here than in their room
_RENAMED = {
    "descent": "minivis.optimize.update_rules",
    "gradcheck": "minivis.engine.gradcheck",
    "image_priors": "minivis.objectives.priors",
    "parameterize": "minivis.optimize.parameterize",
    "regularize": "minivis.optimize.regularize",
    "train": "minivis.training.trainer",
    "transforms": "minivis.optimize.transforms",
}
_load, _, _names = lazy_loader.attach_stub(__name__, __file__)

__all__ = sorted([*_names, *_RENAMED])


def __getattr__(name: str) -> Any:
    return importlib.import_module(_RENAMED[name]) if name in _RENAMED else _load(name)


def __dir__() -> list[Any]:
    return sorted({*globals(), *__all__})
