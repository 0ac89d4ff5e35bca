"""ONNX models, made with the onnx package and held to its reference evaluator; what is no layer of ours is named."""

import numpy as np
import pytest

import minivis as mv
from minivis.cli import main
from minivis.errors import BadFile, BadValue
from minivis.images.files import write_image
from minivis.weights import onnx as onnx_file

onnx = pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

pytestmark = pytest.mark.slow                           # not for their time: the fast suite has no optional package
N = "input"


class Model:
    """An ONNX graph as it grows: ``op("Conv", x, w, strides=[2, 2])`` returns the name of the output."""

    def __init__(self, shape=(1, 3, 13, 11), seed=0):
        self.shape, self.nodes, self.initializers = shape, [], []
        self.rng = np.random.default_rng(seed)

    def op(self, kind, *inputs, name=None, **attributes):
        names = [self.constant(i) if isinstance(i, np.ndarray) else i for i in inputs]
        out = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [out], name=name or "", **attributes))
        return out

    def constant(self, array):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def w(self, *shape):
        return self.rng.standard_normal(shape).astype("f4") / np.sqrt(np.prod(shape[1:], dtype=float)).astype("f4")

    def proto(self, producer="pytorch"):
        given = helper.make_tensor_value_info(N, TensorProto.FLOAT, self.shape)
        out = helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "net", [given], [out], self.initializers)
        return helper.make_model(graph, producer_name=producer, opset_imports=[helper.make_opsetid("", 17)])

    def save(self, path):
        onnx.save_model(self.proto(), str(path))
        return path


