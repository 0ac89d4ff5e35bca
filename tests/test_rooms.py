"""Rules of the layout: who may import whom, where a module's tests are, how long a file may be, what a name means.

A module imports from its own room and from rooms below. Imports inside functions count.
"""

import ast
from functools import lru_cache
from pathlib import Path

import pytest
from package_trees import MODULES, PACKAGE, argument_defaults, functions, tree, trees

TESTS = Path(__file__).parent

# from the ground up; rooms on one line know nothing of each other
FLOORS = """
errors version types
runtime
figures images
data
convolution
layers
engine
models
weights
objectives
optimize sweeps
methods
live training exercises
commands
cli
__main__
"""

FAMILIES = """
shared
looking attribution synthesis adversarial
"""


def floors(text):
    """{room: its floor}, counted from the ground."""
    return {room: number for number, line in enumerate(text.split("\n")) for room in line.split()}


@lru_cache(None)
def all_imports(source):
    """(line, dotted name) of every import in a source, those inside functions too."""
    found = []
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, a.name) for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [(node.lineno, f"{node.module}.{a.name}") for a in node.names]
    return found


def imports(source, package="minivis"):
    return [(line, name) for line, name in all_imports(source) if name.split(".")[0] == package]


def wrong_ways(floor, modules, depth):
    """The forbidden imports, "module:line imports name". modules: {dotted name: source}; depth: the place of a room."""
    for module, source in modules.items():
        here = module.split(".")[depth:depth + 1]
        if not here or here[0] not in floor:
            continue                                            # the package's own __init__ is in no room
        for line, name in imports(source):
            there = name.split(".")[depth:depth + 1]
            outside = name.split(".")[:depth] != module.split(".")[:depth]
            if outside or not there or there == here or there[0] not in floor:
                continue
            if floor[there[0]] >= floor[here[0]]:
                yield f"{module}:{line} imports {name}"


@pytest.fixture(scope="module")
def modules():
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in MODULES]
    return {name.removesuffix(".__init__"): path.read_text("utf-8") for name, path in zip(names, MODULES)}


def test_every_room_has_a_floor():
    here = {path.stem for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    assert here - {"__init__"} == set(floors(FLOORS))
    families = {path.name for path in (PACKAGE / "methods").iterdir() if (path / "__init__.py").exists()}
    assert families == set(floors(FAMILIES))


def test_imports_go_down(modules):
    assert not list(wrong_ways(floors(FLOORS), modules, 1))


def test_families_of_methods_do_not_know_each_other(modules):
    assert not list(wrong_ways(floors(FAMILIES), modules, 2))


def test_containers_know_no_architecture(modules):
    above = {"minivis.models", "minivis.engine", "minivis.layers"}
    assert not [f"{module}:{line} imports {name}" for module, source in modules.items()
                if module.startswith("minivis.weights.containers.") for line, name in imports(source)
                if ".".join(name.split(".")[:2]) in above]


def test_the_command_line_stays_in_commands(modules):
    allowed = ("minivis.commands", "minivis.cli", "minivis.data.emoji.shipped")         # the last is a program itself
    assert not [name for name, source in modules.items() if not name.startswith(allowed) and imports(source, "click")]


@pytest.mark.parametrize("source, wrong", [
    ("from minivis.runtime import threads", False),
    ("from minivis.engine.plan import Step", False),
    ("from minivis.errors import BadValue", False),
    ("def f():\n    from minivis.methods.shared import target", True),
    ("import minivis.optimize.loop", True),
    ("from minivis import weights", True),
])
def test_the_rule_sees_a_wrong_import(source, wrong):
    assert bool(list(wrong_ways(floors(FLOORS), {"minivis.engine.network": source}, 1))) is wrong


def test_rooms_on_one_floor_are_strangers():
    modules = {"minivis.live.app": "from minivis.training import trainer"}
    assert list(wrong_ways(floors(FLOORS), modules, 1))
    modules = {"minivis.methods.looking.codes": "from minivis.methods.synthesis import dream"}
    assert list(wrong_ways(floors(FAMILIES), modules, 2))


def test_every_module_has_its_tests_at_its_own_path():
    """minivis/a/b.py has tests/a/test_b.py, so that "which test guards this line?" needs no search."""
    modules = [path.relative_to(PACKAGE) for path in MODULES if not path.stem.startswith("__")]
    # an exercise brings its own cases and mistakes, and one test runs them all
    modules = [path for path in modules if path.parent != Path("exercises", "catalogue")]
    assert not [str(path) for path in modules if not (TESTS / path.parent / f"test_{path.name}").exists()]


def test_no_file_is_too_long_to_read():
    long = {str(path.relative_to(PACKAGE)): lines for path in MODULES
            if (lines := path.read_text("utf-8").count("\n")) > (200 if path.name == "network.py" else 300)}
    assert not long


def test_whoever_asks_for_nothing_gets_seed_0_and_no_progress_bar():
    """In every function of a sweep or a method, and in their settings."""
    rooms = ("methods", "sweeps", "objectives", "optimize", "engine")
    found = [(f"{path}: {node.name}", argument.arg, getattr(default, "value", default))
             for path, node in functions() if path.parts[0] in rooms
             for argument, default in argument_defaults(node) if argument.arg in ("seed", "progress")]
    assert len(found) > 100
    assert not [one for one in found if one[1:] not in (("seed", 0), ("progress", False))]


def test_no_signature_takes_seeds_of_both_kinds():
    """``seeds`` are the gradients that a backward pass starts from; ``seed`` is that of random numbers."""
    both = [f"{path}: {node.name}" for path, node in functions()
            if {"seed", "seeds"} <= {a.arg for a in [*node.args.args, *node.args.kwonlyargs]}]
    assert not both


CHANGING = {"Batch", "BatchResult", "Checkpoint", "Given", "Graph", "Guess", "Limits", "Seen", "Source", "Tally",
            "Watch"}


def test_a_dataclass_stays_as_it_was_made():
    classes = [node for _, module in trees() for node in module.body if isinstance(node, ast.ClassDef)]
    made = {node.name: text for node in classes for how in node.decorator_list
            if (text := ast.unparse(how)).startswith("dataclass")}
    assert len(made) > 150
    assert {name for name, how in made.items() if "frozen=True" not in how} == CHANGING


def test_settings_are_given_by_name_alone():
    """A position would say nothing, and the order of the fields is that of the help."""
    its = [node for _, module in trees() for node in module.body if isinstance(node, ast.ClassDef)
           and "Settings" in map(ast.unparse, node.bases)]
    assert len(its) > 20
    assert not [node.name for node in its if not any("kw_only=True" in ast.unparse(how) for how in node.decorator_list)]
