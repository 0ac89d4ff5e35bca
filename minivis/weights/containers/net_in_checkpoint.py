"""Find the net in a checkpoint: people save it by itself, or with the epoch, a metric or a second net.

    {"conv1.weight": ..., ...}                                      the state dict itself
    {"state_dict": {...}, "epoch": 3, "best_acc1": tensor(71.)}     further in; a loose tensor is not the net's
    {"student": {...}, "teacher": {...}}                            two nets: which one is meant must be said, --part
    a module, as torch.save(model) has it                           the parameters and buffers of its modules
    {"student.conv1.weight": ..., "teacher.conv1.weight": ...}      two in one dict: --part takes names that begin so
"""

from collections.abc import Callable, Iterator
from typing import Any

from minivis.errors import BadFile, UnknownName
from minivis.types import PathLike
from minivis.weights.containers.pickle_names import SAVE_PLAIN, Inert

ASIDE = ("optim", "sched", "criterion", "loss", "metric", "scaler")     # words in the keys of what is not a net
TOP = "."                                       # --part: the tensors that lie in the file's dict itself
DEEPEST, MOST_LOOKED_AT = 4, 10_000             # dicts within each other; dicts in all
DEEPEST_MODULE = 16                             # modules within each other


def net_dict(value: Any, path: PathLike, is_tensor: Callable[[Any], bool], part: str | None = None) -> Any:
    """name -> tensor of the net in what was saved. Raise BadFile if there are several, or none."""
    value = unwrapped(value)
    if isinstance(value, list | tuple) and any(isinstance(unwrapped(item), dict) for item in value):
        value = {str(i): item for i, item in enumerate(value)}          # (epoch, state dict, ...)
    if not isinstance(value, dict):
        raise BadFile(f"{path} holds a {named_kind(value)}, not a dict of weights: {SAVE_PLAIN}")
    dicts = dicts_in(value, is_tensor)
    if part is not None:
        return asked_for(part, dicts, path)
    nets = {key: found for key, found in dicts.items() if key and is_net(found) and not is_aside(key)}
    nets = {key: found for key, found in nets.items() if has_weights(found)} or nets        # and no optimiser's state
    own = dicts[""]
    if is_net(own) and (not nets or has_weights(own)):
        nets = {TOP: own, **{key: found for key, found in nets.items() if has_weights(found)}}
    nets = {key: found for i, (key, found) in enumerate(nets.items()) if found not in list(nets.values())[:i]}
    if len(nets) > 1:
        top = " (the dot means the tensors that lie in no dict of their own)" if TOP in nets else ""
        raise BadFile(f"{path} holds {len(nets)} nets ({', '.join(list(nets)[:8])}): name one of them, as in --part "
                      f"{next(key for key in nets if key != TOP)}{top}")
    found = next(iter(nets.values()), own)
    if not found:
        raise BadFile(f"{path} holds no tensors: {SAVE_PLAIN}")
    return found


def named_kind(value: Any) -> Any:
    return value.name.rpartition(".")[2][:80] if isinstance(value, Inert) else type(value).__name__


def asked_for(part: str, dicts: Any, path: PathLike) -> Any:
    """The tensors of a part, by its key ("teacher", "nets.teacher"), or by the names that begin with it."""
    if part == TOP:
        return dicts[""]
    keys = {key[:end] for key in dicts for end in (*(i for i, c in enumerate(key) if c == "."), len(key))}
    ends = [key for key in keys if key == part or key.endswith("." + part)]
    if part in keys or len(ends) == 1:
        start = part if part in keys else ends[0]
        return {f"{key[len(start) + 1 :]}.{name}".lstrip("."): tensor for key, found in dicts.items()
                if key == start or key.startswith(start + ".") for name, tensor in found.items()}  # fmt: skip
    for found in dicts.values():
        if inside := names_of(part, found):
            return inside
    firsts = {name.partition(".")[0]: None for found in dicts.values() for name in found if "." in name}
    raise UnknownName.of("part", part, [key for key, found in dicts.items() if key and found] or firsts)


def named_part(tensors: dict[str, Any], part: Any) -> Any:
    """The tensors whose names begin with the part, for a file without nested dicts."""
    if inside := names_of(part, tensors):
        return inside
    raise UnknownName.of("part", part, {name.partition(".")[0]: None for name in tensors if "." in name})


def names_of(part: Any, tensors: dict[str, Any]) -> dict[Any, Any]:
    """The tensors under the names after ``part`` and a dot."""
    return {name[len(part) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(part + ".")}


def dicts_in(value: Any, is_tensor: Callable[[Any], bool]) -> Any:
    """Key ("" for the whole, "model", "nets.student") -> the tensors directly in that dict, if any."""
    found, waiting = {}, [("", value, DEEPEST)]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_LOOKED_AT:
        at, one, depth = waiting.pop(0)
        if id(one) in seen:
            continue                                                    # one dict under two keys is one net
        seen.add(id(one))
        items = [(key, unwrapped(item)) for key, item in (one.items() if isinstance(one, dict) else enumerate(one))]
        tensors = {str(key): item for key, item in items if is_tensor(item)}
        if tensors or not at:
            found[at] = tensors
        waiting += [(f"{at}.{key}".lstrip("."), item, depth - 1) for key, item in items
                    if depth and isinstance(item, dict | list)]  # fmt: skip
    return found


def unwrapped(value: Any) -> Any:
    """An object as a dict: a module's state dict, or the items of an object that is also a dict."""
    if not isinstance(value, Inert):
        return value
    return dict(state_of(value)) if "_modules" in value.state else value.items or value


def state_of(module: Any, prefix: str = "", depth: int = DEEPEST_MODULE) -> Iterator[Any]:
    """(name, array) of a module's parameters and buffers, as its state_dict() would have them."""
    state = module.state if isinstance(module, Inert) and depth else {}
    for kind in ("_parameters", "_buffers"):
        yield from ((prefix + str(key), item) for key, item in dict_in(state, kind).items())
    for key, inside in dict_in(state, "_modules").items():
        yield from state_of(inside, f"{prefix}{key}.", depth - 1)


def dict_in(state: Any, key: str) -> Any:
    found = state.get(key)
    return found if isinstance(found, dict) else {}


def is_aside(key: str) -> bool:
    return any(word in key.lower() for word in ASIDE)


def is_net(tensors: dict[str, Any]) -> bool:
    """Whether there is a kernel or a matrix among them, as in a net, but not in a metric or an optimiser's step."""
    return any(len(tensor.shape) > 1 for tensor in tensors.values())


def has_weights(tensors: dict[str, Any]) -> bool:
    """Whether one of them has the name of a module's weight, which a table of results beside a net does not have."""
    return any(name.endswith("weight") and len(tensor.shape) > 1 for name, tensor in tensors.items())
