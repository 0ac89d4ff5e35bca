"""The errors that a user can cause; each message says what to do.

The command line turns these (and OSError on a path that the user named) into one line and exit code 2. Any other
exception is a bug in minivis and ends in a traceback. Each kind is also a subclass of the built-in exception that a
Python user would expect.
"""

import difflib
from collections.abc import Iterable


class MinivisError(Exception):
    """The base class: ``except MinivisError`` catches every mistake that minivis can explain."""


class UnknownName(MinivisError, LookupError):
    """A name of a layer, class, unit, net or choice that does not exist."""

    @classmethod
    def of(cls, kind: str, name: object, known: Iterable[object], *, listed: int = 12) -> "UnknownName":
        """The sentence for a wrong name: what was asked for, the closest name that exists, and the list of them."""
        names = [str(k) for k in known]
        lower = {k.lower(): k for k in names}
        close = difflib.get_close_matches(str(name).lower(), lower, n=1)
        hint = f"; did you mean {lower[close[0]]!r}?" if close else "."
        shown = f"Choose from: {some_of(names, listed)}" if names else "There are none"
        return cls(f"no {kind} named {name!r}{hint} {shown}")


class BadValue(MinivisError, ValueError):
    """A setting, shape or array that cannot work."""


class UnknownSetting(UnknownName, BadValue):
    """A setting that a function does not have, or a name that a setting does not take."""


class BadFile(MinivisError, ValueError):
    """A file of the wrong kind, or one that is truncated or inconsistent."""


class TooLarge(MinivisError, MemoryError):
    """Work that needs more memory than this machine has free."""


class MissingExtra(MinivisError, ImportError):
    """An optional package that is not installed; the sentence says how to install it."""


def some_of(things: Iterable[object], most: int) -> str:
    """The first of a list, for a sentence; and how many there are in all, where there are more."""
    every = [str(thing) for thing in things]
    return ", ".join(every[:most]) + (f", ... ({len(every)} in all)" if len(every) > most else "")
