"""What a file's tensors are called, once what wrappers add to their names is off."""

import pytest

from minivis.weights.containers.open import spellings


@pytest.mark.parametrize("stored, wanted", [
    (["features.module.0.weight", "classifier.0.weight"], "features.0.weight"),
    (["module.features.0.weight", "module.fc.weight"], "features.0.weight"),
    (["_orig_mod.model.features.0.weight", "_orig_mod.model.fc.weight"], "features.0.weight"),
    (["net.features.0.weight", "net.fc.module.weight"], "features.0.weight"),
    (["wrapped.module.features.0.weight", "wrapped.module.fc.weight"], "features.0.weight"),
])  # fmt: skip
def test_what_wrappers_add_to_names_is_taken_off_wherever_it_stands(stored, wanted):
    assert any(wanted in found for found in spellings(dict.fromkeys(stored)))


def test_names_that_would_become_one_are_left_alone():
    names = ["model.a.weight", "a.weight", "b.weight"]
    assert [list(found) for found in spellings(dict.fromkeys(names))] == [names]
