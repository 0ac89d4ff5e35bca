"""dream and style of a film: each frame in turn, into a film or into numbered frames.

    minivis dream film.mp4                              film-dream.mp4, with its sound
    minivis style film.gif painting.jpg -o frames/      frames/00001.png, frames/00002.png, ...
    minivis dream film.mp4 --resume                     from where Ctrl-C, SIGTERM or a kill ended the run

The frames that are finished are in FILE.checkpoint until the last one is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import ANY_SIZE, Given, blas_threads, read_further, read_net, say
from minivis.commands.default_net import read_for, tell_of_further
from minivis.commands.option_groups import FILM, under
from minivis.commands.types import real, whole
from minivis.commands.watching import watch_of
from minivis.errors import BadValue

if TYPE_CHECKING:
    from minivis.commands.picture_command import PictureCommand
    from minivis.methods.shared.result import Result
    from minivis.methods.synthesis.frame_log import FrameLog
    from minivis.types import Array, PathLike, Picture

PATTERN, DIGITS = "{frame}", 5
OPTIONS = under(
    FILM,
    click.Option(["--flow/--no-flow"], default=None, show_default="where OpenCV is installed",
                 help="Move the last result along with the picture, by optical flow, before the next frame begins "
                      "with it."),
    click.Option(["--keep"], type=real(0, 1), metavar="FRACTION", show_default="0.7 for dream, 1 for style",
                 help="How much of the last result a frame begins with; 0 makes each frame alone."),
    click.Option(["--next-steps"], type=whole(0), metavar="N", show_default="as many as keep a dream as strong; a "
                 "quarter of --steps for style", help="Steps of each frame but the first."),
)  # fmt: skip
ENDINGS = {".gif": ".gif", ".webp": ".webp", ".png": ".apng", ".apng": ".apng", ".avif": ".webp", ".webm": ".webm"}


def film_named(params: dict[str, Any]) -> Any:
    """The film that IMAGE names; None for a picture, or if --frame chooses one frame."""
    from minivis.images.film_reader import film_in

    image = params["image"]
    return film_in(image) if isinstance(image, str) and params.get("frame") is None else None


def ending_of(path: PathLike) -> str:
    """The ending of the film that is made of the film at ``path``."""
    return ENDINGS.get(Path(path).suffix.lower(), ".mp4")


@dataclass(frozen=True)
class Output:
    """Where a film goes: ``path``, or a name with {frame} in it, for numbered frames."""

    path: str
    numbered: bool
    checkpoint: str

    @classmethod
    def of(cls, command: PictureCommand, params: dict[str, Any], film: Any) -> Output:
        out, stem = params["out"], Path(film.path).stem
        if out is None:
            out = f"{stem}-{command.name}{ending_of(film.path)}"
        out = out.replace("{name}", stem)
        if os.path.isdir(out) or out.endswith(("/", os.sep)):
            out = os.path.join(out, f"{PATTERN}.png")
        found = cls(out, PATTERN in out, params["checkpoint"] or f"{out.replace(PATTERN, 'frames')}.checkpoint")
        found.check(film, params)
        return found

    def check(self, film: Any, params: dict[str, Any]) -> None:
        """Raise an error where it cannot be written; before a long run this saves the run."""
        from minivis.figures.film import SUFFIXES, check_film
        from minivis.images.files import check_suffix
        from minivis.runtime.checkpoints import check_unfinished
        from minivis.runtime.files import check_output

        if self.numbered:
            check_suffix(self.path)
            make_folder(os.path.dirname(self.path))
        elif Path(self.path).suffix.lower() not in SUFFIXES:
            raise BadValue(f"{film.path} is a film of {film.count} frames, and {self.path} is none: name a film "
                           f"({', '.join(SUFFIXES)}) or numbered frames, such as 'frames/{PATTERN}.png', or choose one "
                           "frame with --frame")
        else:
            check_film(self.path)
        if not params["resume"]:
            check_unfinished(self.checkpoint, params["force"])
        again = params["force"] or (self.numbered and params["resume"])
        for number in range(1, 1 + (film.count if self.numbered else 1)):
            check_output(self.frame(number), again)

    def frame(self, number: int) -> str:
        """The path of frame ``number``, counted from 1; of a film its own."""
        return self.path.replace(PATTERN, f"{number:0{DIGITS}d}")


def make_folder(folder: PathLike) -> None:
    if folder and not os.path.isdir(folder) and os.path.isdir(os.path.dirname(os.path.abspath(folder))):
        os.mkdir(folder)


def run_film(
    command: PictureCommand, params: dict[str, Any], film: Any, nets: Callable[..., Any] = read_net,
    several: bool = False,
) -> int:  # fmt: skip
    """Run dream or style for a film, and return the exit code."""
    from minivis.images.frame_log import FrameLog
    from minivis.runtime.locks import only_one

    refuse(command, params, film)
    out = Output.of(command, params, film)
    chosen = {**params, "frame": 1}             # the first frame chooses the net
    given = read_for(chosen, photographs=command.photographs, quiet=params["quiet"], nets=nets)
    params["net"] = chosen["net"]
    given.further = read_further(params, command.params, net=given.net)
    tell_of_further(given, params["quiet"])
    how = Frames(command, params, film, given, out)
    kept = {**params, "checkpoint": out.checkpoint, "film": None}
    identity = watch_of(str(command.name), given, {**kept, **how.settings}, but=command.not_recorded).identity
    with (only_one(out.checkpoint), told(out.checkpoint), blas_threads(params["threads"]),
          FrameLog(out.checkpoint, identity, params["resume"]) as log):
        how.make(log)
        size, count, files = next(log.frames()).shape, log.count, how.write(log)
        log.remove()
    say(str(command.name), how.words(count, size, several), settings={**command.settings(params), **how.settings},
        numbers={"frames": count, "size": [size[1], size[0]], "fps": film.fps, "sound": how.sound is not None},
        files=files, as_json=params["as_json"], quiet=params["quiet"], lines=several)
    return 0


@contextmanager
def told(checkpoint: str) -> Iterator[None]:
    """A context in which Ctrl-C prints how to continue."""
    try:
        yield
    except KeyboardInterrupt:
        if os.path.exists(checkpoint):
            click.echo(f"\n{checkpoint} holds the frames so far; --resume continues from there", err=True)
        raise


def refuse(command: click.Command, params: dict[str, Any], film: Any) -> None:
    """Raise BadValue for an option that means nothing for a film."""
    wrong = [f"--{name}" for name in ("sheet", "frames", "film", "preview", "grams") if params.get(name)]
    wrong += ["--method all"] if params.get("method") == "all" else []
    if wrong:
        raise BadValue(f"{film.path} is a film, whose frames {command.name} takes one after the other: leave out "
                       f"{', '.join(wrong)}, or choose one frame with --frame")


class Frames:
    """The frames of a film, made and written. ``settings``: how one follows the other."""

    def __init__(self, command: PictureCommand, params: dict[str, Any], film: Any, given: Given, out: Output) -> None:
        from minivis.methods.synthesis.films import Following

        self.command, self.params, self.film, self.given, self.out = command, params, film, given, out
        self.how = Following(str(command.name), params["flow"], params["keep"])
        several = params["side"] if isinstance(params["side"], tuple) else (params["side"],)
        self.side = several[-1] or min(params["size"] or ANY_SIZE, max(film.size))
        self.first = command.own_settings(given, params)
        self.in_tuples = isinstance(self.first["steps"], tuple)         # one number for each size
        self.first["side"] = params["side"] or self.one(self.side)
        steps = self.first["steps"][-1] if self.in_tuples else self.first["steps"]
        further = self.how.steps(steps, params["next_steps"])
        self.further = {**self.first, "side": self.one(self.side), "steps": self.one(further)}
        self.settings = {"flow": self.how.flow, "keep": self.how.keep, "next_steps": further}
        self.alpha = None                       # of the frame that is being made

    def one(self, value: Any) -> Any:
        return (value,) if self.in_tuples else value

    @property
    def sound(self) -> str | None:
        """The file whose sound the film gets."""
        from minivis.figures.film import BY_FFMPEG

        written = self.film.sound and not self.out.numbered and self.out.path.lower().endswith(BY_FFMPEG)
        return self.film.path if written else None

    def frames(self) -> Iterator[Picture]:
        """Yield each frame at the size of the result."""
        from minivis.images.resampling import resized

        for pixels, alpha in self.film.frames():
            self.alpha = None if alpha is None or not self.keeps_alpha() else resized(alpha, self.side)
            yield resized(pixels, self.side)

    def keeps_alpha(self) -> bool:
        from minivis.figures.film import TRANSPARENT

        chosen = self.params["keep_alpha"]
        can = self.out.path.lower().endswith((*TRANSPARENT, ".png"))
        if chosen and not can:
            raise BadValue(f"{self.out.path} cannot be transparent: write a .webp, an .apng or numbered .png, or leave "
                           "out --keep-alpha")
        return can if chosen is None else chosen

    def result_of(self, frame: Picture, begin: Array | None) -> Result:
        from minivis.optimize.watch import Watch

        settings = self.first if begin is None else self.further
        return self.command.method(replace(self.given, image=frame, begin=begin), seed=self.params["seed"],
                                   progress=False, watch=Watch(), **settings)

    def make(self, log: FrameLog) -> None:
        """Make the frames that ``log`` lacks, and keep each there as soon as it is finished."""
        from minivis.methods.synthesis.films import follow
        from minivis.runtime.progress import bar

        known, channels = log.count, self.given.net.input_channels
        done = (frame[..., :channels] for frame in log.frames())
        with bar(self.film.count, not self.params["quiet"], str(self.command.name)) as shown:
            for number, made in enumerate(follow(self.given.net, self.result_of, self.frames(), self.how, done), 1):
                if number > known:
                    log.append(self.with_alpha(made))
                if self.out.numbered:
                    self.write_frame(number, self.with_alpha(made), again=number <= known)
                if number == 1:                         # from here on nothing is refused
                    self.tell_of_flow()
                shown.update()

    def tell_of_flow(self) -> None:
        if self.params["flow"] is None and not self.how.flow and not self.params["quiet"]:
            click.echo("minivis: OpenCV is not installed, so each frame begins with the last result as it is; pip "
                       "install 'minivis[segment]' lets it move along", err=True)

    def with_alpha(self, made: Any) -> Picture:
        import numpy as np

        rgb = np.broadcast_to(made, (*made.shape[:2], 3))
        return rgb if self.alpha is None else np.dstack([rgb, self.alpha])

    def write_frame(self, number: int, picture: Any, again: bool) -> None:
        from minivis.images.files import write_image

        path = self.out.frame(number)
        if not (again and os.path.exists(path)):
            write_image(path, picture, force=self.params["force"] or self.params["resume"])

    def write(self, log: FrameLog) -> list[str]:
        """Write the film from the frames of ``log``; return the files that were written."""
        from minivis.figures.film import write_film

        if self.out.numbered:
            return [self.out.frame(number + 1) for number in range(log.count)]
        times = [*self.film.durations, *[self.film.durations[-1]] * log.count][:log.count]
        write_film(self.out.path, log.frames(), scale=1, durations=times, loop=self.film.loop, sound=self.sound,
                   force=self.params["force"])
        return [self.out.path]

    def words(self, count: int, size: tuple[int, int], several: bool) -> str | None:
        moved = ", moved by optical flow" if self.how.flow else ""
        said = (f"{count} frames of {size[1]} x {size[0]} pixels, {self.film.fps:g} a second"
                f"{', with sound' if self.sound else ''}; each begins with {self.how.keep:g} of the last{moved}")
        words = f"{self.params['image']}\n{said}" if several else said
        return None if self.params["quiet"] else words
