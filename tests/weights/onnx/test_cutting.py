"""Slice, Split, Expand and a Pad of channels, held to onnx's evaluator."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N, check


def start(m):
    """Feature maps (1, 6, 11, 9)."""
    return m.op("Relu", m.op("Conv", N, m.w(6, 3, 3, 3), m.w(6)))


def slices(m, x, starts, ends, axes, steps=None):
    steps = [] if steps is None else [np.array(steps)]
    return m.op("Slice", x, np.array(starts), np.array(ends), np.array(axes), *steps)


CUTS = {
    "channels": lambda m, x: slices(m, x, [1], [4], [1]),
    "the last channels": lambda m, x: slices(m, x, [-2], [2**62], [-3]),
    "rows and columns": lambda m, x: slices(m, x, [2, 0], [-1, 5], [2, 3]),
    "every second position": lambda m, x: slices(m, x, [0, 1], [2**62, 2**62], [2, 3], [2, 2]),
    "everything": lambda m, x: slices(m, x, [0, 0], [2**62, 6], [0, 1]),
    "of a row": lambda m, x: slices(m, m.op("Flatten", x), [90], [200], [1]),
    "halves": lambda m, x: m.op("Concat", *reversed(m.op("Split", x, outputs=2, axis=1)), axis=1),
    "parts": lambda m, x: m.op("Concat", *m.op("Split", x, np.array([1, 3, 2]), outputs=3, axis=1)[1:], axis=1),
    "in reverse": lambda m, x: m.op("Conv", slices(m, x, [-1], [-(2**62)], [1], [-1]), m.w(4, 6, 3, 3)),
    "rearranged": lambda m, x: m.op("Conv", m.op("Gather", x, np.array([3, 1, 0, 5, 4, -4]), axis=1), m.w(4, 6, 3, 3)),
    "rearranged, as numbers": lambda m, x: m.op("Gemm", m.op("Flatten", m.op(
        "Gather", x, np.array([3, 1, 0, 5, 4, 2]), axis=1)), m.w(594, 4)),
    "some in a row": lambda m, x: m.op("Gather", x, np.array([2, 3, 4]), axis=1),
    "channels of zeros": lambda m, x: m.op("Pad", slices(m, x, [0, 0], [99, 99], [2, 3], [2, 2]),
                                           np.array([0, 2, 0, 0, 0, 1, 0, 0])),
    "channels and rows of zeros": lambda m, x: m.op("Pad", x, np.array([0, 1, 1, 0, 0, 2, 0, 3])),
}  # fmt: skip


@pytest.mark.parametrize("kind", CUTS)
def test_some_of_the_numbers(tmp_path, kind):
    m = Model()
    m.op("Relu", CUTS[kind](m, start(m)))
    check(m, tmp_path)


def test_bgr_is_turned_for_its_reader_alone(tmp_path):
    m = Model()
    turned = m.op("Gather", N, np.array([2, 1, 0]), axis=1)
    mean = np.array([1, 2, 3], "f4").reshape(1, 3, 1, 1)
    x = m.op("Add", m.op("Conv", m.op("Sub", turned, mean), m.w(6, 3, 3, 3)), m.op("Conv", turned, m.w(6, 3, 3, 3)))
    m.op("Add", m.op("Conv", N, m.w(6, 3, 3, 3)), x)
    check(m, tmp_path)


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2]])
@pytest.mark.parametrize("kind", ["Gather", "GatherND"])
def test_channels_that_pytorch_takes_with_the_pictures_moved_away(tmp_path, order, kind):
    m = Model()
    x = m.op("Transpose", N, perm=[1, 0, 2, 3])
    x = m.op(kind, x, np.array(order) if kind == "Gather" else np.array(order)[:, None])
    m.op("Conv", m.op("Transpose", x, perm=[1, 0, 2, 3]), m.w(4, len(order), 3, 3))
    check(m, tmp_path)


def test_opset_9_has_attributes(tmp_path):
    m = Model(opset=9)
    x = m.op("Slice", start(m), starts=[1, 2], ends=[5, 100], axes=[1, 3])
    m.op("Concat", *m.op("Split", x, split=[3, 1], outputs=2, axis=1), axis=1)
    check(m, tmp_path)


def test_channels_last(tmp_path):
    m = Model((1, 12, 10, 3))
    x = m.op("Transpose", m.op("Conv", m.op("Transpose", N, perm=[0, 3, 1, 2]), m.w(6, 3, 3, 3)), perm=[0, 2, 3, 1])
    x = m.op("Concat", slices(m, x, [4], [6], [3]), slices(m, x, [0], [3], [-1]), axis=3)
    m.op("MatMul", m.op("Reshape", slices(m, x, [1], [4], [1]), np.array([1, -1])), m.w(120, 4))
    check(m, tmp_path)


@pytest.mark.parametrize("make, message", [
    (lambda m, x: slices(m, x, [5], [0], [1], [-1]), "takes 5 to 0 by -1 of axis 1"),
    (lambda m, x: m.op("Gather", x, np.array([0, 2]), axis=1), r"takes \[0, 2\] of axis 1; here it is all channels"),
    (lambda m, x: m.op("Gather", x, np.array(2), axis=1), "takes 2 of axis 1"),
    (lambda m, x: m.op("Gather", x, np.array([5, 6]), axis=1), r"takes \[5, 6\] of axis 1"),
    (lambda m, x: slices(m, x, [0], [6], [1], [2]), "every 2th channel"),
    (lambda m, x: slices(m, x, [3], [3], [2]), "takes 3 to 3"),
    (lambda m, x: m.op("Split", x, outputs=2, axis=0), "parts one picture from another"),
    (lambda m, x: m.op("Split", x, outputs=2), "parts one picture from another"),                   # as ONNX has it
    (lambda m, x: m.op("Gather", x, np.arange(6)), r"takes \[0, 1, 2, 3, 4, 5\] of axis 0"),
    (lambda m, x: m.op("Relu", m.op("Transpose", x, perm=[1, 0, 2, 3])), "is a Relu of pictures moved to another axis"),
    (lambda m, x: m.op("Expand", x, np.array([1, 4, 11, 9])), "do not go together"),
    (lambda m, x: m.op("Expand", x, np.array([5, 6, 11, 9])), "maps are repeated over positions"),
    (lambda m, x: m.op("Pad", x, np.array([0, 1, 0, 0, 0, 0, 0, 0]), np.array(2, "f4")), "other than a number around"),
])  # fmt: skip
def test_what_no_layer_does(tmp_path, make, message):
    m = Model()
    x = make(m, start(m))
    m.op("Relu", x if isinstance(x, str) else x[0])
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(m.save(tmp_path / "a.onnx"))
    assert "\n" not in str(caught.value)
