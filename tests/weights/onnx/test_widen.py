"""Half precision is read as float32: the numbers that are stored, computed with more digits."""

import numpy as np
import pytest

import minivis as mv

pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx import TensorProto, helper, numpy_helper, save_model
from onnx_models import Model, N

from minivis.weights.onnx.widen import widened


def halved(kind=TensorProto.FLOAT16):
    """A model whose weights, constants, input and output are of half precision."""
    m = Model()
    x = m.op("Relu", m.op("Conv", m.op("Cast", N, to=kind), m.w(6, 3, 3, 3), m.w(6)))
    x = m.op("Mul", x, m.op("Constant", value=helper.make_tensor("", kind, [1], [0.25])))
    m.op("Gemm", m.op("Flatten", m.op("GlobalAveragePool", x)), m.w(6, 4))
    proto = m.proto()
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(helper.make_tensor(tensor.name, kind, array.shape, array.reshape(-1)))
    proto.graph.input[0].type.tensor_type.elem_type = kind
    proto.graph.output[0].type.tensor_type.elem_type = kind
    return proto


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_the_net_is_compared_to_all_digits(tmp_path, kind):
    save_model(halved(kind), str(tmp_path / "a.onnx"))
    net = mv.load(tmp_path / "a.onnx")
    assert net.dtype == np.float32 and float(net.about["proof"].rpartition(" ")[2]) < 1e-5


def test_nothing_of_it_is_left():
    model = widened(halved())
    assert model.graph.node[0].attribute[0].i == TensorProto.FLOAT
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert {t.data_type for t in model.graph.initializer} == {TensorProto.FLOAT}
    constant = next(node for node in model.graph.node if node.op_type == "Constant")
    assert numpy_helper.to_array(constant.attribute[0].t).tolist() == [0.25]
    half = numpy_helper.to_array(halved().graph.initializer[0])
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), half.astype("f4"))
