"""What a user asks of a long run: previews, a film, checkpoints that outlive a full disk."""

import numpy as np
from problems import problem

from minivis.optimize.loop import optimize
from minivis.optimize.update_rules import Adam
from minivis.optimize.watch import Watch


def test_callback_sees_previews_and_stops(vgg):
    seen = []

    def callback(preview):
        seen.append((preview.step, preview.loss, preview.pixels().dtype, set(preview.terms)))
        return preview.step >= 6

    run = optimize(problem(vgg), problem(vgg).parameterization.grey(), method=Adam(2.0), steps=50,
                   watch=Watch(callback=callback, every=3))
    assert [s[0] for s in seen] == [3, 6] and run.steps == 6 and run.stopped == "stopped by the callback"
    assert seen[0][1] > seen[1][1] and seen[0][2] == np.uint8 and seen[0][3] == {"log p(fc8:2 units)", "tv", "l2"}


def test_film(vgg):
    watch = Watch(film=8)
    run = optimize(problem(vgg), problem(vgg).parameterization.grey(), method=Adam(2.0), steps=30, watch=watch)
    assert 4 <= len(run.frames) <= 8 and run.frames[0].shape == (2, 16, 16, 3) and run.frames[0].dtype == np.uint8


def test_a_full_disk_ends_the_checkpoints_and_not_the_run(vgg, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    run = optimize(problem(vgg), problem(vgg).parameterization.grey(), method=Adam(2.0), steps=8,
                   watch=Watch(checkpoint=str(tmp_path / "run.npz"), seconds=0))
    assert run.steps == 8 and run.loss < run.first_loss and list(tmp_path.iterdir()) == []
    assert len(run.notes) == 1 and "is full" in run.notes[0] and "continued without" in run.notes[0]


def test_a_film_that_grows_too_long_drops_every_second_frame():
    """At most 4 frames: of steps 1 to 5 remain 2 and 4, then every second step is one, then every fourth."""
    watch = Watch(film=4)
    for steps, frames in ((range(1, 5), [1, 2, 3, 4]), (range(5, 10), [2, 4, 6, 8]), (range(10, 14), [4, 8, 12])):
        for step in steps:
            watch.show(step, 13, 0.0, {}, lambda step=step: step)
        assert watch.frames == frames
    assert watch.seen.film_every == 4


def test_the_callback_is_asked_every_few_steps_and_stops_by_true():
    seen = []
    watch = Watch(callback=lambda preview: seen.append((preview.step, preview.loss)) or preview.step == 6, every=3)
    said = [watch.show(step, 9, 10.0 * step, {}, None) for step in range(1, 8)]
    assert seen == [(3, 30.0), (6, 60.0)] and said == [False] * 5 + [True, False]
    assert Watch().show(10, 20, 0.0, {}, None) is False
