"""For tests of limits: what is taken at exactly the limit is refused at one less."""

import pytest

from minivis.errors import MinivisError


def last_taken(monkeypatch, limit, number, take, refused=MinivisError):
    """Assert that ``number`` is the smallest value of ``limit``, a name within minivis, with which ``take()`` works."""
    with monkeypatch.context() as patch:
        patch.setattr(f"minivis.{limit}", number - 1)
        with pytest.raises(refused):
            take()
        patch.setattr(f"minivis.{limit}", number)
        assert take() is not None
