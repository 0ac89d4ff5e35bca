"""Links of Markdown pages to files of the repository, which a site must bring along: a page for each such file.

Pages at the top of the repository, such as CONTRIBUTING.md, become pages of the site, too.
"""

import os
import re
from pathlib import Path

from build_pages import DOCS, ROOT
from build_pages.api import title

# file of the repository -> the page that shows it; folders and READMEs -> a page that has the same
PAGES = {
    "CONTRIBUTING.md": "project/contributing.md", "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md", "benchmarks/README.md": "project/benchmarks.md",
    "weights/README.md": "reference/nets.md",
}  # fmt: skip
INSTEAD = {"README.md": "index.md", "demos/README.md": "gallery/index.rst", "demos": "gallery/index.rst",
           "docs/derivations": "derivations/README.md"}
LINK = re.compile(r"(?<=\]\()([^)\s#]+)((?:#[^)\s]*)?)(?=\))")
LANGUAGES = {".py": "python", ".pyi": "python", ".js": "javascript", ".cfg": "ini", ".toml": "toml", ".json": "json"}


def pages():
    """The pages of the repository's texts, and of the files that any text links to."""
    made, linked = {}, set()
    for name, page in PAGES.items():
        made[page] = rewritten((ROOT / name).read_text("utf-8"), ROOT / name, DOCS / page, linked)
    for path in sorted(DOCS.rglob("*.md")):
        if str(path.relative_to(DOCS)) not in made:
            rewritten(path.read_text("utf-8"), path, path, linked)
    return made | {f"source/{name}.rst": source_page(name) for name in linked}


def rewrite(app, docname, source):
    """Sphinx' hook for the Markdown pages that stand in docs/ themselves."""
    path = DOCS / (docname + ".md")
    if path.exists() and docname + ".md" not in PAGES.values():
        source[0] = rewritten(source[0], path, path, set())
    if docname == "derivations/README":         # the pages that it lists, in the site's navigation
        names = sorted(page.stem for page in path.parent.glob("*.md") if page.stem != "README")
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def rewritten(text, path, page, linked):
    """A text with the links of a file of the repository turned into links of its page; adds to ``linked``."""
    def target(match):
        link, anchor = match[1], match[2]
        if re.match(r"[a-z]+:", link) or link.startswith("/"):
            return match[0]
        file = Path(os.path.normpath(path.parent / link))
        return (resolved(file, page, linked) or link) + anchor

    return LINK.sub(target, text)


def resolved(file, page, linked):
    """Where a link to a file of the repository leads from a page, or None."""
    if not file.exists() or ROOT not in [file, *file.parents]:
        return None
    name = file.relative_to(ROOT).as_posix()
    if name in INSTEAD or name in PAGES:
        return os.path.relpath(DOCS / INSTEAD.get(name, PAGES.get(name)), page.parent)
    if DOCS in file.parents or file.suffix in (".png", ".jpg", ".webp", ".svg"):
        return os.path.relpath(file, page.parent)
    if file.is_file():
        linked.add(name)
        return os.path.relpath(DOCS / "source" / f"{name}.rst", page.parent)
    return resolved(file / "README.md", page, linked) or resolved(file / "__init__.py", page, linked)


def source_page(name):
    """A file of the repository as it stands."""
    language = LANGUAGES.get(Path(name).suffix, "text")
    up = "../" * (name.count("/") + 2)
    return "\n".join([":orphan:", "", *title(name), f".. literalinclude:: {up}{name}", f"   :language: {language}", ""])
