"""Every default: of public functions, of settings, in presets, in what `minivis train` does, within the package.

And what an argument, a setting or an option of the command line may be, such as "a whole number of at least 1", the
numbers that have a name: rates, sizes, colours, bounds; and where the nets of the catalogue are and how they are told.
"""

import ast
import inspect
import json
from dataclasses import asdict

import every_command
from package_trees import argument_defaults, calls, functions, trees

import minivis as mv
from minivis.layers import LAYER_TYPES
from minivis.methods.synthesis.presets import INVERT, MAXIMIZE
from minivis.runtime.settings import SHARED
from minivis.training.recipes import RANGES, STAGES
from minivis.weights.catalogue import CATALOGUE

WRITTEN_OUT = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop,
               ast.expr_context)
PLAIN = (bool, int, float, str, tuple)
PUBLISHED = ("url", "bytes", "megabytes", "md5", "sha1", "sha256")                  # of a file of weights
ASKED = ("default", "show_default", "metavar", "multiple", "is_flag", "required", "nargs", "hidden")    # of an option


def defaults():
    """{whose: {name: value}}, plain values alone; of a preset what differs from the defaults of its settings."""
    public = {name: getattr(mv, name) for name in mv.__all__}
    classes = {name: cls().values() for name, cls in public.items() if name.endswith("Settings")}
    called = {name: {p.name: p.default for p in inspect.signature(function).parameters.values() if is_plain(p)}
              for name, function in public.items() if inspect.isfunction(function)}
    presets = {f"{kind} {name}": differing(preset)
               for kind, all_of_them in (("maximize", MAXIMIZE), ("invert", INVERT))
               for name, preset in all_of_them.items()}
    trainings = {f"train {name}": [asdict(stage) for stage in stages] for name, stages in STAGES.items()}
    ranges = {f"emoji {name}": asdict(found) for name, found in RANGES.items()}
    nets = {f"catalogue {name}": {what: value for what in PUBLISHED if (value := getattr(net, what)) is not None}
            for name, net in CATALOGUE.items()}
    found = {name: values for name, values in {**nets, **classes, **called, **presets, **trainings, **ranges,
                                               **accepted(public), **named_numbers(), **within(), **taken()}.items()
             if values}
    return json.loads(json.dumps(found))                # tuples are lists


def accepted(public):
    """{"whose accepts": {name: words}} of public functions and methods, settings and layers; what `SHARED` says is not
    said again.
    """
    takers = {name: thing for name, thing in public.items() if inspect.isfunction(thing)}
    takers |= {f"{name}.{method}": thing for name, cls in public.items() if inspect.isclass(cls)
                  for method, thing in vars(cls).items() if inspect.isfunction(thing)}
    takers |= {name: cls.__init__ for name, cls in LAYER_TYPES.items()}
    found = {name: {argument: kind.words for argument, kind in getattr(function, "settings", {}).items()
                    if kind is not SHARED.get(argument)} for name, function in takers.items()}
    found |= {name: {field: cls.field(field).metadata["kind"].words for field in cls.names()}
              for name, cls in public.items() if name.endswith("Settings")}
    return {f"{name} accepts": words for name, words in found.items()}


def named_numbers():
    """{module: {NAME: value}} of what is written out at the top of a module and holds a number."""
    found = {}
    for path, module in trees():
        found[path.as_posix()] = {
            ast.unparse(getattr(line, "targets", [getattr(line, "target", None)])[0]).strip("()"):
            as_json(literal(line.value)) for line in module.body
            if isinstance(line, ast.Assign | ast.AnnAssign) and line.value and is_numeric(line.value)}
    return without_cases(found)


def within():
    """{module, within: {"function(argument)", "Class.field" or "get(key)": [number or switch]}}, those written out."""
    written = [(path, f"{function.name}({argument.arg})", value) for path, function in functions()
               for argument, value in argument_defaults(function)]
    written += [(path, f"{block.name}.{line.target.id}", line.value) for path, module in trees()
                for block in module.body if isinstance(block, ast.ClassDef)
                for line in block.body if isinstance(line, ast.AnnAssign)]
    written += [(path, f"get({ast.unparse(call.args[0])})", value) for path, call in calls()
                if call.args and isinstance(call.func, ast.Attribute) and call.func.attr == "get"
                for value in [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "default")]]
    found = {}
    for path, name, value in written:
        if value is not None and is_numeric(value):
            found.setdefault(f"{path.as_posix()}, within", {}).setdefault(name, []).append(as_json(literal(value)))
    return without_cases(found)


def is_numeric(value):
    """Whether a value is written out and holds a number or a switch."""
    nodes = list(ast.walk(value))
    return all(isinstance(node, WRITTEN_OUT) for node in nodes) and any(
        isinstance(getattr(node, "value", None), int | float) for node in nodes)


def literal(value):
    return eval(ast.unparse(value))


def without_cases(found):
    """Exercises are left out: which numbers they try is told by what they notice."""
    return {module: values for module, values in found.items() if not module.startswith("exercises/catalogue/")}


def as_json(value):
    """A value in which dictionaries have words as keys."""
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, tuple | list) else value


def taken():
    """{"--option: type of commands": {what: value}} of the command line, as far as an option differs from others."""
    found = {}
    for words, param in every_command.params():
        bounds = getattr(param.type, "range", None)
        said = {what: getattr(param, what, None) for what in ASKED}
        said |= {what: getattr(bounds, what, None) for what in ("min", "max", "min_open", "max_open")}
        said = {what: value for what, value in said.items() if isinstance(value, PLAIN) and value is not False
                and (what, value) != ("nargs", 1)}
        key = "/".join([*param.opts, *param.secondary_opts]), type(param.type).__name__, json.dumps(said)
        found.setdefault(key, []).append(" ".join(words))
    return {f"{name}: {kind} of {', '.join(commands)}": json.loads(said) for (name, kind, said), commands in
            found.items()}


def is_plain(parameter):
    return isinstance(parameter.default, PLAIN) and "typing" not in repr(parameter.default)


def differing(settings):
    usual = type(settings)().values()
    return {name: value for name, value in settings.values().items() if value != usual[name]}


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(found)}" for name, found in defaults().items()]
    print("{\n" + ",\n".join(lines) + "\n}")
