"""The documentation site: every page is in its navigation; every public name, command and demo has a page."""

import ast
import builtins
import fnmatch
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import minivis as mv

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NO_PAGES = ("build_pages/", "_static/", "gallery/", "source/")


@pytest.fixture(scope="module")
def build_pages():
    sys.path.insert(0, str(DOCS))
    try:
        from build_pages import api, commands, demos, docstrings, links, presets  # noqa: F401

        yield sys.modules["build_pages"]
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def made(build_pages):
    """{path below docs: text} of all pages: those that stand there, and those that are made."""
    made = build_pages.pages()
    written = {path.relative_to(DOCS).as_posix(): path.read_text("utf-8") for path in DOCS.rglob("*.md")}
    return {name: text for name, text in {**written, **made}.items() if not name.startswith(NO_PAGES)}


def entries(name, text):
    """The pages that a page's toctrees name, as paths below docs, with stars in them."""
    for block in re.findall(r"(?:^```\{toctree\}|^\.\. toctree::)\n(.*?)(?:^```|\Z)", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.strip() and not line.strip().startswith(":"):
                target = re.sub(r".*<(.*)>", r"\1", line.strip())
                yield posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def test_every_page_is_in_the_navigation(made):
    listed = [entry for name, text in made.items() for entry in entries(name, text)]
    assert listed
    pages = {re.sub(r"\.(md|rst)$", "", name) for name in made}
    lost = [page for page in pages if not any(fnmatch.fnmatchcase(page, entry) for entry in listed)]
    assert sorted(page for page in lost if not page.startswith("derivations/")) == ["index"]    # those by links.py
    assert len(listed) == len(set(listed)), "a page stands in the navigation twice"
    wrong = [entry for entry in listed if not fnmatch.filter(pages, entry)]
    assert sorted(wrong) == ["gallery/index"]                   # sphinx-gallery makes it


def test_every_public_name_has_a_page(made):
    index = made["reference/api/index.rst"]
    for name in sorted(set(mv.__all__) - {"__version__"}):
        assert f":doc:`mv.{name} <{name}>`" in index, name
        assert f"mv.{name}\n===" in made[f"reference/api/{name}.rst"], name


def test_a_function_stands_beside_the_class_of_its_result(made):
    assert "minivis.methods.attribution.saliency.Saliency" in made["reference/api/saliency.rst"]
    assert ":doc:`mv.style_transfer <style_transfer>`" in made["reference/api/texture.rst"]     # both give a Painted


def test_every_command_has_a_page_with_all_its_options(made):
    from minivis.cli import cli

    def check(command, text):
        for option in command.params:
            for name in option.opts if isinstance(option, click.Option) and not option.hidden else ():
                assert name in text, (command.name, name)
        for below in getattr(command, "commands", {}).values():
            check(below, text)

    for name, command in cli.commands.items():
        check(command, made[f"reference/commands/{name}.rst"])


def test_every_preset_stands_on_its_page(made):
    from minivis.methods.synthesis.presets import INVERT, MAXIMIZE

    for name in (*MAXIMIZE, *INVERT):
        assert f"- {name}\n" in made["reference/presets.rst"], name


def test_every_rule_and_every_kind_of_map_stands_on_its_page(made):
    from minivis.layers.rules import RULES
    from minivis.methods.attribution.kinds import KINDS

    for name in (*RULES, *KINDS):
        assert f"* - ``{name}``\n" in made["reference/rules.rst"], name


def test_the_guides_name_commands_and_options_that_exist():
    from minivis.cli import cli

    pages = [DOCS / "index.md", DOCS / "start.md", *sorted((DOCS / "how-to").glob("*.md")),
             *sorted((DOCS / "explanation").glob("*.md"))]
    lines = [line for page in pages for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
             for line in block.replace("\\\n", " ").splitlines() if re.search(r"(^|py |8650 )minivis ", line)]
    assert len(lines) > 30
    for line in lines:
        words = line[line.index("minivis "):].partition(" #")[0].split()[1:]
        command = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name = words.pop(0)
            assert name in command.commands, line
            command = command.commands[name]
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known | {"--help"}, line


def test_what_a_lessons_code_draws_stands_below_it(build_pages):
    from build_pages import lesson_pictures

    text = ("# Lesson\n\n```python\nclass Drawn:\n    def _repr_png_(self):\n        return b'a picture'\n```\n\n"
            "```python\nx = 1\nDrawn()\n```\n\nMore.\n\n```python\nx\n```\n")
    assert list(lesson_pictures.pictures(text)) == [(1, b"a picture")]
    assert lesson_pictures.with_pictures(text, {"1": "l_1.png"}) == text.replace(
        "\n\nMore", "\n\n![What this draws](pictures/l_1.png)\n\nMore")
    assert lesson_pictures.fingerprint(text) != lesson_pictures.fingerprint(text.replace("x = 1", "x = 2"))


def test_demos_become_scripts_that_need_minivis_alone(build_pages):
    for script in build_pages.demos.scripts():
        made = build_pages.demos.converted(script.read_text("utf-8"), script.stem)
        compile(made, script.name, "exec")
        left = re.findall(r"loading import|argv|options\.|\bload_(?:families|many|nets?|patches|some)\(|own_options|"
                          r"\bsave\(|\bPAINTING\b|def main", made)
        assert not left, script
        assert made.endswith("\ndrawn\n") and made.count("# %%") >= 2
        assert not unknown_names(made), (script, unknown_names(made))


def unknown_names(source):
    """Names that a script reads and that nothing in it makes."""
    nodes = list(ast.walk(ast.parse(source)))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    made |= {alias.asname or alias.name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))
             for alias in node.names}
    return read - made - set(dir(builtins))


