"""Every command stands under one heading of the help, with its whole first sentence; and what commands say.

    MINIVIS_WORDS=new pytest -n 0 tests/commands/test_registry.py               # rewrites golden/words.json
"""

import json
import os
from pathlib import Path

import pytest
from drawn import plain

from minivis.cli import cli, main
from minivis.commands.groups import first_sentence
from minivis.commands.picture_command import PictureCommand
from minivis.commands.registry import COMMANDS, HEADINGS
from minivis.exercises import progress


def test_each_command_stands_under_one_heading(capsys):
    listed = [name for names in cli.sections.values() for name in names]
    assert sorted(listed) == sorted(cli.commands) and len(set(listed)) == len(listed)
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    for heading, names in cli.sections.items():
        assert f"{heading}:" in lines
        for name in names:
            assert lines.index(f"{heading}:") < next(i for i, line in enumerate(lines) if line.startswith(f"  {name} "))


def test_no_sentence_is_cut(capsys):
    for words, group in (((), cli), (("weights",), cli.commands["weights"]), (("train",), cli.commands["train"])):
        assert main([*words, "--help"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "..." not in out.split("ARGS]...", 1)[1]
        for command in group.commands.values():
            assert first_sentence(command) in out and first_sentence(command).endswith(".")


def test_commands_are_those_that_make_a_picture():
    every = [command for commands in HEADINGS.values() for command in commands]
    assert all(isinstance(command, PictureCommand) for command in COMMANDS.values())
    assert {c.name for c in every if isinstance(c, PictureCommand)} == set(COMMANDS) <= set(cli.commands)


def test_help_says_which_net_a_command_uses():
    for command in (*COMMANDS.values(), cli.commands["codes"], cli.commands["live"]):
        for option in command.params:
            if option.name == "net" and command.name != "bench":
                by_image = getattr(command, "photographs", False)
                assert ("for an IMAGE" in option.show_default) == by_image, command.name
    assert [option.show_default for option in COMMANDS["sound"].params if option.name == "net"] == ["vowels-net"]


SAID = Path(__file__).parents[1] / "golden" / "words.json"
LINES = """
    explain photo.png --net tiny.h5
    explain photo.png --net branches.h5 --unit fc:1 --largest 1
    inspect tiny.h5
    inspect branches.h5
    weights inspect tiny.h5
    exercise list
    exercise hint fc
    exercise start fc
    codes . --net tiny.h5
"""


@pytest.mark.parametrize("words", [line.strip() for line in LINES.strip().split("\n")])
def test_a_command_says_what_it_said_before(words, run, tmp_path_factory, monkeypatch):
    """All but numbers and columns, which hang on rounding; those of a table of layers are whole, and stay."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path_factory.mktemp("data") / "progress.json"))
    code, out, err = run(*words.split())
    assert code == 0 and err == ""
    found = [line if words.startswith("inspect") else " ".join(plain(line).split()) for line in out.split("\n")]
    found = [line for line in found if not line.startswith("sha256: ")]
    golden = json.loads(SAID.read_text("utf-8")) if SAID.exists() else {}
    if os.environ.get("MINIVIS_WORDS") == "new":
        golden[words] = found
        SAID.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert found == golden[words]
