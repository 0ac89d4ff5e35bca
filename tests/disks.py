"""Disks that are full, for the tests: a small one of their own, and a limit on the size of files."""

import subprocess
import sys

import pytest
from processes import finish


@pytest.fixture
def small_disk(tmp_path):
    """A function of a number of bytes: the folder of a new disk of that size. Skips where none can be mounted."""
    mounted = []

    def make(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        made = sys.platform == "linux" and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True).returncode == 0
        if not made:
            pytest.skip("a small disk needs Linux and the right to mount one")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def with_file_limit(size, *words, **settings):
    """The command line ``words`` in a process whose files may have ``size`` bytes: (exit code, stdout, stderr)."""
    # bytecode that is cut short would stay, and -B does not hold where a .pth file sets the switch again
    code = ("import resource, sys; sys.dont_write_bytecode = True;"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
            "import minivis.cli; sys.exit(minivis.cli.main())")
    return finish("-c", code, *words, **settings)
