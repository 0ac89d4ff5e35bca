"""Yosinski's four regularisers, on pictures small enough to check by hand."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.optimize.regularize import blurred, decay, small_contribution, small_norm


def test_regularizers_by_hand(vgg):
    z = np.full((1, 4, 4, 3), 120.0)                                    # the mean
    z[0, 0, 0], z[0, 1, 1] = 130, [120, 121, 120]
    dz = np.zeros_like(z)
    dz[0, 1, 1] = 100
    assert decay(vgg, 0.3)(z, dz, 0)[0, 0, 0, 0] == pytest.approx(127)
    kept = small_norm(vgg, 95)(z, dz, 0)
    assert kept[0, 0, 0, 0] == 130 and kept[0, 1, 1, 1] == 120
    kept = small_contribution(vgg, 95)(z, dz, 0)
    assert kept[0, 0, 0, 0] == 120 and kept[0, 1, 1, 1] == 121
    np.testing.assert_array_equal(blurred(vgg, 1.0, every=4)(z, dz, 0), z)
    assert blurred(vgg, 1.0, every=4)(z, dz, 3).sum() == pytest.approx(z.sum())
    assert blurred(vgg, 1.0, every=4)(z, dz, 3).max() < 125


@pytest.mark.parametrize("make, sentence", [
    (lambda net: decay(net, 2), "between nothing and all"),
    (lambda net: small_norm(net, 101), "between nothing and all"),
    (lambda net: blurred(net, -1), "of at least 0"),
])
def test_settings_of_regularizers_are_checked(vgg, make, sentence):
    with pytest.raises(BadValue, match=sentence):
        make(vgg)
