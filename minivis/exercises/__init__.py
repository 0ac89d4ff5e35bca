"""Learn backpropagation by writing it: exercises that check themselves.

    import minivis as mv
    mv.exercises.names()                                # ("fc", "relu", "softmax", ...)
    mv.exercises.start("relu")                          # writes relu.py, with gaps
    mv.exercises.check_file("relu.py")                  # what is right, and what a wrong answer looks like
    mv.exercises.check("relu", relu_backward)           # the same for functions of a notebook

On the command line: minivis exercise list | start | check | hint | solution.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "checking": ["check", "check_file"],
    "exercise": ["Case", "Exercise", "Mistake", "case"],
    "pictures": ["picture"],
    "read": ["from_file", "get", "names"],
    "student": ["hint", "solution", "start"],
})
