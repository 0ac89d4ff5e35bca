"""Sound: the gradient at the waveform is the derivative, and an addition too faint to hear changes the vowel."""

import numpy as np
import pytest

import minivis as mv
from minivis.data.spectrogram import levels
from minivis.data.vowels import LENGTH, Vowels, speak
from minivis.errors import BadValue, UnknownName
from minivis.methods.adversarial import sound as module
from minivis.methods.adversarial.sound import FULL, probs, sound_fool, towards


@pytest.fixture(scope="module")
def net():
    return mv.load("vowels-net")


def test_the_net_knows_new_vowels(net):
    images, labels = Vowels("test", seed=5).batch(0, 100)
    answers = net.forward(net.preprocess(images), grad=None)["fc4"].argmax(axis=1)
    assert (answers == labels).mean() > 0.9


def test_the_gradient_at_the_waveform_is_the_derivative(net):
    exact, sound = net.astype("float64"), speak("o", np.random.default_rng(3))
    _, gradient = towards(exact, sound, 1)
    move = gradient / np.sqrt((gradient**2).sum())
    more, less = (np.log(towards(exact, sound + step * move, 1)[0]) for step in (1e-7, -1e-7))
    np.testing.assert_allclose((gradient * move).sum(), (more - less) / 2e-7, rtol=1e-2)


@pytest.mark.parametrize("vowel, to", [("a", "i"), ("u", "e")])
def test_a_faint_addition_makes_another_vowel(net, vowel, to):
    sound = speak(vowel, np.random.default_rng((0, 9)))
    found = sound_fool(net, sound, to)
    told = found.numbers
    assert found.ok and told["before"] == vowel and told["after"] == to and told["p_after"] > 0.85
    assert told["snr_db"] > 20
    change = found.after.astype(float) - found.before
    assert told["snr_db"] == pytest.approx(10 * np.log10((found.before.astype(float) ** 2).sum() / (change**2).sum()))
    np.testing.assert_allclose(found.probs[1], probs(net, found.after / FULL))
    assert found.after.dtype == np.int16 and found.parts["after.wav"] is found.after and found.picture().std() > 10
    bound = sound_fool(net, sound, to, snr=60, steps=5)
    assert bound.snr > 59 and not bound.ok and "not fooled" in str(bound)


def test_what_is_drawn_of_a_sound(net, monkeypatch):
    """Three spectrograms as high as the charts beside them: 2 rows a frequency, 8 columns a moment, low ones below."""
    shown = []
    monkeypatch.setattr(module, "panels", lambda images, titles, **how: shown.extend(images) or images[0])
    found = sound_fool(net, speak("a", np.random.default_rng((0, 9))), "i", snr=20, steps=1)
    found.picture()
    seen = levels(found.before[None] / FULL)[0][0, :, :, 0]                     # (moments, frequencies)
    assert [picture.shape[0] for picture in shown] == [256] * 5
    assert [picture.shape[1] for picture in shown[::2]] == [8 * len(seen)] * 3
    strength = shown[0].astype(int).sum(axis=2)[::-2, ::8].T                    # brighter where it is louder
    assert np.corrcoef(strength.ravel(), seen.ravel())[0, 1] > 0.95


def test_refuses(net):
    with pytest.raises(BadValue, match="a row of numbers of -1 to 1, not silent"):
        sound_fool(net, np.zeros(LENGTH), "a")
    with pytest.raises(BadValue, match="this sound gives"):
        sound_fool(net, np.ones(600), "a")
    with pytest.raises(UnknownName, match="'y'"):
        sound_fool(net, speak("a", np.random.default_rng(0)), "y")
