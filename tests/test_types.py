"""What a type checker says of uses of the public interface, and that the names it knows are those there are."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from package_trees import PACKAGE, functions

import minivis as mv
from minivis.convolution.choose import Algorithm
from minivis.convolution.direct import DIRECT, WINOGRAD
from minivis.layers.relu import RELU_RULES, ReLURuleName
from minivis.methods.attribution.saliency import KINDS, SaliencyKind
from minivis.methods.synthesis.presets import INVERT, MAXIMIZE, InvertPreset, MaximizePreset

HERE = Path(__file__).parent


@pytest.mark.parametrize("known, registry", [
    (ReLURuleName, RELU_RULES), (SaliencyKind, KINDS), (MaximizePreset, MAXIMIZE), (InvertPreset, INVERT),
    (Algorithm, {"auto", "im2col", *DIRECT, *WINOGRAD}),
])  # fmt: skip
def test_a_type_checker_knows_the_names_in_the_registry(known, registry):
    assert set(get_args(known)) == set(registry)


def test_the_stub_and_the_package_offer_the_same_names():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    listed = next(ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(listed) == sorted(mv.__all__)
    for name in listed:
        assert getattr(mv, name) is not None


def test_each_public_function_says_what_it_takes_and_returns():
    functions = [getattr(mv, name) for name in mv.__all__ if callable(getattr(mv, name))]
    functions += [function for name, function in vars(mv.Network).items()
                  if callable(function) and not name.startswith("_")]
    for function in functions:
        if isinstance(function, type):
            continue
        code = function.__wrapped__.__code__ if hasattr(function, "__wrapped__") else function.__code__
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        assert {*arguments, "return"} - {"self"} <= set(function.__annotations__), function.__qualname__


def test_every_function_of_the_package_has_types():
    untyped = []
    for path, node in functions():
        given = node.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        bare = {argument.arg for argument in arguments if argument and argument.annotation is None}
        if bare - {"self", "cls"} or node.returns is None:
            untyped.append(f"{path}:{node.lineno} {node.name}")
    assert not untyped


@pytest.mark.slow(seconds=30)
def test_mypy_finds_each_wrong_use_and_nothing_in_right_ones():
    pytest.importorskip("mypy")
    files = [HERE / "type_uses" / name for name in ("right.py", "wrong.py")]
    done = subprocess.run([sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports", "silent",
                           *map(str, files)],
                          cwd=PACKAGE.parent, capture_output=True, text=True, timeout=600)  # fmt: skip
    found = {(Path(m[1]).name, int(m[2])) for m in re.finditer(r"^(\S+?):(\d+): error", done.stdout, re.MULTILINE)}
    lines = files[1].read_text("utf-8").splitlines()
    wrong = {("wrong.py", number) for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert found == wrong, done.stdout
