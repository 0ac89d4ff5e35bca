"""Change an image to minimise a loss: parameterizations, update rules, and observing a run."""

import importlib

_HOMES = {
    "minivis.optimize.loop": ("by_steps", "fits", "in_tiles", "optimize"),
    "minivis.optimize.problem": ("Problem", "vectors"),
    "minivis.optimize.recorder": ("LongRun", "Recorder", "Run"),
    "minivis.optimize.scipy_bridge": ("ScipyProblem", "as_scipy", "by_scipy", "minimise"),
    "minivis.optimize.update_rules": ("LBFGS", "Adam", "Gradient"),
    "minivis.optimize.watch": ("Preview", "Watch"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = list(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'minivis.optimize' has no attribute {name!r}")
