"""Objectives: functions of activations that return the loss and the gradients to start backward from.

The package exports every public function of its modules, so a new objective is one function in one of them.
"""

from types import FunctionType
from typing import Any

from minivis.objectives import activations, base, dream, priors, style, words
from minivis.objectives.base import Evaluation, Objective, Part

_MODULES = (base, activations, priors, style, dream, words)
_PUBLIC = {name: value for module in reversed(_MODULES) for name, value in vars(module).items()
           if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_")}

__all__ = ["Evaluation", "Objective", "Part", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return _PUBLIC[name]
    raise AttributeError(f"module 'minivis.objectives' has no attribute {name!r}")


def __dir__() -> Any:
    return sorted(__all__)
