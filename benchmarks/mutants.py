"""Would a test notice? Break one line of minivis at a time, and run the tests that should see it.

    python benchmarks/mutants.py --count 300 --seed 0 --out mutants.jsonl
    python benchmarks/mutants.py --rooms layers methods --count 50
    python benchmarks/mutants.py --again mutants.jsonl              # only those that survived or took too long

A seed draws the mutants from everything that can be changed: a comparison, an operator, a number, a condition, the
order of two arguments, min for max. What means nothing when minivis runs stays as it is: annotations, docstrings,
``__all__``, ``if TYPE_CHECKING``, the order of what max is taken of. A copy of the checkout is changed, never the
checkout itself. The tests of the module's own path run first, then those that hold for every module, then those of its
room, then (with --whole) all others.
A mutant is noticed when a test fails. A survivor is for a reader to judge: it may be equivalent, or change speed
alone. A run that takes too long says neither, as the machine may be busy.
"""

import argparse
import ast
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {"version.py", "__init__.py", "__main__.py", "cuda.py", "tuning.py"}      # CUDA runs nowhere here
SWAPS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is", ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
    ast.FloorDiv: "*", ast.Mod: "*", ast.And: "or", ast.Or: "and", ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any",
         "argmax": "argmin", "argmin": "argmax", "floor": "ceil", "ceil": "floor", "H": "W", "W": "H", "KH": "KW",
         "KW": "KH", "OH": "OW", "OW": "OH", "rows": "columns", "columns": "rows", "zeros": "ones"}  # fmt: skip
ANY_ORDER = {"max", "min", "maximum", "minimum", "logical_and", "logical_or"}
EVERYWHERE = ["tests/test_defaults.py", "tests/test_rooms.py"]      # what holds for every module
TOO_LONG = "too long"                           # not noticed: a busy machine would flatter the tests
TEXT = (ast.JoinedStr, ast.Raise)               # messages are checked by their words elsewhere


