"""The hint to OpenBLAS: only where it is right, only in time, and never over the user's own."""

import os
import subprocess
import sys

import numpy as np  # noqa: F401 - one test asks what happens where it is loaded
import pytest

from minivis.runtime import openblas

FLAGS = "fpu avx2 " + " ".join(sorted(openblas.WANTED))        # of a set: each process has an order of its own
AMD = f"processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\nflags\t\t: {FLAGS}"


@pytest.mark.parametrize(
    "cpuinfo, right",
    [
        (AMD, True),
        (AMD.replace("fpu avx2 ", ""), True),
        (AMD.replace("AuthenticAMD", "GenuineIntel"), False),           # OpenBLAS knows these
        (AMD.replace("avx512vl", ""), False),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", False),
        ("", False),
    ],
    ids=["AMD with AVX-512", "no feature more than those", "Intel", "one feature missing", "ARM", "empty"],
)
def test_which_processors(cpuinfo, right):
    assert openblas.is_amd_with_avx512(cpuinfo) is right


@pytest.mark.parametrize(
    "before, after",
    [
        ("", "SkylakeX"),
        ("os.environ['OPENBLAS_CORETYPE'] = 'Haswell'", "Haswell"),
        ("import numpy", None),
    ],
)
def test_in_time_and_not_over_the_users_own(before, after):
    code = f"""
import os
from minivis.runtime import openblas
openblas.is_amd_with_avx512 = lambda text: True
{before}
openblas.take_avx512()
print(os.environ.get("OPENBLAS_CORETYPE"))
"""
    env = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == str(after)


@pytest.mark.parametrize("platform, loaded, before, after", [
    ("darwin", False, None, "1"), ("darwin", False, "4", "4"), ("darwin", True, None, None),
    ("linux", False, None, None),
])  # fmt: skip
def test_on_a_mac_the_command_line_holds_accelerate_to_one_thread(monkeypatch, platform, loaded, before, after):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", before or "")
    if before is None:
        monkeypatch.delenv("VECLIB_MAXIMUM_THREADS")
    if not loaded:
        monkeypatch.delitem(sys.modules, "numpy", raising=False)
    openblas.hold_accelerate()
    assert os.environ.get("VECLIB_MAXIMUM_THREADS") == after
