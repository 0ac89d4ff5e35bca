"""What the names in a pickle become, none of which is ever looked up.

    of weights          a function of our own takes their place: `unpickle.CALLS`, `pickle.CALLS`
    harmless beside them    an `Inert` value, of which only the name and what was put into it are known: settings that
                        people save with a net (argparse.Namespace, pathlib.PosixPath), classes of other packages
    all others          the reading ends: Python's own modules hold what runs commands, and PyTorch's what a file of
                        weights has no need of
"""

import sys
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from minivis.errors import BadFile

SAVE_PLAIN = "in PyTorch, torch.save(model.state_dict(), 'weights.pth') makes a file that minivis can read"
HARMLESS = {                                    # names of Python's own that stand beside weights
    "argparse.Namespace", "types.SimpleNamespace", "collections.Counter", "collections.deque", "datetime.date",
    "datetime.datetime", "datetime.time", "datetime.timedelta", "datetime.timezone", "decimal.Decimal",
    "fractions.Fraction", "uuid.UUID", "functools.partial", "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath",
    "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "copyreg._reconstructor",
    "copy_reg._reconstructor",
}  # fmt: skip
BUILT_IN = ("set", "frozenset", "complex", "slice", "range", "bytearray", "bytes", "int", "float", "str", "list",
            "dict", "tuple", "bool", "object")  # fmt: skip
HARMLESS |= {f"{module}.{name}" for module in ("builtins", "__builtin__") for name in BUILT_IN}
OLD_MODULES = {"__builtin__", "copy_reg", "commands", "exceptions", "popen2"}       # of Python 2
OF_PYTORCH = ("torch.nn.", "torch.optim.", "torch.cuda.amp.", "torch.amp.")         # classes of modules and optimisers
TORCH_NAMES = {"torch.Size", "torch.device", *(f"torch.{dtype}" for dtype in (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"))}  # fmt: skip


class Name(NamedTuple):
    """A name that a pickle asks for, never looked up."""

    name: str


class Blank(ABC):
    """What a call makes where the pickle tells only afterwards, in a BUILD, what is in it."""

    @abstractmethod
    def fill(self, state: Any) -> None:
        """Take in the state. Raise BadFile if it cannot be."""


class Inert(Blank):
    """An object of a class that is not known here: its name, its state and, where it is a dict too, its items."""

    def __init__(self, name: str, *_: Any) -> None:
        self.name = name
        self.state: dict[Any, Any] = {}
        self.items: dict[Any, Any] = {}

    def fill(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) == 2:                # (of its dict, of its slots)
            state = state[0]
        self.state = state if isinstance(state, dict) else {}


def check_name(name: str, calls: Any, types: Any) -> Name:
    """The `Name` of something that may stand in the pickle. ``types``: names that nothing calls."""
    root = name.partition(".")[0]
    if name in calls or name in types or name in HARMLESS or name in TORCH_NAMES or name.startswith(OF_PYTORCH):
        return Name(name)
    if root == "__main__" or not (root in sys.stdlib_module_names or root in OLD_MODULES or root in ("torch", "numpy")):
        return Name(name)
    raise BadFile(f"it asks for {name[:80]!r}, which weights do not need; none of it was run; {SAVE_PLAIN}")


def called(function: Any, arguments: Any, calls: Any, types: Any) -> Any:
    """What takes the place of a call, in which nothing runs."""
    if not isinstance(function, Name) or function.name in types:
        raise BadFile("it calls something that is not a function")
    if function.name in calls:
        return calls[function.name](*arguments)
    if function.name.endswith("._reconstructor") and arguments and isinstance(arguments[0], Name):
        return Inert(arguments[0].name)                                 # the class, its base, the base's state
    return Inert(function.name)
