"""What a lesson's code draws, on the lesson's page: its cells run when the demos do, and their pictures are kept.

    lessons/pictures/7_style.json       {"code": a hash of the lesson's code, "drawn": {number of a block: file}}
"""

import ast
import hashlib
import json
import os
import tempfile

from build_pages import DOCS
from build_pages.notebooks import BLOCK, code, lessons

PICTURES = DOCS / "lessons" / "pictures"


def write():
    """Run the lessons whose code has changed since, and keep what they drew."""
    PICTURES.mkdir(exist_ok=True)
    for path in lessons():
        text = path.read_text("utf-8")
        if kept(path.stem, text) is None:
            drawn = {}
            for number, png in pictures(text):
                drawn[number] = f"{path.stem}_{number}.png"
                (PICTURES / drawn[number]).write_bytes(png)
            record = {"code": fingerprint(text), "drawn": drawn}
            (PICTURES / f"{path.stem}.json").write_text(json.dumps(record), "utf-8")


def pictures(text):
    """(number of a block, PNG) of each block whose last line is a result, as a notebook would show it."""
    names, home = {"__name__": "__main__"}, os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)                        # a lesson may write files
        try:
            for number, match in enumerate(BLOCK.finditer(text)):
                shown = last_value(code(match[1], match[2]), names) if match[1] == "python" else None
                if hasattr(shown, "_repr_png_"):
                    yield number, shown._repr_png_()
        finally:
            os.chdir(home)


def last_value(source, names):
    """Run a cell; the value of its last line, or None."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "lesson", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "lesson", "eval"), names)


def fingerprint(text):
    return hashlib.sha256("\n".join(match[0] for match in BLOCK.finditer(text)).encode()).hexdigest()


def kept(stem, text):
    """{number of a block: file} of pictures that the lesson's code of today drew, or None."""
    record = PICTURES / f"{stem}.json"
    found = json.loads(record.read_text("utf-8")) if record.exists() else {}
    return found["drawn"] if found.get("code") == fingerprint(text) else None


def with_pictures(text, drawn):
    """A lesson's text with the picture below each block that drew one."""
    made, end = [], 0
    for number, match in enumerate(BLOCK.finditer(text)):
        made.append(text[end:match.end()])
        end = match.end()
        if str(number) in drawn:
            made.append(f"\n![What this draws](pictures/{drawn[str(number)]})\n")
    return "".join([*made, text[end:]])
