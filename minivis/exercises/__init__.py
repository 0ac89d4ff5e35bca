"""Learn backpropagation by writing it: exercises that check themselves.

    import minivis as mv
    mv.exercises.names()                                # ("fc", "relu", "softmax", ...)
    mv.exercises.start("relu")                          # writes relu.py, with gaps
    mv.exercises.check_file("relu.py")                  # what is right, and what a wrong answer looks like
    mv.exercises.check("relu", relu_backward)           # the same for functions of a notebook

On the command line: minivis exercise list | start | check | hint | solution.
"""

import importlib

_HOMES = {
    "checking": ("check", "check_file"),
    "exercise": ("Case", "Exercise", "Mistake", "case"),
    "pictures": ("picture",),
    "read": ("from_file", "get", "names"),
    "student": ("hint", "solution", "start"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = list(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(f"minivis.exercises.{_HOME[name]}"), name)
    raise AttributeError(f"module 'minivis.exercises' has no attribute {name!r}")
