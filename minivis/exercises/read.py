"""The exercises that there are, a teacher's own, and which of them a student's file belongs to."""

import difflib
import importlib
import importlib.util
import os
import re
from functools import lru_cache
from pathlib import Path

from minivis.errors import BadFile, BadValue, UnknownName
from minivis.exercises.exercise import MARK, Exercise
from minivis.runtime.files import read_bytes
from minivis.types import PathLike

# in the lecture's order: minivis/exercises/catalogue/NAME.py
NAMES = (
    "fc", "relu", "softmax", "conv_loops", "conv_im2col", "conv_input_grad", "conv_weight_grad", "max_pool",
    "batch_norm", "gradient_check", "seed", "saliency", "occlusion", "receptive_field",
    "maximize", "blur", "invert", "dream_step", "gram", "lbfgs", "fgsm", "ten_numbers", "hog", "tsne",
)  # fmt: skip
MOST = 10**6                                    # bytes of a file with an exercise


def names() -> tuple[str, ...]:
    """The names of all exercises, in the lecture's order."""
    return NAMES


@lru_cache(maxsize=64)
def get(name: str) -> Exercise:
    """The `Exercise` of this name."""
    if name not in NAMES:
        raise UnknownName.of("exercise", name, NAMES, listed=len(NAMES))
    return importlib.import_module(f"minivis.exercises.catalogue.{name}").EXERCISE


def find(name_or_file: str) -> Exercise:
    """The `Exercise` of a name, or of a teacher's file."""
    return get(name_or_file) if name_or_file in NAMES else from_file(name_or_file)


def from_file(path: PathLike) -> Exercise:
    """The `Exercise` of a teacher's file, which runs as Python does."""
    path = Path(path)
    if path.suffix != ".py" and not path.exists():
        raise UnknownName.of("exercise", str(path), NAMES, listed=len(NAMES))
    check_readable(path)
    spec = importlib.util.spec_from_file_location(f"minivis_exercise_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadFile(f"{path} is not a Python file; an exercise is one, and its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadFile(f"{path} is not an exercise that runs: {said}") from error
    found = getattr(module, "EXERCISE", None)
    if not isinstance(found, Exercise):
        raise BadFile(f"{path} makes no EXERCISE = Exercise(...); see docs/exercises.md")
    return found


def check_readable(path: PathLike) -> bytes:
    """Raise BadFile if there is no file to read, or one that is too large for a page of Python."""
    try:
        return read_bytes(os.fspath(path), MOST)
    except FileNotFoundError:
        raise BadFile(f"there is no file {path}{meant(Path(path))}") from None
    except IsADirectoryError:
        raise BadFile(f"{path} is a folder; give the file with the student's functions") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"{str(path)!r} is not a file name") from None


def meant(path: Path) -> str:
    """Advice for a file that is not there: the same name with its ending, or the exercise of nearly this name."""
    if path.with_suffix(".py").is_file():
        return f"; did you mean {path.with_suffix('.py')}?"
    near = difflib.get_close_matches(path.stem, NAMES, 1)
    return f"; the exercise is called {near[0]}: minivis exercise start {near[0]}" if near else ""


def belongs_to(file: PathLike) -> str:
    """The name of the exercise that a student's file says it is, or is named after."""
    text = check_readable(file).decode("utf-8-sig", "replace")
    marked = re.search(rf"^#\s*{re.escape(MARK)}\s*(\S+)", text, re.MULTILINE)
    name = marked[1] if marked else Path(file).stem
    if name not in NAMES:
        raise BadValue(f"{file} does not say which exercise it is: keep the line '# {MARK} NAME' at its top, or name "
                       f"the exercise with --exercise. There is: {', '.join(NAMES)}")
    return name
