"""`minivis bench`: measure algorithms on this machine."""

from pathlib import Path
from typing import Any

import click

from minivis.commands.common import DEFAULT_NET, JSON, THREADS, blas_threads, say
from minivis.commands.groups import Commands
from minivis.commands.types import PIXELS, real, whole

ARCHITECTURES = ("squeezenet 1.1", "resnet-18", "vgg16")        # that `bench tune` times

SIZE = click.Option(["--size"], type=PIXELS, metavar="N|ROWS,COLUMNS", show_default="the net's own, or 224",
                    help="Size of the input in pixels.")

bench = Commands("bench", help="Measure times on this machine.")


@bench.command("conv", params=[
    click.Option(["--net"], default=DEFAULT_NET, metavar="NAME|FILE", show_default=True,
                 help="Net to time, or an architecture such as vgg16, which gets random weights."),
    SIZE,
    click.Option(["--batch"], type=whole(1, 10_000), default=1, show_default=True, metavar="N",
                 help="Number of pictures in a batch."),
    click.Option(["--repeats"], type=whole(1, 10_000), default=3, show_default=True, metavar="N",
                 help="Number of timed runs after a first one; the shortest time counts."),
    THREADS, JSON,
])  # fmt: skip
def conv(net: Any, size: tuple[int, int] | None, batch: int, repeats: int, threads: int | None, as_json: bool) -> None:
    """Time each convolution algorithm on each convolution of a net, in milliseconds.

    Each layer has a line for the forward pass and one for the gradient at its input. A star marks the algorithm that
    minivis chooses.
    """
    from minivis.commands.bench_conv import architecture, bench_conv
    from minivis.convolution.tuning import described
    from minivis.images.provenance import versions
    from minivis.weights.catalogue import load

    loaded = architecture(net) or load(net)
    shape = (batch, *(size or loaded.shapes()["input"][1:3]), loaded.input_channels)
    with blas_threads(threads):
        from minivis.runtime.threads import get_threads

        count, found = get_threads(), []
        if not as_json:
            click.echo(f"{net}, {batch} x {shape[1]} x {shape[2]} pixels, threads: {count}, kernels: {kernels()}; "
                       "times in milliseconds, * is the algorithm chosen")
        for row in bench_conv(loaded, shape, repeats=repeats):
            found.append(row)
            if not as_json:
                click.echo(str(row))
    total = {"taken": sum(row.milliseconds[row.picked] for row in found),
             "fastest of each": sum(row.milliseconds[row.fastest] for row in found)}
    lines = ["all layers  " + "  ".join(f"{name} {ms:.1f}" for name, ms in total.items()),
             "These numbers set the rules and the sizes of blocks (convolution/tuning.py, runtime/tuning.py):",
             *(f"  {line}" for line in described())]
    rows = [{"layer": r.name, "direction": r.direction, "taken": r.picked, "milliseconds": r.milliseconds}
            for r in found]
    numbers = {"rows": rows, "total": total, "threads": count, "kernels": kernels(), "tuning": described(),
               "versions": versions()}
    settings = {"net": net, "input_shape": list(shape), "repeats": repeats}
    say("bench conv", "\n".join(lines), settings=settings, numbers=numbers, as_json=as_json)


@bench.command("tune", params=[
    click.Option(["--net", "nets"], multiple=True, metavar="NAME|FILE", default=ARCHITECTURES,
                 show_default=", ".join(ARCHITECTURES),
                 help="Net to tune for, or an architecture, which gets random weights; repeat the option for several."),
    SIZE,
    click.Option(["--minutes"], type=real(0.01, 600), default=5.0, show_default=True, metavar="X",
                 help="Time to take, about."),
    click.Option(["--forget"], is_flag=True, help="Delete the file of this machine's numbers and measure nothing."),
    THREADS, JSON,
])  # fmt: skip
def tune(
    nets: tuple[str, ...], size: tuple[int, int] | None, minutes: float, forget: bool, threads: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Find out which block sizes are fastest on this machine, and use them from now on.

    Forward passes and image gradients of some nets are timed with other values of the numbers in convolution/tuning.py,
    in turns with the defaults. What is surely faster is written to a small file in the user's cache folder, or where
    MINIVIS_TUNING says; MINIVIS_TUNING=off ignores it. Results then differ only by rounding. Let nothing else run
    meanwhile.
    """
    from minivis.commands.bench_conv import architecture
    from minivis.commands.bench_tune import passes
    from minivis.runtime import tuned
    from minivis.weights.catalogue import load

    path = tuned.place()                        # before measuring: it must be possible to write there
    settings = {"nets": list(nets), "minutes": minutes}
    if forget:
        there = path.is_file()
        path.unlink(missing_ok=True)
        say("bench tune", f"{path} is deleted" if there else f"there is no {path}", settings=settings,
            numbers={"forgotten": there}, as_json=as_json)
        return
    works = []
    for name in nets:
        net = architecture(name) or load(name)
        works += passes(net, (1, *(size or net.shapes()["input"][1:3]), net.input_channels))
    with blas_threads(threads):
        text, numbers = tune_and_keep(works, minutes, path, echo=not as_json)
    say("bench tune", text, settings=settings, numbers=numbers, as_json=as_json)


def tune_and_keep(works: Any, minutes: float, path: Path, echo: bool) -> tuple[str, dict[str, Any]]:
    """Tune, and write what is surely faster. Return (what to say, numbers for JSON)."""
    from datetime import date

    from minivis.commands.bench_tune import tune as tune_on
    from minivis.runtime import tuned
    from minivis.version import __version__

    found = []
    for comparison in tune_on(works, seconds=60 * minutes):
        found.append(comparison)
        if echo:
            click.echo(f"{comparison}{'  taken' if comparison.surely_faster else ''}")
    last = found[-1]
    kept = last.surely_faster and any(one.surely_faster for one in found[:-1])
    rows = [{"numbers": one.numbers, "ratio": one.ratio, "error": one.error, "pairs": one.pairs,
             "surely_faster": one.surely_faster} for one in found]
    if kept:
        tuned.save(last.numbers, ratio=round(last.ratio, 3), date=date.today().isoformat(), minivis=__version__)
        text = f"Together they take {last.ratio:.3f} of the time with the defaults. Written to {path}."
    else:
        text = "Nothing was surely faster than the defaults, so they stay as they are."
    return text, {"tried": rows, "file": str(path) if kept else None, "kernels": kernels()}


def kernels() -> str:
    """The kernels that BLAS uses on this processor."""
    from threadpoolctl import threadpool_info

    blas = (lib for lib in threadpool_info() if lib["user_api"] == "blas")
    return ", ".join(sorted({lib.get("architecture", lib["internal_api"]) for lib in blas}))
