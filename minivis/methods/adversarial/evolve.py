"""Pictures that mean nothing to people but that a net is certain about, found by evolution without gradients.

MAP-Elites, as Nguyen, Yosinski & Clune 2015 (section 2.3) use it: each class has a niche, which holds its champion, the
picture with the highest probability of that class so far. In every generation

    parents    champions drawn at random        children    their mutations, a batch of them
    p          of each child, for all classes   a child takes every niche whose champion has less

so a picture bred for a bus may become the best stepping stone to an owl. There are two encodings:

    cppn       a small net draws the picture, see cppn.py: regular, with parts that say something to people too
    direct     the pixels themselves: begins as noise and ends as noise. Each pixel mutates with a chance of 0.1, which
               halves every 1000 generations, by polynomial mutation (Deb 2001, section 4.3.6) with eta = 15

Every p is that of the 8-bit picture, in whole levels.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.ending import Ending, answering
from minivis.engine.geometry import preprocessing_of
from minivis.engine.layer_table import fingerprint
from minivis.engine.memory import batch_that_fits
from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue
from minivis.figures.compose import above, contact_sheet, text_picture
from minivis.figures.text import chance
from minivis.images.preprocessing import Preprocessing
from minivis.methods.adversarial.attacks import as_pixels, logits_of
from minivis.methods.adversarial.cppn import Cppn, first_cppn, mutated, render
from minivis.methods.adversarial.fool import FREE_SIZE
from minivis.methods.adversarial.settings import EvolveSettings
from minivis.methods.shared.result import Result
from minivis.optimize.recorder import LongRun
from minivis.optimize.watch import INTERRUPTED, Watch
from minivis.runtime.backend import to_cpu
from minivis.runtime.described import set_by
from minivis.runtime.settings import SEED, takes
from minivis.types import Array

ETA, RATE, HALVING = 15, 0.1, 1000              # of the direct encoding, the paper's
LARGE, ACROSS = 128, 8                          # pixels of one of the best, if only these are drawn; in a row
HELD = 0.99                                     # a class counts as held above this probability


@dataclass(frozen=True, eq=False)
class Champions:
    """One genome for each class, and its probability, after ``generation`` generations. Never changed, only
    replaced."""

    generation: int
    genomes: tuple
    probs: np.ndarray                           # (K,)

    def challenged(self, children: Any, probs: Array) -> "Champions":
        """The next champions: a child takes each class k for which it has a higher probability, probs (N, K)."""
        strongest = probs.argmax(axis=0)
        found = probs.max(axis=0)
        better = found > self.probs
        genomes = tuple(children[i] if wins else old for i, wins, old in zip(strongest, better, self.genomes))
        return Champions(self.generation + 1, genomes, np.where(better, found, self.probs))


@dataclass(frozen=True, eq=False)
class Evolved(Result):
    """``made`` uint8 (K, h, w, C): the champion of each class; ``probs`` (K,), what the net gives it."""

    made: np.ndarray
    probs: np.ndarray
    names: tuple[str, ...]
    generation: int
    held: tuple[int, ...]                       # the classes held at p > 0.99 after each generation of this run
    notes: tuple[str, ...] = ()
    look: Preprocessing = field(default_factory=Preprocessing)      # which channels are drawn

    @property
    def array(self) -> Array:
        return self.made

    def picture(self) -> Array:
        best = self.settings.get("best")
        chosen = np.argsort(-self.probs, kind="stable")[:best] if best else np.arange(len(self.names))
        labels = [f"{chance(self.probs[k])}\n{self.names[k]}" for k in chosen]
        sheet = contact_sheet(self.look.shown(self.made[chosen]), ACROSS if best else None, labels=labels,
                              scale=max(1, LARGE // max(self.made.shape[1:3])) if best else None)
        return above([text_picture(self.sentence(), sheet.shape[1], align="center"), sheet])

    @property
    def numbers(self) -> dict[str, Any]:
        return {
            "generations": self.generation, "held": self.above(HELD), "above_0.9": self.above(0.9),
            "above_0.5": self.above(0.5), "median": float(np.median(self.probs)), "held_by_generation": list(self.held),
            "classes": [{"class": name, "number": k, "probability": float(p)}
                        for k, (name, p) in enumerate(zip(self.names, self.probs))],
            "stopped": self.stopped, "notes": list(self.notes),
        }  # fmt: skip

    def above(self, p: Any) -> int:
        """How many champions have more than p."""
        return int((self.probs > p).sum())

    def sentence(self) -> str:
        """The result in one sentence, which does not depend on stops and resumes."""
        return (f"{self.above(HELD)} of {len(self.names)} classes at p > {HELD}, {self.above(0.9)} at p > 0.9, after "
                f"{self.generation:,} generations of {self.settings['population']} pictures")

    def __str__(self) -> str:
        ended = f" ({self.stopped})" if self.stopped == INTERRUPTED else ""
        return "\n".join([self.sentence() + ended, *self.notes])


class DirectEncoding:
    """A genome is the picture, uint8 (H, W, C)."""

    arrays = ("pictures",)                      # in a checkpoint, beside the probabilities

    def __init__(self, shape: Any) -> None:
        self.shape = shape

    def first(self, rng: np.random.Generator) -> Any:
        return rng.integers(0, 256, self.shape, np.uint8)

    def child(self, genome: Any, generation: int, rng: np.random.Generator) -> Any:
        return polynomial_mutation(genome, RATE * 0.5 ** (generation // HALVING), rng)

    def picture(self, genome: Any) -> Array:
        return genome

    def kept(self, genomes: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """(arrays, plain values) for a checkpoint."""
        return {"pictures": np.stack(genomes)}, {}

    def restored(self, kept: Any) -> tuple[Any, ...]:
        pictures = kept["pictures"]
        if pictures.dtype != np.uint8 or pictures.shape[1:] != self.shape:
            raise ValueError
        return tuple(pictures)


class CppnEncoding:
    """A genome is a `Cppn`."""

    arrays = ()

    def __init__(self, shape: Any) -> None:
        self.shape = shape

    def first(self, rng: np.random.Generator) -> Any:
        return first_cppn(self.shape[2], rng)

    def child(self, genome: Any, generation: int, rng: np.random.Generator) -> Any:
        return mutated(genome, rng)

    def picture(self, genome: Any) -> Array:
        return render(genome, *self.shape[:2])

    def kept(self, genomes: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        return {}, {"genomes": [asdict(genome) for genome in genomes]}

    def restored(self, kept: Any) -> tuple[Any, ...]:
        return tuple(Cppn(one["outputs"], tuple(one["functions"]), tuple(one["depths"]),
                          tuple((int(a), int(b), float(w)) for a, b, w in one["links"])) for one in kept["genomes"])


@set_by(EvolveSettings)
@takes(seed=SEED)
def evolve(
    net: Network, *, settings: EvolveSettings | None = None,
    encoding: Literal["cppn", "direct"] = EvolveSettings.encoding, generations: int = EvolveSettings.generations,
    population: int = EvolveSettings.population, best: int | None = EvolveSettings.best, seed: int = 0,
    progress: bool = False, watch: Watch | None = None,
) -> Evolved:  # fmt: skip
    """Breed, for every class, a picture that the net recognises and people do not; evolution needs no gradient.

    Ctrl-C ends the run with the champions so far; one that is resumed ends with the same bits as an unbroken one.

    Returns
    -------
    Evolved
        ``made`` uint8 (K, h, w, C), the champion of each class, and its ``probs`` (K,).

    Raises
    ------
    BadFile
        The checkpoint is of another run.

    References
    ----------
    Nguyen, Yosinski & Clune 2015.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> found = mv.evolve(net, generations=1, population=4)
    >>> len(found.array) == len(net.class_names)
    True
    """
    net.role("logits")
    net = answering(net)
    shape = (*(net.input_size or (FREE_SIZE, FREE_SIZE)), net.input_channels)
    genetics: Any = {"cppn": CppnEncoding, "direct": DirectEncoding}[encoding](shape)
    batch = batch_that_fits(net, shape)
    drawn = lambda genomes: np.stack([genetics.picture(genome) for genome in genomes])  # noqa: E731
    judge = lambda genomes: probabilities(net, drawn(genomes), batch)  # noqa: E731

    run = EvolveRun(net, genetics, ["evolve", encoding, int(population), seed], generations, watch or Watch(), progress)
    if run.champions is None:
        run.champions = founders(genetics, judge, population, seed)
    held = []
    with run:
        while run.champions.generation < generations:
            run.champions = generation_after(run.champions, genetics, judge, population, seed)
            probs, genomes = run.champions.probs, run.champions.genomes
            held.append(int((probs > HELD).sum()))
            sheet = lambda genomes=genomes: contact_sheet(net.shown(drawn(genomes)))  # noqa: E731
            said = f"{held[-1]} of {len(probs)} classes at p > {HELD}"
            if run.advanced(-float(probs.sum()), {}, sheet, said):
                break

    champions = run.champions
    return Evolved(
        drawn(champions.genomes), champions.probs, tuple(Ending.of(net).names(len(champions.probs))),
        champions.generation, tuple(held), tuple(run.notes), preprocessing_of(net),
        settings={"encoding": encoding, "generations": generations, "population": population, "best": best},
        stopped=run.stopped or "all generations done",
    )  # fmt: skip


class EvolveRun(LongRun):
    """What stands around `evolve`. ``champions``: those of the checkpoint to go on from, or None."""

    def __init__(self, net: Network, genetics: Any, what: Any, generations: int, watch: Watch, progress: Any) -> None:
        super().__init__(watch, generations, progress, "evolve")
        self.net, self.genetics, self.what = net, genetics, what
        self.champions = self.restored()
        if self.champions is not None:
            self.step = self.champions.generation
        if self.step > generations:
            raise BadValue(f"{watch.checkpoint} has {self.step} generations already: --generations must be above "
                           f"{generations}")

    def identity(self) -> Any:
        return json.dumps([fingerprint(self.net), *self.what, self.watch.identity])

    def state(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        arrays, plain = self.genetics.kept(self.champions.genomes)
        return ({"probs": self.champions.probs, **arrays}, {"generation": self.champions.generation, **plain})

    def worth_keeping(self) -> bool:
        return self.champions.generation > 0

    def restored(self) -> Any:
        """The `Champions` of the checkpoint. Raise BadFile if it holds none, or those of another run."""
        found = self.kept(("probs", *self.genetics.arrays))
        try:
            return found and Champions(found["generation"], self.genetics.restored(found), found["probs"])
        except (KeyError, TypeError, AttributeError, ValueError):
            raise BadFile(f"{self.watch.checkpoint} is not a minivis checkpoint, or is damaged") from None


def founders(genetics: Any, judge: Any, population: Any, seed: Any) -> "Champions":
    """Generation 0: the best of the random genomes for each class."""
    rng = np.random.default_rng([seed, 0])
    genomes = [genetics.first(rng) for _ in range(population)]
    probs = judge(genomes)
    return Champions(0, tuple(genomes[i] for i in probs.argmax(axis=0)), probs.max(axis=0))


def generation_after(champions: Any, genetics: Any, judge: Any, population: Any, seed: Any) -> Any:
    """Make children of random champions, and return the next champions. Each generation has its own random numbers."""
    rng = np.random.default_rng([seed, champions.generation + 1])
    parents = rng.integers(len(champions.genomes), size=population)
    children = [genetics.child(champions.genomes[i], champions.generation, rng) for i in parents]
    return champions.challenged(children, judge(children))


def probabilities(net: Network, pictures: Any, batch: int) -> Any:
    """(N, K) of uint8 pictures, ``batch`` at a time."""
    parts = [to_cpu(logits_of(net, as_pixels(net, pictures[i:i + batch]))) for i in range(0, len(pictures), batch)]
    logits = np.concatenate(parts).astype(float)
    check_finite(logits)
    return Ending.of(net).probs(logits)


def polynomial_mutation(picture: Array, rate: Any, rng: np.random.Generator) -> Any:
    """Each value of a uint8 picture moves with probability ``rate``, by 255 `polynomial_step`, and stays in 0..255."""
    chosen = rng.random(picture.shape) < rate
    moved = picture + 255 * polynomial_step(rng.random(picture.shape))
    return np.where(chosen, np.rint(np.clip(moved, 0, 255)), picture).astype(np.uint8)


def polynomial_step(u: Any, eta: Any = ETA) -> Array:
    """u, uniform in 0..1 -> step in -1..1 of density ((eta + 1) / 2) (1 - |step|)^eta: small steps are common."""
    return np.where(u < 0.5, (2 * u) ** (1 / (eta + 1)) - 1, 1 - (2 * (1 - u)) ** (1 / (eta + 1)))
