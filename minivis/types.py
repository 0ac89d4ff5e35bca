"""The types of what public functions take and return, by name.

Arrays of pictures are uint8 (H, W, C) with values 0 to 255; arrays of a net are floats (N, H, W, C), NumPy's or CuPy's.
The names of rules, algorithms, presets and kinds of map are typed beside their registries.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]                         # of floats, on a CPU or a GPU
Picture: TypeAlias = NDArray[np.uint8]                  # (H, W, C), 0 to 255
Pictures: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]         # one picture, a batch (N, H, W, C), or several
PathLike: TypeAlias = str | os.PathLike[str]
Shape: TypeAlias = tuple[int, ...]                      # with the batch axis
HW: TypeAlias = tuple[int, int]                         # (height, width)
Pair: TypeAlias = int | HW                              # one number for both
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]           # ((top, bottom), (left, right)), in positions
Padding: TypeAlias = int | tuple[int, int] | Pads | Literal["same"]
Names: TypeAlias = str | Sequence[str] | None           # of layers; None for the default
Gradients: TypeAlias = dict[str, Array]                 # layer name -> gradient there
Objective: TypeAlias = Callable[[Any], tuple[Any, Gradients]]       # activations -> loss, seeds
# True for bars, or what a loop's items pass through, as tqdm
Progress: TypeAlias = bool | Callable[[Any], Iterable[Any]]
Device: TypeAlias = Literal["cpu", "gpu"]
GradKind: TypeAlias = Literal["image", "params"]        # what a backward may ask for after a forward
