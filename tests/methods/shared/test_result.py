"""The pictures that a method looks at, and the form of what it hands back."""

import numpy as np
import pytest

from minivis.errors import BadValue
from minivis.images.preprocessing import Box
from minivis.methods.looking.activations import activation_grid
from minivis.methods.looking.classify import classify
from minivis.methods.shared.result import PANEL, BatchResult, Result, Subject
from minivis.models.tiny import tiny_vgg


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_subject_keeps_colours_for_the_net_and_shows_what_it_sees(rng):
    net, picture = tiny_vgg(channels=1, dtype=np.float64), rng.integers(0, 256, (16, 16, 3), np.uint8)
    subject = Subject.of(net, picture)
    np.testing.assert_array_equal(subject.input(net), net.preprocess(picture))      # luma, not rounded
    assert subject.seen.shape == (1, 16, 16, 1)
    assert abs(subject.seen[0, :, :, 0] - picture @ [0.299, 0.587, 0.114]).max() <= 0.5 + 1e-9


def test_pictures_of_several_sizes_need_a_net_with_a_size(branches, rng):
    pictures = [rng.integers(0, 256, (20, side, 3), np.uint8) for side in (20, 30)]
    with pytest.raises(BadValue, match="must have one size; these have 20 x 20, 30 x 20 pixels"):
        Subject.of(branches, pictures)
    with pytest.raises(BadValue, match="the batch is empty"):
        Subject.of(branches, [])
    with pytest.raises(BadValue, match="uint8"):
        Subject.of(branches, np.zeros((4, 4, 3)))


def test_results_share_a_form(vgg, picture):
    for method in (classify, activation_grid):
        result = method(vgg, picture)
        assert isinstance(result, Result) and result.stopped == "done" and isinstance(result.settings, dict)
        with pytest.raises(AttributeError):
            result.stopped = "changed"


def test_a_large_picture_is_drawn_on_small_and_its_box_with_it():
    tall = np.zeros((4 * PANEL, 101, 1), np.uint8)             # half of which is 50 wide: the box is no wider
    tall[:2 * PANEL] = 200
    subject = Subject((tall, tall[:30]), None, None, (Box(8, 20, 4 * PANEL, 101), Box(1, 2, 3, 4)))
    small, box = subject.small(0)
    assert small.shape[:2] == (2 * PANEL, 50) and (small[:PANEL - 9] == 200).all() and (small[PANEL + 9:] == 0).all()
    assert box == Box(4, 10, 2 * PANEL, 50)
    same, box = subject.small(1)
    assert same.shape == (30, 101, 1) and box == Box(1, 2, 3, 4)


def test_grey_pictures_among_coloured_ones_get_three_equal_channels(vgg, rng):
    grey, coloured = (rng.integers(0, 256, (16, 16, channels), np.uint8) for channels in (1, 3))
    subject = Subject.of(vgg, [grey, coloured])
    np.testing.assert_array_equal(subject.fitted, np.stack([grey.repeat(3, axis=2), coloured]))
    assert len(subject) == 2 and subject.pictures[0].shape == (16, 16, 1)
    three = Subject.of(vgg, coloured).repeated(3)
    np.testing.assert_array_equal(three.fitted, np.stack([coloured] * 3))
    assert len(three) == len(three.boxes) == len(three.seen) == 3


class Squares(BatchResult):
    """As many black squares as its settings say; the first is one pixel wide."""

    def __len__(self):
        return self.settings["count"]

    def draw(self, i):
        return np.zeros((i + 1, i + 1, 3), np.uint8)

    def describe(self, i):
        return {"side": i + 1}

    def __str__(self):
        return "first\n\n  second"


def test_a_batch_stacks_its_figures_and_lists_its_numbers():
    one, two = (Squares(settings={"count": count}) for count in (1, 2))
    assert one.numbers == {"side": 1} and two.numbers == {"images": [{"side": 1}, {"side": 2}]}
    assert one.picture().shape == (1, 1, 3) and two.picture().shape == (1 + 8 + 2, 2, 3)        # 8 between
    assert two.caption == "first · second" and two.ok and two.parts == {} and two.stopped == "done"
    assert two._repr_png_().startswith(b"\x89PNG")


def test_a_result_prints_a_few_lines_and_shows_its_figure(vgg, rng):
    """In a notebook the figure, elsewhere words; never its arrays."""
    pictures = list(rng.integers(0, 256, (30, 16, 16, 3), np.uint8))
    found = classify(vgg, pictures)
    lines = repr(found).split("\n")
    assert lines[0] == "Classes: done" and len(lines) <= 24 and "array(" not in repr(found)
    assert len(repr(found)) < 2000 and any("more lines" in line for line in lines)
    grid = activation_grid(vgg, pictures[0])
    assert repr(grid).startswith("ActivationGrid: done\n") and len(repr(grid)) < 500


def test_every_result_has_an_array(vgg, picture, tmp_path):
    found = classify(vgg, picture, top=3)
    assert found.array is found.probs and found.array.shape == (1, 3) and found.settings == {"top": 3}
    assert activation_grid(vgg, picture).array.ndim == 4
    assert Squares(settings={"count": 1}).array.shape == (1, 1, 3)                      # the figure, where it has none
    assert found.save(tmp_path / "a.png") == str(tmp_path / "a.png") and (tmp_path / "a.png").exists()
