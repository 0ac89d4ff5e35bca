"""Settings as dataclasses: what they refuse, what stands over what, and what help shows."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.runtime.described import Settings, by_preset, documented, set_by, setting
from minivis.runtime.docstrings import RAISES
from minivis.runtime.settings import SWITCH, choice, number, takes, whole


@documented
@dataclass(frozen=True, kw_only=True)
class Baking(Settings):
    """How to bake."""

    minutes: int = setting(45, whole(1), "Time in the oven.", unit="minutes", source="a cookbook of 1901")
    heat: float | None = setting(None, number(above=0), "Heat.", unit="degrees", otherwise="by the oven")
    form: str = setting("round", choice("form", ("round", "loaf")), "Form of the loaf.")
    steam: bool = setting(True, SWITCH, "Let steam in.")


@set_by(Baking)
@takes(flour=number(0))
def bake(flour, *, settings: Baking | None = None, minutes: int = Baking.minutes, heat: float | None = Baking.heat,
         form: str = Baking.form, steam: bool = Baking.steam):  # fmt: skip
    """Bake.

    Parameters
    ----------
    flour : float
        How much.

    Returns
    -------
    tuple
    """
    return flour, minutes, heat, form, steam, settings


OVENS = {"old": Baking(minutes=60), "new": Baking(minutes=30, heat=250), "slow": Baking(minutes=60, form="loaf")}


@set_by(Baking, OVENS)
def bake_in(flour, settings: Baking | None = None, **replaced):
    """Bake in an oven."""
    return flour, settings, replaced


def test_keywords_stand_over_settings_and_those_over_defaults():
    assert bake(1)[:5] == (1, 45, None, "round", True)
    assert bake(1, minutes=20, steam=False)[:5] == (1, 20, None, "round", False)
    assert bake(1, settings=Baking(minutes=50, heat=200))[:5] == (1, 50, 200, "round", True)
    *_, settings = bake(1, settings=Baking(minutes=50, heat=200), minutes=10, heat=None)
    assert settings == Baking(minutes=10)
    own = Baking(form="loaf")
    assert bake_in(2, settings=own, minutes=3) == (2, own, {"minutes": 3})


@pytest.mark.parametrize("wrong, words", [
    ({"minuts": 3}, "no setting named 'minuts'; did you mean 'minutes'"),
    ({"minutes": 0}, "minutes must be a whole number of at least 1, not 0"),
    ({"minutes": "long"}, "minutes must be"),
    ({"minutes": None}, "minutes must be"),
    ({"minutes": True}, "minutes must be"),
    ({"heat": float("nan")}, "heat must be a number above 0"),
    ({"form": "square"}, "no form named 'square'"),
    ({"steam": 1}, "steam must be True or False"),
])
def test_every_mistake_is_a_bad_value_that_names_the_setting(wrong, words):
    for call in (lambda: Baking(**wrong), lambda: bake(1, **wrong), lambda: Baking().but(**wrong)):
        with pytest.raises(BadValue, match=words):
            call()


def test_an_unknown_name_is_a_lookup_error_too():
    for call in (lambda: bake(1, minuts=3), lambda: bake_in(1, minuts=3), lambda: bake(1, form="flat")):
        with pytest.raises(UnknownName):
            call()
    with pytest.raises(BadValue, match="settings must be a Baking, not "):
        bake(1, settings={"minutes": 3})
    with pytest.raises(TypeError):
        bake()


def test_settings_never_change_and_copies_are_equal():
    own = Baking(minutes=np.int64(20))
    assert type(own.minutes) is int and own.values() == {"minutes": 20, "heat": None, "form": "round", "steam": True}
    with pytest.raises(FrozenInstanceError):
        own.minutes = 3
    assert copy.copy(own) == pickle.loads(pickle.dumps(own)) == own != Baking()


def test_help_shows_every_field():
    rows = ("minutes : int, in minutes, default 45\n    Time in the oven. Source: a cookbook of 1901.\n"
            "heat : float, in degrees, default by the oven\n    Heat.\n"
            "form : {'round', 'loaf'}, default 'round'\n    Form of the loaf.\n"
            "steam : bool, default True\n    Let steam in.")
    example = (">>> import minivis as mv\n>>> mv.Baking().minutes\n45\n"
               ">>> mv.Baking().but(minutes=45) == mv.Baking(minutes=45)\nTrue")
    assert inspect.getdoc(Baking) == f"How to bake.\n\nParameters\n----------\n{rows}\n\nExamples\n--------\n{example}"
    assert list(inspect.signature(Baking).parameters) == ["minutes", "heat", "form", "steam"]
    head, _, rest = bake.__doc__.partition("settings : Baking, optional\n")
    assert head == "Bake.\n\nParameters\n----------\nflour : float\n    How much.\n"
    assert rest.endswith(rows + f"\n\nReturns\n-------\ntuple\n\nRaises\n------\n{RAISES}\n")
    assert "Time in the oven. Source: a cookbook of 1901. [preset new: 30; old, slow: 60]" not in bake_in.__doc__
    assert "[preset old, slow: 60; new: 30]" in bake_in.__doc__ and "[preset new: 250; others: " in bake_in.__doc__
    assert list(inspect.signature(bake_in).parameters) == ["flour", "settings", *Baking.names()]
    assert inspect.signature(bake).parameters["minutes"].default == 45
    assert {"flour", *Baking.names()} <= set(bake.settings)


def test_what_presets_say():
    assert by_preset(OVENS, Baking.field("form")) == "[preset slow: loaf; others: round]"
    assert by_preset(OVENS, Baking.field("steam")) == "[all presets: True]"
