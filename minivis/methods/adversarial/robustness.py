"""How strong must an attack be? The accuracy of several nets over eps, each attacked through its own weights.

The lecture: train with augmented pictures or with adversarial examples, and a net gets a little stronger; but new
adversarial examples can always be made against it, and it may be less accurate on clean pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.figures.compose import above, panels
from minivis.figures.line_chart import line_chart
from minivis.figures.text import percent
from minivis.images.preprocessing import to_uint8
from minivis.methods.adversarial.attacks import pgd
from minivis.methods.adversarial.settings import RobustnessSettings
from minivis.methods.shared.result import Result
from minivis.runtime.described import set_by
from minivis.runtime.progress import track
from minivis.runtime.settings import NETS, NUMBERS, SEED, SEQUENCE, takes
from minivis.types import Array

EPS = (0, 1, 2, 4, 8, 16)                       # levels of 255


@dataclass(frozen=True, eq=False)
class Robustness(Result):
    """``accuracy``: {net: (len(eps),)}; ``fooled``: {net: (eps, before, after, its answer to both)} of one picture."""

    eps: tuple
    accuracy: dict[str, np.ndarray]
    fooled: dict[str, tuple]
    pictures: int

    def picture(self) -> Array:
        lines = {f"{name}: {percent(row[0])} clean": (np.array(self.eps, float), row)
                 for name, row in self.accuracy.items()}
        chart = line_chart(lines, width=420, height=260, low=0, high=1, y_label="classified correctly",
                           x_label="the attack: levels of 255 by which each pixel may move")
        title = f"accuracy under attack\n{self.pictures} new pictures, and new adversarial ones against each net"
        rows = [panels([chart], [title], height=chart.shape[0])]
        if self.fooled:
            first = next(iter(self.fooled.values()))
            shown = [first[1], *(after for _, _, after, _, _ in self.fooled.values())]
            titles = [f"{first[3]}\nas it is",
                      *(f"{says}\n{name}, moved by {eps:g}" for name, (eps, _, _, _, says) in self.fooled.items())]
            rows.append(panels(shown, titles, height=192))
        return above(rows, align="center")

    @property
    def numbers(self) -> dict[str, Any]:
        return {"eps": list(self.eps), "pictures": self.pictures,
                "accuracy": {name: row.tolist() for name, row in self.accuracy.items()},
                "fooled_at": {name: eps for name, (eps, *_) in self.fooled.items()}}

    def __str__(self) -> str:
        wide = max(map(len, self.accuracy))
        lines = [f"{'eps, levels of 255':<{wide}}" + "".join(f"{eps:8g}" for eps in self.eps)]
        lines += [f"{name:<{wide}}" + "".join(f"{percent(share):>8}" for share in row)
                  for name, row in self.accuracy.items()]
        return "\n".join(lines)


@set_by(RobustnessSettings)
@takes(nets=NETS, images=NUMBERS, labels=NUMBERS, eps=SEQUENCE, seed=SEED)
def robustness(
    nets: dict[str, Network], images: NDArray[Any], labels: NDArray[Any], *, eps: Sequence[float] = EPS,
    settings: RobustnessSettings | None = None, steps: int = RobustnessSettings.steps, seed: int = 0,
    progress: bool = False,
) -> Robustness:  # fmt: skip
    """The accuracy of nets on pictures that PGD moves, over the strength of the attack.

    Parameters
    ----------
    nets : dict
        {name: net}.
    images : uint8 array (N, H, W, C)
        The pictures.
    labels : array (N,)
        Their classes.
    eps : sequence of float, in levels of 255
        Bounds of the attack, from small to large; 0 is the clean picture.

    Returns
    -------
    Robustness
        The accuracy of each net at each bound.

    References
    ----------
    Madry et al. 2018.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> goose = mv.read_image(f"{mv.__path__[0]}/data/goose.png")
    >>> images = net.fit(goose).image[None]
    >>> found = mv.robustness({"vgg": net}, images, [net.class_names.index("goose")], eps=(0, 1), steps=1)
    >>> found.picture().shape[2]
    3
    """
    images, labels, eps = np.asarray(images), np.asarray(labels), tuple(eps)
    if images.ndim != 4 or labels.shape != (len(images),) or not len(images):
        raise BadValue(f"robustness takes pictures (N, H, W, C) with N labels, not {images.shape} and {labels.shape}")
    if len(eps) < 2 or list(eps) != sorted(eps) or eps[0] < 0:
        raise BadValue(f"eps must be at least two bounds of at least 0, from small to large, not {list(eps)}")
    answers, moved = {}, {}
    for name, bound in track([(name, bound) for name in nets for bound in eps], progress, "attacks"):
        net = nets[name]
        made = images
        if bound:
            made = to_uint8(pgd(net, images, label=labels.tolist(), eps=bound, steps=steps, seed=seed))
        logits = net.role("logits")
        acts = net.forward(net.preprocess(made), until=logits, keep=[logits], grad=None)
        answers[name, bound], moved[name, bound] = acts[logits].argmax(axis=1), made
    accuracy = {name: np.array([(answers[name, bound] == labels).mean() for bound in eps]) for name in nets}
    names = next(iter(nets.values())).class_names or tuple(map(str, range(int(labels.max()) + 1)))
    return Robustness(eps, accuracy, one_fooled(nets, eps, answers, moved, images, labels, names), len(images),
                      settings={"eps": list(eps), "steps": steps})


def one_fooled(nets: Any, eps: Sequence[float], answers: Any, moved: Any, images: Any, labels: Any,
               names: Any) -> dict[Any, Any]:
    """``Robustness.fooled`` of the first picture that every net sees as it is and, moved enough, does not see."""
    low, high = eps[0], eps[-1]
    for i, label in enumerate(labels):
        if all(answers[name, low][i] == label != answers[name, high][i] for name in nets):
            least = {name: next(bound for bound in eps if answers[name, bound][i] != label) for name in nets}
            return {name: (bound, images[i], moved[name, bound][i], names[label], names[answers[name, bound][i]])
                    for name, bound in least.items()}
    return {}
