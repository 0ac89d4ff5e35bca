"""Which update rule paints best? One picture and one style, by each rule, with as many evaluations for all.

Gatys et al. minimise by L-BFGS, and the lecture says why: it needs no learning rate, and with as many evaluations of
the loss it comes lower than Adam, Adagrad or plain gradient steps. Each line is the lowest loss so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadValue, UnknownName
from minivis.figures.compose import above, panels
from minivis.figures.line_chart import line_chart
from minivis.methods.shared.result import PANEL, Result
from minivis.methods.synthesis.settings import PAINTERS, StyleSettings
from minivis.methods.synthesis.style import side_of, style_transfer
from minivis.optimize.watch import Watch
from minivis.runtime.settings import NAMES, SEED, Kind, number, several, takes, whole
from minivis.types import Picture

SHOWN = {"lbfgs": "L-BFGS", "adam": "Adam", "adagrad": "Adagrad", "gradient": "gradient, momentum 0.9"}


@dataclass(frozen=True, eq=False)
class StyleMethods(Result):
    """``curves``: {method: (evaluations, the lowest loss so far)}; ``paintings``: {method: `Painted`}."""

    curves: dict[str, tuple]
    paintings: dict[str, Any]

    def picture(self) -> Picture:
        lines = {SHOWN[name]: (counts, np.log10(losses)) for name, (counts, losses) in self.curves.items()}
        chart = line_chart(lines, width=420, height=PANEL, x_label="evaluations of loss and gradient",
                           y_label="log10 of the loss")
        rates = {name: one.settings["rate"] for name, one in self.paintings.items()}
        titles = [f"{SHOWN[name]}\nloss {loss:.4g}" + (f", rate {rates[name]:g} levels" if rates[name] else "")
                  for name, loss in self.losses.items()]
        pictures = panels([one.picture() for one in self.paintings.values()], titles, height=PANEL)
        title = f"the lowest loss so far\n{self.settings['evaluations']} evaluations for each"
        return above([panels([chart], [title], height=chart.shape[0]), pictures], gap=0)

    @property
    def losses(self) -> dict[Any, Any]:
        """{method: its lowest loss}."""
        return {name: float(losses[-1]) for name, (_, losses) in self.curves.items()}

    @property
    def start(self) -> float:
        return float(next(iter(self.curves.values()))[1][0])

    @property
    def numbers(self) -> dict[str, Any]:
        return {"evaluations": self.settings["evaluations"], "loss_at_start": self.start, "loss": self.losses}

    def __str__(self) -> str:
        return "\n".join([f"loss after {self.settings['evaluations']} evaluations, from {self.start:.4g}:",
                          *(f"  {SHOWN[name]:<24}{loss:8.4g}" for name, loss in self.losses.items())])


def read_rates(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict) or not value:
        raise ValueError
    return {name: number(above=0).read(rate) for name, rate in value.items()}


@takes(methods=NAMES, rates=Kind("rates by method, {name: rate}", read_rates), evaluations=whole(2),
       size=several(whole()), seed=SEED)
def style_methods(
    net: Network, content: Picture, styles: Picture | Sequence[Picture], *, methods: Sequence[str] = tuple(PAINTERS),
    evaluations: Any = StyleSettings.steps, rates: Any = None, size: int | None = None, seed: int = 0,
    progress: bool = False,
    watch: Watch | None = None, **settings: Any,
) -> StyleMethods:  # fmt: skip
    """Paint a picture by several update rules, each with as many evaluations.

    L-BFGS comes first and ends with the step in which it reaches them; the others get as many as it had. Further
    keywords are those of `style_transfer`.

    Parameters
    ----------
    methods : sequence of str, default all
        "lbfgs", "adam", "adagrad", "gradient".
    evaluations : int, default 200
        Evaluations for each.
    rates : dict, optional
        {method: its learning rate in levels}, for those that have one.
    size : int, in pixels, optional
        The longer side of the painting; by default the content's.
    settings : any
        Keywords of `style_transfer`.

    Returns
    -------
    StyleMethods
        ``curves``, {method: (evaluations, losses)}, and the ``paintings``.

    References
    ----------
    Gatys, Ecker & Bethge 2016.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> found = mv.style_methods(net, goose, goose[::-1], methods=["lbfgs", "adam"], evaluations=3, size=24)
    >>> sorted(found.curves)
    ['adam', 'lbfgs']
    """
    for name in (*methods, *(rates or {})):
        if name not in PAINTERS:
            raise UnknownName.of("method", name, PAINTERS)
    wrong = [name for name in ("steps", "method", "rate") if name in settings]
    if wrong or isinstance(size, (tuple, list)) or not methods:
        raise BadValue("a comparison of methods takes evaluations, at least one method, rates and one size, and no "
                       f"{', '.join(wrong) or 'other'}")
    rates, watch = dict(rates or {}), Watch() if watch is None else watch
    curves, paintings = {}, {}
    for name in sorted(methods, key=list(PAINTERS).index):
        counts: list[int] = []
        losses: list[float] = []

        def look(preview: Any, name: Any = name, counts: Any = counts, losses: Any = losses,
                 most: Any = evaluations) -> Any:
            counts.append(preview.evaluations)
            losses.append(preview.loss)
            return name == "lbfgs" and preview.evaluations >= most      # the others have one evaluation in each step

        paintings[name] = style_transfer(
            net, content, styles, method=name, rate=rates.get(name), steps=evaluations, seed=seed, progress=progress,
            size=side_of(content) if size is None else size, watch=watch.of_part(callback=look, every=1), **settings)
        (run,) = paintings[name].runs
        evaluations = max(2, run.evaluations)
        curves[name] = np.array([1, *counts, evaluations]), np.minimum.accumulate([run.first_loss, *losses, run.loss])
        if watch.interrupted:
            break
    return StyleMethods(curves, paintings, stopped=run.stopped, settings={"evaluations": evaluations, **settings})
