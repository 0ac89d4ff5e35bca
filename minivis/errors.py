"""What can go wrong by a user's doing, each with the sentence that helps.

The command line turns these (and OSError on a path that the user named) into one line and exit code 2. Anything else
is a bug of ours and shows itself as one. Each kind is also the built-in that a Python user would expect to catch.
"""

import difflib


class MinivisError(Exception):
    """The root: ``except MinivisError`` catches every mistake that minivis can explain."""


class UnknownName(MinivisError, LookupError):
    """A name of a layer, class, unit, net or choice that does not exist."""

    @classmethod
    def of(cls, kind, name, known, *, listed=12):
        """The sentence for a wrong name: what was asked for, the closest that exists, and what there is."""
        known = [str(k) for k in known]
        lower = {k.lower(): k for k in known}
        close = difflib.get_close_matches(str(name).lower(), lower, n=1)
        hint = f"; did you mean {lower[close[0]]!r}?" if close else "."
        shown = ", ".join(known[:listed]) + (f", ... ({len(known)} in all)" if len(known) > listed else "")
        return cls(f"no {kind} named {name!r}{hint} There is: {shown or 'none'}")


class BadValue(MinivisError, ValueError):
    """A setting, shape or array that cannot work."""


class BadFile(MinivisError, ValueError):
    """A file that is not what it should be: foreign, truncated, inconsistent."""


class TooLarge(MinivisError, MemoryError):
    """Work that does not fit into this machine's memory."""


class MissingExtra(MinivisError, ImportError):
    """An optional package that is not installed; the sentence says how to install it."""
