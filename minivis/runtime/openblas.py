"""Which kernels OpenBLAS uses: it chooses by a table of processors when NumPy is loaded, and may not know a new one.

OpenBLAS 0.3.31 treats an AMD EPYC of family 26 (Zen 5) as a processor without AVX-512, which halves the speed of every
matrix product. Its environment variable OPENBLAS_CORETYPE overrides the choice in a process that has not loaded NumPy
yet. The command line sets it for its own process; your own program can call `take_avx512`, or set the variable, first.

The command line also holds Apple's Accelerate to one thread, so that minivis' own can share out the work (threads.py):
it has no function for that, only the variable VECLIB_MAXIMUM_THREADS.
"""

import os
import sys

WANTED = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}        # what the SkylakeX kernels need


def take_avx512() -> None:
    """Have OpenBLAS use AVX-512 on an AMD processor that has it, unless NumPy is loaded or the variable is set."""
    if "numpy" in sys.modules or "OPENBLAS_CORETYPE" in os.environ:
        return
    try:
        with open("/proc/cpuinfo") as file:
            first = file.read(8192).split("\n\n")[0]
    except OSError:                             # not Linux: OpenBLAS decides
        return
    if is_amd_with_avx512(first):
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"


def hold_accelerate() -> None:
    """Hold Apple's BLAS to one thread, unless NumPy is loaded or the variable is set."""
    if sys.platform == "darwin" and "numpy" not in sys.modules:
        os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")


def is_amd_with_avx512(cpuinfo: str) -> bool:
    """Whether one processor's lines of /proc/cpuinfo describe an AMD processor with AVX-512."""
    pairs = (line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in pairs}
    return fields.get("vendor_id") == "AuthenticAMD" and set(fields.get("flags", "").split()) >= WANTED
