"""The lessons as notebooks: their text and code in the same order; the package's own lines are printed by name."""

import ast
import json
import re

from build_pages import DOCS, ROOT

LESSONS = DOCS / "lessons"
BLOCK = re.compile(r"^```(python|\{literalinclude\} \S+)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def lessons():
    return sorted(LESSONS.glob("[0-9]_*.md"))


def cells(text):
    """[(is code, source)] of a lesson."""
    found, end = [], 0
    for match in BLOCK.finditer(text):
        found += [(False, text[end : match.start()].strip()), (True, code(match[1], match[2]))]
        end = match.end()
    found.append((False, text[end:].strip()))
    return [(is_code, without_links(source) if not is_code else source) for is_code, source in found if source]


def code(kind, body):
    """A block as code to run; of one that includes a piece of the package, the lines that print it."""
    if kind == "python":
        return body.strip()
    module, name = included(kind, body)
    return f"import inspect\nfrom {module} import {name.partition('.')[0]}\n\nprint(inspect.getsource({name}))"


def included(kind, body):
    """(module, name) of an included piece of code. Raise ValueError if there is no such piece."""
    path = (LESSONS / kind.split()[1]).resolve()
    name = re.fullmatch(r":pyobject: (\S+)\n", body)[1]
    body = ast.parse(path.read_text("utf-8")).body
    for part in name.split("."):
        body = next((node.body for node in body if getattr(node, "name", None) == part), None)
        if body is None:
            raise ValueError(f"{path} has no {name}")
    return ".".join(path.relative_to(ROOT).with_suffix("").parts), name


def without_links(text):
    """Text without links to pages of the site, which stand elsewhere, and without its directives."""
    text = re.sub(r"^\{download\}.*\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)


def notebook(text):
    """The notebook of a lesson, as the text of its file."""
    made = [("code", "# in an environment of its own:  %pip install minivis")]
    made += [("code" if is_code else "markdown", source) for is_code, source in cells(text)]
    return json.dumps({
        "cells": [{"cell_type": kind, "id": f"cell-{number}", "metadata": {},
                   "source": source.splitlines(keepends=True),
                   **({"execution_count": None, "outputs": []} if kind == "code" else {})}
                  for number, (kind, source) in enumerate(made)],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                     "language_info": {"name": "python"}},
        "nbformat": 4, "nbformat_minor": 5,
    }, indent=1) + "\n"  # fmt: skip


def write():
    """Write the notebooks beside the lessons, where pages and `{download}` find them."""
    (LESSONS / "notebooks").mkdir(exist_ok=True)
    for path in lessons():
        made = LESSONS / "notebooks" / f"lesson_{path.stem}.ipynb"
        text = notebook(path.read_text("utf-8"))
        if not made.exists() or made.read_text("utf-8") != text:
            made.write_text(text, "utf-8")
