"""--plain: what one reads is what runs, on every command, and for as long as the command runs."""

import os

import click
import numpy as np
import pytest
from commandline import fill, runner
from tuned import tune

from minivis.cli import cli
from minivis.images.files import read_image
from minivis.layers import conv
from minivis.runtime.plain import is_plain

TINY = ("--net", "tiny.h5")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIVIS_PLAIN", raising=False)
    return runner(capsys)


def every_command(group=cli):
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from every_command(command)
        else:
            yield command


def test_every_command_has_it():
    found = list(every_command())
    assert len(found) > 20
    for command in found:
        assert sum("--plain" in option.opts for option in command.params) == 1, command.name


def test_a_sign_broken_in_conv_py_shows(run, monkeypatch):
    """In plain mode it is that code which runs, and else the fast one."""
    tune(monkeypatch, tiny=0)

    def picture(name, *words):
        assert run("backprop", "photo.png", *TINY, *words, "-o", name)[0] == 0
        return read_image(name)

    fast, plain = picture("fast.png"), picture("plain.png", "--plain")

    def broken(dcols, dxpad, kernel, stride, dilation):
        right(-dcols, dxpad, kernel, stride, dilation)

    right = conv.col2im
    monkeypatch.setattr(conv, "col2im", broken)
    assert np.array_equal(picture("still fast.png"), fast)
    assert not np.array_equal(picture("broken.png", "--plain"), plain)


def test_a_plain_picture_is_made_again_in_plain_mode(run, tmp_path):
    assert run("backprop", "photo.png", *TINY, "--plain", "-o", "out.png")[0] == 0
    assert not is_plain() and "MINIVIS_PLAIN" not in os.environ
    code, out, err = run("rerun", "out.png")
    assert code == 0 and "bit for bit" in out, (out, err)
    assert (tmp_path / "out-rerun.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    assert not is_plain()
    assert b"--plain" in (tmp_path / "out.png").read_bytes()


def test_the_variable_does_what_the_option_does(run, tmp_path, monkeypatch):
    assert run("backprop", "photo.png", *TINY, "--plain", "-o", "option.png")[0] == 0
    monkeypatch.setenv("MINIVIS_PLAIN", "1")
    assert run("backprop", "photo.png", *TINY, "-o", "variable.png")[0] == 0
    assert (tmp_path / "option.png").read_bytes() == (tmp_path / "variable.png").read_bytes()


def test_it_ends_where_a_command_fails(run):
    assert run("backprop", "no such.png", *TINY, "--plain")[0] == 2
    assert not is_plain()
