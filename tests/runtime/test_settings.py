"""Settings: each kind by hand, and every public method at odd values of each of its settings."""

import inspect
import io
import math
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commandline import scene

import minivis as mv
from minivis.errors import BadValue, MinivisError, UnknownName
from minivis.methods.looking.codes import Codes
from minivis.models.tiny import tiny_vgg
from minivis.runtime.settings import (
    ACTIVATIONS,
    ARRAY,
    CLASS,
    CODES,
    COLOUR,
    FUNCTION,
    NETS,
    NUMBER,
    NUMBERS,
    PATH,
    SEED,
    SEQUENCE,
    SHARED,
    SOURCE,
    SWITCH,
    TEXT,
    among,
    choice,
    number,
    several,
    takes,
    whole,
)
from minivis.training.adversary import Adversary

METHODS = {name: getattr(mv, name) for name in mv.__all__
           if inspect.isfunction(getattr(mv, name)) and ".methods." in getattr(mv, name).__module__}

PUBLIC = {name: getattr(mv, name) for name in mv.__all__ if inspect.isfunction(getattr(mv, name))}

# arguments that are no settings: what a function works on, whose own sentence says what it should be
INPUTS = {"image", "content", "style", "styles", "masks", "guide", "first", "array", "unit", "units", "text", "label",
          "target", "to", "start", "objective", "pictures", "folder", "name_or_path",
          "frames", "done"}
