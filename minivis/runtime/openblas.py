"""Which kernels OpenBLAS takes: it decides when NumPy is loaded, by a table of processors, and may not know a new one.

OpenBLAS 0.3.31 takes an AMD EPYC of family 26 (Zen 5) for one without AVX-512, which halves the rate of every matrix
product. Its environment variable OPENBLAS_CORETYPE overrules that, in a process that has not loaded NumPy yet. The
command line does so for its own process; a program of yours may call `take_avx512`, or set the variable, first thing.
"""

import os
import sys

WANTED = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}        # all that the SkylakeX kernels are made of


def take_avx512():
    """On an AMD processor with AVX-512, have OpenBLAS use it: if NumPy is not loaded, and nobody has chosen already."""
    if "numpy" in sys.modules or "OPENBLAS_CORETYPE" in os.environ:
        return
    try:
        with open("/proc/cpuinfo") as file:
            first = file.read(8192).split("\n\n")[0]
    except OSError:                             # no Linux: OpenBLAS decides
        return
    if is_amd_with_avx512(first):
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"


def is_amd_with_avx512(cpuinfo):
    """Of one processor's lines of /proc/cpuinfo."""
    pairs = (line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in pairs}
    return fields.get("vendor_id") == "AuthenticAMD" and set(fields.get("flags", "").split()) >= WANTED
