"""The first product of OpenBLAS: made once, in every worker, so that the small products after it run at full speed.

OpenBLAS copies a block of each factor into a buffer of 32 MiB, which it maps for every product under way and keeps. Of
a product with at most 320 columns (of its row-major result), only twelve rows of the other factor lie there at a
time: the next twelve take their place. Yet the kernels for AVX2 (sgemm_kernel_8x4_haswell_2.c), while they work on
twelve rows, prefetch the twelve that should follow them in memory: pages that nobody has written, as long as a process
makes small products alone. Counted: a 256 x 256 x 256 product touches 268 KiB of the buffer, 256 for one factor and 12
for the other; 512 x 256 x 512, whose rows are all kept, touches 768 KiB, and no small product touches more after it.

What a prefetch from a page without memory costs depends on the processor. The page has no entry in the TLB and gets
none, so each prefetch walks the page tables. On a virtual Zen 1 a 256 x 256 x 256 product ran at 10 GFLOP/s
before a large one and at 35 after it, and VGG16's forward pass took 520 ms and 312 ms. On a Zen 3 such a prefetch was
measured to cost no more than any other, and the rates before and after differ by less than they vary. That these walks
are the reason on Zen 1 is inferred, not measured: the processor's counters could not be read.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

KERNELS = {"Haswell", "Zen"}            # of OpenBLAS: Zen 1 to 4 have one of these two, and one code for both
MOST = 64                               # threads: to wait for more of them would take longer than it saves


def helps(libraries: Iterable[Any]) -> bool:
    """Whether a BLAS among ``libraries`` (from threadpoolctl) has the kernels that prefetch too far."""
    return any(getattr(lib, "internal_api", "") == "openblas" and getattr(lib, "architecture", "") in KERNELS
               for lib in libraries)  # fmt: skip


def first_product() -> Callable[[], Any]:
    """A function that computes a large enough product. All threads write the same numbers to the same place."""
    a, b = np.ones((512, 256), np.float32), np.ones((256, 512), np.float32)
    return partial(np.matmul, a, b, out=np.empty((512, 512), np.float32))


def warm(together: threading.Barrier, product: Callable[[], Any]) -> None:
    """Make ``product`` in this thread while as many others do as the barrier ``together`` waits for.

    At the same time, because products share a buffer unless they overlap. It takes about 4 ms.
    """
    with suppress(threading.BrokenBarrierError):        # a thread came too late: better in turns than not at all
        together.wait()
    for _ in range(2):                                  # the second, so that they overlap even if one began later
        product()
