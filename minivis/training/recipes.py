"""From a data set to a file: the nets that minivis trains, each with the numbers it was trained by.

``minivis train emoji``, ``train fashion`` and ``train digits`` end up here. What is learned depends on the recipe, the
seed and the data, not on the number of threads; everything is written into the file's ``about``.
"""

import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from minivis.data.digits import Digits
from minivis.data.emoji.compose import RANGES, UPRIGHT, EmojiPictures, Ranges
from minivis.data.fashion import DEBIAN, FashionMNIST
from minivis.data.vowels import Vowels
from minivis.engine.network import Network
from minivis.engine.surgery import for_inference, for_training
from minivis.errors import BadValue, UnknownName
from minivis.models.embedded import digits_net, emoji_alexnet, emoji_linear, emoji_vgg, fashion_vgg, vowels_net
from minivis.training.adversary import Adversary
from minivis.training.trainer import Recipe, Stream, Trainer, accuracy, saved_recipe
from minivis.types import Array, PathLike
from minivis.version import __version__

PLAIN = replace(RANGES["test"], scale=(0.6, 1.0))               # large, in no foreign style: learning starts faster
CALM = replace(RANGES["test"], style_share=0.25)                # to end on: nearly what the net is judged by
LAST: dict[str, Any] = {"batch": 128, "shard": 32, "dropout": 0.0, "weight_decay": 0.05}      # less noise


@dataclass(frozen=True)
class Stage:
    """One run of the trainer: fresh optimizer, its own learning rate. The first ``plain_steps`` see PLAIN emoji.

    pictures: how many different ones there are; None: an endless stream.
    """

    recipe: Recipe
    ranges: Ranges = RANGES["train"]
    plain_steps: int = 0
    pictures: int | None = None


STAGES = {
    "emoji-vgg": (
        Stage(Recipe(steps=4400, learning_rate=2e-3, weight_decay=0.05, warmup=100), plain_steps=1540),
        Stage(Recipe(steps=2600, learning_rate=1.5e-3, warmup=50, **LAST), CALM),
        Stage(Recipe(steps=3400, learning_rate=7e-4, warmup=50, **LAST), CALM),
    ),
    # The strong decay leaves no noise of the start in conv1, which no batch norm rescales: what is there, was learned.
    "emoji-alexnet": (
        Stage(Recipe(steps=5000, shard=32, learning_rate=3e-3, weight_decay=0.3, warmup=100), plain_steps=1500),
        Stage(Recipe(steps=3400, learning_rate=2e-3, warmup=50, **{**LAST, "weight_decay": 0.3}), CALM),
    ),
    "emoji-vgg-robust": (                                       # goes on from emoji-vgg
        Stage(Recipe(steps=1800, shard=32, learning_rate=1e-3, weight_decay=0.05, dropout=0.0, warmup=100,
                     adversary=Adversary("fgsm", eps=6, warmup=300)), CALM),
    ),
    # A linear classifier has one template for each class, so its emoji are large and upright.
    "emoji-linear": (
        Stage(Recipe(steps=600, batch=128, shard=32, learning_rate=1e-3, weight_decay=1.0, warmup=1), UPRIGHT,
              pictures=20_000),
    ),
    "fashion-vgg": (Stage(Recipe(steps=12 * 938, shard=32, learning_rate=2e-3, weight_decay=0.05)),),
    "vowels-net": (Stage(Recipe(steps=300, shard=32, learning_rate=2e-3, weight_decay=0.05, warmup=20)),),
    "digits-net": (Stage(Recipe(steps=500, shard=32, learning_rate=4e-3, weight_decay=0.3, warmup=20)),),
}
BUILDERS = {"emoji-vgg": emoji_vgg, "emoji-alexnet": emoji_alexnet, "emoji-vgg-robust": emoji_vgg,
            "emoji-linear": emoji_linear, "fashion-vgg": fashion_vgg, "digits-net": digits_net,
            "vowels-net": vowels_net}
EMOJI_NETS = [name for name in BUILDERS if name.startswith("emoji")]
GOES_ON_FROM = {"emoji-vgg-robust": "emoji-vgg"}                # the others start from random numbers