def everything():
    """Each operator that is read, in odd geometries; two branches that meet in Concat and Add."""
    m = Model()
    x = m.op("Pad", N, np.array([0, 0, 1, 0, 0, 0, 0, 2]), mode="constant")
    x = m.op("Conv", x, m.w(8, 3, 3, 3), m.w(8), strides=[1, 1], pads=[1, 0, 0, 1], name="/features/conv1")
    gamma, beta, mean = m.w(8) + 1, m.w(8), m.w(8)
    x = m.op("BatchNormalization", x, gamma, beta, mean, abs(m.w(8)) + 0.5, epsilon=1e-3)
    x = m.op("Relu", x)
    x = m.op("LRN", x, size=5, alpha=0.3, beta=0.75, bias=2.0)
    x = m.op("MaxPool", x, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)
    a = m.op("Conv", x, m.w(8, 1, 3, 3), group=8, auto_pad="SAME_UPPER", strides=[1, 1])
    a = m.op("Clip", a, np.array(0, "f4"), np.array(6, "f4"))
    b = m.op("Conv", x, m.w(8, 4, 3, 3), m.w(8), group=2, dilations=[2, 2], pads=[2, 2, 2, 2])
    x = m.op("Add", a, m.op("Identity", b))
    x = m.op("Concat", x, m.op("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), axis=1)
    x = m.op("Flatten", m.op("Dropout", x))
    x = m.op("Gemm", x, m.w(12, 16 * 6 * 6), m.w(12), transB=1)
    x = m.op("Add", m.op("MatMul", m.op("Relu", x), m.w(12, 10)), m.w(10))
    m.op("Softmax", x, axis=1)
    return m


def pooled():
    m = Model((1, 1, 9, 8))
    x = m.op("Relu", m.op("Conv", N, m.w(6, 1, 5, 3), strides=[2, 1]))
    x = m.op("AveragePool", x, kernel_shape=[2, 2], strides=[1, 2], pads=[1, 0, 0, 1], count_include_pad=1)
    x = m.op("Reshape", m.op("GlobalAveragePool", x), np.array([0, -1]))
    m.op("Gemm", x, m.w(6, 4), m.w(4))
    return m


@pytest.mark.parametrize("make", [everything, pooled])
def test_the_net_is_the_reference_evaluators(tmp_path, make):
    m = make()
    net = mv.load(m.save(tmp_path / "a.onnx"), preprocess="none" if m.shape[1] == 3 else None)
    x = m.rng.standard_normal((8, *m.shape[1:])).astype("f4")       # 8, as the evaluator's LRN takes N for C
    (wanted,) = ReferenceEvaluator(m.proto()).run(None, {N: x})
    acts = net.forward(np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    np.testing.assert_allclose(list(acts.values())[-1], wanted, rtol=2e-5, atol=2e-6)


def test_names_roles_and_preprocessing(tmp_path):
    net = mv.load(everything().save(tmp_path / "a.onnx"))
    assert "features/conv1" in net.nodes and not any("batchnorm" in name for name in net.nodes)
    assert net.roles["prob"] == list(net.nodes)[-1] and net.roles["logits"] == net.nodes[net.roles["prob"]].inputs[0]
    assert net.input_size == (13, 11) and net.about["format"] == "ONNX"
    assert "torchvision's: assumed" in net.about["preprocessing"]
    assert net.roles["code"] and len(net.roles["style"]) >= 1
    assert mv.load(pooled().save(tmp_path / "b.onnx")).preprocessing.channels == 1
    named = mv.load(tmp_path / "a.onnx", classes=[f"c{i}" for i in range(10)], preprocess="caffe")
    assert named.class_names[3] == "c3" and named.about["preprocessing"] == "as asked for"


def test_numbers_in_a_file_beside_it(tmp_path):
    m = everything()
    beside = {"save_as_external_data": True, "location": "a.data", "size_threshold": 0}
    onnx.save_model(m.proto(), str(tmp_path / "a.onnx"), **beside)
    whole = mv.load(m.save(tmp_path / "b.onnx"))
    apart = mv.load(tmp_path / "a.onnx")
    first, second = (net.layers["features/conv1"].params["w"] for net in (apart, whole))
    np.testing.assert_array_equal(first, second)
    (tmp_path / "a.data").unlink()
    with pytest.raises(BadFile, match="another file, which cannot be read"):
        mv.load(tmp_path / "a.onnx")


def test_a_way_out_of_the_folder_is_not_followed(tmp_path):
    m = everything()
    proto = m.proto()
    (tmp_path / "secret").write_bytes(bytes(10_000))
    (tmp_path / "in").mkdir()
    onnx.external_data_helper.set_external_data(proto.graph.initializer[0], location="../secret")
    proto.graph.initializer[0].ClearField("raw_data")
    (tmp_path / "in" / "a.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(BadFile, match="another file, which cannot be read"):
        mv.load(tmp_path / "in" / "a.onnx")


def with_node(kind, **attributes):
    m = Model()
    x = m.op("Conv", N, m.w(4, 3, 3, 3))
    m.op(kind, x, name="odd", **attributes)
    return m


@pytest.mark.parametrize("make, message", [
    (lambda: with_node("Sigmoid"), "the node 'odd' is a Sigmoid, no layer here"),
    (lambda: with_node("Clip", min=-1.0, max=1.0), "clips to -1.0"),
    (lambda: with_node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), "pools with dilation"),
    (lambda: with_node("Conv", kernel_shape=[3, 3], auto_pad="SAME_LOWER"), "damaged|SAME_LOWER"),
    (lambda: with_node("Softmax"), "a softmax of feature maps"),
    (lambda: with_node("ReduceMean", axes=[1]), "takes the mean over axes"),
    (lambda: Model((1, 7, 9, 9)), "damaged|1 or 3 channels|without a graph"),
])  # fmt: skip
def test_what_is_no_layer_here(tmp_path, make, message):
    m = make()
    if not m.nodes:
        m.op("Relu", N)
    with pytest.raises(BadFile, match=message) as caught:
        mv.load(m.save(tmp_path / "a.onnx"))
    assert "\n" not in str(caught.value)


def test_damage(tmp_path):
    whole = everything().save(tmp_path / "a.onnx").read_bytes()
    rng = np.random.default_rng(0)
    for k in range(200):
        cut = bytearray(whole[: rng.integers(3, len(whole))] if k % 2 else whole)
        for _ in range(0 if k % 2 else 8):
            cut[rng.integers(3, min(len(cut), 3000))] ^= 1 << rng.integers(8)
        (tmp_path / "b.onnx").write_bytes(cut)
        try:
            mv.load(tmp_path / "b.onnx")
        except (BadFile, BadValue) as error:
            assert "\n" not in str(error)


def test_an_architecture_is_not_asked_for(tmp_path):
    with pytest.raises(BadValue, match="holds its own layers"):
        mv.load(everything().save(tmp_path / "a.onnx"), arch="VGG16")


def test_nan(tmp_path):
    m = everything()
    m.initializers[1].CopyFrom(numpy_helper.from_array(np.full((8, 3, 3, 3), np.nan, "f4"), m.initializers[1].name))
    with pytest.raises(BadFile, match="NaN"):
        mv.load(m.save(tmp_path / "a.onnx"))


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    everything().save(tmp_path / "a.onnx")
    write_image("photo.png", np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8))
    assert main(["weights", "import", "a.onnx", "-o", "a.h5", "--preprocess", "unit"]) == 0
    assert main(["classify", "photo.png", "--net", "a.h5"]) == 0 and main(["inspect", "a.onnx"]) == 0
    assert "ONNX" in capsys.readouterr().out


def test_without_the_package(tmp_path, monkeypatch):
    everything().save(tmp_path / "a.onnx")
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"minivis\[onnx\]"):
        onnx_file.load(tmp_path / "a.onnx")
