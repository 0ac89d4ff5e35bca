"""A command that makes one picture: read the net and the image, run the method, write the picture with its record.

The function behind it does only the method: ``function(given, seed=, progress=, **own options)`` returns a
`methods.shared.result.Result`. The gallery and `minivis rerun` run it in the same way, and so get the same bits.

An option of the type ``PICTURE_FILE`` names a further picture; the function gets its pixels. ``long`` names the option
that sets the length of the run. A command with it takes --checkpoint, --resume and --film, the function gets ``watch=``
(see watch.py), and Ctrl-C ends the run, not the command: the best picture so far is written, and the exit code is 130.
"""

import inspect
import json
from pathlib import Path

import click

from minivis.commands.common import (
    COMPUTE,
    IMAGE,
    OUT,
    OUT_ARRAYS,
    REPORT,
    SIZE,
    VIEW,
    blas_threads,
    read_further,
    say,
    takes_several,
    viewing,
)
from minivis.commands.default_net import read_for, unnamed
from minivis.commands.option_groups import OUTPUT, GroupedCommand, under
from minivis.commands.types import PictureFile
from minivis.errors import BadValue
from minivis.runtime.plain import is_plain

KEEPING = ("checkpoint", "resume", "film")
NOT_RECORDED = ("image", "threads", "out", "force", "as_json", "quiet", *KEEPING)       # threads have their own entry
FRAMES = 120                                    # of a film


def long_options(count):
    """The options of a run whose length is --``count``."""
    return under(
        OUTPUT,
        click.Option(["--checkpoint"], metavar="FILE", show_default="none",
                     help="Save the state of the run in this file every half minute and at the end."),
        click.Option(["--resume"], is_flag=True,
                     help=f"Continue from --checkpoint until a total of --{count} are done."),
        click.Option(["--film"], metavar="FILE", show_default="none",
                     help="Write a film of the run, as .gif, .webp or .mp4."),
    )  # fmt: skip


