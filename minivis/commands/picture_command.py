"""A command that makes one picture: read the net and the image, run the method, write the picture with its record.

The function behind it does only the method: ``function(given, seed=, progress=, **own options)`` returns a
`methods.shared.result.Result`. The gallery and `minivis rerun` run it in the same way, and so get the same bits.

An option of the type ``PICTURE_FILE`` names a further picture; the function gets its pixels. ``long`` names the option
that sets the length of the run. A command with it takes --checkpoint, --resume and --film, the function gets ``watch=``
(see watch.py), and Ctrl-C ends the run, not the command: the best picture so far is written, and the exit code is 130.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import (
    BY_IMAGE,
    COMPUTE,
    DEFAULT_NET,
    FRAME,
    IMAGE,
    IMAGES,
    NET,
    OUT,
    OUT_ARRAYS,
    REPORT,
    SIZE,
    VIEW,
    blas_threads,
    net_option,
    positional,
    read_further,
    read_net,
    say,
    takes_several,
    viewing,
)
from minivis.commands.default_net import read_for, tell_of_further, unnamed
from minivis.commands.option_groups import GroupedCommand
from minivis.commands.parts import naming, part_beside, write_part
from minivis.commands.several import NetOption, out_of_one, pictures_in, run_each
from minivis.commands.types import PictureFile
from minivis.commands.watching import KEEPING, long_options, watch_of, write_film_of
from minivis.runtime.plain import is_plain

if TYPE_CHECKING:
    from minivis.commands.common import Given
    from minivis.methods.shared.result import Result
    from minivis.optimize.watch import Watch
    from minivis.types import PathLike

NOT_RECORDED = ("image", "threads", "out", "force", "as_json", "quiet", *KEEPING)       # threads have their own entry


class PictureCommand(GroupedCommand):
    """A command whose ``method`` makes the Result. With ``writes="asked"`` a picture is written only if -o names one.

    ``inputs`` names the parameters that are paths of further files or folders: their hashes go into the record, and the
    method gets them in ``given.inputs``. ``net=False``: the command needs no net. ``parts``: names of the
    `Result.parts` that are written beside the picture. ``long``: see above. ``size``: the option that shrinks IMAGE.
    ``arrays``: for a name in .npy, .npz or .tiff the Result's arrays are written, not its picture.
    ``by_net``: names of options whose default depends on the net, each with a function net -> default. A record names
    what they were; without the option it means what click has for a default, as older records do.
    """

    not_recorded: tuple[str, ...] = NOT_RECORDED
    usual_net: str = DEFAULT_NET

    def __init__(
        self, name: str, method: Callable[..., Any], own: Sequence[click.Parameter], *, image: Any = True,
        net: bool = True, inputs: Sequence[str] = (), compute: Sequence[click.Parameter] = COMPUTE,
        writes: str = "always", parts: Sequence[str] = (), long: str | None = None, size: Any = SIZE,
        by_net: dict[str, Any] | None = None, arrays: bool = False, compares: bool = False,
    ) -> None:  # fmt: skip
        alone = not any(isinstance(option, click.Argument) for option in own)
        params = [IMAGES if alone else IMAGE, *own, size] if image else [*own]
        self.photographs = image and net and not inputs     # codes belong to the net that made them
        its_net = net_option(BY_IMAGE if self.photographs else self.usual_net, compares)
        compute = [its_net if option is NET else option for option in compute]
        super().__init__(name, callback=self.run, help=inspect.cleandoc(method.__doc__ or ""),
                         params=[*params, *(long_options(long) if long else []), *compute, *self.views(net, image, own),
                                 OUT_ARRAYS if arrays else OUT, *REPORT])
        self.own, self.parts, self.long, self.by_net = own, parts, long, by_net or {}
        self.method, self.needs_image, self.needs_net, self.inputs, self.writes = method, image, net, inputs, writes
        self.arrays, self.compares = arrays, compares

    def run(self, **params: Any) -> Any:
        """Run the command line, for one picture or for several."""
        paths = pictures_in(params.get("image"))
        if paths is not None:
            return run_each(self, params, paths)
        if params["out"] is not None:
            params["out"] = out_of_one(self, params)
        return self.run_one(params)

    def run_one(self, params: dict[str, Any], nets: Callable[..., Any] = read_net, several: bool = False) -> int:
        """Run the command line for one picture. nets: see `read_given`. several: it is one of several pictures."""
        out = self.output(params)
        given = read_for(params, photographs=self.photographs, quiet=params["quiet"], needs_image=self.needs_image,
                         nets=nets)
        params |= {name: self.by_nets(name, given) for name in self.by_net if unnamed(name)}
        given.out = out
        given.inputs = self.further_inputs(params)
        given.further = read_further(params, self.params, net=given.net)
        tell_of_further(given, params["quiet"])
        watch = watch_of(str(self.name), given, params, but=(*NOT_RECORDED, self.long)) if self.long else None
        result, picture, text = self.make(given, params, progress=not params["quiet"], draw=out is not None,
                                          watch=watch)
        files, holds = list[str](), None
        with naming(files):
            if out is not None:
                holds = self.write(out, result, picture, text, params["force"])
                files.append(out)
                for part in self.parts:
                    files.append(write_part(part_beside(out, part), result.parts[part], params["force"]))
            if watch is not None and watch.film and watch.frames:
                files.append(write_film_of(given, watch, params))
        words = None if params["quiet"] and self.writes == "always" else str(result)
        words = f"{words}\n{holds}" if holds and not params["quiet"] else words
        words = f"{params['image']}\n{words}" if several and words else words
        say(str(self.name), words, settings={**self.settings(params), **result.settings}, numbers=result.numbers,
            files=files, as_json=params["as_json"], quiet=params["quiet"], lines=several)
        if watch is not None and watch.interrupted:
            click.echo("minivis: stopped; the result is the best so far", err=True)
            return 130
        return 0 if result.ok else 1

    def by_nets(self, name: str, given: Given) -> Any:
        """The default of an option that depends on the net; of several nets, the first that differs from click's."""
        found = [self.by_net[name](one.net) for one in (given, *given.others)]
        usual = next(option.default for option in self.own if option.name == name)
        return next((choice for choice in found if choice != usual), usual)

    def in_arrays(self, out: str | None) -> bool:
        """Whether a file of this name gets numbers, not a picture."""
        if not self.arrays or out is None:
            return False
        from minivis.images.array_files import holds_arrays

        return holds_arrays(out)

    def write(self, out: str, result: Result, picture: Any, text: dict[str, str] | None, force: bool) -> str | None:
        """Write the picture with its record, or the numbers behind it; then return a sentence on what they are."""
        from minivis.images.array_files import write_arrays
        from minivis.images.files import write_image

        if self.in_arrays(out):
            return write_arrays(out, result.arrays, text, force)
        write_image(out, picture, text, force=force)
        return None

    def further_inputs(self, params: dict[str, Any]) -> dict[str, str]:
        """``given.inputs``: the name of a parameter -> the path of the file or folder."""
        from minivis.data.samples import folder_called

        return {name: folder_called(params[name]) for name in self.inputs if params[name] is not None}

    def make(
        self, given: Given, params: dict[str, Any], *, progress: bool = False, draw: bool = True,
        watch: Watch | None = None,
    ) -> tuple[Any, Any, dict[str, str] | None]:  # fmt: skip
        """The Result, its picture, and the text to store in it. Only ``watch`` writes files here."""
        own = self.own_settings(given, params)
        if self.long:
            from minivis.optimize.watch import Watch

            watch = own["watch"] = Watch() if watch is None else watch
        with blas_threads(params.get("threads")) as threads:
            result = self.result(given, seed=params["seed"], progress=progress, **own)
            if not draw:
                return result, None, None
            picture = None if self.in_arrays(given.out) else result.picture()
        return result, picture, self.record(given, params, result, threads, watch)

    def own_settings(self, given: Given, params: dict[str, Any]) -> dict[str, Any]:
        """The keywords that the method gets for the command's own options."""
        own = {option.name: params[option.name] for option in self.own if option.name not in self.inputs}
        for option in self.own:
            if isinstance(option.type, PictureFile) and (not params[option.name] or option.name in given.further):
                pixels = [one.pixels for one in given.further.get(option.name, ())]
                own[option.name] = pixels if takes_several(option) else next(iter(pixels), None)
        return own

    def result(self, given: Given, **settings: Any) -> Any:
        """What the method finds or, for several nets, what it finds for each."""
        if not given.others:
            return self.method(given, **settings)
        from minivis.methods.shared.side_by_side import side_by_side

        every = [given, *given.others]
        return side_by_side([self.method(one, **settings) for one in every], [one.net_name for one in every])

    def record(self, given: Given, params: dict[str, Any], result: Any, threads: int, watch: Any) -> dict[str, str]:
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
        if given.others:
            record["nets"] = [{"name": one.net_name, "sha256": one.net_sha256} for one in (given, *given.others)]
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

    def output(self, params: dict[str, Any]) -> str | None:
        """The path of the picture, checked before anything is computed, or None."""
        if params["out"] is None and self.writes == "asked":
            return None
        from minivis.images.files import check_suffix
        from minivis.runtime.files import check_output

        stem = self.stem(params)
        out = f"{stem}-{self.name}.png" if params["out"] is None else params["out"]
        check_output(out, params["force"])
        if not self.in_arrays(out):
            check_suffix(out, numbers=self.arrays)
        for part in self.parts:
            check_output(part_beside(out, part), params["force"])
        return out

    def stem(self, params: dict[str, Any]) -> str:
        """The first part of the picture's name: the name of what it shows."""
        if self.needs_image:
            named = {None: "goose", "-": "stdin"}
            return named.get(params["image"]) or Path(params["image"]).stem
        first = params[self.inputs[0]] if self.inputs else None
        nets = params["net"] if isinstance(params["net"], tuple) else (params["net"],)
        return "-".join(Path(net).stem for net in nets) if first is None else Path(first).resolve().stem

    @staticmethod
    def views(net: Any, image: Any, own: Sequence[click.Parameter]) -> list[click.Parameter]:
        """The options of VIEW, but those that the command has its own of, and --frame if there is no IMAGE."""
        without = {one.name for one in own} | (set() if image else {FRAME.name})
        return [option for option in VIEW if option.name not in without] if net else []

    @staticmethod
    def ending(path: PathLike) -> str:
        """The ending of the file that this picture makes, if -o names none."""
        return ".png"

    def words(self, params: dict[str, Any]) -> list[str]:
        """The command line for ``params``, without defaults and without options that do not change the bits."""
        image = params.get("image")
        words = [str(self.name)] if image is None else [str(self.name), positional(image)]
        for option in self.params:
            if not option.expose_value:
                continue
            value = params[option.name]
            off = value is False                        # 0 is a value
            if option.name in self.not_recorded or value is None or value == () or (off and not option.secondary_opts):
                continue
            chosen = option.name == "net" and self.photographs and image is not None     # its default varies
            if value == option.default and not chosen:
                continue
            if isinstance(option, click.Argument):
                words += map(positional, value if takes_several(option) else [value])
                continue
            for one in value if option.multiple or self.are_nets(option, value) else [value]:
                words += [max(option.secondary_opts if off else option.opts, key=len)]
                is_flag = isinstance(option, click.Option) and option.is_flag
                words += [] if is_flag else [",".join(map(str, one)) if isinstance(one, tuple) else str(one)]
        return [*words, "--plain"] if is_plain() else words         # another algorithm gives other bits

    @staticmethod
    def are_nets(option: click.Parameter, value: Any) -> bool:
        return isinstance(option, NetOption) and isinstance(value, tuple)

    def settings(self, params: dict[str, Any]) -> dict[str, Any]:
        named = {key: params[key] for key in ("image", *self.inputs, "size", "net", "device", "seed") if key in params}
        return named | {key: value for key, value in viewing(params).items() if value is not None}

    def parse(self, words: Sequence[str]) -> dict[str, Any]:
        """The parameters of ``run`` for these words; the first is the command's name."""
        with self.make_context(self.name, list(words[1:]), help_option_names=[]) as context:
            return context.params


def picture_command(name: str, *own: click.Parameter, kind: Any = PictureCommand, **settings: Any) -> Any:
    """Make a `PictureCommand` from a function and its own options; the docstring is the help."""
    return lambda function: kind(name, function, own, **settings)
