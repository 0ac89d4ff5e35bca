"""Regular expressions take time that grows with the text, not with a power of two: files and options are hostile."""

import ast
from pathlib import Path

import pytest

import minivis

try:
    from re import _constants as constants
    from re import _parser as parser  # Python 3.11
except ImportError:
    import sre_constants as constants
    import sre_parse as parser

ROOT = Path(minivis.__file__).parent


def patterns():
    """(file:line, pattern) of every literal that re is called with; names in braces stand for a letter."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
                text = literal(node.args[0])
                if text is not None:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def literal(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
    return None


def repeats(tree, inside=False):
    """Whether something that repeats without end holds something else that does: each text then has many readings."""
    for kind, given in tree:
        endless = kind in (constants.MAX_REPEAT, constants.MIN_REPEAT) and given[1] == constants.MAXREPEAT
        if endless and inside:
            return True
        for part in given if isinstance(given, (tuple, list)) else [given]:
            for one in part if isinstance(part, list) else [part]:
                if isinstance(one, parser.SubPattern) and repeats(one, inside or endless):
                    return True
    return False


def test_what_is_looked_for():
    assert repeats(parser.parse(r"(?: *\d+L?,?)*")) and repeats(parser.parse(r"((a|b+)c?)+"))
    assert not repeats(parser.parse(r"[\d ,L]*(ab)*x+(?:\.\d+)?"))


@pytest.mark.parametrize("place, pattern", [pytest.param(*one, id=one[0]) for one in patterns()])
def test_nothing_endless_lies_in_something_endless(place, pattern):
    assert not repeats(parser.parse(pattern)), place
