"""Change an image to minimise a loss: parameterizations, update rules, and observing a run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "loop": ["by_steps", "fits", "in_tiles", "optimize"],
    "problem": ["Problem", "vectors"],
    "recorder": ["LongRun", "Recorder", "Run"],
    "scipy_bridge": ["ScipyProblem", "as_scipy", "by_scipy", "minimise"],
    "update_rules": ["LBFGS", "Adam", "Gradient"],
    "watch": ["Preview", "Watch"],
})
