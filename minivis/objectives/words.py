"""Objectives in words: a sum of units with weights, as a user writes it.

    sum     = ["+" | "-"] term { ("+" | "-") term }
    term    = [number "*"] unit, or unit "*" number
    unit    = as everywhere: goose, fc8:goose, relu4_1:12, relu4_1:12@max, relu4_1:12@3,4; or a whole layer

    "fc8:goose + 0.5*relu4_1:12 - 2*owl"

A name may hold signs of its own ("black-and-tan coonhound"): of all ways to read a text, that with the longest names is
taken. A whole layer stands for its energy, |a|^2 / 2.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from minivis.engine.network import Network
from minivis.engine.units import Unit, parse_unit
from minivis.errors import BadValue, MinivisError
from minivis.objectives.activations import energy, unit_value
from minivis.objectives.base import Objective, as_objective
from minivis.runtime.settings import TEXT, takes

NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
FACTOR_FIRST, FACTOR_LAST = re.compile(rf"\s*({NUMBER})\s*\*"), re.compile(rf"(.*)\*\s*({NUMBER})\s*", re.DOTALL)
LONGEST, MOST_SIGNS = 2000, 200                 # characters, and signs in them
GRAMMAR = "write a sum of units with weights, such as 'fc8:goose + 0.5*relu4_1:12 - 2*owl'"
SIGN = re.compile(r"\s*([+-]?)")                # it matches everywhere, if only nothing


class Term(NamedTuple):
    """weight * the value of ``unit``, or the energy of ``layer`` where that is None."""

    weight: float
    layer: str
    unit: Unit | None = None

    @property
    def name(self) -> str:
        """The unit or the layer, with a number in place of a class's name."""
        return self.layer if self.unit is None else str(replace(self.unit, class_name=None))

    @property
    def objective(self) -> Any:
        return energy(self.layer) if self.unit is None else unit_value(self.unit)

    def __str__(self) -> str:
        factor = "" if abs(self.weight) == 1 else f"{abs(self.weight):g}*"
        return factor + (self.layer if self.unit is None else str(self.unit))


@dataclass(frozen=True, eq=False)
class Sought:
    """What is to grow: ``objective``, positive; ``terms`` of a text, () of a user's own objective."""

    objective: Objective
    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, net: Network, given: Any) -> "Sought":
        """From a text, an `Objective`, or a function acts -> (value, seeds)."""
        if not isinstance(given, str):
            return cls(as_objective(given))
        terms = tuple(parse_terms(net, given))
        return cls(summed(terms), terms)

    @property
    def layers(self) -> Any:
        return self.objective.layers

    def __str__(self) -> str:
        if not self.terms:
            return str(self.objective)
        signs = ["-" if self.terms[0].weight < 0 else "", *(" - " if term.weight < 0 else " + "
                                                            for term in self.terms[1:])]
        return "".join(sign + str(term) for sign, term in zip(signs, self.terms))


@takes(text=TEXT)
def parse_objective(net: Network, text: str) -> Objective:
    """The objective that a text such as "fc8:goose + 0.5*relu4_1:12" names; to maximise it, minimise ``-1 *`` it.

    Parameters
    ----------
    net : Network
        The net whose layers and classes the text names.
    text : str
        A sum of terms with weights, as --objective of `minivis maximize` and `minivis dream` takes it.

    Returns
    -------
    Objective
        From activations to the loss of each image and its gradients.

    Raises
    ------
    UnknownName
        A term names no layer, unit or class; the sentence has the closest name.
    BadValue
        The text is not a sum of terms, or too long.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> sorted(mv.parse_objective(net, "goose + 0.5*relu2_1:3").layers)
    ['fc8', 'relu2_1']
    """
    return summed(parse_terms(net, text))


def summed(terms: Any) -> Any:
    total: Any = sum(term.weight * term.objective for term in terms)
    return total


def parse_terms(net: Network, text: str) -> Any:
    """[Term, ...] of a text. Raise a MinivisError with what would be right."""
    if len(text) > LONGEST or len(re.findall(r"[+-]", text)) > MOST_SIGNS:
        raise BadValue(f"an objective has at most {LONGEST} characters and {MOST_SIGNS} signs; {GRAMMAR}")
    found = Reader(net, text).read(0)
    if found is None:
        raise mistake(net, text)
    merged: dict[str, Term] = {}
    for term in found:
        old = merged.get(term.name)
        merged[term.name] = term if old is None else old._replace(weight=old.weight + term.weight)
    terms = [term for term in merged.values() if term.weight]
    if not terms:
        raise BadValue(f"{text!r}: all weights are 0, so there is nothing to maximize")
    return terms


class Reader:
    """Read a sum from a place on; each place is tried once."""

    def __init__(self, net: Network, text: str) -> None:
        self.net, self.text = net, text
        self.ends = [match.start() for match in re.finditer(r"[+-]", text)] + [len(text)]
        self.known: dict[int, Any] = {}
        self.names: dict[str, Any] = {}

    def read(self, start: Any) -> Any:
        """The terms from ``start`` to the end; None if the text can't be read from there."""
        if start not in self.known:
            self.known[start] = self.try_from(start)
        return self.known[start]

    def try_from(self, start: Any) -> list[Any] | None:
        match = SIGN.match(self.text, start)
        if match is None or (start and not match[1]):
            return None
        sign, begin = -1.0 if match[1] == "-" else 1.0, match.end()
        for end in reversed([end for end in self.ends if end > begin]):
            term = self.term(sign, self.text[begin:end])
            rest = None if term is None else [] if end == len(self.text) else self.read(end)
            if rest is not None:
                return [term, *rest]
        return None

    def term(self, sign: Any, words: Any) -> Any:
        """The `Term` of a text without its sign, or None."""
        if words not in self.names:
            try:
                self.names[words] = term_of(self.net, words)
            except MinivisError:
                self.names[words] = None
        found = self.names[words]
        return None if found is None else found._replace(weight=sign * found.weight)


def term_of(net: Network, words: Any) -> Term:
    """The `Term` of a text without its sign. Raise a MinivisError."""
    first, last, weight = FACTOR_FIRST.match(words), FACTOR_LAST.fullmatch(words), 1.0
    if first:
        weight, words = float(first[1]), words[first.end() :]
    elif last:
        weight, words = float(last[2]), last[1]
    if not weight < 1e30:
        raise BadValue(f"the weight {weight:g} is too large")
    words = words.strip()
    if not words:
        raise BadValue(f"a unit is missing; {GRAMMAR}")
    if words in net.nodes:
        return Term(weight, words)
    unit = parse_unit(net, words)
    return Term(weight, unit.layer, unit)


def mistake(net: Network, text: str) -> Any:
    """The error of a text that can't be read: what is wrong with its first wrong part."""
    if text.rstrip().endswith(("+", "-", "*")):
        return BadValue(f"{text!r}: a unit is missing at the end; {GRAMMAR}")
    for part in re.split(r"(?:^|\s)[+-]\s|[+]", text.strip().lstrip("+-")):
        try:
            term_of(net, part)
        except MinivisError as error:
            return type(error)(str(error)) if part.strip() else BadValue(f"{text!r}: a unit is missing; {GRAMMAR}")
    return BadValue(f"{text!r} is not an objective; {GRAMMAR}")
