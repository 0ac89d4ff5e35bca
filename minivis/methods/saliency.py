"""Image-specific class saliency (Simonyan et al. 2014, section 3.1).

    M[i, j] = max over c of | d score / d pixel[i, j, c] |

The score is the class's logit, before the softmax, so that other classes do not leak in. With ``samples`` the gradient
is the mean over that many noisy copies of the picture: SmoothGrad, Smilkov et al. 2017.
"""

from dataclasses import dataclass

import numpy as np

from minivis.errors import BadValue
from minivis.methods.backprop import pixel_gradient
from minivis.methods.result import PANEL, Result, Subject, input_of
from minivis.methods.target import Target, aim, asked
from minivis.pictures import display_limit, overlay, panels, unsigned
from minivis.progress import track


@dataclass(frozen=True, eq=False)
class Saliency(Result):
    """``maps`` (N, H, W): how strongly each pixel moves the unit."""

    subject: Subject
    target: Target
    maps: np.ndarray

    def draw(self, i):
        heat, seen = self.maps[i], self.subject.seen[i]
        limit = display_limit(heat)
        shown = unsigned(heat) if limit else np.zeros_like(seen)
        samples = self.settings["samples"]
        how = f"mean of {samples} noisy copies" if samples > 1 else f"max |d {self.target.name(i)} / d pixel|"
        picture, box = self.subject.small(i)
        over = overlay(picture, heat, alpha=0.9, box=box, high=limit or None, fade=True)
        return panels(
            [seen, shown, over],
            [f"the input\n{self.target.title(i)}", f"saliency\n{how if limit else 'no gradient: the unit is off'}",
             "laid over the picture"],
            colorbars=[None, ("inferno", 0.0, limit) if limit else None, None], height=PANEL,
        )  # fmt: skip

    def describe(self, i):
        row, column = np.unravel_index(self.maps[i].argmax(), self.maps[i].shape)
        return {**self.target.describe(i), "max": float(self.maps[i].max()), "mean": float(self.maps[i].mean()),
                "row": int(row), "column": int(column)}

    def __len__(self):
        return len(self.subject)

    def __str__(self):
        said = "{name}: moves most with the pixel at row {row}, column {column}, by {max:.3g} a level of 255"
        return "\n".join(said.format(**self.describe(i)) for i in range(len(self)))


def saliency(net, image, unit=None, *, samples=1, noise=0.15, seed=0, progress=False):
    """The saliency of a unit (default: the score of each picture's first class) for a picture or a batch.

    ``noise``: the standard deviation of SmoothGrad's noise, as a part of the range of the pixels.
    """
    if samples < 1 or not 0 <= noise <= 1:
        raise BadValue(f"samples is at least 1 and noise from 0 to 1, not {samples} and {noise}")
    subject = Subject.of(net, image)
    target = aim(net, subject.input(net), unit)
    if samples == 1:
        gradient = pixel_gradient(net, target)
    else:
        rng = np.random.default_rng(seed)
        pixels = subject.fitted.astype(net.dtype)
        sigma = noise * float(pixels.max() - pixels.min())
        gradient = np.zeros(subject.seen.shape, net.dtype)
        for _ in track(range(samples), progress, "saliency"):
            noisy = pixels + sigma * rng.standard_normal(pixels.shape).astype(net.dtype)
            gradient += pixel_gradient(net, aim(net, input_of(net, noisy), target.units)) / samples
    return Saliency(subject, target, abs(gradient).max(axis=3),
                    settings={"unit": asked(unit), "samples": samples, "noise": noise if samples > 1 else 0})
