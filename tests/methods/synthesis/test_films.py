"""Films dreamt on and painted: how a frame begins, what flickers less, and how a run goes on."""

from itertools import pairwise

import numpy as np
import pytest
from commandline import scene
from scipy.ndimage import gaussian_filter

from minivis.errors import BadValue, MissingExtra
from minivis.images.preprocessing import to_uint8
from minivis.methods.synthesis import films
from minivis.methods.synthesis.dream import dream
from minivis.methods.synthesis.films import Following, dream_film, style_film
from minivis.methods.synthesis.style import style_transfer
from minivis.models.tiny import tiny_vgg

SMALL = {"octaves": 1, "steps": 2}


def moving(rng, count=3, side=48, step=3):
    """A texture that moves to the left."""
    grey = gaussian_filter(rng.normal(size=(side, side + count * step, 3)), (2, 2, 0))
    whole = np.uint8((128 + 400 * grey).clip(0, 255))
    return [np.ascontiguousarray(whole[:, k * step : k * step + side]) for k in range(count)]


def test_a_dream_begins_with_what_the_last_one_added(rng):
    net, frames = tiny_vgg(), moving(rng, 2)
    first, second = dream_film(net, frames, keep=0.5, next_steps=1, flow=False, seed=3, **SMALL)
    np.testing.assert_array_equal(first, dream(net, frames[0], seed=3, **SMALL).picture())
    begin = frames[1] + 0.5 * (first.astype(np.float32) - frames[0])
    again = dream(net, frames[1], begin=begin, octaves=1, steps=1, seed=3)
    np.testing.assert_array_equal(second, again.picture())


def test_a_painting_begins_with_the_last_one(rng):
    net, frames = tiny_vgg(), moving(rng, 2)
    first, second = style_film(net, frames, scene(), keep=0.25, next_steps=1, flow=False, steps=3, size=32)
    assert first.shape == (32, 32, 3)
    small = films.resized(frames[1], 32)
    begin = small + 0.25 * (first.astype(np.float32) - small)
    again = style_transfer(net, small, scene(), begin=begin, steps=1)
    np.testing.assert_array_equal(second, to_uint8(again.pixels))


def test_further_frames_take_fewer_steps():
    assert Following("dream", False, 0.7).steps(10, None) == 3 and Following("dream", False, 0).steps(10, None) == 10
    assert Following("style", False).steps(200, None) == 50 and Following("style", False).steps(200, 7) == 7
    assert (Following("style", False).keep, Following("dream", False).keep) == (1.0, 0.7)


def test_a_run_goes_on(rng):
    net, frames = tiny_vgg(), moving(rng)
    whole = list(dream_film(net, frames, flow=False, **SMALL))
    for known in (1, 2, 3):
        rest = list(dream_film(net, frames, flow=False, done=iter(whole[:known]), **SMALL))
        np.testing.assert_array_equal(rest, whole)


def test_a_result_that_moves_along_flickers_less(rng):
    """How much consecutive dreams differ where the scene, moved back, is the same."""
    pytest.importorskip("cv2", reason="no OpenCV: optical flow is not tried")
    net, frames = tiny_vgg(), moving(rng, 3)

    def flicker(**how):
        made = [one.astype(float) for one in dream_film(net, frames, octaves=1, steps=5, jitter=0, **how)]
        return np.mean([abs(b[:, 4:-8] - a[:, 7:-5]).mean() for a, b in pairwise(made)])

    alone, still, flow = flicker(keep=0), flicker(flow=False), flicker(flow=True)
    assert flow < 0.6 * still and flow < 0.6 * alone


def test_another_size_begins_anew(rng):
    net, frames = tiny_vgg(), [moving(rng, 1)[0], moving(rng, 1, side=40)[0]]
    _, second = dream_film(net, frames, **SMALL)
    np.testing.assert_array_equal(second, dream(net, frames[1], **SMALL).picture())


def test_a_grey_net(rng):
    made = list(dream_film(tiny_vgg(channels=1), moving(rng, 2), **SMALL))
    assert [one.shape for one in made] == [(48, 48, 1)] * 2


def test_ctrl_c_ends_the_film_and_not_the_frame(rng, monkeypatch):
    real = films.dream
    monkeypatch.setattr(films, "dream", lambda *given, **how: stopped(real(*given, **how)))

    def stopped(made):
        object.__setattr__(made, "stopped", films.INTERRUPTED)
        return made

    with pytest.raises(KeyboardInterrupt):
        list(dream_film(tiny_vgg(), moving(rng, 2), **SMALL))


@pytest.mark.parametrize("how, error, message", [
    ({"keep": 1.5}, BadValue, "keep"), ({"next_steps": -1}, BadValue, "next_steps"),
    ({"flow": "yes"}, BadValue, "flow"),
    ({"octave": 1}, BadValue, "no setting named 'octave'"),
])
def test_mistakes(how, error, message):
    with pytest.raises(error, match=message):
        list(dream_film(tiny_vgg(), [scene()], **how))


def test_what_is_no_film():
    for film in (7, scene()[..., 0]):
        with pytest.raises(BadValue):
            list(dream_film(tiny_vgg(), film))
    with pytest.raises(BadValue, match="one number of steps"):
        style_film(tiny_vgg(), [scene()], scene(), steps=(3, 4))


def test_flow_without_opencv(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MissingExtra, match="optical flow needs OpenCV"):
        dream_film(tiny_vgg(), [scene()], flow=True)
    assert Following("dream").flow is False
