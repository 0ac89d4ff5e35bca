"""`minivis train`: make a net from a data set, with a checkpoint that Ctrl-C leaves and --resume takes up."""

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from minivis.commands.common import OUT, REPORT, SEED, Commands, say

SHARED = [
    click.Option(["--steps"], type=click.IntRange(min=1), metavar="N", help="How many; by default the recipe's."),
    SEED,
    click.Option(["--threads"], type=click.IntRange(min=1), default=2, show_default=True, metavar="N",
                 help="The result does not depend on it."),
    click.Option(["--resume"], is_flag=True, help="Go on from the checkpoint that a stopped run left beside FILE."),
    OUT, *REPORT,
]  # fmt: skip
ADVERSARIAL = [
    click.Option(["--adversarial", "attack"], metavar="fgsm|pgd",
                 help="Move every picture against the net before it learns from it."),
    click.Option(["--eps"], type=float, metavar="LEVELS",
                 help="How far, of 255: every pixel, or with --norm L2 the whole difference.  [8]"),
    click.Option(["--attack-steps", "attack_steps"], type=int, metavar="N", help="Steps of pgd.  [3]"),
    click.Option(["--norm"], metavar="Linf|L2", help="How the distance is measured.  [Linf]"),
    click.Option(["--share"], type=float, metavar="S", help="The share of pictures to move, of 1.  [1]"),
    click.Option(["--eps-warmup", "eps_warmup"], type=int, metavar="N", help="Steps in which eps grows from 0.  [0]"),
]  # fmt: skip


train = Commands("train", help="Train a net of ours.")


@train.command("emoji", params=[
    click.Option(["--net", "name"], default="emoji-vgg", show_default=True, metavar="NAME",
                 help="Or emoji-alexnet, emoji-vgg-robust."),
    click.Option(["--sprites"], metavar="FILE", help="The emoji, collected before; by default in the user's cache."),
    *ADVERSARIAL, *SHARED,
])  # fmt: skip
def train_emoji(name, sprites, steps, seed, threads, **rest):
    """The embedded nets: emoji on photographs, 64 x 64 pixels."""
    from minivis.training import recipes

    start = lambda changes: recipes.emoji(name, sprites=sprites, threads=threads, **changes)  # noqa: E731
    return run(start, name, {"net": name, "seed": seed, "threads": threads, "steps": steps}, **rest)


@train.command("fashion", params=[
    click.Option(["--data"], metavar="FOLDER", help="With the four files of Fashion-MNIST; by default Debian's."),
    *ADVERSARIAL, *SHARED,
])  # fmt: skip
def train_fashion(data, steps, seed, threads, **rest):
    """Fashion-MNIST: ten classes of clothes, 28 x 28 grey pixels."""
    from minivis.training import recipes

    given = {"data": data} if data else {}
    start = lambda changes: recipes.fashion(threads=threads, **given, **changes)  # noqa: E731
    return run(start, "fashion-vgg", {"data": data, "seed": seed, "threads": threads, "steps": steps}, **rest)


@contextmanager
def steps_bar(training, quiet):
    """A bar with the loss and the accuracy of the last steps, as ``Training.run(progress=...)`` wants it."""
    from tqdm import tqdm

    with tqdm(total=training.steps, delay=2, disable=True if quiet else None, leave=False, unit="step") as bar:

        def show(training):
            losses, hits = zip(*training.trainer.recent)
            loss, right = sum(losses) / len(losses), sum(hits) / len(hits)
            bar.set_postfix(loss=f"{loss:.3f}", right=f"{right:.1%}", refresh=False)
            bar.update(training.steps_done - bar.n)

        yield show


def adversary(attack, eps, attack_steps, norm, share, eps_warmup):
    """The `Adversary` of the command line, or None; BadValue for its settings without it."""
    from minivis.errors import BadValue
    from minivis.training.adversary import Adversary

    given = {"eps": eps, "steps": attack_steps, "norm": norm, "share": share, "warmup": eps_warmup}
    given = {key: value for key, value in given.items() if value is not None}
    if attack is None:
        if given:
            raise BadValue("--eps, --attack-steps, --norm, --share and --eps-warmup are of --adversarial fgsm or pgd, "
                           "which is not there")
        return None
    return Adversary(attack, **{"steps": 3 if attack == "pgd" else 1, **given})


def run(start, name, settings, *, out, force, resume, as_json, quiet, **moving):
    """Train, from the checkpoint if asked, and write the net; Ctrl-C leaves the checkpoint."""
    from minivis.errors import BadFile
    from minivis.runtime.files import check_output
    from minivis.weights.native import save

    against = adversary(**moving)
    out = Path(out or f"{name}.h5")
    check_output(out, force)
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    if not resume:
        check_output(checkpoint, force)
    elif not checkpoint.exists():                       # before the data are read, which takes a while
        raise BadFile(f"there is no checkpoint {checkpoint}: nothing to resume; train without --resume")
    changes = {"seed": settings["seed"], **({"steps": settings["steps"]} if settings["steps"] else {})}
    if against:
        changes["adversary"], settings["adversary"] = against, asdict(against)
    training = start(changes)
    try:
        with steps_bar(training, quiet) as show:
            training.run(progress=show, checkpoint=checkpoint, resume=resume)
        net = training.finish()
    except KeyboardInterrupt:
        if checkpoint.exists():
            click.echo(f"\n{checkpoint} holds what was learned so far; --resume goes on from there", err=True)
        raise
    save(net, out, dtype="float16", force=force)
    checkpoint.unlink(missing_ok=True)
    record = net.about["training"]
    text = "\n".join(f"{100 * score:.2f} % of {what}" for what, score in record["accuracy"].items())
    say("train", None if quiet else text, settings=settings, numbers=record, files=[out], as_json=as_json, quiet=quiet)
