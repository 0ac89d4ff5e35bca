"""What kind of value each setting takes: declared beside a function, checked before it begins, named where it is wrong.

    @takes(steps=whole(1), rate=number(above=0), norm=choice("norm", NORMS), seed=SEED)
    def pgd(net, image, *, steps=40, rate=None, norm="Linf", seed=0): ...

    pgd(net, image, steps=1.5)          BadValue: steps is a whole number of at least 1, not 1.5

None is taken where it is the default, and in ``**settings``, where it means "not given". NumPy's whole numbers become
Python's, so that they can be written as JSON. The kinds are in ``function.settings``, for tests and documentation.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from minivis.errors import BadValue, UnknownName


class Kind(NamedTuple):
    """``words``: what is expected, as in "a whole number of at least 1". read(value): the value, or ValueError."""

    words: str
    read: Any

    def check(self, name, value):
        try:
            return self.read(value)
        except ValueError:
            raise BadValue(f"{name} is {self.words}, not {shown(value)}") from None


def whole(least=None, most=None):
    """An int, or NumPy's; True and False are none."""
    def read(value):
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
            raise ValueError
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError
        return int(value)

    return Kind("a whole number" + limits(least, most), read)


def number(least=None, most=None, *, above=None):
    """A finite int or float; True, False and NaN are none."""
    def read(value):
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise ValueError
        try:
            finite = math.isfinite(float(value))
        except OverflowError:                   # a whole number beyond all floats
            finite = False
        if not finite:
            raise ValueError
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError
        if above is not None and value <= above:
            raise ValueError
        return value

    return Kind("a number" + (f" above {above}" if above is not None else "") + limits(least, most), read)


def limits(least, most):
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None else f" of at most {most}" if most is not None else ""


def read_switch(value):
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError
    return bool(value)


def read_text(value):
    if not isinstance(value, str):
        raise ValueError
    return value


TEXT = Kind("a name", read_text)
SWITCH = Kind("True or False", read_switch)
FARTHEST = 2**31 - 1                            # pixels: more than any picture has


def choice(kind, known):
    """A name out of ``known``; UnknownName, a LookupError, for another string."""
    def read(value):
        if not isinstance(value, str):
            raise ValueError
        if value not in known:
            raise UnknownName.of(kind, value, known)
        return value

    return Kind(f"a name out of {', '.join(map(str, known))}", read)


def several(kind):
    """One of a kind, or a list or tuple of them."""
    def read(value):
        if isinstance(value, (list, tuple)):
            return type(value)(kind.read(one) for one in value)
        return kind.read(value)

    return Kind(f"{kind.words}, or several", read)


SEED = several(whole(0))                        # as NumPy takes them


def shown(value):
    text = repr(value)
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

        def checked(name, value):
            optional = parameters[name].default is None if name in parameters else True
            return value if name not in kinds or (value is None and optional) else kinds[name].check(name, value)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
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

        wrapper.settings = kinds  # type: ignore[attr-defined]
        return cast(F, wrapper)

    return decorate
