"""The settings of papers and tools: `--preset` chooses one. What a preset leaves out has its default (settings.py).

A gradient's size depends on the net, so a rate holds for other nets only if the gradient's length is set to 1: we added
``normalize="l2"`` where a paper has one rate for its one net. Weights of image priors are in levels.
"""

from typing import Any, Literal, TypeAlias

from minivis.errors import BadValue, UnknownSetting
from minivis.methods.synthesis.settings import InvertSettings, MaximizeSettings

MaximizePreset: TypeAlias = Literal[
    "minivis", "natural", "simonyan", "cs231n", "yosinski-1", "yosinski-2", "yosinski-3", "yosinski-4", "lucid"]
InvertPreset: TypeAlias = Literal["minivis", "mahendran"]

MAXIMIZE: dict[MaximizePreset, MaximizeSettings] = {
    # ours: spectrum, decorrelated colours and random moves as in Lucid, and the sum of differences (beta 1), which
    # leaves flat areas with clear edges, as in drawings; five times as much and a robust net's images stay grey
    "minivis": MaximizeSettings(
        parameterization="fourier", spectrum_decay=1.25, noise=0.01, method="adam", rate=0.05, steps=200, tv=2e-5,
        tv_beta=1, jitter=6, scale=0.15, rotate=15, own_size=True),
    # ours, for any net of photographs: the score's logarithm, whose gradient is as large whatever the net's scores are,
    # against the mean difference of neighbouring pixels. Both are as large where that is ``contrast``, so there the
    # image settles in the end, whatever its size. Steps have one length for the whole spectrum: Adam's, which are as
    # long in each coefficient, raise noise where the gradient has none. Noise in each step leaves what is coarse enough
    # to be seen through it. Waves shorter than 4 pixels are where a net sees what no other does, so there are none; and
    # what is seen at 0.6 to 2 times its size is an object rather than a texture, and a large one in the middle
    "natural": MaximizeSettings(
        goal="log-score", parameterization="fourier", spectrum_decay=0.65, finest=4, noise=0.01, method="gradient",
        rate=0.01, momentum=0.9, normalize="rms", steps=192, contrast=16, tv_beta=1, jitter=12, scale=0.4, zoom=2,
        rotate=15, transform_noise=20, own_size=True),
    # Simonyan et al. 2014, section 2: from zero, the score before the softmax, L2
    "simonyan": MaximizeSettings(method="gradient", rate=100.0, normalize="l2", l2=1e-6, steps=200),
    # CS231n, Winter 2016, assignment 3: from N(0, 1), rate 1e4, jitter and a blur in every step
    "cs231n": MaximizeSettings(method="gradient", rate=1e4, noise=1.0, l2=1e-6, jitter=4, blur=0.5, blur_every=1,
                               steps=100),
    # Yosinski et al. 2015, table 1, rows 1 to 4: from the mean + N(0, 10), rate 100
    "yosinski-1": MaximizeSettings(method="gradient", rate=100.0, normalize="l2", noise=10.0, blur=0.5, blur_every=4,
                                   small_norm=50, steps=500),
    "yosinski-2": MaximizeSettings(method="gradient", rate=100.0, normalize="l2", noise=10.0, decay=0.3, small_norm=20,
                                   steps=750),
    "yosinski-3": MaximizeSettings(method="gradient", rate=100.0, normalize="l2", noise=10.0, decay=1e-4, blur=1.0,
                                   blur_every=4, steps=1000),
    "yosinski-4": MaximizeSettings(method="gradient", rate=100.0, normalize="l2", noise=10.0, blur=0.5, blur_every=4,
                                   small_contribution=90, steps=1000),
    # Olah et al. 2017, Lucid's defaults
    "lucid": MaximizeSettings(parameterization="fourier", spectrum_decay=1.0, noise=0.01, method="adam", rate=0.05,
                              steps=512, jitter=8, scale=0.1, rotate=10),
}

# whose authors drew their images stretched in contrast about the mean colour (norm01c of the DeepVis toolbox)
STRETCHED = ("simonyan", "yosinski-1", "yosinski-2", "yosinski-3", "yosinski-4")

INVERT: dict[InvertPreset, InvertSettings] = {
    # ours: L-BFGS, and just as much TV as chooses among the images that have the code. Low layers leave nothing to
    # choose, but many wrong turns: a pool's maximum found at the wrong pixel stays there. So the image grows from
    # coarse to fine, (decay of the spectrum, steps); goes on under noise that fades, (levels, rate of Adam, steps), or
    # for a pool behind another with multipliers, (rounds, steps of each); takes what lies after a pool back to that
    # pool first, in so many steps; and ends on pixels. Of emoji-vgg's codes of the goose that leaves 0.7 % at pool1
    # where L-BFGS alone leaves 3.3 %, 0.5 % for 2.6 at conv2_1, 0.4 for 2.0 at conv2_2, 0.8 for 4.6 at pool2. Deeper
    # layers leave more to choose, and their spectrum is enough. What differs stands by the part of the net's layers up
    # to which it holds
    "minivis": InvertSettings(method="lbfgs", steps=200, noise=1.0, by_depth=(
        (0.06, {"tv": 1e-5, "coarse": [(2.0, 200), (1.0, 100)]}),
        (0.34, {"tv": 1e-5, "coarse": [(2.0, 200), (1.0, 100)], "smooth": (40.0, 3.0, 3000), "through": 400,
                "rounds": (100, 20)}),
        (1.0, {"tv": 1e-2, "parameterization": "fourier", "noise": 10.0}))),
    # Mahendran & Vedaldi 2015, section 4: momentum, rates in stages, lambda_tv by depth, a start of sigma's norm.
    # Their image is in units of sigma, and so are their rates
    "mahendran": InvertSettings(
        method="gradient", steps=400, momentum=0.9, noise=68.9, alpha=8e-10,
        rates=((0.004, 100), (0.0004, 200), (0.00004, 100)),
        by_depth=((0.3, {"tv": 1.0}), (0.6, {"tv": 10.0}), (1.0, {"tv": 100.0}))),
}


def chosen(presets: Any, preset: str | None, settings: Any, usual: Any, replaced: Any) -> tuple[Any, Any]:
    """(name, settings): those given, or a preset's (``usual``: where none is named), under the keywords ``replaced``.

    A keyword that is None is not given. A user's own settings have no name.
    """
    if settings is not None and preset is not None:
        raise BadValue("give a preset or settings, not both: a preset is an instance of these settings")
    name = usual if preset is None else preset
    if name not in presets:
        raise UnknownSetting.of("preset", name, presets)
    base = presets[name] if settings is None else settings
    how = base.but(**{name: value for name, value in replaced.items() if value is not None})
    return (name if settings is None else None), how