def test_a_demos_picture_stands_below_the_title_of_its_page(build_pages):
    source = ["..\n\nWhich pixels?\n=============\n\nThree ways.\n"]
    build_pages.demos.show_picture(None, "gallery/06_backprop", source)
    assert source[0].startswith("..\n\nWhich pixels?\n=============\n\n.. image:: /../demos/06_backprop.png\n")
    assert source[0].endswith("\n\nThree ways.\n")


def test_docstrings_of_the_house_become_restructured_text(build_pages):
    converted = build_pages.docstrings.converted
    assert converted(["A map.", "", "    M = max |d s|", "", "Then *args of `x_`."]) == [
        "A map.", "", "::", "", "    M = max |d s|", "", r"Then \*args of `x_`."]
    assert converted(["Columns:", "", "one     of a", "three   of b"]) == [
        "Columns:", "", "::", "", "    one     of a", "    three   of b"]
    numpydoc = ["Text.", "", "Parameters", "----------", "x : int", "    The *number*."]
    assert converted(numpydoc) == numpydoc


def test_links_to_files_become_links_to_their_pages(build_pages):
    linked = set()
    page = DOCS / "project" / "contributing.md"
    text = build_pages.links.rewritten(
        "[a](minivis/layers/relu.py) [b](SECURITY.md#x) [c](https://x.y/z) ![d](demos/02_filters.png) "
        "[e](docs/exercises.md)",
        ROOT / "CONTRIBUTING.md", page, linked)
    assert text == ("[a](../source/minivis/layers/relu.py.rst) [b](security.md#x) [c](https://x.y/z) "
                    "![d](../../demos/02_filters.png) [e](../exercises.md)")
    assert linked == {"minivis/layers/relu.py"}


@pytest.mark.slow(seconds=80)
def test_the_site_builds_without_a_warning(tmp_path):
    """The demos are not run: that takes minutes, and test_demos.py runs them."""
    for package in ("sphinx", "sphinx_gallery", "numpydoc", "myst_parser", "pydata_sphinx_theme"):
        pytest.importorskip(package, reason="the site needs the extra docs")
    done = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-D", "plot_gallery=0", "-d",
                           tmp_path / "doctrees", DOCS, tmp_path / "site"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    for page in ("index", "gallery/06_backprop", "reference/api/maximize", "reference/commands/maximize", "exercises"):
        assert (tmp_path / "site" / f"{page}.html").is_file(), page
