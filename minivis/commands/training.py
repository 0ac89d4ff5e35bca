"""`minivis train`: train a net on a data set, with a checkpoint that Ctrl-C leaves and --resume continues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import FASHION_FOLDER, REPORT, SEED, say
from minivis.commands.groups import Commands
from minivis.commands.option_groups import ADVERSARY, COMPUTING, OUTPUT, GroupedCommand, under
from minivis.commands.types import real, whole

if TYPE_CHECKING:
    from minivis.training.adversary import Adversary
    from minivis.training.recipes import Training

SHARED = [
    click.Option(["--steps"], type=whole(), metavar="N", show_default="the recipe's", help="Number of training steps."),
    SEED,
    click.Option(["--threads"], type=whole(1, 4096), default=2, show_default=True, metavar="N",
                 help="Number of threads that compute; the result does not depend on it."),
    click.Option(["--resume"], is_flag=True,
                 help="Continue from the checkpoint that a stopped run left beside FILE."),
    click.Option(["-o", "--out"], metavar="FILE", show_default="the net's name with .h5", help="File to write."),
    *REPORT,
]  # fmt: skip
under(COMPUTING, SHARED[2])
under(OUTPUT, *SHARED[3:5])
ADVERSARIAL = under(
    ADVERSARY,
    click.Option(["--adversarial", "attack"], metavar="fgsm|pgd", show_default="none",
                 help="Attack pictures before the net learns from them."),
    click.Option(["--eps"], type=real(0, 1e6), metavar="LEVELS", show_default="8",
                 help="Bound of the attack, in levels of 255: for each pixel, or for the whole picture with --norm "
                      "L2."),
    click.Option(["--attack-steps", "attack_steps"], type=whole(), metavar="N", show_default="3",
                 help="Number of steps of pgd."),
    click.Option(["--norm"], metavar="Linf|L2", show_default="Linf", help="Norm that --eps bounds."),
    click.Option(["--share"], type=real(0, 1), metavar="S", show_default="1",
                 help="Share of the pictures that are attacked, from 0 to 1."),
    click.Option(["--eps-warmup", "eps_warmup"], type=whole(0), metavar="N", show_default="0",
                 help="Number of steps in which eps grows from 0."),
)  # fmt: skip


train = Commands("train", help="Train one of minivis' own nets.")


@train.command("emoji", cls=GroupedCommand, params=[
    click.Option(["--net", "name"], default="emoji-vgg", show_default=True, metavar="NAME",
                 help="Net to train: emoji-vgg, emoji-alexnet or emoji-vgg-robust."),
    click.Option(["--sprites"], metavar="FILE", show_default="a file in your cache folder",
                 help="File with the emoji sprites; it is made if it is missing."),
    *ADVERSARIAL, *SHARED,
])  # fmt: skip
def train_emoji(name: str, sprites: str | None, steps: int | None, seed: int, threads: int, **rest: Any) -> None:
    """Train an embedded net on emoji before photographs, 64 x 64 pixels."""
    from minivis.training import recipes

    start = lambda changes: recipes.emoji(name, sprites=sprites, threads=threads, **changes)  # noqa: E731
    run(start, name, {"net": name, "seed": seed, "threads": threads, "steps": steps}, **rest)


@train.command("fashion", cls=GroupedCommand, params=[
    FASHION_FOLDER, *ADVERSARIAL, *SHARED,
])  # fmt: skip
def train_fashion(data: str | None, steps: int | None, seed: int, threads: int, **rest: Any) -> None:
    """Train a small VGG on Fashion-MNIST, ten classes of clothes in 28 x 28 grey pixels."""
    from minivis.training import recipes

    given: dict[str, Any] = {"data": data} if data else {}
    start = lambda changes: recipes.fashion(threads=threads, **given, **changes)  # noqa: E731
    run(start, "fashion-vgg", {"data": data, "seed": seed, "threads": threads, "steps": steps}, **rest)


@train.command("digits", cls=GroupedCommand, params=[
    *under(OUTPUT, click.Option(["--film"], metavar="FILE", show_default="FILE of -o with .gif",
                                help="Film of the first layer's filters while they grow: .gif, .webp or .mp4.")),
    *SHARED,
])  # fmt: skip
def train_digits(
    film: str | None, steps: int | None, seed: int, threads: int, out: str | None, force: bool, **rest: Any,
) -> None:  # fmt: skip
    """Train a small net on handwritten digits in a minute, with curves, a film of its filters, and gradient checks."""
    from minivis.errors import BadValue
    from minivis.figures.film import check_film
    from minivis.runtime.files import check_output
    from minivis.training import recipes

    if steps == 1:
        raise BadValue("--steps must be at least 2 for digits: a curve of one step cannot be drawn")
    path = Path(out or "digits-net.h5")
    film_path, picture = Path(film) if film else path.with_suffix(".gif"), path.with_suffix(".png")
    check_film(film_path)
    for other in (film_path, picture):
        check_output(other, force)
    shown = Shown(film_path, picture, force)
    start = lambda changes: shown.begin(recipes.digits(threads=threads, **changes))  # noqa: E731
    settings = {"seed": seed, "threads": threads, "steps": steps}
    run(start, "digits-net", settings, out=path, force=force, shown=shown, **rest)


@train.command("vowels", cls=GroupedCommand, params=SHARED)
def train_vowels(steps: int | None, seed: int, threads: int, **rest: Any) -> None:
    """Train a small net on spoken vowels, made by rule, as pictures of their spectrum over time."""
    from minivis.training import recipes

    start = lambda changes: recipes.vowels(threads=threads, **changes)  # noqa: E731
    run(start, "vowels-net", {"seed": seed, "threads": threads, "steps": steps}, **rest)


class Shown:
    """What `minivis train digits` shows: a film, a picture of curves and filters, gradient checks before and after."""

    def __init__(self, film: Path, picture: Path, force: bool) -> None:
        self.film, self.picture, self.force = film, picture, force

    def begin(self, training: Training) -> Training:
        from minivis.training.growth import Growth, gradients

        self.before, self.growth = gradients(training.net), Growth(training.net)
        return training

    def end(self, net: Any) -> tuple[list[str], dict[str, Any], list[Path]]:
        """Write both files. Return (lines of text, numbers, paths)."""
        from minivis.figures.film import write_film
        from minivis.images.files import write_image
        from minivis.training.growth import gradients

        checks = {"before": self.before, "after": gradients(net)}
        write_image(self.picture, self.growth.picture(), force=self.force)
        write_film(self.film, self.growth.frames(), scale=16, force=self.force)
        lines = [f"gradients {when}: {count} checks, {failed} failed, largest relative error {error:.1e}"
                 for when, (count, failed, error) in checks.items()]
        numbers = {when: dict(zip(("checks", "failed", "error"), found)) for when, found in checks.items()}
        return lines, {"gradcheck": numbers}, [self.picture, self.film]


@contextmanager
def steps_bar(training: Training, quiet: bool) -> Iterator[Callable[[Training], None]]:
    """The ``progress`` function of `Training.run`: a bar with the loss and the accuracy of the last steps."""
    from minivis.figures.text import percent
    from minivis.runtime.progress import bar

    with bar(training.steps, not quiet, unit="step") as shown:

        def show(training: Training) -> None:
            assert training.trainer is not None
            losses, hits = zip(*training.trainer.recent)
            loss, right = sum(losses) / len(losses), sum(hits) / len(hits)
            shown.set_postfix(loss=f"{loss:.3f}", right=percent(right), refresh=False)
            shown.update(training.steps_done - shown.n)

        yield show


def adversary(
    attack: Any, eps: float | None, attack_steps: int | None, norm: str | None, share: float | None,
    eps_warmup: int | None,
) -> Adversary | None:  # fmt: skip
    """The `Adversary` of the command line, or None. Raise BadValue for its settings without --adversarial."""
    from minivis.errors import BadValue
    from minivis.training.adversary import Adversary

    given: dict[str, Any] = {"eps": eps, "steps": attack_steps, "norm": norm, "share": share, "warmup": eps_warmup}
    given = {key: value for key, value in given.items() if value is not None}
    if attack is None:
        if given:
            raise BadValue("--eps, --attack-steps, --norm, --share and --eps-warmup need --adversarial fgsm or pgd")
        return None
    return Adversary(attack, **{"steps": 3 if attack == "pgd" else 1, **given})


def run(
    start: Callable[..., Training], name: str, settings: dict[str, Any], *, out: str | Path | None, force: bool,
    resume: bool, as_json: bool, quiet: bool, shown: Shown | None = None, **moving: Any,
) -> None:  # fmt: skip
    """Train, from the checkpoint if asked, and write the net; Ctrl-C leaves the checkpoint. shown: a `Shown`."""
    from minivis.errors import BadFile
    from minivis.figures.text import percent
    from minivis.runtime.files import check_output
    from minivis.weights.native import save

    against = adversary(**moving) if moving else None
    out = Path(out or f"{name}.h5")
    check_output(out, force)
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    if not resume:
        check_output(checkpoint, force)
    elif not checkpoint.exists():                       # before the data are read, which takes a while
        raise BadFile(f"there is no checkpoint {checkpoint} to continue from; train without --resume")
    changes = {"seed": settings["seed"], **({"steps": settings["steps"]} if settings["steps"] else {})}
    if against:
        changes["adversary"], settings["adversary"] = against, asdict(against)
    training = start(changes)
    try:
        with steps_bar(training, quiet) as show:
            def after(training: Training) -> None:
                if shown is not None:
                    shown.growth(training)
                show(training)

            training.run(progress=after, checkpoint=checkpoint, resume=resume)
        net = training.finish()
    except KeyboardInterrupt:
        if checkpoint.exists():
            click.echo(f"\n{checkpoint} holds the training so far; --resume continues from there", err=True)
        raise
    save(net, out, dtype="float16", force=force)
    checkpoint.unlink(missing_ok=True)
    record = net.about["training"]
    lines = [f"{percent(score)} of {what}" for what, score in record["accuracy"].items()]
    more, numbers, files = shown.end(net) if shown else ([], {}, [])
    say("train", None if quiet else "\n".join([*lines, *more]), settings=settings, numbers={**record, **numbers},
        files=[out, *files], as_json=as_json, quiet=quiet)
