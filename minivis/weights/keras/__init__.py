"""Keras' files: a VGG is recognised (reader.py); any other model is built as its file describes it (model.py)."""

from typing import Any

from minivis.engine.ending import without_lone_softmax
from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.models.vgg import BLOCKS
from minivis.weights.keras import config, model, reader
from minivis.weights.keras.contents import contents
from minivis.weights.pictures import as_asked

__all__ = ["contents", "load"]


def load(source: Any, *, arch: str | None = None, preprocess: Any = None, **settings: Any) -> Network:
    """The net of an open file of Keras, a `Source`; the settings are those of `read.net_of`, and ``kernels``."""
    preprocess = None if preprocess is None else Preprocessing.named(preprocess)
    described = config.read(source)
    if described is not None and not config.is_vgg(described):
        return model.load(source, config.parsed(source), arch=arch, preprocess=preprocess, **settings)
    if arch is not None and str(arch).upper() not in BLOCKS:
        raise UnknownName.of("architecture of a Keras file without a description of its layers", arch,
                             [*BLOCKS, "table.json"])
    net = without_lone_softmax(reader.load(source, **settings))
    if arch is not None and not net.about["architecture"].startswith(str(arch).upper()):
        raise BadValue(f"{source.path} holds a {net.about['architecture']}, no {arch}")
    return as_asked(net, preprocess)
