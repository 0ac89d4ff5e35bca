"""The types of options: what they make of words, and the one sentence for a word that they refuse."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from every_command import options
from limits import last_taken

from minivis.commands.types import (
    BYTES,
    COUNTS,
    MASK_FILE,
    PICTURE_FILE,
    PIXELS,
    START,
    WEIGHTS,
    Channels,
    LazyChoice,
    ListedOption,
    imaging_rules,
    kinds_of_saliency,
    real,
    relu_rules,
    whole,
)  # fmt: skip
from minivis.layers.relu import IMAGING_RULES, RELU_RULES
from minivis.methods.attribution.saliency import KINDS

LONG, SHOWN = "1" * 5000, Channels(["mask"])


@pytest.mark.parametrize("kind, word, value", [
    (BYTES, "4GB", 4 * 10**9), (BYTES, "4gib", 2**32), (BYTES, "0.5 MB", 500_000), (BYTES, "1000", 1000),
    (BYTES, "1", 1), (BYTES, "3MiB", 3 * 2**20), (BYTES, "999999999GB", 999_999_999 * 10**9),
    (PIXELS, "12", (12, 12)), (PIXELS, "12,8", (12, 8)), (PIXELS, "12x8", (12, 8)), (PIXELS, (3, 4), (3, 4)),
    (PIXELS, "1", (1, 1)), (PIXELS, "1000000,1", (10**6, 1)),
    (START, "noise", "noise"), (START, "200,30,0", (200, 30, 0)), (START, "0,0,255", (0, 0, 255)),
    (COUNTS, "0", (0,)), (COUNTS, "256, 512", (256, 512)), (WEIGHTS, "0.5,2", (0.5, 2.0)),
    (whole(), "1000000", 10**6), (whole(0), "0", 0), (whole(1, 7), "7", 7), (real(), "1e9", 1e9),
    (whole(), "1", 1), (whole(), "0" * 39 + "1", 1), (real(), "0", 0), (real(-1, 1), "-1", -1), (real(0, 1), "1", 1),
    (real(0, 1), ".5", 0.5), (SHOWN, "3, 2,1", (3, 2, 1)), (SHOWN, "4", (4,)), (SHOWN, "mask", "mask"),
    (SHOWN, "12345678", (12345678,)),
])
def test_what_is_taken(kind, word, value):
    assert kind.convert(word, None, None) == value


@pytest.mark.parametrize("kind, word, message", [
    (BYTES, "4XB", "'4XB' is not an amount of memory; write it as 4GB or 500MB"), (BYTES, "-1", "amount of memory"),
    (BYTES, "nan", "amount of memory"), (BYTES, "inf", "amount of memory"), (BYTES, "1e30GB", "amount of memory"),
    (BYTES, LONG, "'1{40}'\\.\\.\\. is not"), (BYTES, "0", "amount of memory"),
    (BYTES, "1000000000GB", "amount of memory"),
    (PIXELS, "0", "'0' is not a size; write pixels as 12, or rows and columns as 12,8"), (PIXELS, "1,2,3", "size"),
    (PIXELS, "1" * 30, "from 1 to 1000000"), (PIXELS, LONG, "not a size"), (PIXELS, "1e3", "not a size"),
    (PIXELS, "3,0", "'3,0' is not a size"), (PIXELS, "1000001", "not a size"),
    (START, "red", "'red' is not a start; write noise"), (START, "1,2,256", "not a start"),
    (START, LONG, "not a start"), (START, "-1,0,0", "not a start"), (START, "1,2", "not a start"),
    (START, "9" * 40, "'9{40}' is not"), (START, "9" * 41, r"'9{40}'\.\.\. is not"),
    (COUNTS, "1,x", "'x' is not a valid integer"), (COUNTS, "-1", "not in the range"), (COUNTS, "", "not a valid"),
    (WEIGHTS, "1,nan", "nan"), (WEIGHTS, "inf", "inf"), (WEIGHTS, "-1", "not in the range"),
    (whole(), "0", "0 is not in the range"), (whole(), "1000001", "not in the range"), (whole(), "1.5", "integer"),
    (whole(), "1" * 41, "number 111111111111... has 41 characters, which is too"), (whole(1, 7), "8", "the range"),
    (whole(), LONG, "number 111111111111... has 5000 characters, which is too"), (whole(), "nan", "valid integer"),
    (real(), "nan", "nan is not a finite number"), (real(-1, 1), "inf", "not in the range"), (real(), LONG, "too long"),
    (real(0, 1, max_open=True), "1", "not in the range"), (real(), "-1e-9", "not in the range"),
    (real(), "1000000001", "not in the range"), (real(0, 1, min_open=True), "0", "not in the range"),
    (SHOWN, "2,1", "'2,1' is not one of 'mask', and is not a choice of channels"), (SHOWN, "1,2,3,4", "channels"),
    (SHOWN, "123456789", "channels"), (SHOWN, "1,-2,3", "channels"),
    (Channels(), "mask", "'mask' is not a choice of channels; give three"), (SHOWN, LONG, "choice of channels"),
])  # fmt: skip
def test_what_is_refused(kind, word, message):
    with pytest.raises(click.BadParameter, match=message) as caught:
        kind.convert(word, None, None)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("word, file", [("segment.png", True), ("segment", False), ("segment:goose", False),
                                        ("1,2,3,4", False), ("mask:1.png", True)])
def test_which_masks_are_files(word, file):
    assert MASK_FILE.names_file(word) is file and PICTURE_FILE.names_file(word)


def test_choices_are_those_of_the_library():
    assert relu_rules() is RELU_RULES and imaging_rules() is IMAGING_RULES and kinds_of_saliency() is KINDS


@pytest.fixture
def shelf():
    """A list of words that grows, a count of how often it was read, and a command that chooses among them."""
    words, read = ["one", "two"], []

    def listed():
        read.append(1)
        return words

    option = ListedOption(["--word"], type=LazyChoice(listed), default="one", help="A word.",
                          listed=lambda: f"Words: {', '.join(words)}.")
    return words, read, click.Command("choose", params=[option], callback=lambda word: click.echo(f"got {word}"))


def test_a_new_word_is_known_without_an_edit(shelf):
    words, read, command = shelf
    assert not read, "nothing is read before a value or the help is asked for"
    words.append("three")
    run = CliRunner().invoke(command, ["--word", "three"])
    assert run.exit_code == 0 and run.output == "got three\n"
    wrong = CliRunner().invoke(command, ["--word", "four"])
    assert wrong.exit_code == 2 and "'four' is not one of 'one', 'two', 'three'" in wrong.output
    assert CliRunner().invoke(command, ["--word", "TWO"]).exit_code == 2, "names of layers and classes have a case"
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "[one|two|three]" in text and "A word. Words: one, two, three." in text


def test_the_commands_import_no_layers_for_it():
    said = "import sys, minivis.cli, minivis.commands.pictures; print('minivis.layers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "False\n"



def test_every_number_of_the_command_line_has_two_bounds():
    """A plain type or range of click's takes numbers of any length, inf and nan."""
    unbounded = (click.IntRange, click.FloatRange, click.types.IntParamType, click.types.FloatParamType)
    found = [(*words, option.opts[-1]) for words, option in options() if isinstance(option.type, unbounded)]
    assert not found


def test_a_limit_is_the_last_number_that_is_taken(monkeypatch):
    last_taken(monkeypatch, "commands.types.LONGEST", 5, lambda: whole().convert("12345", None, None), click.UsageError)
