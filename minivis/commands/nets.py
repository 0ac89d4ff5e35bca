"""`minivis inspect` and `minivis gradcheck`: what a net consists of, and whether its gradients are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import JSON, NET_ARGUMENT, READING, reading, say
from minivis.commands.types import PIXELS
from minivis.runtime.text_table import aligned

if TYPE_CHECKING:
    from minivis.images.preprocessing import Preprocessing
    from minivis.types import Shape


@click.command("inspect", params=[
    NET_ARGUMENT,
    click.Option(["--size"], type=PIXELS, metavar="N|ROWS,COLUMNS",
                 show_default="the net's own, or 224",
                 help="Size of the input in pixels, for nets that take any size."),
    *READING, JSON,
])  # fmt: skip
def inspect(net: Any, size: tuple[int, int] | None, as_json: bool, **given: Any) -> None:
    """Print a net's layers, with shapes, receptive fields and costs, and what looks wrong with it.

    `minivis weights inspect` prints all that its file says.
    """
    from minivis.engine.geometry import layer_table
    from minivis.weights.catalogue import locate, read
    from minivis.weights.inspection import inspect_net

    path = locate(net)
    loaded = read(net, finite=False, **reading(given))
    found = inspect_net(loaded, path)
    shape = (1, *size, loaded.input_channels) if size else loaded.shapes()["input"]
    rows = layer_table(loaded, shape)
    totals = {"parameters": sum(r.parameters for r in rows), "multiply_adds": sum(r.multiply_adds for r in rows)}
    numbers = {
        "layers": [{"name": r.name, "type": r.type, "inputs": list(r.inputs), "shape": list(r.shape),
                    "receptive_field": {"size": r.field.size, "stride": r.field.stride, "start": r.field.start},
                    "parameters": r.parameters, "multiply_adds": r.multiply_adds} for r in rows],
        **totals, "roles": loaded.roles, "classes": len(loaded.class_names),
        **{key: getattr(found, key) for key in ("format", "architecture", "training", "licence", "sha256", "warnings")},
        "preprocessing": loaded.preprocessing.as_dict(),
    }  # fmt: skip
    say("inspect", describe_net(net, loaded, found, rows, totals, shape), as_json=as_json, numbers=numbers,
        settings={"net": net, "input_shape": list(shape[1:])})


def describe_net(name: str, net: Any, found: Any, rows: Any, totals: Any, shape: Shape) -> str:
    """The table of a net as text, with a head, the totals, and what looks wrong."""
    head = [f"{net.about.get('title') or name}",
            f"input {sides(shape[1:3])} {values(net.preprocessing)}, {len(net.class_names) or 'no'} class names",
            f"{found.format}: {found.architecture}", f"training: {found.training}", f"licence: {found.licence}", ""]
    cells = [("layer", "type", "output", "sees", "every", "parameters", "multiply-adds")]
    cells += [(r.name, r.type, " x ".join(map(str, r.shape)),
               sides(r.field.size), sides(r.field.stride) if any(r.field.stride) else "",
               f"{r.parameters:,}" if r.parameters else "", f"{r.multiply_adds:,}" if r.multiply_adds else "")
              for r in rows]
    cells.append(("total", "", "", "", "", f"{totals['parameters']:,}", f"{totals['multiply_adds']:,}"))
    table = aligned(cells, right=(5, 6))
    return "\n".join([*head, *table, "", *(f"{role}: {played if isinstance(played, str) else ', '.join(played)}"
                                           for role, played in net.roles.items() if played),
                      "", *(found.warnings or ["nothing looks wrong: no NaN, no dead filters"])])


def values(preprocessing: Preprocessing) -> str:
    """RGB, (pixel - 128) / 64: what a net does to pixels, in one phrase."""
    mean, scale = shared(preprocessing.mean), shared(preprocessing.scale)
    change = "pixel" if mean == "0" else f"(pixel - {mean})" if scale != "1" else f"pixel - {mean}"
    return f"{preprocessing.channel_order}, {change}" + (f" / {scale}" if scale != "1" else "")


def shared(numbers: Sequence[float]) -> str:
    """128 where all channels have that, else (104, 117, 124)."""
    return f"{numbers[0]:g}" if len(set(numbers)) == 1 else f"({', '.join(f'{v:g}' for v in numbers)})"


def sides(pair: Sequence[int]) -> str:
    """7, or 7 x 5."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} x {pair[1]}"


@click.command("gradcheck", params=[
    click.Option(["--net"], metavar="NAME|FILE", show_default="two small nets that have every kind of layer",
                 help="Net to check."),
    JSON,
])  # fmt: skip
def gradcheck(net: Any, as_json: bool) -> int:
    """Check every backward pass against finite differences.

    Each layer gets one line. The exit code is 1 if any is wrong.
    """
    from minivis.engine.gradcheck import check_network, report
    from minivis.models.tiny import tiny_branches, tiny_vgg
    from minivis.weights.catalogue import load

    nets = {net: load(net)} if net else {"tiny_vgg": tiny_vgg(), "tiny_branches": tiny_branches()}
    checked = {name: check_network(one) for name, one in nets.items()}
    ok = all(row.ok for rows in checked.values() for row in rows)
    numbers = {"ok": ok, "nets": {name: [{**asdict(row), "ok": row.ok} for row in rows]
                                  for name, rows in checked.items()}}
    text = "\n\n".join(f"{name}\n{report(rows)}" for name, rows in checked.items())
    say("gradcheck", text, settings={"net": net}, numbers=numbers, as_json=as_json)
    return 0 if ok else 1
