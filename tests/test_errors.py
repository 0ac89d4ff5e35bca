"""Errors are also the built-ins that a Python user expects, and a wrong name meets the closest right one."""

import pytest

from minivis import errors
from minivis.errors import MinivisError, UnknownName, some_of


@pytest.mark.parametrize("kind, builtin", [
    (errors.UnknownName, LookupError), (errors.BadValue, ValueError), (errors.BadFile, ValueError),
    (errors.TooLarge, MemoryError), (errors.MissingExtra, ImportError),
])  # fmt: skip
def test_each_kind_is_caught_as_minivis_and_as_a_builtin(kind, builtin):
    for expected in (builtin, MinivisError):
        with pytest.raises(expected, match="why"):
            raise kind("why")


def test_a_wrong_name_meets_the_closest():
    said = str(UnknownName.of("layer", "FC9", ["fc8", "conv1", 3]))
    assert "'FC9'" in said and "did you mean 'fc8'?" in said and "fc8, conv1, 3" in said
    assert "did you mean" not in str(UnknownName.of("layer", "zzzzz", ["fc8"]))
    assert str(UnknownName.of("layer", "a", [])).endswith("There are none")


@pytest.mark.parametrize("count, said", [(0, ""), (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2, ... (4 in all)")])
def test_a_list_is_cut_and_counted_where_it_has_more(count, said):
    assert some_of(range(count), 3) == some_of(iter(range(count)), 3) == said


def test_a_long_list_of_names_is_cut_and_counted():
    said = str(UnknownName.of("class", "x", [f"class{i}" for i in range(1000)], listed=3))
    assert "class0, class1, class2, ... (1000 in all)" in said and "class3" not in said
