"""`minivis weights list | inspect | fetch | import | table | normalize`: which nets there are, and files of them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from minivis.commands.common import JSON, NET_ARGUMENT, QUIET, READING, REPORT, own_picture, reading, say
from minivis.commands.groups import Commands
from minivis.commands.option_groups import READING as READING_HEADING
from minivis.commands.option_groups import GroupedCommand, under

weights = Commands("weights", help="List, fetch, inspect and convert nets.")


@weights.command("list", params=[JSON])
def list_weights(as_json: bool) -> None:
    """List the nets that minivis knows, and where each is or how to get it."""
    from minivis.weights.catalogue import entries

    found = entries()
    numbers = {"nets": [{"name": e.name, "description": e.description, "origin": e.origin, "licence": e.licence,
                         "path": path and str(path), "bytes": path.stat().st_size if path else e.bytes}
                        for e, path in found]}
    lines = []
    for entry, path in found:
        size = path.stat().st_size if path else entry.bytes
        megabytes = f", {size / 1e6:.1f} MB" if size else ""
        state = f"at {path}" if path else f"not here: {entry.how_to_get()}"
        origin = f"    {entry.origin}; {entry.licence}{megabytes}"
        lines += [f"{entry.name}: {entry.description}", origin, f"    {state}"]
    say("weights list", "\n".join(lines), settings={}, numbers=numbers, as_json=as_json)


@weights.command("inspect", params=[NET_ARGUMENT, *READING, JSON])
def inspect_weights(net: str, as_json: bool, **given: Any) -> None:
    """Print what a file of weights holds: format, SHA-256, classes, training, and what looks wrong."""
    from minivis.weights.inspection import inspect_file

    found = inspect_file(net, **reading(given))
    numbers = {**asdict(found), "path": str(found.path), "preprocessing": found.preprocessing.as_dict()}
    say("weights inspect", "\n".join(described({k: v for k, v in numbers.items() if v})), settings={"net": net},
        numbers=numbers, as_json=as_json)


def described(facts: dict[str, Any], indent: str = "") -> list[str]:
    """A dict of dicts as indented lines."""
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *described(value, indent + "    ")]
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            lines.append(f"{indent}{key.replace('_', ' ')}: {shown}")
    return lines


@weights.command("fetch", params=[
    click.Argument(["name"], metavar="NAME"),
    click.Option(["--url"], metavar="URL", show_default="the publisher's",
                 help="Address to download from; the file must still be the published one."),
    click.Option(["--offline"], is_flag=True, help="Use no internet connection; fail if the file is not here."),
    click.Option(["-f", "--force"], is_flag=True, help="Download the file even if it is here already."),
    JSON, QUIET,
])  # fmt: skip
def fetch_weights(name: str, url: str | None, offline: bool, force: bool, as_json: bool, quiet: bool) -> None:
    """Download a net of the catalogue, or the rest of it after an interruption.

    The environment variable MINIVIS_MIRROR names another server.
    """
    from minivis.weights.fetch import fetch

    path = fetch(name, url=url, offline=offline, force=force, progress=not quiet)
    text = None if quiet else f"{name} is at {path}"
    say("weights fetch", text, settings={"name": name}, numbers={"path": str(path), "bytes": path.stat().st_size},
        as_json=as_json)


class ImportCommand(GroupedCommand):
    """A command whose --expect takes all the .npy and .npz files that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = False
        for word in args:
            more = taking and not word.startswith("-") and word.lower().endswith((".npy", ".npz"))
            spread += ["--expect", word] if more and spread[-1] != "--expect" else [word]
            taking = word.partition("=")[0] == "--expect" or more
        return super().parse_args(ctx, spread)


@weights.command("import", cls=ImportCommand, params=[
    click.Argument(["file"], metavar="NAME|FILE"),
    *READING,
    *under(READING_HEADING, click.Option(
        ["--expect"], multiple=True, metavar="X.npy Y.npy [NAME=]Z.npy ...",
        help="Import the net only if it computes the outputs that its own framework computed from the input X.npy: "
             "Y.npy at its end, Z.npy at the layer NAME. Files in .npz may hold x and outputs by name.")),
    click.Option(["-o", "--out"], metavar="FILE", show_default="FILE.h5 where minivis looks for nets",
                 help="File to write."),
    click.Option(["--layout"], type=click.Choice(["minivis", "keras-notop"]), default="minivis", show_default=True,
                 help="Layout of the new file: all layers, as minivis writes them; or only a VGG's convolutions, as "
                      "Keras writes them, by default into vgg16-notop.h5, which --net vgg16-notop finds."),
    click.Option(["--half"], is_flag=True, help="Store float16 numbers, which halves the size."),
    *REPORT,
])  # fmt: skip
def import_weights(
    file: str, expect: tuple[str, ...], out: str | None, layout: str | None, half: bool, force: bool, as_json: bool,
    quiet: bool, **given: Any,
) -> None:  # fmt: skip
    """Convert a file of PyTorch, Keras, Caffe, MatConvNet, safetensors or NumPy into a file of minivis."""
    from minivis.runtime.files import check_output
    from minivis.weights import native
    from minivis.weights.catalogue import load, locate, user_folder
    from minivis.weights.keras import writer

    path, keras = locate(file), layout == "keras-notop"
    user_folder().mkdir(parents=True, exist_ok=True)
    if out is None and not keras:
        out = str(user_folder() / f"{Path(path).stem}.h5")
    if out is not None:
        check_output(out, force)                        # before a large net is read
    given = reading(given)
    net = load(file, **given)
    compared = compared_with(expect, net, file, given) if expect else []
    dtype = "float16" if half else None
    if keras:
        out = str(user_folder() / f"{writer.convolutions(net)[0].lower()}-notop.h5") if out is None else out
        writer.save(net, out, dtype=dtype, force=force)
        net = load(out)                                 # what the new file says of itself
    else:
        assert out is not None
        native.save(net, out, dtype=dtype, force=force)
    told = ("format", "architecture", "stem", "head", "aside", "training", "licence", "preprocessing", "proof",
            "output", "unused")  # fmt: skip
    facts = {key: net.about[key] for key in told if key in net.about}
    lines = [f"{key}: {value}" for key, value in facts.items()]
    if "assumed" in str(facts.get("preprocessing", "")):
        lines.append("note: if the net was trained on other values, name them with --preprocess")
    numbers = {**facts, "layers": len(net.nodes), "parameters": net.parameter_count, "classes": len(net.class_names)}
    if compared:
        numbers["expected"] = {one.layer: one.error for one in compared}
    say("weights import", None if quiet else "\n".join(lines), settings={"file": str(path)}, numbers=numbers,
        files=[out], as_json=as_json, quiet=quiet)


