"""The lecture's ten numbers, to the last."""

import numpy as np
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


def test_other_numbers_move_along_the_sign_of_their_weights():
    told = lecture_linear([1, -2, 4], [3, -1, 0], eps=0.25)
    assert told.numbers["nudged"] == [1.25, -2.25, 4]                   # no weight, no move
    assert (told.numbers["score"], told.numbers["score_after"]) == (5, 6)
    assert told.numbers["probability_after"] == pytest.approx(1 / (1 + np.exp(-6)), rel=1e-12)
    assert "w . x' = 5 + 0.25 x 4 = 6, so p(class 1) = 0.9975" in str(told)
