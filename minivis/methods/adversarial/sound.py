"""Sound is fooled as well: with a faint addition the net hears another vowel (lecture 9: in any modality).

    min |d|  such that the net's answer to spectrogram(x + d) is the target           d: samples of the waveform

Each step goes along the gradient of log p(target) at the waveform, which comes from the net by backpropagation and
through the spectrogram by its adjoint, written by hand; then d is cut to the length that --snr allows. Without a bound
the largest signal-to-noise ratio is found that still fools the net. Both sounds are judged as 16-bit files hold them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.data.spectrogram import levels, levels_backward
from minivis.data.vowels import RATE
from minivis.engine.network import Network
from minivis.engine.units import parse_unit
from minivis.errors import BadValue
from minivis.figures.compose import bar_chart, panels, unsigned
from minivis.figures.text import chance
from minivis.layers.softmax import softmax_forward
from minivis.methods.adversarial.settings import SoundSettings
from minivis.methods.shared.result import Result
from minivis.runtime.described import set_by
from minivis.runtime.settings import CLASS, NUMBERS, takes
from minivis.types import Array

LOUDEST, QUIETEST = 0, 80                       # dB: the range of ratios that are searched
FULL = 2**15 - 1                                # the largest value of 16 bits


@dataclass(frozen=True, eq=False)
class SoundFool(Result):
    """``before``, ``after`` (L,): sounds, int16. ``probs`` (2, K): the net's answers to them."""

    before: np.ndarray
    after: np.ndarray
    probs: np.ndarray
    target: int
    names: tuple[str, ...]
    rate: int = RATE

    @property
    def ok(self) -> bool:
        return bool(self.probs[1].argmax() == self.target)

    @property
    def snr(self) -> Any:
        """dB: the power of the sound over that of what was added."""
        change = self.after.astype(float) - self.before
        power = lambda x: float((x.astype(float) ** 2).sum())           # noqa: E731
        return 10 * np.log10(power(self.before) / max(power(change), 1e-12))

    @property
    def parts(self) -> dict[str, Any]:
        return {"before.wav": self.before, "after.wav": self.after}

    def picture(self) -> Array:
        change = self.after.astype(float) - self.before
        drawn = [levels(x[None].astype(float) / FULL)[0][0, :, :, 0].T[::-1] for x in (self.before, self.after, change)]
        heard = [f"{self.names[p.argmax()]}, {chance(p.max())}" for p in self.probs]
        spectra = [unsigned(one / 255, limit=1.0).repeat(2, axis=0).repeat(8, axis=1) for one in drawn]
        titles = [f"heard as {heard[0]}\nthe sound", f"heard as {heard[1]}\nwith the addition",
                  f"the addition alone\n{self.snr:.1f} dB below the sound"]
        charts = [bar_chart(self.names, p, width=160, height=256) for p in self.probs]
        shown = [spectra[0], charts[0], spectra[1], charts[1], spectra[2]]
        said = "the net's answer"
        return panels(shown, [titles[0], said, titles[1], said, titles[2]], height=256,
                      footer="Time runs to the right, a quarter of a second; frequency upwards, to 4,000 Hz; bright is "
                             "loud, on a logarithmic scale.")

    @property
    def numbers(self) -> dict[str, Any]:
        return {"before": self.names[self.probs[0].argmax()], "p_before": float(self.probs[0].max()),
                "after": self.names[self.probs[1].argmax()], "p_after": float(self.probs[1].max()),
                "target": self.names[self.target], "snr_db": self.snr, "fooled": self.ok,
                "largest": int(abs(self.after.astype(int) - self.before).max())}

    def __str__(self) -> str:
        told = self.numbers
        return (f"{told['before']} {chance(told['p_before'])} -> {told['after']} {chance(told['p_after'])}, by an "
                f"addition {self.snr:.1f} dB below the sound{'' if self.ok else ': not fooled'}")


