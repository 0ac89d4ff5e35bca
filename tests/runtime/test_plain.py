"""Plain mode is a word in the environment: what it changes, and that it ends."""

import os

import pytest

from minivis.runtime import plain


@pytest.mark.parametrize("value, expected", [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_variable_says_whether(monkeypatch, value, expected):
    monkeypatch.delenv("MINIVIS_PLAIN", raising=False)
    if value is not None:
        monkeypatch.setenv("MINIVIS_PLAIN", value)
    assert plain.is_plain() is expected
    assert plain.algorithm() == ("im2col" if expected else "auto")


@pytest.mark.parametrize("before", [None, "0", "1"])
def test_it_ends_with_its_block(monkeypatch, before):
    monkeypatch.delenv("MINIVIS_PLAIN", raising=False)
    if before is not None:
        monkeypatch.setenv("MINIVIS_PLAIN", before)
    with pytest.raises(KeyError), plain.plain():
        assert plain.is_plain()
        raise KeyError
    assert os.environ.get("MINIVIS_PLAIN") == before
    with plain.plain(False):
        assert os.environ.get("MINIVIS_PLAIN") == before
