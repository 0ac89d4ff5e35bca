"""What every pass checks in the same words."""

import numpy as np
import pytest

from minivis.engine.checks import check_finite
from minivis.errors import BadValue


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_number_among_many_is_found(bad):
    fine, wrong = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    wrong[1, 2] = bad
    check_finite(fine, fine)
    for answers in ((wrong,), (fine, wrong), (wrong, fine)):
        with pytest.raises(BadValue, match="infinite or NaN: its weights overflow"):
            check_finite(*answers)