class Training:
    """A net on its way through its stages. ``streams``: a recipe and the pictures to learn from, for each stage.

    ``tests``: name -> (data, how many, perhaps an adversary), to judge it by; ``about``: what its file will say of it.
    """

    def __init__(self, name: str, net: Network, streams: Sequence[tuple[Recipe, Stream]], tests: dict[str, tuple],
                 about: dict[str, Any], *, threads: int = 2) -> None:
        self.name, self.net, self.streams, self.tests, self.about = name, net, streams, tests, about
        self.threads = threads
        self.steps = sum(recipe.steps for recipe, _ in streams)
        self.steps_before = 0
        self.trainer: Trainer | None = None             # of the stage that runs

    @property
    def steps_done(self) -> int:
        return self.steps_before + (self.trainer.steps_done if self.trainer else 0)

    @property
    def command(self) -> str:
        kind, _, _ = self.name.partition("-")
        command = f"minivis train emoji --net {self.name}" if kind == "emoji" else f"minivis train {kind}"
        against, own = self.streams[0][0].adversary, STAGES[self.name][0].recipe.adversary
        return command if against is None or against == own else f"{command} {against.options}"

    @property
    def seconds(self) -> float:
        return self.trainer.seconds if self.trainer else 0.0

    def run(self, *, progress: Callable[["Training"], Any] | None = None, checkpoint: PathLike | None = None,
            resume: bool = False) -> "Training":
        """Train through all stages; ``progress(training)`` after each step; ``resume`` goes on from ``checkpoint``."""
        if resume and checkpoint is None:
            raise BadValue("resume needs a checkpoint, the path of the file to go on from")
        first = self._stage_of(checkpoint) if resume and checkpoint is not None else 0
        for number, (recipe, data) in enumerate(self.streams[first:], start=first):
            seconds = self.seconds                              # they add up over the stages
            self.trainer = Trainer(self.net, data, recipe, threads=self.threads)
            self.trainer.seconds = seconds
            self.steps_before = sum(earlier.steps for earlier, _ in self.streams[:number])
            if resume and checkpoint is not None and number == first:
                self.trainer.resume(checkpoint)
            self.trainer.run(progress=(lambda _: progress(self)) if progress else None, checkpoint=checkpoint)
        return self

    def _stage_of(self, checkpoint: PathLike) -> int:
        saved = saved_recipe(checkpoint)
        return next((i for i, (recipe, _) in enumerate(self.streams) if repr(asdict(recipe)) == saved), 0)

    def finish(self) -> Network:
        """The net as it is kept, for inference, with its record in ``about``."""
        net = for_inference(self.net).astype("float16").astype("float32")        # as the file will hold it
        scores = {what: accuracy(net, *test, threads=self.threads)[0] for what, test in self.tests.items()}
        record = {
            "command": self.command,
            "stages": [asdict(recipe) for recipe, _ in self.streams],
            "pictures": sum(recipe.steps * recipe.batch for recipe, _ in self.streams),
            "seconds": round(self.seconds),
            "threads": self.threads,
            "accuracy": {what: round(score, 4) for what, score in scores.items()},
            "versions": {"minivis": __version__, "numpy": np.__version__, "python": platform.python_version()},
        }
        return replace(net, about={**self.about, "training": record})


def stages_of(name: str, seed: int, **changes: Any) -> list[Stage]:
    """The stages of a net's training, each with a seed of its own; ``changes`` replace fields of every recipe."""
    return [
        replace(stage, recipe=replace(stage.recipe, seed=seed + number, **changes))
        for number, stage in enumerate(STAGES[name])
    ]


def emoji(name: str = "emoji-vgg", *, sprites: PathLike | None = None, threads: int = 2, seed: int = 0,
          **changes: Any) -> Training:
    """A `Training` on emoji. ``changes`` replace fields of the recipes.

    ``sprites`` is the file that data.emoji collects, by default in the user's cache; it is made when it is missing.
    """
    from minivis.data.emoji import sprites as source
    from minivis.data.emoji.classes import CLASSES

    if name not in EMOJI_NETS:
        raise UnknownName.of("net to train", name, EMOJI_NETS)
    stages = stages_of(name, seed, **changes)
    found = source.load(sprites)
    net = BUILDERS[name](len(CLASSES), seed=seed)
    net.class_names = tuple(c.name for c in CLASSES)
    net.class_aliases = {alias: number for number, c in enumerate(CLASSES) for alias in c.aliases}
    judged = UPRIGHT if name == "emoji-linear" else RANGES["test"]
    held_out = EmojiPictures(found, split="test", sets=source.HELD_OUT_SETS, ranges=judged)
    new = EmojiStream(EmojiPictures(found, split="test", ranges=judged), seed=1)
    of_new, of_held_out = (2_000, 1_000) if name == "emoji-linear" else (10_000, 5_000)
    tests = {
        "new draws over held-out backgrounds": (new, of_new),
        "OpenMoji, a set never trained on": (EmojiStream(held_out, seed=1), of_held_out),
        **under_attack("new draws", new, stages),
    }
    about = {
        "title": f"{name}: {len(CLASSES)} classes of emoji, 64 x 64 RGB",
        "origin": "trained by minivis on emoji drawn over photographs, colours and noise",
        "licence": "MIT (the emoji and photographs: see weights/README.md)",
        "data": {"sets": list(source.TRAINING_SETS), "sha256": found.fingerprint},
    }
    plain = EmojiPictures(found, split="train", ranges=PLAIN)
    streams = []
    for stage in stages:
        recipe, until = stage.recipe, stage.plain_steps * stage.recipe.batch
        pictures = EmojiPictures(found, split="train", ranges=stage.ranges)
        stream = EmojiStream(plain, pictures, until=until, seed=recipe.seed)
        streams.append((recipe, stream if stage.pictures is None else FirstPictures(stream, stage.pictures)))
    if name in GOES_ON_FROM:
        about["start"] = go_on_from(GOES_ON_FROM[name], net, streams[0][1])
    return Training(name, net, streams, tests, about, threads=threads)


