"""Every default that a user meets: of public functions, of settings, in presets and in what `minivis train` does.

And what an argument or a setting may be, such as "a whole number of at least 1", and the numbers that have a name in
the rooms whose results hang on them: rates, sizes, colours, bounds.
"""

import ast
import inspect
import json
from dataclasses import asdict
from pathlib import Path

import minivis as mv
from minivis.layers import LAYER_TYPES
from minivis.methods.synthesis.presets import INVERT, MAXIMIZE
from minivis.runtime.settings import SHARED
from minivis.training.recipes import RANGES, STAGES

ROOMS = ("data", "figures", "images", "methods", "objectives", "optimize", "training")
WRITTEN_OUT = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop,
               ast.expr_context)


def defaults():
    """{whose: {name: value}}, plain values alone; of a preset what differs from the defaults of its settings."""
    public = {name: getattr(mv, name) for name in mv.__all__}
    classes = {name: cls().values() for name, cls in public.items() if name.endswith("Settings")}
    functions = {name: {p.name: p.default for p in inspect.signature(function).parameters.values() if is_plain(p)}
                 for name, function in public.items() if inspect.isfunction(function)}
    presets = {f"{kind} {name}": differing(preset)
               for kind, all_of_them in (("maximize", MAXIMIZE), ("invert", INVERT))
               for name, preset in all_of_them.items()}
    trainings = {f"train {name}": [asdict(stage) for stage in stages] for name, stages in STAGES.items()}
    ranges = {f"emoji {name}": asdict(found) for name, found in RANGES.items()}
    found = {name: values for name, values in {**classes, **functions, **presets, **trainings, **ranges,
                                               **accepted(public), **named_numbers()}.items() if values}
    return json.loads(json.dumps(found))                # tuples are lists


def accepted(public):
    """{"whose accepts": {name: words}} of public functions and methods, settings and layers; what `SHARED` says is not
    said again.
    """
    functions = {name: thing for name, thing in public.items() if inspect.isfunction(thing)}
    functions |= {f"{name}.{method}": thing for name, cls in public.items() if inspect.isclass(cls)
                  for method, thing in vars(cls).items() if inspect.isfunction(thing)}
    functions |= {name: cls.__init__ for name, cls in LAYER_TYPES.items()}
    found = {name: {argument: kind.words for argument, kind in getattr(function, "settings", {}).items()
                    if kind is not SHARED.get(argument)} for name, function in functions.items()}
    found |= {name: {field: cls.field(field).metadata["kind"].words for field in cls.names()}
              for name, cls in public.items() if name.endswith("Settings")}
    return {f"{name} accepts": words for name, words in found.items()}


def named_numbers():
    """{module: {NAME: value}} of what is written out at the top of a module and holds a number."""
    root, found = Path(mv.__path__[0]), {}
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        lines = [line for line in ast.parse(path.read_text("utf-8")).body if isinstance(line, ast.Assign)]
        found[path.relative_to(root).as_posix()] = {
            ast.unparse(line.targets[0]).strip("()"): eval(ast.unparse(line.value)) for line in lines
            if all(isinstance(node, WRITTEN_OUT) for node in ast.walk(line.value)) and any(
                isinstance(getattr(node, "value", None), int | float) for node in ast.walk(line.value))}
    return found


def is_plain(parameter):
    return isinstance(parameter.default, (bool, int, float, str, tuple)) and "typing" not in repr(parameter.default)


def differing(settings):
    usual = type(settings)().values()
    return {name: value for name, value in settings.values().items() if value != usual[name]}


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(found)}" for name, found in defaults().items()]
    print("{\n" + ",\n".join(lines) + "\n}")
