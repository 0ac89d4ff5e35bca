"""The results of several nets for one picture, side by side in one figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minivis.errors import BadValue
from minivis.figures.compose import above, beside
from minivis.figures.text import text_picture
from minivis.methods.shared.result import Result
from minivis.runtime.settings import NAMES, SEQUENCE, takes
from minivis.types import Picture

GAP = 28                                        # pixels between the figures
MARGIN = 14


@dataclass(frozen=True, eq=False)
class SideBySide(Result):
    """``results`` of one method, each for the net of ``names``."""

    results: tuple[Result, ...]
    names: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.results)

    @property
    def arrays(self) -> dict[str, Any]:
        return {f"{name} {key}": array for name, result in zip(self.names, self.results)
                for key, array in result.arrays.items()}

    def picture(self) -> Picture:
        figures = []
        for name, result in zip(self.names, self.results):
            figure = result.picture()
            title = text_picture(name, max(figure.shape[1] - 2 * MARGIN, 40), size=18, max_lines=1)
            figures.append(above([title, figure], gap=0, align="center"))
        return beside(figures, gap=GAP, align="top")

    @property
    def numbers(self) -> dict[str, Any]:
        return {"nets": [{"net": name, **result.numbers} for name, result in zip(self.names, self.results)]}

    def __str__(self) -> str:
        return "\n".join(f"{name}\n{result}" for name, result in zip(self.names, self.results))


@takes(results=SEQUENCE, names=NAMES)
def side_by_side(results: Sequence[Any], names: Sequence[str]) -> SideBySide:
    """One figure of several results, such as those of `saliency` for several nets, each under its name.

    Parameters
    ----------
    results : sequence of results
        What methods return.
    names : sequence of str
        A name for each.

    Returns
    -------
    SideBySide
        A result whose figure shows all of them.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> maps = [mv.saliency(net, goose, kind=kind) for kind in ("gradient", "gradcam")]
    >>> mv.side_by_side(maps, ["gradient", "Grad-CAM"]).picture().shape[2]
    3
    """
    results, names = tuple(results), tuple(names)
    if not results or len(results) != len(names):
        raise BadValue(f"{len(results)} results and {len(names)} names: give a name for each result, and at least one")
    if not all(isinstance(result, Result) for result in results):
        raise BadValue("results must be what minivis' methods return, such as mv.saliency(net, image)")
    return SideBySide(results, names, settings=results[0].settings, stopped=results[0].stopped)
