"""Fashion-MNIST's files, from a little folder that the test writes."""

import gzip
import os
import struct

import numpy as np
import pytest
from limits import last_taken

from minivis.data.fashion import FashionMNIST, read_idx
from minivis.errors import BadFile


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for stem, count in (("train", 12), ("t10k", 5)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(idx(np.arange(count, dtype=np.uint8) % 10))
    return tmp_path


def test_the_test_split_comes_in_order_and_unchanged(folder):
    data = FashionMNIST(folder, split="test")
    images, labels = data.batch(3, 4)
    assert labels.tolist() == [3, 4, 0, 1]
    np.testing.assert_array_equal(images[..., 0], read_idx(folder / "t10k-images-idx3-ubyte.gz")[[3, 4, 0, 1]])


def test_each_epoch_of_training_shows_every_picture_once_in_a_new_order(folder):
    data = FashionMNIST(folder)
    first, second = (data.batch(start, 12)[1].tolist() for start in (0, 12))
    assert sorted(first) == sorted(second) == sorted(i % 10 for i in range(12))
    assert first != second


def test_without_augmentation_training_pictures_come_as_they_are(folder):
    original = read_idx(folder / "train-images-idx3-ubyte.gz")
    data = FashionMNIST(folder, augment=False)
    images, labels = data.batch(7, 12)
    order = np.concatenate([data._order(0), data._order(1)])[7:19]
    np.testing.assert_array_equal(images[..., 0], original[order])
    np.testing.assert_array_equal(labels, FashionMNIST(folder).batch(7, 12)[1])


def test_a_picture_depends_on_its_number_and_the_seed_alone(folder):
    data = FashionMNIST(folder)
    np.testing.assert_array_equal(data.batch(5, 9)[0][3:], data.batch(8, 6)[0])
    assert not np.array_equal(data.batch(0, 12)[0], FashionMNIST(folder, seed=1).batch(0, 12)[0])


def test_training_pictures_are_mirrored_and_shifted_by_two_at_most(folder):
    original = read_idx(folder / "train-images-idx3-ubyte.gz")
    data = FashionMNIST(folder)
    images, _ = data.batch(0, 60)
    order = np.concatenate([data._order(epoch) for epoch in range(5)])
    mirrored = 0
    for image, source in zip(images[..., 0], original[order]):
        padded = np.pad(source, 2)
        crops = [padded[dy : dy + 28, dx : dx + 28] for dy in range(5) for dx in range(5)]
        straight = any(np.array_equal(image, crop) for crop in crops)
        mirrored += not straight
        assert straight or any(np.array_equal(image, crop[:, ::-1]) for crop in crops)
    assert 15 < mirrored < 45


@pytest.mark.parametrize("content, message", [
    (b"hello", "is not an idx file"),
    (idx(np.zeros((3, 28, 28), np.uint8))[:-1], "is truncated"),
    (b"\0\0\x08\x03\0\0", "is truncated"), (b"\0\0\x08\xff" + b"\xff" * 1020, "of bytes with up to 4 axes"),
])  # fmt: skip
def test_wrong_files(folder, content, message):
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(BadFile, match=message):
        FashionMNIST(folder)


def test_a_missing_folder_says_where_to_get_it(tmp_path):
    with pytest.raises(BadFile, match="apt-get install dataset-fashion-mnist"):
        FashionMNIST(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are Unix'")
def test_a_pipe_is_not_waited_for(folder):
    (folder / "train-labels-idx1-ubyte").unlink()
    os.mkfifo(folder / "train-labels-idx1-ubyte")
    with pytest.raises(BadFile, match="train-labels-idx1-ubyte is not a regular file"):
        FashionMNIST(folder)


def test_pictures_and_labels_that_do_not_match(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(BadFile, match="do not match"):
        FashionMNIST(folder)


def test_damaged_and_hostile_gz_files(tmp_path):
    """Every damage inside the compressed part is one sentence; what promises too much is not unpacked."""
    path = tmp_path / "a-ubyte.gz"
    whole = gzip.compress(idx(np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)), mtime=0)
    for at in range(10, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises(BadFile, match=r"cannot be read|is truncated|is not an idx file|promises"):
            read_idx(path)
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\x7f\xff\xff\xff" * 3 + bytes(1000)))
    with pytest.raises(BadFile, match=r"promises .* numbers; minivis reads up to"):
        read_idx(path)


def test_a_limit_is_the_last_number_that_is_read(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(idx(np.zeros((2, 3, 1), np.uint8)))
    last_taken(monkeypatch, "data.fashion.MOST_BYTES", 6, lambda: read_idx(tmp_path / "a"))
    last_taken(monkeypatch, "data.fashion.MOST_AXES", 3, lambda: read_idx(tmp_path / "a"))
