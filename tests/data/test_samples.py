"""The sample pictures: what is on the sheet, and the folder that they are unpacked into."""

from pathlib import Path

import numpy as np
import pytest

from minivis.data import samples
from minivis.data.digits import every_digit
from minivis.data.samples import DIGITS, FAMILIES, NAME, Samples, folder_called, sheet_of, unpacked
from minivis.errors import BadValue
from minivis.images.files import read_image

EMOJI = Path(__file__).parents[1] / "data" / "emoji.npz"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "minivis"


def test_are_the_test_pictures_but_for_the_losses_of_webp():
    data, samples = np.load(EMOJI), Samples()
    assert samples.names == [str(data["names"][k]) for k in data["labels"]]
    difference = samples.images.astype(float) - data["images"]
    assert samples.images.shape == (200, 64, 64, 3) and abs(difference).mean() < 6         # of 255; measured: 5.5
    assert all(abs(d).mean() < 20 for d in difference)          # none is another picture; measured: 15.2


def test_the_outlines_are_those_of_the_test_pictures():
    data, masks = np.load(EMOJI), Samples().masks
    assert masks.dtype == bool and (masks == (data["masks"] > 127)).all()


def test_are_unpacked_once(cache):
    folder = Path(unpacked(NAME))
    files = sorted(folder.iterdir())
    assert folder == cache / NAME and len(files) == 200 and files[0].name == "000 goose.png"
    assert (read_image(files[7]) == Samples().images[7]).all()
    files[0].write_bytes(b"mine")
    assert unpacked(NAME) == str(folder) and files[0].read_bytes() == b"mine"
    assert [p.name for p in cache.iterdir()] == [NAME]          # nothing else is left


def test_something_else_of_that_name_comes_first(cache):
    assert folder_called("photos") == "photos" and folder_called(NAME) == str(cache / NAME)
    Path(NAME).mkdir()
    assert folder_called(NAME) == NAME


def test_the_digits_are_a_folder_too(cache):
    images, labels, new = every_digit()
    files = sorted(Path(folder_called(DIGITS)).iterdir())
    assert len(files) == len(labels) == 1797 and new.sum() == 297 and not new[:1500].any()
    for k in (0, 1, 1500, 1796):
        assert files[k].name == f"{k:04d} {labels[k]}.png" and (read_image(files[k]) == images[k]).all()


def test_the_families_are_a_folder_of_ten_pictures_a_class(cache):
    files = sorted(Path(folder_called(FAMILIES)).iterdir())
    kinds = [file.stem[4:] for file in files]
    assert len(files) == 200 and all(kinds.count(kind) == 10 for kind in kinds) and kinds[0] == "goose"
    assert (read_image(files[57]) == Samples(FAMILIES).images[57]).all()
    assert not {one.tobytes() for one in Samples(FAMILIES).images} & {one.tobytes() for one in Samples().images}


@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_sheet_has_twenty_pictures_in_a_row(rng, colours):
    cells = rng.integers(1, 256, (21, 64, 64, *colours), np.uint8)
    sheet = np.asarray(sheet_of(cells))
    assert sheet.shape == (128, 1280, *colours)
    for picture, (row, column) in ((0, (0, 0)), (1, (0, 1)), (19, (0, 19)), (20, (1, 0))):
        assert (sheet[64 * row : 64 * row + 64, 64 * column : 64 * column + 64] == cells[picture]).all()
    assert not sheet[64:, 64:].any() and sheet_of(cells[:20]).size == (1280, 64)


def test_the_sheets_are_made_from_a_file_of_pictures_outlines_and_labels(tmp_path, monkeypatch):
    images, masks = np.full((2, 64, 64, 3), [[[[250, 10, 10]]], [[[10, 10, 250]]]], np.uint8), np.zeros((2, 64, 64))
    masks[1, :, :2] = 127, 128
    np.savez("made.npz", images=images, masks=masks.astype(np.uint8), names=["owl", "fish", "goose"], labels=[2, 1])
    monkeypatch.setattr(samples, "__file__", str(tmp_path / "samples.py"))
    samples.main("made.npz")
    assert (tmp_path / "samples.txt").read_text("utf-8") == "goose\nfish\n"
    sheet, outlines = (read_image(tmp_path / name) for name in ("samples.webp", "samples_masks.png"))
    assert sheet.shape[:2] == outlines.shape[:2] == (64, 1280)
    assert abs(sheet[20:44, 20:108:64].astype(int) - [[250, 10, 10], [10, 10, 250]]).max() < 9     # WebP loses a little
    assert np.argwhere(outlines.max(axis=2)[0]).tolist() == [[65]]


def test_no_room_for_them(cache):
    cache.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(BadValue, match=r"the samples cannot be unpacked into .* \(Not a directory|exists"):
        unpacked(NAME)
