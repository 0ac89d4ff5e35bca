"""Settings that say what they are: of each its default, kind, unit, help and source, in one place.

    @documented
    @dataclass(frozen=True, kw_only=True)
    class DreamSettings(Settings):
        octaves: int = setting(4, whole(1), "Number of sizes, from small to large.", source="the notebook of 2015")

    @set_by(DreamSettings)
    def dream(net, image, *, settings: DreamSettings | None = None, octaves: int = DreamSettings.octaves): ...

    dream(net, image, octaves=2)
    dream(net, image, settings=DreamSettings(octaves=2))
    dream(net, image, settings=small, octaves=3)            # a keyword stands over the settings

`help` of both shows every field, and the command line makes its options from them. This module needs no NumPy, so the
command line starts without it.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from minivis.errors import BadValue, UnknownSetting
from minivis.runtime.docstrings import complete, row
from minivis.runtime.settings import Kind, having, shown

SETTINGS = "All settings at once, such as those of a preset; a keyword stands over the setting of its name."

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", bound="Settings")


def setting(default: Any, kind: Kind, help: str, *, unit: str = "", source: str = "", otherwise: str = "") -> Any:
    """A field: ``help`` is a sentence. ``otherwise``: what a default of None means, in words."""
    return dataclasses.field(default=default, metadata={
        "kind": kind, "help": help, "unit": unit, "source": source, "otherwise": otherwise})


class Settings:
    """The base class of settings: every field is held to its kind, and an unknown name is a sentence."""

    def __new__(cls, **given: Any) -> Any:
        check_names(given, cls.names())
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                object.__setattr__(self, field.name, field.metadata["kind"].check(field.name, value))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the settings."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    @classmethod
    def field(cls, name: str) -> dataclasses.Field:
        """The field of this name."""
        return cls.__dataclass_fields__[name]  # type: ignore[attr-defined]

    def but(self: S, **given: Any) -> S:
        """A copy with these values instead."""
        return dataclasses.replace(self, **given)  # type: ignore[type-var]

    def values(self) -> dict[str, Any]:
        """{name: value}"""
        return {name: getattr(self, name) for name in self.names()}


def check_fields(instance: Any, **kinds: Kind) -> None:
    """For other dataclasses, in their ``__post_init__``: raise BadValue for a field of another kind."""
    for name, kind in kinds.items():
        kind.check(name, getattr(instance, name))


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownSetting for the first name that is not known."""
    for name in given:
        if name not in known:
            raise UnknownSetting.of("setting", name, known, listed=40)


def check_settings(settings: Any, cls: type[Settings]) -> None:
    """Raise BadValue if these are not settings of the right class."""
    if settings is not None and not isinstance(settings, cls):
        raise BadValue(f"settings must be a {cls.__name__}, not {shown(settings)}")


def set_by(cls: type[Settings], presets: Mapping[Any, Settings] | None = None) -> Callable[[F], F]:
    """A decorator: the function takes the fields of ``cls`` as keywords, and ``settings``, an instance of it.

    The function gets all fields, filled in from its keywords and ``settings``: by name, or as ``**more`` those that its
    signature does not name. With ``presets``, {name: instance}, it gets just what was given, and chooses by itself.
    """
    def decorate(function: Any) -> Any:
        signature = inspect.signature(function)
        parameters = signature.parameters
        rest = next((name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD), None)
        missing = [name for name in cls.names() if name not in parameters]
        assert rest is not None or not missing, f"{function.__name__} has no {missing}"
        taken = [*(name for name in parameters if name != rest), *missing]

        @functools.wraps(function)
        def wrapper(*args: Any, settings: Any = None, **kwargs: Any) -> Any:
            check_names(kwargs, taken)
            check_settings(settings, cls)
            if presets is not None:
                return function(*args, settings=settings, **kwargs)
            given = {name: kwargs.pop(name) for name in cls.names() if name in kwargs}
            chosen = (cls() if settings is None else settings).but(**given)
            return function(*args, settings=chosen, **kwargs, **chosen.values())

        kinds = {name: cls.field(name).metadata["kind"] for name in cls.names()}
        kinds["settings"] = having(f"a {cls.__name__}", "but", "values")
        wrapper.settings = {**getattr(function, "settings", {}), **kinds}       # type: ignore[attr-defined]
        wrapper.__signature__ = with_fields(signature, rest, cls, missing)      # type: ignore[attr-defined]
        rows = rows_of(cls, presets) | {"settings": row("settings", f"{cls.__name__}, optional", SETTINGS)}
        text = inspect.unwrap(function).__doc__             # as it was written: what a setting is, its field says
        wrapper.__doc__ = complete(text, list(wrapper.__signature__.parameters), rows)  # type: ignore
        return wrapper

    return decorate


