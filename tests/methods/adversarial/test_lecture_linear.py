"""The lecture's ten numbers, to the last."""

import pytest

from minivis.methods.adversarial.lecture_linear import lecture_linear


def test_the_lectures_case():
    result = lecture_linear()
    told = result.numbers
    assert told["score"] == -3 and told["score_after"] == 2
    assert told["probability"] == pytest.approx(0.0474, abs=5e-5)
    assert told["probability_after"] == pytest.approx(0.88, abs=1e-3)
    assert told["nudged"] == [1.5, -1.5, 3.5, -2.5, 2.5, 1.5, 1.5, -3.5, 4.5, 1.5]
    assert "w . x' = -3 + 0.5 x 10 = 2, so p(class 1) = 0.8808" in str(result) and "= 0.0474" in str(result)
    assert result.picture().std() > 10
