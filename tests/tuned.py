"""Replace tuning numbers for a test."""

from dataclasses import fields, replace

from minivis.convolution import tuning
from minivis.runtime import tuning as products


def tune(patch, **numbers):
    """Set numbers of convolution/tuning.py or runtime/tuning.py by name, until ``patch`` (a MonkeyPatch) undoes it."""
    for module, name in ((tuning, "TUNING"), (products, "PRODUCTS")):
        table = getattr(module, name)
        own = {field.name: numbers.pop(field.name) for field in fields(table) if field.name in numbers}
        patch.setattr(module, name, replace(table, **own))
    assert not numbers, f"no such number: {numbers}"
