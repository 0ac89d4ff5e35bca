"""More of DeepDream: a sheet of layers, and a film that dreams on what it dreamt."""

from dataclasses import replace

import numpy as np
import pytest
from commandline import scene

from minivis.errors import BadValue
from minivis.images.preprocessing import to_uint8
from minivis.images.resampling import zoomed
from minivis.methods.synthesis import dream_films as module
from minivis.methods.synthesis.dream import dream
from minivis.methods.synthesis.dream_films import dream_layers, dream_zoom
from minivis.models.tiny import tiny_vgg
from minivis.optimize.watch import INTERRUPTED, Watch


def test_a_sheet_of_layers():
    sheet = dream_layers(tiny_vgg(), scene(), octaves=2, steps=2)
    assert list(sheet.dreams) == ["relu1_1", "relu2_1"] and set(sheet.numbers) == {"relu1_1", "relu2_1"}
    alone = dream(tiny_vgg(), scene(), "relu2_1", octaves=2, steps=2)
    np.testing.assert_array_equal(sheet.dreams["relu2_1"].pixels, alone.pixels)
    assert sheet.picture().shape[0] > 288 and "relu1_1 sees more" in str(sheet)


def test_the_layers_of_a_sheet_stand_in_the_nets_order():
    net = tiny_vgg()
    net = replace(net, roles={**net.roles, "style": ["relu1_1", "relu2_1"], "dream": "relu1_2"})
    assert list(dream_layers(net, scene(), octaves=1, steps=1).dreams) == ["relu1_1", "relu1_2", "relu2_1"]


def test_a_zoom_dreams_on_what_it_dreamt():
    watch = Watch(film=9)
    film = dream_zoom(tiny_vgg(), scene(), frames=3, zoom=0.5, octaves=1, steps=1, watch=watch)
    assert [frame.shape for frame in watch.frames] == [(40, 60, 3)] * 3 and film.numbers["frames"] == 3
    first = dream(tiny_vgg(), scene(), octaves=1, steps=1)
    np.testing.assert_array_equal(film.frames[0], first.picture())
    enlarged = to_uint8(zoomed(first.pixels[None], 1.5))[0]
    np.testing.assert_array_equal(film.frames[1], dream(tiny_vgg(), enlarged, octaves=1, steps=1, seed=1).picture())
    np.testing.assert_array_equal(film.picture(), film.frames[2])
    assert str(film) == f"3 frames; {film.stopped}" and film.numbers["size"] == [60, 40]
    with pytest.raises(BadValue, match="frames must be at least 1"):
        dream_zoom(tiny_vgg(), scene(), frames=0)


@pytest.mark.parametrize("frame", [0, 1, None])
def test_ctrl_c_ends_a_zoom_or_a_sheet_with_what_there_is(monkeypatch, frame):
    """The one in which it came is kept, and the watch knows that there was one."""
    made = []

    def stopping(*args, **settings):
        made.append(dream(*args, **settings))
        return replace(made[-1], stopped=INTERRUPTED if len(made) - 1 == frame else "done")

    monkeypatch.setattr(module, "dream", stopping)
    watch, few = Watch(film=9), 2 if frame is None else frame + 1
    film = dream_zoom(tiny_vgg(), scene(), frames=2, octaves=1, steps=1, watch=watch)
    assert len(film.frames) == len(watch.frames) == few and watch.interrupted == (frame is not None)
    assert film.stopped == (INTERRUPTED if watch.interrupted else "done")
    made.clear()
    sheet = dream_layers(tiny_vgg(), scene(), octaves=1, steps=1)
    assert list(sheet.dreams) == ["relu1_1", "relu2_1"][:few] and sheet.stopped == film.stopped
