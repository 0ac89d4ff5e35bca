"""Maps of activations as bytes."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.live.map_bytes import quantised, signed_bytes


def test_large_maps_are_shrunk_by_means_to_what_one_message_holds(rng):
    maps = rng.random((112, 112, 64)).astype(np.float32)
    q, limits, is_signed, step = quantised(maps)
    assert q.size <= 300_000 and step == 2 and not is_signed
    means = maps.reshape(56, 2, 56, 2, 64).mean(axis=(1, 3))
    np.testing.assert_allclose(q / 255 * limits, means, atol=1 / 500)


def test_a_map_travels_as_a_byte_a_number_each_channel_by_its_own_limit():
    q, limits, is_signed, step = quantised(np.array([[[0.0, 10], [1, 40]], [[2, 20], [4, 30]]]))
    assert limits.tolist() == [4, 40] and not is_signed and step == 1
    assert q[..., 0].tolist() == [[0, 64], [128, 255]] and q[..., 1].tolist() == [[64, 255], [128, 191]]
    q, limits, is_signed, _ = quantised(np.array([[[-2.0], [1]]]))
    assert limits.tolist() == [2] and is_signed and q[..., 0].tolist() == [[1, 192]]
    with pytest.raises(BadValue, match="infinite or NaN"):
        quantised(np.array([[[np.inf]]]))


def test_single_numbers_share_one_limit_and_keep_their_signs():
    q, limits, is_signed, _ = quantised(np.array([[[4.8e-15, 0.9998, 0.25]]]))
    assert q.tolist() == [[[0, 255, 64]]] and not is_signed and len(set(limits.tolist())) == 1
    q, _, is_signed, _ = quantised(np.array([[[-4.0, 2.0]]]))
    assert q.tolist() == [[[1, 192]]] and is_signed


def test_128_is_zero_and_what_lies_beyond_the_limit_is_cut():
    assert signed_bytes(np.array([-9.0, -2, -1, 0, 1, 2, 9]), 2).tolist() == [1, 1, 65, 128, 192, 255, 255]


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 3), (3, 1)])
def test_maps_of_one_row_or_one_column_are_no_single_numbers(shape):
    """Each channel has its own limit."""
    maps = np.stack([np.linspace(0, 1, max(shape)), np.linspace(40, 10, max(shape))], axis=1).reshape(*shape, 2)
    q, limits, is_signed, step = quantised(maps)
    assert limits.tolist() == [1, 40] and not is_signed and step == 1
    assert q[..., 0].max() == q[..., 1].max() == 255
