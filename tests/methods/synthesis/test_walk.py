"""A walk from unit to unit: it reaches each, changes a little in every frame, and is one run."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadValue
from minivis.figures.compose import contact_sheet, panels
from minivis.methods.synthesis import walk as walks
from minivis.methods.synthesis.walk import Moving, Walk, walk
from minivis.models.tiny import tiny_vgg
from minivis.optimize.watch import Watch

CALM = {"tv": 1e-6, "jitter": 1, "scale": 0, "rotate": 0}


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


def test_a_walk_reaches_each_unit_in_small_steps(net):
    made = walk(net, ["goose", "owl"], frames=30, steps=30, goal="log-probability", tv=0, jitter=0, scale=0, rotate=0)
    assert made.frames.shape == (31, 16, 16, 3) and made.names == ("goose", "owl")
    probs = [net.forward(net.preprocess(made.frames))["prob"][:, net.class_names.index(name)] for name in made.names]
    assert (probs[0][0], probs[1][30]) == pytest.approx(tuple(made.probs), rel=1e-4)
    assert probs[0][0] > 0.5 > probs[0][30] and probs[1][30] > 0.5 > probs[1][0]
    frames = made.frames.astype(float)
    assert abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)).max() < abs(frames[30] - frames[0]).mean() / 5
    assert made.numbers["units"][1]["frame"] == 30 and "31 frames" in str(made)
    assert made.picture().shape[2] == 3 and made.missed == () and "too few" not in str(made)


def test_a_walk_that_does_not_arrive_says_so(net, monkeypatch):
    titles, real = [], walks.panels
    monkeypatch.setattr(walks, "panels", lambda images, texts, **how: titles.extend(texts) or real(images, texts,
                                                                                                   **how))
    made = walk(net, ["goose", "owl", "goose"], frames=1, steps=30, goal="log-probability", tv=0, jitter=0, scale=0,
                rotate=0)
    assert made.missed == ("owl",) and "1 frames are too few to reach owl" in str(made)
    made.picture()
    assert titles[0].endswith("1 frames are too few to reach owl")


@pytest.mark.parametrize("H, W", [(8, 24), (24, 8)])
@pytest.mark.parametrize("way, labels", [
    (1, ["a 20.0 %", "b 40.0 %", "c 60.0 %"]),
    (2, ["a 20.0 %", "frame 1", "b 40.0 %", "frame 3", "c 60.0 %"]),
    (3, ["a 20.0 %", "frame 1", "b 40.0 %", "frame 4", "c 60.0 %"]),
    (6, ["a 20.0 %", "frame 3", "b 40.0 %", "frame 9", "c 60.0 %"]),
    (7, ["a 20.0 %", "frame 3", "b 40.0 %", "frame 10", "c 60.0 %"]),
])  # fmt: skip
def test_the_figure_shows_each_unit_and_a_frame_half_way_to_the_next(monkeypatch, H, W, way, labels):
    seen = {}

    def sheet(images, **how):
        seen.update(how, frames=images[:, 0, 0, 0].tolist(), sheet=contact_sheet(images, **how))
        return seen["sheet"]

    monkeypatch.setattr("minivis.methods.synthesis.walk.contact_sheet", sheet)
    monkeypatch.setattr("minivis.methods.synthesis.walk.panels",
                        lambda *parts, **how: seen.update(how, title=parts[1][0]) or panels(*parts, **how))
    frames = np.arange(2 * way + 1, dtype=np.uint8)[:, None, None, None] * np.ones((H, W, 3), np.uint8)
    made = Walk(frames, ("a", "b", "c"), way, np.array([1.0, 2, 3]), np.array([0.2, 0.4, 0.6]))
    made.picture()
    units = {"a": 0, "b": way, "c": 2 * way}
    wanted = [int(label[6:]) if label.startswith("frame") else units[label[0]] for label in labels]
    assert (seen["labels"], seen["frames"]) == (labels, wanted)
    assert seen["scale"] == 8 and seen["columns"] == len(labels) and seen["height"] == len(seen["sheet"])
    assert str(made).split("\n")[:2] == ["a 20.0 %", "b 40.0 %"] and str(made).endswith(f"{2 * way + 1} frames; done")
    assert seen["title"].startswith(f"a walk from a to c\n{way} frames")


def test_a_long_walk_is_drawn_in_rows_of_five_and_a_large_image_as_it_is(monkeypatch):
    seen = {}
    monkeypatch.setattr("minivis.methods.synthesis.walk.contact_sheet",
                        lambda images, **how: seen.update(how) or contact_sheet(images, **how))
    made = Walk(np.zeros((7, 200, 10, 3), np.uint8), ("a", "b", "c", "d"), 2, np.arange(4), None)
    made.picture()
    assert str(made) == "a = 0\nb = 1\nc = 2\nd = 3\n7 frames; done"
    assert seen["columns"] == 5 and seen["scale"] == 1
    assert seen["labels"] == ["a\n0", "frame 1", "b\n1", "frame 3", "c\n2", "frame 5", "d\n3"]


def test_the_goal_moves_in_the_first_half_of_the_way():
    goals = [mv.objectives.score("fc8", i) for i in range(3)]
    found = {}
    for place in (0, 0.25, 0.5, 0.9, 1, 1.25, 2):
        moving = Moving(goals, 5, 10)
        moving.place = place
        found[place] = [(part.name, part.weight) for part in moving.now().parts]
    assert found == {0: [("fc8:0", 1)], 0.25: [("fc8:0", 0.5), ("fc8:1", 0.5)], 0.5: [("fc8:1", 1)],
                     0.9: [("fc8:1", 1)], 1: [("fc8:1", 1)], 1.25: [("fc8:1", 0.5), ("fc8:2", 0.5)],
                     2: [("fc8:2", 1)]}


def test_units_of_other_layers_have_no_probability(net):
    made = walk(net, ["conv1_1:2", "goose"], frames=2, steps=2, size=16)
    assert made.probs is None and made.array.shape[0] == 3 and "probability" not in str(made.numbers)


def test_a_callback_stops_a_walk_and_the_film_has_every_frame(net):
    watch = Watch(callback=lambda preview: preview.step == 6, every=2, film=2)
    made = walk(net, ["goose", "owl"], frames=6, steps=2, watch=watch)
    assert len(made.frames) == 5 and len(made.values) == 1 and "callback" in made.stopped
    assert len(watch.frames) == 5 and watch.film == 2
    early = walk(net, ["goose", "owl"], frames=6, steps=2, watch=Watch(callback=lambda preview: True, every=1))
    assert len(early.frames) == 1 and early.picture().ndim == 3
    assert [len(walk(net, ["goose", "owl"], frames=frames, steps=0).frames) for frames in (1, 2)] == [2, 3]


def test_what_a_walk_cannot_do_it_says(net, tmp_path):
    with pytest.raises(BadValue, match="name at least two"):
        walk(net, ["goose"])
    with pytest.raises(BadValue, match="L-BFGS"):
        walk(net, ["goose", "owl"], preset="simonyan", method="lbfgs")
    with pytest.raises(BadValue, match="no checkpoint"):
        walk(net, ["goose", "owl"], watch=Watch(checkpoint=str(tmp_path / "c")))
