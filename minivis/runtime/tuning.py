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
    block_numbers: int = number(2**18, "numbers of a block of rows", "still in cache for the next call, and calls long "
                                "enough for two threads: a training step of emoji-vgg took 0.93 of the time. Set on "
                                "2026-11-30")
    row_numbers: int = number(2048, "numbers in a row", "NumPy's inner loop is the last axis: with 16 to 24 "
                              "channels alone batch norm took twice as long. Set on 2026-11-24")


PRODUCTS = ProductTuning()
