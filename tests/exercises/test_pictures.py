"""The lecture's picture with a student's functions, beside ours: a forgotten mask is seen."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.exercises import read, student
from minivis.exercises.pictures import compared, painted, side_by_side
from minivis.exercises.scene import Scene


def test_a_students_file_in_the_net(tmp_path):
    file = tmp_path / "relu.py"
    file.write_text(student.solution("relu"))
    relu = read.get("relu")
    right, problem = side_by_side(relu, "relu", str(file))
    assert problem is None
    half = len(right) // 2
    file.write_text(student.solution("relu").replace("dout * (x > 0)\n    if", "dout\n    if"))
    wrong, problem = side_by_side(relu, "relu", str(file))
    assert problem is None and right.shape == wrong.shape
    assert (right[:half] == wrong[:half]).all() and not (right[half:] == wrong[half:]).all()


def test_the_attacks_take_score_from_the_best_class():
    """The exercise's own picture, as the solution draws it."""
    fgsm, scene = read.get("fgsm"), Scene()
    drawn = fgsm.picture(fgsm.solutions, scene)
    down = -scene.slope(scene.x)[0]
    moved = drawn["with PGD"] - scene.as_picture(scene.x).astype(float)
    assert (drawn["FGSM's change"] * down).sum() > 0 and (moved * down).sum() > 0
    assert 7 <= abs(moved).max() <= 8                       # levels, from the picture itself, however many steps


@pytest.mark.parametrize("name", [name for name in read.NAMES if read.get(name).picture])
def test_the_solutions_draw_the_picture(name):
    exercise, scene = read.get(name), Scene()
    drawn = {title: np.asarray(values) for title, values in exercise.picture(exercise.solutions, scene).items()}
    assert drawn and all(np.isfinite(values).all() and np.ptp(values) > 0 for values in drawn.values())
    acts = scene.net.forward(scene.x)
    maps = {title: title.split(", map ") for title in drawn if ", map " in title}
    assert bool(maps) == (name in ("conv_loops", "conv_im2col"))
    for title, (layer, channel) in maps.items():
        np.testing.assert_allclose(drawn[title], acts[layer][0, :, :, int(channel)], rtol=1e-3, atol=1e-3)


def test_a_dream_takes_as_many_steps_as_its_title_says():
    exercise, calls = read.get("dream_step"), []

    def dream_step(x, *given):
        calls.append(given)
        return x

    (title,) = exercise.picture({"dream_step": dream_step}, Scene())
    assert title == f"{len(calls)} steps at relu3_2"


def test_functions_that_fail_say_so():
    def relu_backward(dout, x, rule):
        return dout.foo

    with pytest.raises(BadValue, match=r"no picture: line [0-9]+ raises AttributeError"):
        mv.exercises.picture("relu", relu_backward)


def test_another_shape_or_nan_is_drawn_with_a_remark():
    right = np.linspace(-1, 1, 27).reshape(3, 3, 3)
    assert painted(right[:2], right)[1] == "another shape"
    assert painted(np.full_like(right, np.nan), right)[1] == "27 numbers are NaN or infinite"
    assert painted(right, right)[1] == ""
    picture = np.zeros((8, 8, 3), np.uint8)
    assert compared({"a": right}, {}, picture).ndim == 3                # a missing panel is no error
