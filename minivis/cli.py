"""The command line: ``minivis COMMAND ...``. The commands are in minivis/commands.

A user's mistake ends in one line on stderr, ``minivis: error: ...``, and exit code 2. A failed check has exit code 1,
Ctrl-C 130, and SIGTERM 143. Any other exception is a bug in minivis and ends in a traceback.
"""

import errno
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from minivis.commands import registry
from minivis.commands.gallery import command as gallery
from minivis.commands.groups import Commands
from minivis.errors import MinivisError
from minivis.runtime import openblas
from minivis.version import __version__

LONGEST = 2000                                  # characters of a sentence

cli = Commands("minivis", context_settings={"help_option_names": ["-h", "--help"]}, help="""
See inside convolutional networks (CS231n, lecture 9), with an engine written by hand in NumPy.

IMAGE is a picture in a file; without one, a goose that comes with minivis. Try: minivis gallery photo.jpg
""")
cli = click.version_option(__version__, message="minivis %(version)s")(cli)
for heading, commands in {"One page": (gallery.gallery, gallery.rerun), **registry.HEADINGS}.items():
    cli.add_section(heading, commands)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    openblas.take_avx512()
    openblas.hold_accelerate()
    if argv is None:                            # a process of our own
        prepare_process()
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        os.getcwd()
    except FileNotFoundError:
        return fail("the current folder was removed; change to one that exists")
    terminated: list[int] = []
    try:
        with sigterm_as_ctrl_c(terminated):
            code = cli.main(args=argv, prog_name="minivis", standalone_mode=False)
        return 128 + signal.SIGTERM if terminated else code if isinstance(code, int) else 0
    except click.Abort:                         # click's word for Ctrl-C
        return fail("stopped", 128 + (signal.SIGTERM if terminated else signal.SIGINT), kind="")
    except click.ClickException as error:
        return fail(error.format_message())
    except MinivisError as error:
        return fail(str(error))
    except MemoryError:                         # CuPy's OutOfMemoryError is one, too
        return fail("not enough memory, on the computer or the GPU: make the picture smaller (--size N), or compute "
                    "fewer at a time (--batch N), if the command has these options")
    except RuntimeError as error:
        if "can't start new thread" not in str(error):
            raise
        return fail("the system starts no further thread for this process: compute on fewer (--threads N), or raise "
                    "the limit (ulimit -u, ulimit -v, or that of the container)")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and not is_named(error.filename, argv):
            raise
        if error.filename is None:              # in the middle of what is printed
            return fail(f"the output cannot be written ({error.strerror})")
        return fail(f"{error.filename}: {error.strerror}")


def prepare_process() -> None:
    """Settings that only a process of our own may change: any text can be printed, and only minivis reports overflow.

    A name that is not valid text, in a file or on the command line, is printed with escapes. A net whose weights
    overflow gets a sentence of ours; NumPy's warnings on the way there would tell a user nothing.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", "(overflow|invalid value|divide by zero) encountered", RuntimeWarning)


@contextmanager
def sigterm_as_ctrl_c(terminated: list[int]) -> Iterator[None]:
    """A context in which SIGTERM ends a command as Ctrl-C does and keeps the same files; ``terminated`` records it."""

    def stop(number: int, frame: object) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield                                   # only the main thread may set handlers, or another program has set one
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def fail(sentence: str, code: int = 2, kind: str = "error: ") -> int:
    """Print the sentence as one line on stderr, without control characters, which a name in a file may hold.

    Nor can such a name be so long that what the sentence says is not found.
    """
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(sentence.split()))
    if len(shown) > LONGEST:
        shown = f"{shown[:LONGEST // 2]} ... {shown[-LONGEST // 2:]}"
    click.echo(f"minivis: {kind}{shown}", err=True)
    return code


def is_named(path: str, argv: Sequence[str]) -> bool:
    """Whether ``path`` is on the command line, or in a folder that is: then the user can do something about it."""
    if not isinstance(path, (str, bytes)):
        return False
    path = os.path.abspath(os.fsdecode(path))
    named = [os.path.abspath(word.partition("=")[2] or word) for word in argv]
    return path in named or os.path.dirname(path) in map(os.path.dirname, named)
