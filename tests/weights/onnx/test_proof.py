"""Every net is compared with the file's own graph: a layer that is a little wrong must not open."""

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile
from minivis.layers import BatchNorm, ReLU

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx_models import Model, N, everything, pooled

from minivis.weights.onnx import operators, proof, windows


def test_the_proof_and_its_error_stand_in_about(tmp_path):
    for number, make in enumerate((everything, pooled)):
        said = mv.load(make().save(tmp_path / f"{number}.onnx")).about["proof"]
        assert said.startswith("compared with the file's own graph on a random picture (onnx ")
        assert float(said.rpartition(" ")[2]) < 1e-5


@pytest.mark.parametrize("operator, broken, first", [
    ("Relu", lambda graph, node, given: operators.elementwise(graph, node, ReLU(6)), "relu1"),
    ("BatchNormalization", lambda graph, node, given: operators.batch_norm(graph, node, {"epsilon": 0.3}), "batchnorm"),
])  # fmt: skip
def test_a_net_that_differs_is_refused_and_the_first_node_named(tmp_path, monkeypatch, operator, broken, first):
    m = Model()
    x = m.op("Relu", m.op("Conv", N, 9 * m.w(6, 3, 3, 3)))
    x = m.op("BatchNormalization", x, *(abs(m.w(6)) + 0.1 for _ in range(4)))
    m.op("Gemm", m.op("Flatten", m.op("GlobalAveragePool", x)), m.w(6, 4))
    path = m.save(tmp_path / "a.onnx")
    mv.load(path)
    monkeypatch.setitem(__import__("minivis.weights.onnx.graph", fromlist=["x"]).OPERATORS, operator, broken)
    with pytest.raises(BadFile, match=f"differs from the file's own graph by .* first at '{first}") as caught:
        mv.load(path)
    assert "it was not opened" in str(caught.value) and "\n" not in str(caught.value)


def test_a_softmax_does_not_hide_what_goes_into_it(tmp_path, monkeypatch):
    """Logits of 1000 and 0 give the same probabilities as 900 and 0."""
    m = Model()
    x = m.op("GlobalAveragePool", m.op("Relu", m.op("Conv", N, 1e6 * m.w(4, 3, 3, 3))))
    m.op("Softmax", m.op("Relu", m.op("Flatten", x)), axis=1)
    path = m.save(tmp_path / "a.onnx")
    mv.load(path)
    pool = windows.global_average_pool

    def too_large(graph, node, given):
        pool(graph, node, given)
        value = graph.values[node.output[0]]
        value = graph.affine("too large", value, np.asarray(1.1), np.asarray(0.0), alone=False)
        graph.values[node.output[0]] = value

    monkeypatch.setitem(__import__("minivis.weights.onnx.graph", fromlist=["x"]).OPERATORS, "GlobalAveragePool",
                        too_large)
    with pytest.raises(BadFile, match="differs from the file's own graph"):
        mv.load(path)


def test_batch_norm_is_compared_after_it_was_folded(tmp_path, monkeypatch):
    from minivis.engine import surgery as folding

    m = everything()
    path = m.save(tmp_path / "a.onnx")
    right = folding.fold_batch_norm
    monkeypatch.setattr(folding, "fold_batch_norm",
                        lambda conv, norm: right(conv, BatchNorm(**norm.params, eps=norm.eps + 0.5)))
    with pytest.raises(BadFile, match="differs from the file's own graph"):
        mv.load(path)


def test_too_many_multiply_adds_are_said_and_not_run(tmp_path, monkeypatch):
    path = pooled().save(tmp_path / "a.onnx")
    monkeypatch.setattr(proof, "MOST", 10)
    assert "multiply-adds are too many" in mv.load(path).about["proof"]


def test_what_the_evaluator_cannot_do_is_said(tmp_path, monkeypatch):
    path = pooled().save(tmp_path / "a.onnx")

    def fails(*_):
        raise NotImplementedError

    monkeypatch.setattr(proof, "evaluate", fails)
    assert mv.load(path).about["proof"].endswith("onnx's evaluator fails on it (NotImplementedError)")


def test_nan_in_the_comparison_is_a_difference():
    assert proof.difference(np.ones(3), np.array([1, np.nan, 1])) == np.inf
    assert not proof.difference(np.array([1, np.nan]), np.ones(2)) <= proof.TOLERANCE
    assert proof.difference(np.ones(3), np.ones((1, 3))) == np.inf
    assert proof.difference(np.array([2.0, 0]), np.array([2.0, 0.2])) == pytest.approx(0.1)
