"""Pages that are made from the code before Sphinx reads: the API, the commands, the presets, the demos.

    api.py          a page for each public name, from minivis/__init__.pyi
    commands.py     a page for each command, from click
    presets.py      the presets' settings, from their registry
    rules.py        the rules of a backward pass and the kinds of map, from theirs
    demos.py        the demos as scripts that sphinx-gallery shows, runs and turns into notebooks
    notebooks.py    the lessons as notebooks to download
    lesson_pictures.py      what the lessons' code draws, on their pages
    docstrings.py   the house style of docstrings as reStructuredText
    links.py        links to files of the repository, which become pages

All but two have ``pages()``, {path below docs: text}. They import no Sphinx.
"""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
MADE = ("reference/api", "reference/commands", "source")        # folders that hold nothing else


def pages():
    """All pages that are made, {path below docs: text}."""
    from build_pages import api, commands, links, presets, rules

    return {**api.pages(), **commands.pages(), **presets.pages(), **rules.pages(), **links.pages()}


def write_pages(app, config):
    """Write the pages; one that says the same as before keeps its date, so that Sphinx need not read it again."""
    made = pages()
    for folder in MADE:
        for old in (DOCS / folder).rglob("*.rst"):
            if old.relative_to(DOCS).as_posix() not in made:
                old.unlink()
    for name, text in made.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def without_fields(app, what, name, obj, options, signature, returns):
    """Sphinx' hook: a result is never made by its reader, so its class is shown without what its constructor takes."""
    from minivis.methods.shared.result import Result

    if what == "class" and isinstance(obj, type) and issubclass(obj, Result):
        return "", None
    return None


def run_lessons(app):
    """Sphinx' hook: the lessons run when the demos do, see sphinx-gallery's setting."""
    from build_pages import lesson_pictures

    if str(app.config.plot_gallery).lower() not in ("0", "false", ""):
        lesson_pictures.write()


def lessons_with_pictures(app, docname, source):
    """Sphinx' hook: what a lesson's code drew stands below it."""
    from build_pages import lesson_pictures

    if docname.startswith("lessons/") and (drawn := lesson_pictures.kept(docname.rpartition("/")[2], source[0])):
        source[0] = lesson_pictures.with_pictures(source[0], drawn)


def setup(app):
    from build_pages import demos, docstrings, links, notebooks

    app.connect("config-inited", write_pages, priority=100)
    app.connect("config-inited", lambda app, config: demos.write(), priority=100)
    app.connect("config-inited", lambda app, config: notebooks.write(), priority=100)
    app.connect("autodoc-process-docstring", docstrings.as_rst, priority=100)       # before numpydoc
    app.connect("autodoc-process-signature", without_fields)
    app.connect("builder-inited", run_lessons, priority=900)
    app.connect("source-read", lessons_with_pictures, priority=100)         # before links are changed
    app.connect("source-read", demos.show_picture)
    app.connect("source-read", links.rewrite)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