WORKSPACE = "workspace"                         # of our own code, for speed


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What each argument without a default may be, by its name."""
    folder, net = tmp_path_factory.mktemp("given"), tiny_vgg()
    picture = scene(16, 16)
    mv.save(net, folder / "tiny.h5")
    return {"net": net, "image": picture, "content": picture, "styles": [picture], "style": picture, "first": picture,
            "array": picture, "pixels": picture[None].astype("f4"), "acts": net.forward(net.preprocess(picture[None])),
            "unit": "goose", "text": "goose", "loss": len, "rng": np.random.default_rng(0), "codes": np.zeros((3, 2)),
            "code": np.zeros(2), "x": np.random.default_rng(0).random((9, 4)), "labels": np.arange(9) % 3,
            "path": folder / "new.png", "name_or_path": folder / "tiny.h5", "folder": folder,
            "pictures": [picture], "images": scene(16, 16)[None].repeat(9, axis=0),
            "results": [mv.classify(net, picture)], "names": ["tiny"], "nets": {"tiny": net},
            "to": "goose", "units": ["goose", "owl"], "frames": [picture, picture],
            "sound": np.random.default_rng(0).uniform(-0.5, 0.5, 4000)}  # fmt: skip


def arguments(function):
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def needed(function, given):
    """The arguments without a default."""
    found = {p.name: given[p.name] for p in arguments(function) if p.default is p.empty}
    if function is mv.write_film:
        found["path"] = given["folder"] / "new.gif"
    return found if function is mv.nearest or "codes" not in found else {**found, "codes": "codes.h5"}


@pytest.mark.parametrize("name, argument", [(name, p.name) for name, f in PUBLIC.items() for p in arguments(f)
                                            if p.name != WORKSPACE])
def test_an_argument_of_a_wrong_type_is_a_sentence_that_names_it(given, name, argument):
    function = PUBLIC[name]
    fine = needed(function, given)
    for value in (object(), [object()], math.nan, [None], b"x"):
        with pytest.raises(MinivisError) as caught:
            made = function(**{**fine, argument: value})
            list(made) if inspect.isgenerator(made) else None           # of films, frame by frame
        assert argument in str(caught.value) or argument in INPUTS, caught.value


@pytest.mark.parametrize("value", [math.nan, {}], ids=repr)
@pytest.mark.parametrize("name, setting", [(name, setting) for name, method in METHODS.items()
                                           for setting in sorted(set(method.settings) - set(SHARED) - INPUTS)])
def test_an_odd_value_is_a_sentence_that_names_the_setting(given, name, setting, value):
    """Those of ``**settings`` too."""
    with pytest.raises((BadValue, UnknownName)) as caught:
        METHODS[name](**{**needed(METHODS[name], given), setting: value})
    assert setting in str(caught.value)


NET = tiny_vgg()


@pytest.mark.parametrize("call", [
    lambda: mv.backprop(NET, None, rules=None), lambda: mv.classify(NET, None, top="x"),
    lambda: mv.evolve(NET, population=math.nan), lambda: mv.pgd(NET, None, steps=True),
    lambda: mv.dream(NET, None, jitter=-1), lambda: mv.maximize(NET, jitter=10**30),
    lambda: mv.style_transfer(NET, None, [], steps=(5, None)), lambda: mv.maximize(NET, preset=["minivis"]),
    lambda: mv.backprop(NET, None, rules=()), lambda: mv.dream(NET, None, watch=True),
    lambda: mv.classify(None, None), lambda: mv.codes(NET, "photos", backend=5),
])
def test_what_users_get_wrong(call):
    with pytest.raises(BadValue, match=r"^(rules|top|population|steps|jitter|preset|watch|net|backend) must be "):
        call()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_setting_has_a_kind(name):
    """A new setting is declared beside its function, or named above as one that is an input."""
    for p in arguments(METHODS[name]):
        if p.kind is p.KEYWORD_ONLY:
            assert p.name in METHODS[name].settings or p.name in {*INPUTS, WORKSPACE}, f"{name}: {p.name} has no kind"


@pytest.mark.parametrize("kind, good, bad", [
    (whole(1), [1, np.int64(7), 10**30], [0, -1, 1.0, True, np.True_, "1", None, math.nan, [1]]),
    (whole(0, 5), [0, 5], [6, 10**30]),
    (SEED, [0, np.uint8(3), [1, 2]], [-1, 0.5, None, True, ()]),
    (among(1, 3), [1, np.int8(3)], [2, 1.0, True, None, "1"]),
    (CLASS, ["goose", 3, np.int64(0)], [-1, 1.5, None, True, b"goose"]),
    (PATH, ["a", Path("a")], [5, None, b"a", ["a"]]),
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
        with pytest.raises(BadValue, match=r"^it must be (a whole|a number|True or|a name|a class|a path|1 or 3)"):
            kind.check("it", value)


@pytest.mark.parametrize("kind, good, bad", [
    (NUMBERS, [[1, 2], np.zeros((2, 3)), np.ones(2, bool)], [5, math.nan, "1", ["a"], [None], np.zeros(2, "c8"), b"x"]),
    (COLOUR, ["grey", 128, (1, 2, 3), np.zeros(3)], [math.nan, None, [None], (1, math.inf), b"grey", {}]),
    (CODES, [np.zeros((2, 3)), [[1.0, 2]], Codes(np.zeros((1, 2)), ("a",), "fc7", ()), "codes.h5"],
     [{}, None, math.nan, 5]),
])
def test_kinds_of_arrays(kind, good, bad):
    for value in good:
        assert kind.check("it", value) is value
    for value in bad:
        with pytest.raises(BadValue, match=r"^it must be (an array of numbers|a name, or a colour|codes: an array)"):
            kind.check("it", value)


@pytest.mark.parametrize("kind, good, bad", [
    (SHARED["net"], [NET], [None, "emoji-vgg", {"net": NET}]),
    (NETS, [{"a": NET}, {"a": NET, "b": NET}], [{}, {1: NET}, {"a": NET, 1: NET}, {"a": NET, "b": 5}, NET, None]),
    (ACTIVATIONS, [NET.forward(np.zeros((1, 16, 16, 3), "f4"))], [NET, {}, np.zeros(3), None]),
    (ARRAY, [np.zeros(2), np.ones((1, 2), bool)], [[1, 2], 5, np.array(["a"]), np.zeros(2, "c8"), None]),
    (NUMBER, [1, 2.5, math.inf, np.float32(1)], [True, "1", [1], 1j, None]),
    (FUNCTION, [len], ["len", None]),
    (SOURCE, ["a", Path("a"), io.BytesIO()], [5, b"a", None]),
    (SEQUENCE, [[1], (1, 2), "ab", np.zeros(2)], [5, {1, 2}, iter([1]), None]),
    (SHARED["layers"], ["a", ["a", "b"], [], {"a": 1, "b": 0.5}], [5, [5], {1: 1}, {"a": 1, 2: 1}, {"a": "b"}, None]),
    (SHARED["progress"], [True, False, print], [1, "yes", None]),
    (SHARED["mask"], [5, 0.5, [1.0, 2], np.ones(2, bool)], [math.nan, [1, math.inf], "a", None]),
    (SHARED["rng"], [np.random.default_rng(0)], [0, np.random, None]),
])
def test_kinds_of_things(kind, good, bad):
    for value in good:
        assert kind.check("it", value) is value or kind.check("it", value) == value
    for value in bad:
        with pytest.raises(BadValue, match=f"^it must be {re.escape(kind.words)}, not "):
            kind.check("it", value)


def test_what_was_given_is_shown_on_one_line():
    with pytest.raises(BadValue, match=r"^it must be True or False, not array\(\[\[0\], \[1\]\]\)$"):
        SWITCH.check("it", np.array([[0], [1]]))


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
    for wrong, said in (({"steps": None}, "steps must be a whole number of at least 1, not None"),
                        ({"rate": "x"}, "rate must be a number, not 'x'"), ({"extra": -1}, "extra must be a whole")):
        with pytest.raises(BadValue, match=said):
            f(1, **wrong)
    with pytest.raises(TypeError, match="missing"):
        f()
    with pytest.raises(BadValue, match=r"not 'xxx.*\.\.\.$"):
        f(1, steps="x" * 1000)


@pytest.mark.parametrize("make, field", [
    (make, field) for make, fields in (
        (mv.descent.Adam, ("rate", "beta1", "beta2", "epsilon")), (mv.descent.LBFGS, ("history",)),
        (mv.descent.Gradient, ("rate", "momentum", "normalize", "policy", "most")),
        (Adversary, ("attack", "eps", "steps", "norm", "share", "warmup")), (mv.image_priors.alpha_norm, ("alpha",)),
        (mv.image_priors.tv, ("beta", "epsilon")),
        (partial(mv.train.Recipe, 5), ("batch", "shard", "learning_rate", "warmup", "optimizer", "momentum")),
    ) for field in fields
])  # fmt: skip
@pytest.mark.parametrize("value", [object(), [None], {}, b"x", True], ids=lambda value: type(value).__name__)
def test_fields_of_a_wrong_type(make, field, value):
    with pytest.raises(BadValue, match=rf"^{field} (is|must be) "):
        make(**{field: value})
