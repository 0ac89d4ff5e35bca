"""The package's own source, each module parsed once for all the tests that read it."""

import ast
from functools import cache
from pathlib import Path

import minivis

PACKAGE = Path(minivis.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

tree = cache(ast.parse)                         # of a source


def trees():
    """[(path within the package, tree)] of every module."""
    return [(path.relative_to(PACKAGE), tree(path.read_text("utf-8"))) for path in MODULES]


@cache
def parts():
    """[(path within the package, function or call)] wherever they stand."""
    return [(path, node) for path, module in trees() for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Call)]


def functions():
    """(path within the package, function), methods and functions within functions included."""
    return ((path, node) for path, node in parts() if not isinstance(node, ast.Call))


def calls():
    return ((path, node) for path, node in parts() if isinstance(node, ast.Call))


def argument_defaults(function):
    """(argument, its default) of each that has one."""
    given = function.args
    places = given.posonlyargs + given.args
    yield from zip(places[len(places) - len(given.defaults):], given.defaults)
    yield from ((a, d) for a, d in zip(given.kwonlyargs, given.kw_defaults) if d is not None)
