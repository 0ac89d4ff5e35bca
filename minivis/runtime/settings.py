"""What kind of value each setting takes: declared beside a function, checked before it begins, named where it is wrong.

    @takes(steps=whole(1), rate=number(above=0), norm=choice("norm", NORMS), seed=SEED)
    def pgd(net, image, *, steps=40, rate=None, norm="Linf", seed=0): ...

    pgd(net, image, steps=1.5)          BadValue: steps must be a whole number of at least 1, not 1.5

None is taken where it is the default, and in ``**settings``, where it means "not given". NumPy's whole numbers become
Python's, so that they can be written as JSON. The kinds are in ``function.settings``, for tests and documentation.
"""

import functools
import inspect
import math
import os
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar, cast

from minivis.errors import BadValue, UnknownSetting
from minivis.runtime.docstrings import complete

# NumPy is imported where it is used: the command line builds its options from kinds, and starts without it


class Kind(NamedTuple):
    """``words``: what is expected, as in "a whole number of at least 1". read(value): the value, or ValueError.

    The rest says the same to the command line: ``type`` int, float, str or bool; the bounds; the names to choose from.
    """

    words: str
    read: Any
    type: Any = None
    least: Any = None
    most: Any = None
    above: Any = None
    below: Any = None
    names: tuple[Any, ...] = ()

    def check(self, name: str, value: Any) -> Any:
        try:
            return self.read(value)
        except UnknownSetting as error:
            raise error if name in str(error) else UnknownSetting(f"{name}: {error}") from None
        except (ValueError, TypeError):
            raise BadValue(f"{name} must be {self.words}, not {shown(value)}") from None


def whole(least: int | None = None, most: int | None = None) -> Kind:
    """An int, or NumPy's; True and False are none."""
    def read(value: Any) -> int:
        if kind_of(value) not in WHOLE:
            raise ValueError
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError
        return int(value)

    return Kind("a whole number" + limits(least, most), read, int, least, most)


def number(least: float | None = None, most: float | None = None, *, above: float | None = None,
           below: float | None = None) -> Kind:
    """A finite int or float; True, False and NaN are none."""
    def read(value: Any) -> Any:
        read_any_number(value)
        try:
            finite = math.isfinite(float(value))
        except OverflowError:                   # a whole number beyond all floats
            finite = False
        if not finite:
            raise ValueError
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError
        if (above is not None and value <= above) or (below is not None and value >= below):
            raise ValueError
        return value

    words = "a number" + (f" above {above}" if above is not None else "") + limits(least, most)
    words += "" if below is None else f" and below {below}"
    return Kind(words, read, float, least, most, above, below)


def kind_of(value: Any) -> str:
    """What kind of number, as NumPy says it: "b", "i", "u" or "f", of Python's numbers too; "" for all else."""
    for python, kind in ((bool, "b"), (int, "i"), (float, "f")):
        if isinstance(value, python):
            return kind
    return value.dtype.kind if hasattr(value, "dtype") and not hasattr(value, "__setitem__") else ""


