"""The measured numbers of products and sums, which this room needs itself; all others are in convolution/tuning.py."""

from dataclasses import dataclass, field
from typing import Any


def number(default: Any, unit: str, why: str) -> Any:
    """A field of a table of numbers, with its unit and with what was measured, and when."""
    return field(default=default, metadata={"unit": unit, "why": why})


@dataclass(frozen=True)
class ProductTuning:
    alone: int = number(2**21, "multiplications of a matrix product", "up to here a second thread is not worth waking. "
                        "Set on 2026-11-24")
    small_product: int = number(1_000_000, "multiplications (rows * channels * filters)", "up to here OpenBLAS' "
                                "AVX-512 kernels copy nothing (its SMALL_MATRIX_OPT): with 49 rows 104 GFLOP/s "
                                "instead of 74. Set on 2026-11-24, figures of 2026-11-25")
    packed_rows: int = number(4, "rows of a product", "that OpenBLAS' other kernels make at a time: 49 rows of 512 "
                              "channels took 351 us, 48 took 314, 52 took 335 (AVX2). Set on 2026-11-30")
    locked_columns: int = number(128, "columns of a stack of small products", "up to here one thread at a time makes "
                                 "them where OpenBLAS locks (AVX2): VGG16's conv1_2 took 12.5 ms instead of 13.0. Set "
                                 "on 2026-11-30")
    block_numbers: int = number(2**18, "numbers of a block of rows", "still in cache for the next call, and calls long "
                                "enough for two threads: a training step of emoji-vgg took 0.93 of the time. Set on "
                                "2026-11-30")
    row_numbers: int = number(2048, "numbers in a row", "NumPy's inner loop is the last axis: with 16 to 24 "
                              "channels alone batch norm took twice as long. Set on 2026-11-24")


PRODUCTS = ProductTuning()