def mutations(source):
    """[(start, end, replacement, line)] of everything in a source that can be changed."""
    tree, starts = ast.parse(source), [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def at(line, column):
        return starts[line - 1] + column

    def span(node):
        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    found = []

    def between(left, right, replacement):
        begin, end = span(left)[1], span(right)[0]
        old = source.encode()[begin:end].decode()
        if "\n" not in old and "#" not in old:
            found.append((begin, end, f"{')' * old.count(')')} {replacement} {'(' * old.count('(')}", left.lineno))

    def visit(node):
        if isinstance(node, TEXT):
            return
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
            between(node.left, node.comparators[0], SWAPS[type(node.ops[0])])
        elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
            text = isinstance(node.left, ast.Constant | ast.JoinedStr) and not isinstance(
                getattr(node.left, "value", ""), int | float)
            if not text:
                between(node.left, node.right, SWAPS[type(node.op)])
        elif isinstance(node, ast.BoolOp):
            between(node.values[0], node.values[1], SWAPS[type(node.op)])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            begin, _ = span(node)
            found.append((begin, span(node.operand)[0], "", node.lineno))
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            begin, end = span(node.test)
            found.append((begin, end, f"(not ({source.encode()[begin:end].decode()}))", node.lineno))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            found.append((*span(node), str(not node.value), node.lineno))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            found.append((*span(node), repr(node.value + 1), node.lineno))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NAMES:
            found.append((*span(node), NAMES[node.id], node.lineno))
        elif isinstance(node, ast.Attribute) and node.attr in NAMES:
            _, end = span(node)
            found.append((end - len(node.attr), end, NAMES[node.attr], node.lineno))
        elif isinstance(node, ast.Call) and len(node.args) > 1 and not any(
                isinstance(a, ast.Starred) for a in node.args[:2]) and called(node) not in ANY_ORDER:
            (a, b), (c, d) = span(node.args[0]), span(node.args[1])
            data = source.encode()
            swapped = (data[c:d] + data[b:c] + data[a:b]).decode()
            if swapped.encode() != data[a:d]:
                found.append((a, d, swapped, node.lineno))
        for child in parts(node):
            visit(child)

    visit(tree)
    return found


def parts(node):
    """The children of a node that mean something when it runs: no annotation, ``__all__`` or ``if TYPE_CHECKING``.

    A docstring holds nothing that a mutation changes.
    """
    unread = {"annotation", "returns", "type_params"}
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in unread and not idle(child):
                yield child


def called(call):
    """The last name of what is called: "maximum" of np.maximum(a, b)."""
    return ast.unparse(call.func).split(".")[-1]


def idle(node):
    """Whether a statement is for readers and type checkers alone."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).split(".")[-1] == "TypeAlias":
        return True
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and any(
        isinstance(t, ast.Name) and t.id == "__all__" for t in targets)


def mutated(source, mutation):
    begin, end, replacement, _ = mutation
    data = source.encode()
    return (data[:begin] + replacement.encode() + data[end:]).decode()


def draw(rooms, count, seed):
    """``count`` different mutants, (path, mutation) each, whose source still compiles."""
    every = []
    for path in sorted((ROOT / "minivis").rglob("*.py")):
        inside = path.relative_to(ROOT / "minivis")
        if path.name not in SKIPPED and (not rooms or inside.parts[0].removesuffix(".py") in rooms):
            every += [(path.relative_to(ROOT), m) for m in mutations(path.read_text("utf-8"))]
    random.Random(seed).shuffle(every)
    whole = ((path, m) for path, m in every if compiles(mutated((ROOT / path).read_text("utf-8"), m)))
    return list(itertools.islice(whole, count))


def compiles(source):
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def stages(path, whole):
    """The tests to run for a module, nearest first."""
    inside = Path(*path.parts[1:])
    own = Path("tests") / inside.parent / f"test_{inside.name}"
    found = [[str(own)], EVERYWHERE] if (ROOT / own).exists() else [EVERYWHERE]
    folder = Path("tests") / inside.parent
    while not any((ROOT / folder).glob("test_*.py")):           # as of exercises/catalogue, which exercises/ tests
        folder = folder.parent
    rest = [str(p.relative_to(ROOT)) for p in sorted((ROOT / folder).glob("test_*.py")) if p.relative_to(ROOT) != own]
    found += [rest] if rest else []
    return found + ([["tests"]] if whole else [])


def run(copy, tests, limit):
    """Whether the tests fail; None for a run that is too long."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=limit,
                              env={**os.environ, "PYTHONPATH": str(copy)})
    except subprocess.TimeoutExpired:
        return None, TOO_LONG
    return done.returncode != 0, (done.stdout.splitlines() or [""])[-1]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="*", help="only these")
    parser.add_argument("--whole", action="store_true", help="run the whole suite on what its room's tests let pass")
    parser.add_argument("--limit", type=float, default=300, help="seconds for each of the runs")
    parser.add_argument("--out", default="mutants.jsonl")
    parser.add_argument("--again", help="a file of results: only what survived or took too long, where it still exists")
    args = parser.parse_args(argv)
    chosen = draw(args.rooms, args.count if not args.again else 10**9, args.seed)
    if args.again:
        lines = [json.loads(line) for line in Path(args.again).read_text().splitlines()]
        old = {(d["path"], d["was"], d["is"]) for d in lines if d["survived"] or d["by"] == TOO_LONG}
        chosen = [(p, m) for p, m in chosen if (str(p), *change(p, m)) in old]
    noticed = late = 0
    with tempfile.TemporaryDirectory() as folder, open(args.out, "a", encoding="utf-8") as out:
        copy = Path(folder) / "minivis"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__"))
        for number, (path, mutation) in enumerate(chosen, 1):
            source, began = (ROOT / path).read_text("utf-8"), time.perf_counter()
            (copy / path).write_text(mutated(source, mutation), "utf-8")
            for tests in stages(path, args.whole):
                failed, by = run(copy, tests, args.limit)
                if failed is not False:
                    break
            (copy / path).write_text(source, "utf-8")
            noticed, late = noticed + (failed is True), late + (failed is None)
            was, now = change(path, mutation)
            line = {"path": str(path), "line": mutation[3], "was": was, "is": now, "survived": failed is False,
                    "by": by[:200], "seconds": round(time.perf_counter() - began, 1)}
            print(json.dumps(line), file=out, flush=True)
            fate = f"; {TOO_LONG if failed is None else 'SURVIVED'} {path}:{mutation[3]}: {now}" if not failed else ""
            print(f"{noticed} of {number - late} noticed, {late} too long{fate}", flush=True)


def change(path, mutation):
    """The line before and after."""
    source = (ROOT / path).read_text("utf-8")
    line = mutation[3] - 1
    return source.splitlines()[line].strip(), mutated(source, mutation).splitlines()[line].strip()


if __name__ == "__main__":
    sys.exit(main())