def go_on_from(name: str, net: Network, data: Stream, count: int = 512) -> dict[str, str]:
    """Give ``net`` what an embedded net has learned. Return that net's name and hash, for the record."""
    from minivis.runtime.files import file_hash
    from minivis.weights.catalogue import load, locate

    learned = load(name)
    for_training(learned, net, learned.preprocess(data.batch(0, count)[0]))
    return {"net": name, "sha256": file_hash(locate(name))}


def under_attack(what: str, data: Stream, stages: Sequence[Stage], count: int = 1000) -> dict[str, tuple]:
    """The tests of a net that is trained against an adversary: the same, but PGD-10 wherever it starts. Else none."""
    against = stages[-1].recipe.adversary
    if against is None:
        return {}
    judge = replace(against, attack="pgd", steps=10, share=1.0, warmup=0)
    return {f"{count:,} of {what}, moved by {judge}": (data, count, judge)}


def fashion(*, data: PathLike = DEBIAN, augment: bool = True, threads: int = 2, seed: int = 0,
            **changes: Any) -> Training:
    """A `Training` on Fashion-MNIST, judged by its 10,000 test pictures; augment: mirror and shift what it learns."""
    net = fashion_vgg(seed=seed)
    net.class_names = FashionMNIST.classes
    stages, test = stages_of("fashion-vgg", seed, **changes), FashionMNIST(data, split="test")
    tests = {"the 10,000 test pictures": (test, 10_000), **under_attack("the test pictures", test, stages)}
    about = {
        "title": "fashion-vgg: the ten classes of Fashion-MNIST, 28 x 28 grey",
        "origin": "trained by minivis on Fashion-MNIST (Xiao et al. 2017)",
        "licence": "MIT",
    }
    streams = [
        (stage.recipe, FashionMNIST(data, split="train", seed=stage.recipe.seed, augment=augment))
        for stage in stages
    ]
    return Training("fashion-vgg", net, streams, tests, about, threads=threads)


def digits(*, threads: int = 2, seed: int = 0, **changes: Any) -> Training:
    """A `Training` on scikit-learn's digits, judged by the 297 that it has not seen."""
    net = digits_net(seed=seed)
    net.class_names = Digits.classes
    about = {
        "title": "digits-net: handwritten digits, 8 x 8 grey",
        "origin": "trained by minivis on scikit-learn's digits (Alpaydin & Kaynak 1998)",
        "licence": "MIT",
    }
    test = Digits("test")
    streams = [(stage.recipe, Digits("train", stage.recipe.seed)) for stage in stages_of("digits-net", seed, **changes)]
    return Training("digits-net", net, streams, {f"the {len(test)} test digits": (test, len(test))}, about,
                    threads=threads)


def vowels(*, threads: int = 2, seed: int = 0, **changes: Any) -> Training:
    """A `Training` on spoken vowels, made by rule, judged by 1,000 new ones."""
    net = vowels_net(seed=seed)
    net.class_names = Vowels.classes
    about = {"title": "vowels-net: spectrograms of five spoken vowels, 29 moments x 128 frequencies",
             "origin": "trained by minivis on vowels that data/vowels.py makes by rule", "licence": "MIT"}
    streams = [(stage.recipe, Vowels("train", stage.recipe.seed)) for stage in stages_of("vowels-net", seed, **changes)]
    return Training("vowels-net", net, streams, {"1,000 new vowels": (Vowels("test", seed=1), 1_000)}, about,
                    threads=threads)


class EmojiStream:
    """`EmojiPictures` as the trainer reads them: every class once in each round, in an order drawn anew.

    Batches that begin before picture number ``until`` come from ``pictures``, later ones from ``later``.
    """

    def __init__(self, pictures: EmojiPictures, later: EmojiPictures | None = None, *, until: float = math.inf,
                 seed: int = 0) -> None:
        self.pictures, self.later, self.until, self.seed = pictures, later, until, seed

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        classes = len(self.pictures.class_names)
        numbers = [self._picture(n, classes) for n in range(first, first + count)]
        pictures = self.later if self.later is not None and first >= self.until else self.pictures
        images, labels, _ = pictures.batch(numbers, self.seed)
        return images, labels

    def _picture(self, number: int, classes: int) -> int:
        this_round = number // classes
        order = np.random.default_rng((self.seed, this_round)).permutation(classes)
        return this_round * classes + order[number % classes]


class FirstPictures:
    """The first ``count`` pictures of a stream, kept in memory and read again and again."""

    def __init__(self, stream: Stream, count: int) -> None:
        self.stream, self.count = stream, count
        self.kept: dict[int, tuple[Array, int]] = {}

    def batch(self, first: int, count: int) -> tuple[Array, Array]:
        numbers = [n % self.count for n in range(first, first + count)]
        for n in numbers:
            if n not in self.kept:
                images, labels = self.stream.batch(n, 1)
                self.kept[n] = images[0], labels[0]
        kept = [self.kept[n] for n in numbers]
        return np.stack([image for image, _ in kept]), np.array([label for _, label in kept])
