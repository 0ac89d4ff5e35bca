"""scikit-learn's digits: two splits without a common picture, a new order each epoch."""

import numpy as np

from minivis.data.digits import Digits


def test_the_splits_share_no_picture():
    train, test = Digits(), Digits("test")
    assert (len(train), len(test)) == (1500, 297) and train.images.shape[1:] == (8, 8, 1)
    seen = {image.tobytes() for image in train.images}
    assert sum(image.tobytes() in seen for image in test.images) <= 1       # the same strokes twice, by chance
    assert set(test.labels) == set(train.labels) == set(range(10)) and train.images.max() == 255


def test_an_epoch_holds_every_picture_once_in_a_new_order():
    data = Digits(seed=3)
    first, again, second = data.batch(0, 1500), data.batch(0, 1500), data.batch(1500, 1500)
    assert (first[1] == again[1]).all() and not (first[1] == second[1]).all()
    assert sorted(first[1]) == sorted(second[1]) == sorted(data.labels)
    assert not (Digits(seed=4).batch(0, 1500)[1] == first[1]).all()


def test_a_batch_is_cut_anywhere_from_the_stream():
    data = Digits()
    whole, part = data.batch(0, 20)[0], data.batch(7, 5)[0]
    assert np.array_equal(whole[7:12], part)