def with_fields(signature: inspect.Signature, rest: str | None, cls: type[Settings],
                missing: list[str]) -> inspect.Signature:
    """The signature with fields in the place of ``**rest``; None stands for the preset's value."""
    parameters = [p for p in signature.parameters.values() if p.name != rest]
    parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None,
                                     annotation=cls.field(name).type) for name in missing]
    return signature.replace(parameters=parameters)


# ---- what help shows ----


def documented(cls: C) -> C:
    """A decorator of settings: the docstring lists the fields, as numpydoc writes them, and shows how to set one."""
    rows = rows_of(cls)
    text = complete(cls.__doc__, list(rows), rows)
    cls.__doc__ = text and text + example_of(cls)
    signature = inspect.signature(vars(cls)["__init__"])          # of the fields; that of __new__ is `**given`
    cls.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore
    return cls


def example_of(cls: Any) -> str:
    """The section "Examples" of settings: how to make them, and a copy with another value."""
    fields = dataclasses.fields(cls)
    name, value = next(((one.name, one.default) for one in fields if one.default is not None), (fields[0].name, None))
    return (f"\nExamples\n--------\n>>> import minivis as mv\n>>> mv.{cls.__name__}().{name}\n{value!r}\n"
            f">>> mv.{cls.__name__}().but({name}={value!r}) == mv.{cls.__name__}({name}={value!r})\nTrue\n")


def rows_of(cls: Any, presets: Mapping[Any, Settings] | None = None) -> dict[str, list[str]]:
    """{name: lines} for all fields: type, unit and default; then help and source."""
    rows = {}
    for field in dataclasses.fields(cls):
        known, unit = field.metadata, field.metadata["unit"]
        words = known["help"] + (f" Source: {known['source']}." if known["source"] else "")
        words += f" {by_preset(presets, field)}" if presets else ""
        kind = f"{type_of(field)}{f', in {unit}' if unit else ''}, default {default_of(field)}"
        rows[field.name] = row(field.name, kind, words)
    return rows


def type_of(field: dataclasses.Field) -> str:
    """A field's type in words: int, float, or the names to choose from."""
    names = field.metadata["kind"].names
    if names:
        return "{" + ", ".join(map(repr, names)) + "}"
    text = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
    return text.removesuffix(" | None").replace("typing.", "")


def default_of(field: dataclasses.Field) -> str:
    """A field's default in words."""
    return field.metadata["otherwise"] or repr(field.default)


def by_preset(presets: Mapping[Any, Settings], field: dataclasses.Field) -> str:
    """The presets' values of a setting, as the end of a help text: [minivis, lucid: 0.05; simonyan: 100]."""
    found: dict[str, list[str]] = {}
    for preset, settings in presets.items():
        depths = [more[field.name] for _, more in getattr(settings, "by_depth", ()) if field.name in more]
        values = [_short(value) for value in depths or [getattr(settings, field.name)]]
        words = values[0] if len(set(values)) == 1 else f"{values[0]} to {values[-1]} by depth"
        found.setdefault(words, []).append(preset)
    if len(found) == 1:
        return f"[all presets: {next(iter(found))}]"
    usual = _short(field.default)
    texts = [f"{', '.join(names)}: {value}" for value, names in found.items() if value != usual]
    others = [f"others: {usual}"] if usual in found else []
    return f"[preset {'; '.join(texts + others)}]"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
