"""Matrix products beside convolutions, shared out like these.

BLAS would share them out too. But its threads spin for a while after that, in the way of ours: after a fully connected
layer VGG's convolutions took 1.6 times as long.
"""

import math

import numpy as np

from minivis.convolution.bands import even_cuts
from minivis.runtime.affinity import cores
from minivis.runtime.backend import get_xp
from minivis.runtime.threads import ONE_BLAS_THREAD, share_out

ALONE = 2**21                           # multiplications up to which a second thread is not worth waking


def product(a, b):
    """a (..., n, k) @ b (..., k, m), some of the m columns by each thread: the same bits for any number of threads."""
    if get_xp(a) is not np:
        return a @ b
    m = b.shape[-1]
    stacks = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*stacks, a.shape[-2], m)
    if math.prod(shape) * a.shape[-1] <= ALONE:
        # for 5 float32 numbers times a matrix OpenBLAS reads on, whatever lies there: of that only the flag remains
        with ONE_BLAS_THREAD, np.errstate(invalid="ignore"):
            return a @ b
    out = np.empty(shape, np.result_type(a, b))

    def columns(some):
        np.matmul(a, b[..., some], out=out[..., some])

    share_out(columns, even_cuts(m, -(-m // cores()), 1))
    return out
