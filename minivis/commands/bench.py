"""`minivis bench`: measure algorithms on this machine."""

import click

from minivis.commands.common import DEFAULT_NET, JSON, THREADS, Commands, blas_threads, say
from minivis.commands.types import PIXELS, whole

bench = Commands("bench", help="Measure times on this machine.")


@bench.command("conv", params=[
    click.Option(["--net"], default=DEFAULT_NET, metavar="NAME|FILE", show_default=True,
                 help="Net to time, or an architecture such as vgg16, which gets random weights."),
    click.Option(["--size"], type=PIXELS, metavar="N|ROWS,COLUMNS",
                 show_default="the net's own, or 224",
                 help="Size of the input in pixels."),
    click.Option(["--batch"], type=whole(1, 10_000), default=1, show_default=True, metavar="N",
                 help="Number of pictures in a batch."),
    click.Option(["--repeats"], type=whole(1, 10_000), default=3, show_default=True, metavar="N",
                 help="Number of timed runs after a first one; the shortest time counts."),
    THREADS, JSON,
])  # fmt: skip
def conv(net, size, batch, repeats, threads, as_json):
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


def kernels():
    """The kernels that BLAS uses on this processor."""
    from threadpoolctl import threadpool_info

    blas = (lib for lib in threadpool_info() if lib["user_api"] == "blas")
    return ", ".join(sorted({lib.get("architecture", lib["internal_api"]) for lib in blas}))
