"""Another picture with the same HOG: what it reaches, how smooth it is by default, its drawing, and the command."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.cli import main
from minivis.errors import BadValue
from minivis.images.files import read_image, read_text, write_image
from minivis.methods.adversarial.hog import HogTwin, stretched, stroke, strokes


@pytest.fixture(scope="module")
def pair():
    """Our goose and our painting, 64 x 64."""
    data = Path(mv.__file__).parent / "data"
    return [mv.Preprocessing().fit_image(read_image(data / name), size=64)[0] for name in ("goose.png", "strokes.png")]


def test_a_twin_looks_like_one_and_is_described_as_the_other(pair):
    result = mv.hog_twin(*pair)
    before, after = result.distances
    assert before > 0.3 and after < 0.05 * before and result.ok
    found = result.numbers
    assert 0 < found["rms_to_start"] < 0.7 * found["rms_to_first"]
    net = mv.hog_net()
    codes = [net.forward(net.preprocess(picture))["hog"] for picture in (pair[0], result.twin)]
    assert after == pytest.approx(((codes[1] - codes[0]) ** 2).sum() / (codes[0] ** 2).sum(), rel=1e-5)
    assert result.twin.dtype == np.uint8 and result.picture().std() > 10


def test_inversion_from_the_hog_alone(pair):
    result = mv.hog_twin(pair[0], seed=1, steps=100)
    assert result.twin.shape == (64, 64, 1) and result.fall > 0.9 and result.numbers["rms_to_start"] > 5


@pytest.mark.parametrize("smooth", [None, 0.0, 1e-3])
def test_only_an_inversion_is_smoothed_by_default(pair, smooth):
    """From noise by 1e-4, from a picture not at all, and by what is asked for in both cases."""
    from_noise, from_picture = mv.hog_twin(pair[0], steps=3, smooth=smooth), mv.hog_twin(*pair, steps=3, smooth=smooth)
    assert from_noise.settings["smooth"] == (1e-4 if smooth is None else smooth)
    assert from_picture.settings["smooth"] == (0 if smooth is None else smooth)
    assert ("tv" in from_noise.run.terms) == (smooth != 0) and ("tv" in from_picture.run.terms) == bool(smooth)
    plain = mv.hog_twin(pair[0], steps=3, smooth=0.0)
    assert np.array_equal(plain.twin, from_noise.twin) == (smooth == 0)


@pytest.mark.parametrize("start, twin, distances, fall, ok", [
    (3, 2, (0.5, 0.125), 0.75, False), (5, 2, (2.0, 0.125), 0.9375, False), (6, 2, (3.125, 0.125), 0.96, True),
    (1, 1, (0.0, 0.0), 1.0, True),
])  # fmt: skip
def test_the_fall_is_that_of_the_distance_and_a_start_without_any_is_a_twin(start, twin, distances, fall, ok):
    wanted = np.full((1, 1, 2), 2.0)
    codes = (wanted, *(wanted + np.array([n - 1, 0]) for n in (start, twin)))
    found = HogTwin(None, None, None, codes, False, None)
    assert found.distances == pytest.approx(distances) and found.fall == pytest.approx(fall) and found.ok == ok


def test_strokes_run_along_edges():
    code = np.zeros((1, 1, 36))
    code[..., [0, 9, 18, 27]] = 1                                   # gradients at 10 degrees: edges nearly upright
    drawn = strokes(code, 9)[..., 0]
    assert drawn.shape == (32, 32) and drawn[:16, :16].max(axis=1).min() < 60 < drawn[2:14, 6:10].max(axis=1).min()


def test_a_cell_of_several_blocks_is_drawn_by_their_mean():
    """Blocks of 2 x 2 cells, one beside the other, share the two cells in the middle; one edge in each cell."""
    code = np.zeros((1, 2, 36))
    code[0, 0, [4, 13, 22, 31]], code[0, 1, [4, 13, 22, 31]] = (0.2, 0.4, 0.3, 0.0), (0.8, 1.0, 0.1, 0.5)
    cells = np.array([[0.2, (0.4 + 0.8) / 2, 1.0], [0.3, (0.0 + 0.1) / 2, 0.5]])
    edges = np.kron(cells, stroke(np.pi, 16))                       # gradients at 90 degrees: level edges
    wanted = 255 * np.minimum(1, edges / np.quantile(edges, 0.995))
    np.testing.assert_allclose(strokes(code, 9)[..., 0], wanted, atol=0.51)


def test_the_contrast_is_stretched_to_all_but_one_percent_at_each_end():
    levels = np.arange(101.0).reshape(101, 1, 1) + 40
    wanted = (np.arange(101) - 1) * 255 / 98
    np.testing.assert_allclose(stretched(levels)[:, 0, 0], np.clip(wanted, 0, 255), atol=0.51)


@pytest.mark.parametrize(("shapes", "said"), [
    (((15, 40, 3), None), "A is 40 x 15 pixels, smaller than one block of 16 x 16"),
    (((32, 40, 3), (32, 39, 3)), "A is 40 x 32 pixels and B 39 x 32"),
    (((32, 40, 2), None), "A must be a picture, uint8"), (((32, 40, 3), (32, 40)), "B must be a picture, uint8"),
])  # fmt: skip
def test_mistakes(shapes, said):
    with pytest.raises(BadValue, match=said):
        mv.hog_twin(*(None if shape is None else np.zeros(shape, np.uint8) for shape in shapes))


def test_nothing_to_describe():
    with pytest.raises(BadValue, match="zero everywhere"):
        mv.hog_twin(np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 3), np.uint8))


def test_command(pair, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_image("a.png", pair[0])
    write_image("b.png", pair[1])
    assert main(["hog", "a.png", "b.png", "--steps", "250"]) == 0
    assert capsys.readouterr().out.endswith("wrote a-hog.png\nwrote a-hog-picture.png\n")
    assert read_image("a-hog-picture.png").shape == (64, 64, 3) and "minivis" in read_text("a-hog.png")
    assert main(["rerun", "a-hog.png"]) == 0 and "bit for bit" in capsys.readouterr().out
    write_image("b.png", pair[0], force=True)
    assert main(["rerun", "a-hog.png", "-o", "again.png"]) == 2 and "has changed since" in capsys.readouterr().err
    assert main(["hog", "a.png", "nowhere.png", "-f"]) == 2 and "no file nowhere.png" in capsys.readouterr().err
    assert main(["hog", "a.png", "--size", "12", "-f"]) == 2 and "smaller than one block" in capsys.readouterr().err


def test_only_an_inversion_is_drawn_with_its_contrast_stretched(pair, calls_of):
    """A, the start, the twin, then the HOGs of the three; a twin's contrast is the start's, and stays."""
    drawn = calls_of("minivis.methods.adversarial.hog.panels")
    for found in (mv.hog_twin(pair[0], steps=1), mv.hog_twin(*pair, steps=1)):
        found.picture()
        shown, bins = drawn[-1][0][0], found.settings["bins"]
        twin = stretched(found.twin) if found.inverted else found.twin
        wanted = [found.first, found.start, twin, *(strokes(code, bins) for code in found.codes)]
        assert found.inverted is (len(drawn) == 1) and (stretched(found.twin) != found.twin).any()
        for got, picture in zip(shown, wanted, strict=True):
            np.testing.assert_array_equal(got, picture)