def compared_with(files: Sequence[str], net: Any, path: str, given: dict[str, Any]) -> Any:
    """Compare the net with what its own framework computes from an input, and record the proof in ``net.about``."""
    from dataclasses import replace

    from minivis.errors import MinivisError
    from minivis.weights import expect
    from minivis.weights.catalogue import load, locate
    from minivis.weights.read import layer_names

    names = layer_names(net, locate(path), arch=given.get("arch"), part=given.get("part"))
    answers = expect.read_answers(files, net, names)

    def inside() -> Any:
        """What the file itself does to a picture: its preprocessing when it is told to read the picture as it is."""
        C = net.preprocessing.channels
        nothing = replace(net.preprocessing, mean=(0.0,) * C, scale=(1.0,) * C)
        try:
            return load(path, **given | {"preprocess": nothing}).preprocessing
        except MinivisError:                            # a file that leaves nothing open
            return None

    compared = expect.check(net, answers, path, inside)
    proof = f"compared with {', '.join(answers.outputs)} for {Path(answers.source).name}: off by "
    proof += f"{expect.worst(compared):.1e} of the largest value"
    net.about["proof"] = "; ".join([*([net.about["proof"]] if "proof" in net.about else []), proof])
    return compared


@weights.command("table", params=[
    click.Argument(["file"], metavar="FILE"),
    *[option for option in READING if option.name == "part"],
    click.Option(["-o", "--out"], metavar="TABLE.json", show_default="FILE.json, in the current folder",
                 help="Layer table to write."),
    *REPORT,
])  # fmt: skip
def table_of_weights(file: str, part: str | None, out: str | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Write a layer table to start from, for a net that minivis does not know, guessed from names and shapes.

    What could not be known (strides, pools, activations, sums) is marked in it. --arch TABLE.json reads FILE by it.
    """
    from minivis.errors import BadFile
    from minivis.runtime.files import atomic_write, check_output
    from minivis.weights.guess_table import as_text, table_of_file
    from minivis.weights.read import arrays_of

    out = f"{Path(file).stem}.json" if out is None else out
    check_output(out, force)
    with arrays_of(file, part) as contents:
        if contents is None:
            raise BadFile(f"{file} describes its own layers, or is none of the files that need a layer table")
        table, guessed = table_of_file(file, contents)
    with atomic_write(out, force) as temporary:
        temporary.write_text(as_text(table), "utf-8")
    count = len(table["layers"])
    lines = [f"{count} layers, of which {guessed} hold guesses", *table["notes"],
             f'correct what is "guessed", then: minivis weights import {file} --arch {out}']
    numbers = {"layers": count, "guessed": guessed, "notes": table["notes"]}
    say("weights table", None if quiet else "\n".join(lines), settings={"file": file}, numbers=numbers, files=[out],
        as_json=as_json, quiet=quiet)


@weights.command("normalize", params=[
    click.Argument(["net"], metavar="NAME|FILE"),
    click.Argument(["images"], nargs=-1, metavar="[IMAGE]..."),
    click.Option(["-o", "--out"], metavar="FILE", required=True, help="File to write the new net to; required."),
    *REPORT,
])  # fmt: skip
def normalize_weights(
    net: str, images: tuple[str, ...], out: str, force: bool, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Scale the filters of a plain net so that each has mean activation 1 on the IMAGEs, without changing its output.

    Style transfer works better with such a net (Gatys et al. 2016). Without an IMAGE the goose that comes with minivis
    is used, but several hundred pictures give better means.
    """
    from minivis.images.files import read_image
    from minivis.runtime.files import check_output
    from minivis.runtime.progress import track
    from minivis.weights import native
    from minivis.weights.catalogue import load
    from minivis.weights.normalize import normalize

    check_output(out, force)
    loaded = load(net)
    pictures = [loaded.fit(read_image(image, 512)) for image in images or [own_picture()]]
    new = normalize(loaded, track(pictures, not quiet, "normalize"))
    native.save(new, out, force=force)
    on = f"{len(pictures)} picture{'s' * (len(pictures) > 1)}"
    text = None if quiet else f"every filter has mean activation 1 on {on}"
    say("weights normalize", text, settings={"net": net}, numbers={"pictures": len(pictures)}, files=[out],
        as_json=as_json, quiet=quiet)
