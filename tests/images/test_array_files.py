"""Maps in files of numbers: what is written comes back, and other programs' readers agree."""

import json

import numpy as np
import pytest
from limits import last_taken
from PIL import Image

from minivis.errors import BadValue
from minivis.images.array_files import ascii_text, holds_arrays, read_kept_text, tiff_bytes, write_arrays
from minivis.images.files import read_image
from minivis.images.tiff import page_of, pages

MAP = np.linspace(-1, 2, 12, dtype=np.float32).reshape(1, 3, 4)
COLOUR = np.arange(36, dtype=np.float32).reshape(1, 3, 4, 3) / 7


def tiff_pages(path):
    data = path.read_bytes()
    return [page_of(data, page, "a.tiff") for page in pages(data)]


def test_the_ending_says_whether_a_file_holds_numbers():
    assert [holds_arrays(name) for name in ("a.npy", "a.NPZ", "a.tif", "a.tiff", "a.png", "npy")] == [True] * 4 + [
        False] * 2


def test_npy_holds_one_map_without_the_axis_of_pictures(tmp_path):
    said = write_arrays(tmp_path / "a.npy", {"gradient": MAP})
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), MAP[0])
    assert said.endswith("a.npy: 3 x 4 numbers, gradient")
    write_arrays(tmp_path / "two.npy", {"gradient": np.concatenate([MAP, MAP])})
    assert np.load(tmp_path / "two.npy").shape == (2, 3, 4)


def test_npy_holds_several_maps_one_behind_the_other(tmp_path):
    said = write_arrays(tmp_path / "a.npy", {"a": MAP, "b": 2 * MAP})
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), [MAP[0], 2 * MAP[0]])
    assert said.endswith("2 arrays of 3 x 4 numbers, a, b")
    with pytest.raises(BadValue, match=r"c\.npy can hold one array, and these are a, b, of different shapes.*\.npz"):
        write_arrays(tmp_path / "c.npy", {"a": MAP, "b": COLOUR})
    assert not (tmp_path / "c.npy").exists()


def test_npz_holds_all_by_name_and_no_time(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, {"a": MAP, "3a/b": COLOUR}, {"minivis": "how"})
    with np.load(tmp_path / "a.npz") as found:
        np.testing.assert_array_equal(found["a"], MAP[0])
        np.testing.assert_array_equal(found["3a/b"], COLOUR[0])
    assert read_kept_text(tmp_path / "a.npz") == {"minivis": "how"}
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_tiff_is_32_bit_floats_for_pillow_and_for_our_reader(tmp_path):
    path = tmp_path / "a.tiff"
    write_arrays(path, {"first": MAP.astype(np.float64), "second": -MAP}, {"minivis": 'a "µ"'})
    with Image.open(path) as im:
        assert im.mode == "F" and im.n_frames == 2 and im.tag_v2[285] == "first"
        np.testing.assert_array_equal(np.asarray(im), MAP[0])
        im.seek(1)
        np.testing.assert_array_equal(np.asarray(im), -MAP[0])
    np.testing.assert_array_equal(tiff_pages(path)[1][:, :, 0], -MAP[0])
    assert read_kept_text(path) == {"minivis": 'a "µ"'}
    assert read_image(path).shape == (3, 4, 1)


@pytest.mark.parametrize("array, shapes", [
    (COLOUR, [(3, 4, 3)]), (COLOUR.repeat(2, axis=0), [(3, 4, 3)] * 2), (COLOUR[..., :2], [(3, 4, 1)] * 2),
    (np.ones((1, 5)), [(1, 5, 1)]), (np.ones((2, 5)), [(1, 5, 1)] * 2), (np.ones((2, 3, 4)), [(3, 4, 1)] * 2),
])
def test_pages_of_a_tiff(tmp_path, array, shapes):
    write_arrays(tmp_path / "a.tif", {"x": array})
    assert [page.shape for page in tiff_pages(tmp_path / "a.tif")] == shapes


def test_colours_come_back(tmp_path):
    write_arrays(tmp_path / "a.tif", {"x": COLOUR})
    np.testing.assert_array_equal(tiff_pages(tmp_path / "a.tif")[0], COLOUR[0])


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(BadValue, match=r"must end in one of \.npy, \.npz, \.tif, \.tiff"):
        write_arrays(tmp_path / "a.csv", {"x": MAP})
    with pytest.raises(BadValue, match="has no maps"):
        write_arrays(tmp_path / "a.npy", {})
    write_arrays(tmp_path / "a.npy", {"x": MAP})
    with pytest.raises(BadValue, match="exists and is kept"):
        write_arrays(tmp_path / "a.npy", {"x": MAP})


def test_other_files_keep_no_text(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 and nothing more")
    (tmp_path / "b.tiff").write_bytes(b"II*\0")
    np.savez(tmp_path / "c.npz", x=MAP)
    np.savez(tmp_path / "d.npz", record=np.array(json.dumps([1])))
    assert [read_kept_text(tmp_path / name) for name in ("a.npz", "b.tiff", "c.npz", "d.npz", "e.npz")] == [{}] * 5


def test_a_text_in_a_tiff_is_ascii_without_a_nul_inside():
    assert ascii_text("g\u00e4nse?\0end") == b"g\\xe4nse??end\0"


def test_a_limit_is_the_last_number_that_is_written(monkeypatch):
    """Four bytes a number, and about 400 of each page beside its name."""
    last_taken(monkeypatch, "images.array_files.TIFF_MOST", 4 * 6 + 400 + 2 * len("found"),
               lambda: tiff_bytes("a.tiff", {"found": np.zeros((1, 2, 3), np.float32)}))
