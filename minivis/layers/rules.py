"""The one list of rules for a backward pass: those of the ReLU, which send gradients, and those of LRP, which send
relevance.

`Network.backward(..., rule=)` takes a name in `RULES`, or a `RelevanceRule` of your own. The command line, the figures,
the gradient check and the live page all read this list.
"""

from typing import Any, TypeAlias

from minivis.errors import UnknownName
from minivis.layers.relevance import RELEVANCE_RULES, RelevanceRule, RelevanceRuleName
from minivis.layers.relu import RELU_RULES, ReLURule, ReLURuleName

RuleName: TypeAlias = ReLURuleName | RelevanceRuleName          # the names in `RULES`, for type checkers

RULES: dict[Any, ReLURule | RelevanceRule] = {**RELU_RULES, **RELEVANCE_RULES}


def rule_named(rule: str) -> Any:
    """The rule with this name; a `RelevanceRule` is returned unchanged."""
    if isinstance(rule, RelevanceRule):
        return rule
    if not isinstance(rule, str) or rule not in RULES:
        raise UnknownName.of("rule", rule, RULES)
    return RULES[rule]
