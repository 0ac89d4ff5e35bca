"""mv.objectives hands on what its modules have."""

import pytest

import minivis as mv
from minivis.objectives import activations, priors, style


@pytest.mark.parametrize("name, module", [("score", activations), ("l2", priors), ("tv", priors), ("gram", style),
                                          ("content_distance", style), ("channel", activations)])  # fmt: skip
def test_objectives_come_from_one_place(name, module):
    assert getattr(mv.objectives, name) is getattr(module, name) and name in dir(mv.objectives)


def test_what_modules_import_themselves_is_not_handed_on():
    assert "get_xp" not in dir(mv.objectives) and "product" not in dir(mv.objectives)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mv.objectives.nothing  # noqa: B018