def limits(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None else f" of at most {most}" if most is not None else ""


def among(*values: int) -> Kind:
    """One of a few numbers."""
    def read(value: Any) -> int:
        if kind_of(value) not in WHOLE or value not in values:
            raise ValueError
        return int(value)

    return Kind(" or ".join(map(str, values)), read)


def wholes(least: int = 0) -> Kind:
    """A list or tuple of whole numbers, or an array of them, as a tuple."""
    def read(value: Any) -> tuple[int, ...]:
        if not isinstance(value, (list, tuple)) and not hasattr(value, "dtype"):
            raise ValueError
        return tuple(whole(least).read(n) for n in value)

    return Kind(f"several whole numbers of at least {least}", read)


def read_switch(value: Any) -> bool:
    if kind_of(value) != "b":
        raise ValueError
    return bool(value)


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


TEXT = Kind("a name", read_text, str)
SWITCH = Kind("True or False", read_switch, bool)
WHOLE = ("i", "u")                            # kinds of number; bool is none of them
FARTHEST = 2**31 - 1                            # pixels: more than any picture has


def choice(kind: str, known: Collection[Any]) -> Kind:
    """A name out of ``known``; UnknownSetting, a LookupError, for another string."""
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError
        if value not in known:
            raise UnknownSetting.of(kind, value, known)
        return value

    return Kind(f"a name out of {', '.join(map(str, known))}", read, str, names=tuple(known))


def several(kind: Kind, least: int = 1) -> Kind:
    """One of a kind, or a list or tuple of them, of at least this many."""
    def read(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            if len(value) < least:
                raise ValueError
            return type(value)(kind.read(one) for one in value)
        return kind.read(value)

    return kind._replace(words=f"{kind.words}, or several", read=read)


def is_numeric(value: Any) -> bool:
    import numpy as np

    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    return dtype.kind in "biuf"


def read_numbers(value: Any) -> Any:
    import numpy as np

    if not is_numeric(value) or not np.ndim(value):
        raise ValueError
    return value


def read_array(value: Any) -> Any:
    if not hasattr(value, "ndim") or not hasattr(value, "dtype") or value.dtype.kind not in "biuf":
        raise ValueError
    return value


def read_finite(value: Any) -> Any:
    import numpy as np

    if not is_numeric(value) or not np.isfinite(value).all():
        raise ValueError
    return value


def read_codes(value: Any) -> Any:
    known = isinstance(value, (str, os.PathLike)) or hasattr(value, "blocks") or hasattr(value, "unreadable")
    return value if known else read_numbers(value)


def read_path(value: Any) -> Any:
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError
    return value


def read_layers(value: Any) -> Any:
    if isinstance(value, dict):
        return {read_text(name): number().read(weight) for name, weight in value.items()}
    return several(TEXT, least=0).read(value)


def having(words: str, *attributes: str) -> Kind:
    """Anything that has these attributes: what a class of ours looks like from below."""
    def read(value: Any) -> Any:
        if not all(hasattr(value, name) for name in attributes):
            raise ValueError
        return value

    return Kind(words, read)


def read_nets(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError
    return {name: NET.read(net) for name, net in value.items()}


def read_any_number(value: Any) -> Any:
    if kind_of(value) not in ("i", "u", "f"):
        raise ValueError
    return value


def read_progress(value: Any) -> Any:
    return value if callable(value) else read_switch(value)


SEED = several(whole(0))                        # as NumPy takes them
NAMES = several(TEXT)
NUMBERS = Kind("an array of numbers", read_numbers)
ARRAY = Kind("an array of numbers, NumPy's or CuPy's", read_array)
CLASS = Kind("a class, by its number or name", lambda value: value if isinstance(value, str) else whole(0).read(value))
ACTIVATIONS = having("the activations of a pass, as net.forward returns them", "net", "shapes")
NET = having("a net, as mv.load returns it", "nodes", "layers")
NETS = Kind("nets by their names, {name: net}", read_nets)
CODES = Kind("codes: an array, a path, or what mv.codes returns", read_codes)
COLOUR = Kind("a name, or a colour in numbers", lambda value: value if isinstance(value, str) else read_finite(value))
FUNCTION = having("a function", "__call__")
NUMBER = Kind("a number", read_any_number)      # of any size, NaN too: for who checks that with a sentence of its own
PATH = Kind("a path", read_path)
SOURCE = Kind("a path, or an open binary file", lambda value: value if hasattr(value, "read") else read_path(value))
SEQUENCE = having("an array, or several", "__len__", "__getitem__")
# what an argument of this name is wherever `takes` stands, unless it says otherwise
SHARED = {
    "net": NET,
    "watch": having("a mv.Watch", "checkpoint", "interrupted"), "progress": Kind("True or False", read_progress),
    "layer": TEXT, "layers": Kind("a layer's name, several, or a dict of names and weights", read_layers),
    "preset": TEXT, "kind": TEXT, "kinds": NAMES, "metric": TEXT, "layout": TEXT, "order": TEXT, "scale": TEXT,
    "pooling": TEXT, "measure": TEXT, "backend": TEXT, "scheduler": TEXT, "net_name": TEXT,
    "fill": COLOUR, "baseline": COLOUR,
    "mask": Kind("an array of finite numbers, or one", read_finite), "checkpoint": PATH, "data": PATH,
    "rng": having("a generator of numpy.random", "integers", "standard_normal"),
}  # fmt: skip
SHARED["content_layers"] = SHARED["style_layers"] = SHARED["layers"]


def shown(value: Any) -> str:
    text = re.sub(r"\n\s*", " ", repr(value))           # of an array too a single line
    return text if len(text) <= 60 else text[:57] + "..."


F = TypeVar("F", bound=Callable[..., Any])


def takes(**kinds: Kind) -> Callable[[F], F]:
    """A decorator: what kind of value each of these arguments takes, checked before each call."""
    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        parameters = signature.parameters
        rest = next((p.name for p in parameters.values() if p.kind is p.VAR_KEYWORD), None)
        for name in kinds:
            assert name in parameters or rest, f"{function.__name__} has no setting {name}"
        every = {**{name: kind for name, kind in SHARED.items() if name in parameters}, **kinds}

        def checked(name: str, value: Any) -> Any:
            optional = parameters[name].default is None if name in parameters else True
            return value if name not in every or (value is None and optional) else every[name].check(name, value)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)                        # raises, with Python's own sentence
            for name in bound.arguments:
                if name != rest:
                    bound.arguments[name] = checked(name, bound.arguments[name])
            if rest in bound.arguments:
                bound.arguments[rest] = {name: checked(name, v) for name, v in bound.arguments[rest].items()}
            return function(*bound.args, **bound.kwargs)

        wrapper.settings = every  # type: ignore[attr-defined]
        wrapper.__doc__ = complete(function.__doc__, list(parameters), {})
        return cast(F, wrapper)

    return decorate
