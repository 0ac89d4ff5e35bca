"""The house style of docstrings as reStructuredText: an indented block is shown as it stands, words in `backticks` are
code, and stars, bars and underscores are what they look like."""

import itertools
import re

CODE = re.compile(r"(``.+?``|:[\w:]+:`[^`]+`|`[^`\n]+`_?_?)")
COLUMNS = re.compile(r"\S {3,}\S")              # of a table that is set by hand
SECTION = re.compile(r"-{3,}$")


def as_rst(app, what, name, obj, options, lines):
    """Sphinx' hook: change the lines of a docstring in place."""
    lines[:] = converted(lines)


def converted(lines):
    """The lines of a docstring as reStructuredText. Those of numpydoc's sections stay as they are."""
    end = next((i for i, line in enumerate(lines[1:]) if SECTION.match(line)), len(lines))
    made, literal = [], False
    for blank, group in itertools.groupby(lines[:end], key=lambda line: not line.strip()):
        paragraph = list(group)
        table = not blank and sum(bool(COLUMNS.search(line)) for line in paragraph) >= 2
        if not blank and (paragraph[0].startswith(" ") or table):
            made += [] if literal or opens_block(made) else ["::", ""]
            literal = True
            made += ["    " + line for line in paragraph] if not paragraph[0].startswith(" ") else paragraph
        elif not blank:
            literal = paragraph[0].startswith((".. ", ">>>"))
            made += paragraph if literal else [escaped(line) for line in paragraph]
        else:
            made += paragraph
    return made + list(lines[end:])


def opens_block(made):
    """Whether the last line that is not blank already opens a literal block, a directive or an item of a list."""
    last = next((line for line in reversed(made) if line), "")
    return last.endswith("::") or last.startswith((".. ", "* ", "- "))


def escaped(text):
    """Text in which only code in backticks is markup."""
    parts = CODE.split(text)
    return "".join(part if i % 2 else re.sub(r"([*|\\]|\w_(?=\W|$))", lambda m: m[1][:-1] + "\\" + m[1][-1], part)
                   for i, part in enumerate(parts))
