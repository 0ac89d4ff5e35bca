"""How a job learns that nobody waits for it."""

import pytest

from minivis.live.asked import Stopped, reporter


def test_progress_is_told_until_nobody_wants_it():
    told = []
    report = reporter("occlusion", lambda message: told.append(message) or len(told) > 1)
    report(0)
    with pytest.raises(Stopped):
        report(0.5)
    assert [message["part"] for message in told] == [0, 0.5] and told[0]["job"] == "occlusion"
