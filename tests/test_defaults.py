"""Defaults, bounds, options and numbers with names, as tests/golden/defaults.json has them."""

import json
from pathlib import Path

from every_default import defaults


def test_a_default_changes_on_purpose_alone():
    """What users, papers and figures rely on. After an intended change, every_default.py rewrites the file."""
    wanted, found = json.loads((Path(__file__).parent / "golden" / "defaults.json").read_text("utf-8")), defaults()
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        assert found[name] == values, name
