"""GELU of an Erf, in the orders that exporters have."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N, check

ROOT = np.array(2**0.5, "f4")
HALF, ONE = np.array(0.5, "f4"), np.array(1, "f4")


def erf(m, x, by="Div"):
    return m.op("Erf", m.op(by, x, ROOT if by == "Div" else np.array(0.5**0.5, "f4")))


ORDERS = {
    "torch": lambda m, x: m.op("Mul", m.op("Mul", x, m.op("Add", erf(m, x), ONE)), HALF),
    "half first": lambda m, x: m.op("Mul", m.op("Mul", x, HALF), m.op("Add", ONE, erf(m, x, "Mul"))),
    "half of it all": lambda m, x: m.op("Mul", m.op("Mul", m.op("Add", erf(m, x), ONE), HALF), x),
    "divided": lambda m, x: m.op("Div", m.op("Mul", m.op("Add", erf(m, x), ONE), x), np.array(2, "f4")),
    "half, half": lambda m, x: m.op("Mul", m.op("Add", m.op("Mul", erf(m, x), HALF), HALF), x),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_it_is_one_layer(tmp_path, order):
    m = Model()
    ORDERS[order](m, m.op("Conv", N, 3 * m.w(6, 3, 3, 3), m.w(6)))
    net = check(m, tmp_path)
    assert [type(layer).__name__ for layer in net.layers.values()] == ["Conv2D", "GELU"]


def test_another_factor_stays_beside_it(tmp_path):
    m = Model()
    x = m.op("Conv", N, 3 * m.w(6, 3, 3, 3))
    m.op("Mul", x, m.op("Add", erf(m, x), ONE))
    assert [type(layer).__name__ for layer in check(m, tmp_path).layers.values()] == ["Conv2D", "GELU", "Scale"]


@pytest.mark.parametrize("make, message", [
    (lambda m, x: erf(m, x), "is part of a Phi, of which no layer came about"),
    (lambda m, x: m.op("Erf", x), "is a Erf, no layer here"),
    (lambda m, x: m.op("Relu", erf(m, x)), "is a Relu of an Erf, no layer here but GELU"),
    (lambda m, x: m.op("Mul", x, erf(m, x)), "is a Mul of an Erf"),
    (lambda m, x: m.op("Mul", m.op("Relu", x), m.op("Add", erf(m, x), ONE)), "by another value than its own"),
])  # fmt: skip
def test_what_is_no_gelu_is_refused(tmp_path, make, message):
    m = Model()
    make(m, m.op("Conv", N, m.w(6, 3, 3, 3)))
    with pytest.raises(BadFile, match=message):
        mv.load(m.save(tmp_path / "a.onnx"))
