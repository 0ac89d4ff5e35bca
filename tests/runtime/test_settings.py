"""Settings: each kind by hand, and every public method at odd values of each of its settings."""

import inspect
import math

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue, UnknownName
from minivis.runtime.settings import SEED, SWITCH, TEXT, choice, number, several, takes, whole

METHODS = {name: getattr(mv, name) for name in mv.__all__
           if ".methods." in getattr(getattr(mv, name), "__module__", "")}

# settings that are no single value: pictures, names of layers and units, files, and what only observes a run
OTHER = {
    "mask", "guide", "layer", "layers", "unit", "units", "label", "target", "kinds", "kind", "maps", "fill", "baseline",
    "measure", "watch", "progress", "workspace", "content_layers", "style_layers", "blend", "masks", "pooling", "start",
    "preset", "images", "data", "names", "bounds", "shape", "net", "backend", "scheduler", "checkpoint", "net_name",
    "metric", "layout", "order", "scale", "to", "size", "code", "codes", "x", "w",
}  # fmt: skip


SETTINGS = [(name, setting) for name, method in METHODS.items() for setting in getattr(method, "settings", {})]


@pytest.mark.parametrize("value", [math.nan, [None], b"x", {}], ids=repr)
@pytest.mark.parametrize("name, setting", SETTINGS)
def test_an_odd_value_is_a_sentence_that_names_the_setting(name, setting, value):
    """Before anything is done: there is no net and no picture here."""
    method = METHODS[name]
    positional = [p for p in inspect.signature(method).parameters.values()
                  if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    given = {p.name: None for p in positional}
    with pytest.raises((BadValue, UnknownName)) as caught:
        method(**{**given, setting: value})
    assert setting in str(caught.value) or isinstance(caught.value, UnknownName)


@pytest.mark.parametrize("call", [
    lambda: mv.backprop(None, None, rules=None), lambda: mv.classify(None, None, top="x"),
    lambda: mv.evolve(None, population=math.nan), lambda: mv.pgd(None, None, steps=True),
    lambda: mv.dream(None, None, jitter=-1), lambda: mv.maximize(None, jitter=10**30),
    lambda: mv.style_transfer(None, None, None, steps=(5, None)),
])
def test_what_users_get_wrong(call):
    with pytest.raises(BadValue, match=r"^(rules|top|population|steps|jitter) is "):
        call()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_setting_has_a_kind(name):
    """A new setting is declared beside its function, or named above as one that is no single value."""
    parameters = inspect.signature(METHODS[name]).parameters.values()
    kinds = getattr(METHODS[name], "settings", {})
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY:
            assert p.name in kinds or p.name in OTHER, f"{name}: {p.name} has no kind"


@pytest.mark.parametrize("kind, good, bad", [
    (whole(1), [1, np.int64(7), 10**30], [0, -1, 1.0, True, np.True_, "1", None, math.nan, [1]]),
    (whole(0, 5), [0, 5], [6, 10**30]),
    (SEED, [0, np.uint8(3)], [-1, 0.5, None, True]),
    (number(), [0, -1.5, np.float32(2), np.int8(1)], [math.nan, math.inf, -math.inf, 10**400, "1", True, None, [1]]),
    (number(0, 1), [0, 1], [-0.1, 1.1]),
    (number(above=0), [1e-9], [0, -1]),
    (TEXT, ["a"], [None, 1, ["a"], b"a"]),
    (SWITCH, [True, False, np.True_], [1, 0, "yes", None]),
    (several(whole(1)), [1, (1, 2), [3]], [0, (1, 0), "12", None]),
    (choice("norm", ("L2", "Linf")), ["L2"], [2, None, ["L2"]]),
])
def test_kinds(kind, good, bad):
    for value in good:
        assert kind.check("it", value) == value
    for value in bad:
        with pytest.raises(BadValue, match=r"^it is (a whole|a number|True or|a name)"):
            kind.check("it", value)


def test_a_number_of_numpys_becomes_pythons():
    assert type(SEED.check("seed", np.int64(2))) is int and type(SWITCH.check("on", np.True_)) is bool
    assert all(type(k) is int for k in several(whole()).check("size", (np.int32(2), 3)))


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(UnknownName, match="did you mean 'Linf'"):
        choice("norm", ("L2", "Linf")).check("norm", "linf")


def test_the_decorator_checks_and_hands_on():
    @takes(steps=whole(1), rate=number(), extra=whole(0))
    def f(a, *, steps=1, rate=None, other=3, **rest):
        """Its own words."""
        return a, steps, rate, other, rest

    assert f(1, steps=np.int64(2), other=None) == (1, 2, None, None, {})
    assert f(1, extra=None, more="x") == (1, 1, None, 3, {"extra": None, "more": "x"})
    assert f.__doc__ == "Its own words."
    assert list(inspect.signature(f).parameters) == ["a", "steps", "rate", "other", "rest"]
    for wrong, said in (({"steps": None}, "steps is a whole number of at least 1, not None"),
                        ({"rate": "x"}, "rate is a number, not 'x'"), ({"extra": -1}, "extra is a whole")):
        with pytest.raises(BadValue, match=said):
            f(1, **wrong)
    with pytest.raises(TypeError, match="missing"):
        f()
    with pytest.raises(BadValue, match=r"not 'xxx.*\.\.\.$"):
        f(1, steps="x" * 1000)
