"""The docstring of every public function: the sections that its signature needs, and an example that runs."""

import ast
import doctest
import inspect
import re
from functools import lru_cache

import pytest

import minivis as mv

FUNCTIONS = {name: getattr(mv, name) for name in mv.__all__ if inspect.isfunction(getattr(mv, name))}
CLASSES = {name: getattr(mv, name) for name in mv.__all__ if inspect.isclass(getattr(mv, name))}


def sections(function):
    """{heading: its lines} of a numpydoc docstring."""
    found, lines = {}, inspect.getdoc(function).split("\n")
    starts = [i for i, line in enumerate(lines[:-1]) if line and set(lines[i + 1]) == {"-"}]
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        found[lines[start]] = lines[start + 2 : end]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_has_every_section_that_its_signature_needs(name):
    function = FUNCTIONS[name]
    found = sections(function)
    rows = [line.split(" : ") for line in found["Parameters"] if line and not line.startswith(" ")]
    described = [one for names, _ in rows for one in names.split(", ")]
    assert described == list(inspect.signature(function).parameters)
    assert all(kind for _, kind in rows)
    headings = [one for one in ("Parameters", "Returns", "Raises", "References", "Examples") if one in found]
    assert list(found) == headings and {"Returns", "Raises", "Examples"} <= set(found)
    assert all(any(line.strip() for line in lines) for lines in found.values())


def said_defaults(function):
    """(parameter, its default) of each whose row ends in "default" and a value, not a word of English."""
    for line in sections(function)["Parameters"]:
        names, _, kind = line.partition(" : ")
        _, _, said = kind.partition("default ")
        try:
            value = ast.literal_eval(said)
        except (ValueError, SyntaxError):
            continue
        yield from ((name, value) for name in names.split(", ") if line[0] != " ")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_default_is_what_the_docstring_says(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    for parameter, value in said_defaults(FUNCTIONS[name]):
        assert parameters[parameter].default in (value, None), parameter    # None: of settings, the preset's value


def test_most_defaults_are_said_as_values():
    assert len([one for function in FUNCTIONS.values() for one in said_defaults(function)]) > 400


SETTINGS = {name: found[1] for name, function in FUNCTIONS.items()
            if (found := re.search(r"settings : (\w+), opt", function.__doc__))}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_described_by_its_field(name):
    """Unless the function's own text says it; never by what other functions mean by an argument of that name."""
    function = FUNCTIONS[name]
    written, shown = inspect.unwrap(function).__doc__, " ".join(inspect.getdoc(function).split())
    cls = getattr(mv, SETTINGS[name])
    fields = [cls.field(one) for one in cls.names() if f"\n    {one} : " not in written]
    assert fields
    for field in fields:
        assert " ".join(field.metadata["help"].split()).rstrip(".") in shown, field.name


@pytest.mark.parametrize("name", [name for name in CLASSES if name.endswith("Settings")])
def test_help_shows_settings_as_they_are_given_by_name(name):
    parameters = inspect.signature(CLASSES[name]).parameters.values()
    assert parameters and {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        CLASSES[name](next(iter(parameters)).default)


read_once = lru_cache(mv.load)


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_the_example_runs(name, monkeypatch):
    if name != "load":                                  # no example but its own is about reading a net
        monkeypatch.setattr(mv, "load", read_once)
    thing = {**FUNCTIONS, **CLASSES}[name]
    example = doctest.DocTestParser().get_doctest("\n".join(sections(thing)["Examples"]), {}, name, None, 0)
    assert len(example.examples) >= 2
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example)
    assert results.failed == 0