class PictureCommand(GroupedCommand):
    """A command whose ``method`` makes the Result. With ``writes="asked"`` a picture is written only if -o names one.

    ``inputs`` names the parameters that are paths of further files or folders: their hashes go into the record, and the
    method gets them in ``given.inputs``. ``net=False``: the command needs no net. ``parts``: names of the
    `Result.parts` that are written beside the picture. ``long``: see above. ``size``: the option that shrinks IMAGE.
    ``arrays``: for a name in .npy, .npz or .tiff the Result's arrays are written, not its picture.
    ``by_net``: names of options whose default hangs on the net, each with a function net -> default. A record names
    what they were; without the option it means what click has for a default, as records of before do.
    """

    not_recorded: tuple[str, ...] = NOT_RECORDED

    def __init__(
        self, name, method, own, *, image=True, net=True, inputs=(), compute=COMPUTE, writes="always", parts=(),
        long=None, size=SIZE, by_net=None, arrays=False,
    ):  # fmt: skip
        params = [IMAGE, *own, size] if image else [*own]
        super().__init__(name, callback=self.run, help=inspect.cleandoc(method.__doc__),
                         params=[*params, *(long_options(long) if long else []), *compute, *self.views(net, own),
                                 OUT_ARRAYS if arrays else OUT, *REPORT])
        self.own, self.parts, self.long, self.by_net = own, parts, long, by_net or {}
        self.method, self.needs_image, self.needs_net, self.inputs, self.writes = method, image, net, inputs, writes
        self.photographs = image and net and not inputs     # codes belong to the net that made them
        self.arrays = arrays

    def run(self, **params):
        """Run the command line."""
        out = self.output(params)
        given = read_for(params, photographs=self.photographs, quiet=params["quiet"], needs_image=self.needs_image)
        params |= {name: choose(given.net) for name, choose in self.by_net.items() if unnamed(name)}
        given.out = out
        given.inputs = self.further_inputs(params)
        given.further = read_further(params, self.params, net=given.net)
        watch = self.watch(given, params) if self.long else None
        result, picture, text = self.make(given, params, progress=not params["quiet"], draw=out is not None,
                                          watch=watch)
        files, holds = [], None
        if out is not None:
            holds = self.write(out, result, picture, text, params["force"])
            files = [out, *(write_part(self.beside(out, part), result.parts[part], params["force"])
                            for part in self.parts)]
        if watch is not None and watch.film and watch.frames:
            from minivis.figures.film import write_film
            from minivis.images.resampling import same_size

            frames = [given.net.shown(frame) for frame in same_size(watch.frames)]
            write_film(params["film"], frames, force=params["force"])
            files.append(params["film"])
        words = None if params["quiet"] and self.writes == "always" else str(result)
        words = f"{words}\n{holds}" if holds and not params["quiet"] else words
        say(self.name, words, settings={**self.settings(params), **result.settings}, numbers=result.numbers,
            files=files, as_json=params["as_json"], quiet=params["quiet"])
        if watch is not None and watch.interrupted:
            click.echo("minivis: stopped; the result is the best so far", err=True)
            return 130
        return 0 if result.ok else 1

    def in_arrays(self, out):
        """Whether a file of this name gets numbers, not a picture."""
        if not self.arrays or out is None:
            return False
        from minivis.images.array_files import holds_arrays

        return holds_arrays(out)

    def write(self, out, result, picture, text, force):
        """Write the picture with its record, or the numbers behind it; then return a sentence on what they are."""
        from minivis.images.array_files import write_arrays
        from minivis.images.files import write_image

        if self.in_arrays(out):
            return write_arrays(out, result.arrays, text, force)
        write_image(out, picture, text, force=force)
        return None

    def further_inputs(self, params):
        """``given.inputs``: the name of a parameter -> the path of the file or folder."""
        from minivis.data.samples import folder_called

        return {name: folder_called(params[name]) for name in self.inputs if params[name] is not None}

    def make(self, given, params, *, progress=False, draw=True, watch=None):
        """The Result, its picture, and the text to store in it. Only ``watch`` writes files here."""
        own = {option.name: params[option.name] for option in self.own if option.name not in self.inputs}
        for option in self.own:
            if isinstance(option.type, PictureFile):
                pixels = [one.pixels for one in given.further.get(option.name, ())]
                own[option.name] = pixels if takes_several(option) else next(iter(pixels), None)
        if self.long:
            from minivis.optimize.watch import Watch

            watch = own["watch"] = Watch() if watch is None else watch
        with blas_threads(params.get("threads")) as threads:
            result = self.method(given, seed=params["seed"], progress=progress, **own)
            if not draw:
                return result, None, None
            picture = None if self.in_arrays(given.out) else result.picture()
        return result, picture, self.record(given, params, result, threads, watch)

    def record(self, given, params, result, threads, watch):
        """What `minivis rerun` needs, as the text of the picture."""
        from minivis.images.provenance import as_text, input_hash, versions

        whole = watch is None or not (watch.interrupted or watch.resumed)
        if not whole and len(watch.runs) == 1 and self.long in params and not watch.resumed:
            params, whole = {**params, self.long: watch.runs[0]}, True        # this many steps end there, too
        words, named = self.words(params), params.get("image") is not None
        record = {
            "command": words, "net": {"name": given.net_name, "sha256": given.net_sha256} if self.needs_net else None,
            "image": {"name": words[1], "sha256": given.image_sha256} if named else None,
            "seed": params["seed"], "threads": threads, "versions": versions(),
        }  # fmt: skip
        if given.inputs:
            record["inputs"] = {name: {"name": params[name], "sha256": result.hashes.get(name) or input_hash(path)}
                                for name, path in given.inputs.items()}
        if given.further:
            record["further"] = [{"option": option, "name": one.name, "sha256": one.sha256}
                                 for option, several in given.further.items() for one in several]
        if not whole:
            record["whole"] = False
        if self.in_arrays(given.out):
            record["arrays"] = True
        return as_text(record)

    def watch(self, given, params):
        """A `Watch` from --checkpoint, --resume and --film, each checked before anything is computed."""
        from minivis.optimize.watch import Watch
        from minivis.runtime.files import check_output

        if params["resume"] and not params["checkpoint"]:
            raise BadValue("--resume needs --checkpoint FILE, the checkpoint to continue from")
        if params["checkpoint"]:
            check_output(params["checkpoint"], force=params["resume"] or params["force"])
        if params["film"]:
            from minivis.figures.film import check_film

            check_output(params["film"], params["force"])
            check_film(params["film"])
        hashes = [given.net_sha256, given.image_sha256, *(one.sha256 for several in given.further.values()
                                                          for one in several)]
        settings = {key: value for key, value in params.items() if key not in (*NOT_RECORDED, self.long)}
        settings |= {"plain": True} if is_plain() else {}
        return Watch(checkpoint=params["checkpoint"], resume=params["resume"], film=FRAMES if params["film"] else 0,
                     identity=json.dumps([self.name, hashes, settings], default=str))

    def output(self, params):
        """The path of the picture, checked before anything is computed, or None."""
        if params["out"] is None and self.writes == "asked":
            return None
        from minivis.images.files import check_suffix
        from minivis.runtime.files import check_output

        stem = self.stem(params)
        out = f"{stem}-{self.name}.png" if params["out"] is None else params["out"]
        check_output(out, params["force"])
        if not self.in_arrays(out):
            check_suffix(out)
        for part in self.parts:
            check_output(self.beside(out, part), params["force"])
        return out

    def stem(self, params):
        """The first part of the picture's name: the name of what it shows."""
        if self.needs_image:
            return "goose" if params["image"] is None else Path(params["image"]).stem
        first = params[self.inputs[0]] if self.inputs else None
        return Path(params["net"]).stem if first is None else Path(first).resolve().stem

    @staticmethod
    def views(net, own):
        """The options of VIEW, but those that the command has its own of."""
        return [option for option in VIEW if option.name not in {one.name for one in own}] if net else []

    @staticmethod
    def beside(out, part):
        """The path of a part, a PNG, which is lossless."""
        return str(Path(out).with_name(f"{Path(out).stem}-{part}.png"))

    def words(self, params):
        """The command line for ``params``, as a list, without defaults and without options that do not change the
        bits."""
        image = params.get("image")
        words = [self.name] if image is None else [self.name, positional(image)]
        for option in self.params:
            if not option.expose_value:
                continue
            value = params[option.name]
            if option.name in self.not_recorded or value in (None, False, ()):
                continue
            chosen = option.name == "net" and self.photographs and image is not None     # its default varies
            if value == option.default and not chosen:
                continue
            if isinstance(option, click.Argument):
                words += map(positional, value if takes_several(option) else [value])
                continue
            for one in value if option.multiple else [value]:
                words += [max(option.opts, key=len)]
                is_flag = isinstance(option, click.Option) and option.is_flag
                words += [] if is_flag else [",".join(map(str, one)) if isinstance(one, tuple) else str(one)]
        return [*words, "--plain"] if is_plain() else words         # another algorithm gives other bits

    def settings(self, params):
        named = {key: params[key] for key in ("image", *self.inputs, "size", "net", "device", "seed") if key in params}
        return named | {key: value for key, value in viewing(params).items() if value is not None}

    def parse(self, words):
        """The parameters of ``run`` for these words; the first is the command's name."""
        with self.make_context(self.name, list(words[1:]), help_option_names=[]) as context:
            return context.params


def write_part(file, picture, force):
    """Write a picture beside another, and return where: as PNG, or as an array if a PNG has no such channels."""
    import numpy as np

    from minivis.images.files import write_image
    from minivis.runtime.files import atomic_write

    if picture.shape[2] in (1, 3, 4):
        write_image(file, picture, force=force)
        return file
    file = str(Path(file).with_suffix(".npy"))
    with atomic_write(file, force) as temporary, open(temporary, "wb") as opened:
        np.save(opened, picture)
    return file


def positional(path):
    """A path as a word that cannot be mistaken for an option."""
    return f"./{path}" if path.startswith("-") else path


def picture_command(name, *own, kind=PictureCommand, **settings):
    """Make a `PictureCommand` from a function and its own options; the docstring is the help."""
    return lambda function: kind(name, function, own, **settings)
