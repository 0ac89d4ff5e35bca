"""What tests of weights share."""

import pytest

from minivis.weights import catalogue


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Nothing but two empty folders to look in."""
    found = [tmp_path / "embedded", tmp_path / "user"]
    for folder in found:
        folder.mkdir()
    monkeypatch.setattr(catalogue, "folders", lambda: found)
    monkeypatch.setattr(catalogue, "user_folder", lambda: found[1])
    monkeypatch.chdir(tmp_path)
    return found
