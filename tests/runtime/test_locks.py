"""A lock belongs to one process, until that ends in whatever way."""

import os
import signal
import sys

import pytest
from processes import process

from minivis.errors import BadValue
from minivis.runtime.locks import only_one

HOLDS = """
import sys, time
from minivis.runtime.locks import only_one
with only_one("a.h5"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time(tmp_path):
    with only_one(tmp_path / "a.h5"):
        with only_one(tmp_path / "b.h5"):
            pass
        for _ in range(2):                              # who was refused takes nothing away
            with pytest.raises(BadValue, match=r"a\.h5 is being written by another minivis: wait until"), \
                    only_one(tmp_path / "a.h5"):
                pass
    assert not list(tmp_path.iterdir())
    with only_one(tmp_path / "a.h5"):
        pass


def test_let_go_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), only_one(tmp_path / "a.h5"):
            raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_let_go_by_a_process_that_is_killed(tmp_path):
    with process("-c", HOLDS, cwd=tmp_path) as child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BadValue), only_one(tmp_path / "a.h5"):
            pass
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)
        assert [path.name for path in tmp_path.iterdir()] == ["a.h5.lock"]
        with only_one(tmp_path / "a.h5"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadValue, match=r"a\.h5\.lock cannot be written \(No such file"), only_one(tmp_path / "no/a.h5"):
        pass
