"""What the CUDA sources share with Python: names, and Winograd's matrices."""

import re

import numpy as np
import pytest

from minivis.convolution import cuda_sources as sources
from minivis.convolution.winograd import F4


@pytest.mark.parametrize("name", ["im2col", "col2im", "input_transform", "output_transform", "finish", "max_pool",
                                  "max_pool_back"])
def test_a_source_has_the_kernel_of_its_name(name):
    source = getattr(sources, name.upper())
    assert re.findall(r'extern "C" __global__ void (\w+)\(', source) == [name]
    assert (source.count("{") == source.count("}") and "if (i >= count) return;" in source) or name == "finish"


@pytest.mark.parametrize("name, source", [("BT", sources.INPUT_TRANSFORM), ("AT", sources.OUTPUT_TRANSFORM)])
def test_the_matrices_are_those_of_f4(name, source):
    matrix = getattr(F4, name)
    (rows, text), = re.findall(rf"REAL {name}\[(\d)\]\[6\] = (.*);", source)
    assert int(rows) == len(matrix) == {"BT": 6, "AT": 4}[name]
    assert np.array_equal(np.array(re.findall(r"-?\d+", text), int).reshape(-1, 6), matrix)
