"""A page for each public name of minivis, grouped by the rooms that minivis/__init__.pyi takes them from."""

import ast
import inspect
import typing

import minivis as mv
from build_pages import ROOT

# room -> the heading of its names; a room that is not here comes under "More"
HEADINGS = {
    "engine": "The net and its passes",
    "images": "Pictures in and out",
    "weights": "Nets from files, and back",
    "methods.looking": "What a net answers, and what its layers do",
    "methods.attribution": "Which pixels matter",
    "methods.synthesis": "Pictures made by a net",
    "methods.adversarial": "Fooling classifiers",
    "optimize": "Optimising a picture",
    "methods.shared": "Results side by side",
    "modules": "Modules",
    "": "More",
}
FOLDER = "reference/api"


def homes():
    """{public name: room}, in the order of the stub; modules are in the room "modules"."""
    tree = ast.parse((ROOT / "minivis" / "__init__.pyi").read_text("utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.asname: "modules" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            room = ".".join(parts[:2]) if parts[0] == "methods" else parts[0]
            found |= {alias.asname or alias.name: "modules" if node.module is None else room for alias in node.names}
    return {name: found.get(name, "") for name in mv.__all__ if name != "__version__"}


def groups():
    """{heading: names}, without empty ones."""
    rooms = homes()
    found = {heading: [] for heading in HEADINGS.values()}
    for name in sorted(rooms, key=str.lower):
        found[HEADINGS.get(rooms[name], HEADINGS[""])].append(name)
    return {heading: names for heading, names in found.items() if names}


def pages():
    """The index and the pages, {path below docs: text}."""
    described = {getattr(mv, name): name for name in mv.__all__ if inspect.isclass(getattr(mv, name))}
    made = {f"{FOLDER}/{name}.rst": page(name, described) for names in groups().values() for name in names}
    return {f"{FOLDER}/index.rst": index(), **made}


def index():
    lines = [*title("API"), "The public names of ``import minivis as mv``. Arrays are (N, H, W, C); pictures are "
             "uint8 (H, W, C).", ""]
    for heading, names in groups().items():
        lines += [*title(heading, "-"), ".. list-table::", "   :widths: 30 70", "   :class: api", ""]
        for name in names:
            lines += [f"   * - :doc:`mv.{name} <{name}>`", f"     - {first_sentence(getattr(mv, name))}"]
        lines.append("")
    lines += [".. toctree::", "   :hidden:", ""]
    return "\n".join([*lines, *(f"   {name}" for names in groups().values() for name in names), ""])


def page(name, described):
    """One name: a function with the class of its result, a class, or a module with what it offers.

    described: {class: the public name on whose page it stands}, which grows.
    """
    thing = getattr(mv, name)
    head = title(f"mv.{name}")
    if inspect.ismodule(thing):
        return "\n".join([*head, *module(name, thing, described)])
    lines = [*head, ".. currentmodule:: minivis", "", *automatic(thing, name)]
    if (result := result_of(thing)) is not None:
        lines += title("The result", "-")
        if (there := described.setdefault(result, name)) != name:
            lines += [f"The same as that of :doc:`mv.{there} <{there}>`.", ""]
        else:
            lines += automatic(result, f"{result.__module__}.{result.__qualname__}", "   :inherited-members:")
    return "\n".join(lines)


def automatic(thing, name, *options):
    """The directive that describes a function, or a class with its members."""
    if inspect.isclass(thing):
        return [f".. autoclass:: {name}", "   :members:", *options, ""]
    return [f".. autofunction:: {name}", ""]


def module(name, thing, described):
    """The lines for a module: its text, and its public functions and classes under their public names."""
    from build_pages.docstrings import converted

    lines = [*converted((inspect.getdoc(thing) or "").splitlines()), ""]
    for own in offered(thing):
        value = getattr(thing, own)
        again = inspect.isclass(value) and described.setdefault(value, name) != name    # Sphinx knows a class once
        lines += automatic(value, f"minivis::{name}.{own}", *(["   :no-index:"] if again else []))
    return lines


def offered(thing):
    """The names of a module's public functions and classes: those in ``__all__``, or those that are defined there."""
    names = getattr(thing, "__all__", None) or [
        name for name, value in vars(thing).items() if getattr(value, "__module__", None) == thing.__name__]
    return [name for name in names if not name.startswith("_")
            and (inspect.isclass(value := getattr(thing, name)) or inspect.isfunction(value))]


def result_of(thing):
    """The class of a function's result where minivis defines it and it is no public name itself, or None."""
    if not inspect.isfunction(thing):
        return None
    result = typing.get_type_hints(thing).get("return")
    own = inspect.isclass(result) and result.__module__.startswith("minivis.")
    return result if own and result.__name__ not in mv.__all__ else None


def first_sentence(thing):
    from build_pages.docstrings import escaped

    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    return escaped(text) or "\\ "


def title(text, line="="):
    return [text, line * max(len(text), 3), ""]