@set_by(SoundSettings)
@takes(sound=NUMBERS, to=CLASS)
def sound_fool(
    net: Network, sound: NDArray[Any], to: Any, *, settings: SoundSettings | None = None,
    snr: float | None = SoundSettings.snr, steps: int = SoundSettings.steps, sure: float = SoundSettings.sure,
) -> SoundFool:  # fmt: skip
    """Add as little to a sound as makes the net hear another class.

    Parameters
    ----------
    sound : array (L,)
        From -1 to 1, at 8,000 samples a second.
    to : str or int
        The class to reach.

    Returns
    -------
    SoundFool
        The sound found, and the probabilities before and after.

    References
    ----------
    Carlini & Wagner 2018.

    Examples
    --------
    >>> import minivis as mv
    >>> import numpy as np
    >>> from minivis.data.vowels import speak
    >>> sound = speak("a", np.random.default_rng((0, 9)))
    >>> found = mv.sound_fool(mv.load("vowels-net"), sound, "i", snr=20, steps=10)
    >>> found.numbers["before"]
    'a'
    """
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or not np.isfinite(sound).all() or not 0 < abs(sound).max() <= 1:
        raise BadValue(f"a sound is a row of numbers of -1 to 1, not silent; got {sound.shape}")
    seen = levels(sound[None])[0].shape[1:3]
    if tuple(net.input_size or ()) != seen:
        raise BadValue(f"the net reads spectrograms of {net.input_size}, and this sound gives {seen}")
    target = parse_unit(net, to).channel
    if snr is not None:
        found = attack(net, sound, target, snr, steps, sure)
    else:
        low, high, found = LOUDEST, QUIETEST, attack(net, sound, target, LOUDEST, steps, sure)
        while high - low > 1:                           # whole dB
            middle = (low + high) // 2
            tried = attack(net, sound, target, middle, steps, sure)
            if probs(net, tried)[target] >= sure:
                low, found = middle, tried
            else:
                high = middle
    before, after = as_file(sound), as_file(found)
    both = np.stack([probs(net, one / FULL) for one in (before, after)])
    names = tuple(net.class_names or map(str, range(both.shape[1])))
    return SoundFool(before, after, both, target, names,
                     settings={"to": names[target], "snr": snr, "steps": steps, "sure": sure})


def attack(net: Network, sound: Any, target: Any, snr: Any, steps: int, sure: Any) -> Array:
    """The sound with the best addition of at most this ratio; ends when the net is sure of the target."""
    most = np.sqrt((sound**2).sum() / 10 ** (snr / 10))
    d = np.zeros_like(sound)
    best, best_p = sound, -1.0
    for k in range(steps + 1):
        at = (sound + d).clip(-1, 1)
        p, gradient = towards(net, at, target)
        if p > best_p:
            best, best_p = at, p
        if probs(net, as_file(at) / FULL)[target] >= sure or k == steps:
            break
        d = d + 0.2 * most * gradient / max(np.sqrt((gradient**2).sum()), 1e-30)
        d *= min(1, most / max(np.sqrt((d**2).sum()), 1e-30))
    return best


def towards(net: Network, sound: Any, target: Any) -> tuple[float, Array]:
    """(p(target), the gradient of log p(target) at the samples)."""
    pictures, cache = levels(sound[None])
    logits = net.role("logits")
    acts = net.forward(net.preprocess(pictures.astype(net.dtype)), until=logits)
    p = softmax_forward(acts[logits].astype(np.float64))
    seed = (np.arange(p.shape[1]) == target) - p                # d log p_target / d logits
    dacts, _ = net.backward(acts, {logits: seed.astype(net.dtype)})
    dlevels = net.preprocessing.preprocess_adjoint(dacts["input"], 1)
    return float(p[0, target]), levels_backward(dlevels.astype(np.float64), cache)[0]


def probs(net: Network, sound: Any) -> Array:
    """(K,) the net's answer to a sound; levels are rounded, as pictures are."""
    logits = net.role("logits")
    pictures = np.rint(levels(sound[None])[0]).astype(np.uint8)
    acts = net.forward(net.preprocess(pictures), until=logits, keep=[logits], grad=None)
    return softmax_forward(acts[logits].astype(np.float64))[0]


def as_file(sound: Any) -> Array:
    """int16, as a WAV file holds it."""
    return np.rint(sound * FULL).astype(np.int16)
