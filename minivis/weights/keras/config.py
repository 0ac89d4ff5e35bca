"""What a whole-model Keras file says about its own architecture, held against VGG's.

Weights alone do not tell a ReLU from a tanh or a maximum from a mean. Where the file has a description (model_config,
or config.json of a .keras archive), every step of it must be VGG's; nothing is guessed over its head.
"""

import json
from typing import Any

from minivis.errors import BadFile
from minivis.models.vgg import BLOCKS, POOLS
from minivis.types import PathLike
from minivis.weights.containers.hdf5 import TEXT_LIMIT

WHOLE = ("such a file holds only weights: save the whole model, model.save('NAME.keras'), or describe its layers, "
         "--arch table.json (weights/README.md)")
SAVE_ALONE = "save only the VGG in it: model.get_layer('vgg16').save_weights('vgg16.weights.h5')"
SILENT = ("InputLayer", "Dropout", "SpatialDropout2D")              # without a say in what comes out
LAST = ("GlobalAveragePooling2D", "GlobalMaxPooling2D")             # include_top=False, pooling="avg": we end before it


def parsed(source: Any) -> Any:
    """The description as JSON has it, {"class_name": ..., "config": ...}; None if the file has none."""
    text = source.config if source.config is not None else source.attribute(source.file, "model_config")
    if not isinstance(text, (bytes, str)):
        return None
    if len(text) > TEXT_LIMIT:
        raise BadFile(f"{source.path}: its description of the model has {len(text)} bytes, as none has")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{source.path}: its description of the model is damaged ({type(error).__name__})") from error


def read(source: Any) -> Any:
    """The description as a list of (class, settings), in the model's order; None if the file has none."""
    whole = parsed(source)
    if whole is None:
        return None
    try:
        config = whole["config"]
        layers = config["layers"] if isinstance(config, dict) else config       # Keras 1's Sequential is a list
        found = [(layer["class_name"], layer.get("config") or {}) for layer in layers]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadFile(f"{source.path}: its description of the model is damaged ({type(error).__name__})") from error
    if not all(isinstance(kind, str) and isinstance(settings, dict) for kind, settings in found):
        raise BadFile(f"{source.path}: its description of the model is damaged")
    return found


def check(config: Any, name: str, has_top: bool, path: PathLike) -> None:
    """Raise BadFile unless the description, if any, is of the VGG called ``name``, step by step."""
    if config is None:
        return
    got = []
    for kind, settings in config:
        if kind in ("Functional", "Model", "Sequential"):
            raise BadFile(f"{path} holds a model inside a larger one; {SAVE_ALONE}")
        got += [(step, settings.get("name", kind)) for step in steps(kind, settings)]
    if got and got[-1][0] in LAST and not has_top:
        got.pop()
    wanted = vgg_steps(name, has_top)
    if has_top and len(got) == len(wanted) - 1:
        got.append(("softmax", "the end"))              # trained from logits: the same net, with a softmax on top
    for (step, layer), expected in zip(got, wanted):
        if step != expected:
            raise BadFile(f"{path}: by its own description {layer!r} is {step}, where a {name} has {expected}")
    if len(got) != len(wanted):
        raise BadFile(f"{path}: by its own description it has {len(got)} steps, and a {name} {len(wanted)}")


def is_vgg(config: Any) -> bool:
    """Whether a description, as `read` gives it, is a VGG's, step by step."""
    for name in BLOCKS:
        for has_top in (True, False):
            try:
                check(config, name, has_top, "")
                return True
            except BadFile:
                continue
    return False


def vgg_steps(name: str, has_top: bool) -> Any:
    """The steps of a VGG in the words of `steps`."""
    found = []
    for count in BLOCKS[name]:
        found += ["pad (1, 1)", "convolution (3, 3)", "relu"] * count + ["maximum (2, 2)"]
    return found + (["flatten", "dense", "relu", "dense", "relu", "dense", "softmax"] if has_top else [])


def steps(kind: Any, settings: Any) -> Any:
    """One layer as its steps: a "same" convolution with a fused ReLU is a pad, a convolution and a relu."""
    activation = settings.get("activation", "linear")
    if isinstance(activation, dict):
        activation = activation.get("class_name") or activation.get("config")
    after = [] if activation == "linear" else [str(activation).lower()]
    if kind in SILENT:
        return []
    if kind in ("ReLU", "Softmax"):                     # as layers of their own; ReLU(max_value=6) is another thing
        return [kind.lower() if settings.get("max_value") is None else f"ReLU up to {settings['max_value']}"]
    if kind == "Activation":
        return after
    if kind in ("Dense", "Flatten"):
        return [kind.lower(), *after]
    if kind == "ZeroPadding2D":
        padding = settings.get("padding")
        return ["pad (1, 1)" if padding in ([1, 1], [[1, 1], [1, 1]], 1) else f"pad {padding}"]
    if kind in ("Conv2D", "Convolution2D"):
        return [*same(settings), f"convolution {kernel(settings)}{odd(settings)}", *after]
    if kind == "MaxPooling2D":
        stride = settings.get("strides") or settings.get("pool_size")
        plain = stride == settings.get("pool_size") and settings.get("padding", settings.get("border_mode")) == "valid"
        return [f"maximum {pair(settings.get('pool_size'))}{'' if plain else ' with another stride or padding'}"]
    return [kind]


def same(settings: Any) -> Any:
    padding = settings.get("padding", settings.get("border_mode"))
    return {"same": ["pad (1, 1)"], "valid": []}.get(padding, [f"pad {padding}"])


def kernel(settings: Any) -> Any:
    return pair(settings.get("kernel_size", [settings.get("nb_row"), settings.get("nb_col")]))


def odd(settings: Any) -> str:
    """What a convolution has that VGG's have not."""
    ones = [1, 1]
    plain = {"strides": ones, "subsample": ones, "dilation_rate": ones, "groups": 1, "use_bias": True, "bias": True}
    return "".join(f", {key} {settings[key]}" for key, value in plain.items() if settings.get(key, value) != value)


def pair(value: Any) -> str:
    return str(tuple(value)) if isinstance(value, list) else str(value)


def channels_first(config: Any) -> bool | None:
    """Whether channels come before positions; None if the description does not say."""
    said = {settings.get("data_format", settings.get("dim_ordering")) for _, settings in config or []} - {None}
    return bool(said & {"channels_first", "th"}) if said else None


def rows_chw(config: Any) -> Any:
    """Whether fc1's rows are in the order C, H, W; None if the description does not say.

    They are where channels come first, unless Flatten puts them last before it flattens: it does since Keras 2.2.
    """
    flatten: dict[str, Any] = next((settings for kind, settings in config or [] if kind == "Flatten"), {})
    first = channels_first(config)
    return first and flatten.get("data_format") != "channels_first"


def input_size(config: Any) -> tuple[Any, ...] | None:
    """(H, W) by the description; None if it leaves them open."""
    for _, settings in config or []:
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        if isinstance(shape, list) and len(shape) == 4:
            size = shape[2:] if channels_first(config) else shape[1:3]
            return tuple(size) if all(type(n) is int and n >= POOLS for n in size) else None
    return None
