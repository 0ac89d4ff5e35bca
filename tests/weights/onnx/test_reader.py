"""ONNX models, made with the onnx package and held to its reference evaluator; what is no layer of ours is named."""

import json

import numpy as np
import pytest

import minivis as mv
from minivis.cli import main
from minivis.errors import BadFile, BadValue
from minivis.images.files import write_image
from minivis.weights import onnx as onnx_file

onnx = pytest.importorskip("onnx", reason="no onnx here: ONNX files are not tested")
from onnx import TensorProto, helper, numpy_helper, save_model  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_models import Model, N, everything, pooled  # noqa: E402

from minivis.weights.onnx import reader  # noqa: E402


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
    with pytest.raises(BadFile, match=r"keeps its numbers in a\.data, which is not there: copy it into"):
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
    (lambda: with_node("Erf"), "the node 'odd' is a Erf, no layer here"),
    (lambda: with_node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), "pools with dilation"),
    (lambda: with_node("Conv", kernel_shape=[3, 3], auto_pad="SAME_LOWER"), "damaged|SAME_LOWER"),
    (lambda: with_node("Softmax"), "a softmax of feature maps"),
    (lambda: with_node("ReduceMean", axes=[1]), "takes the mean over axes"),
    (lambda: Model((1, 3, 9, 9), sides=("N", "C", 9, 9)), "leaves open how many channels"),
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


def test_of_several_outputs_the_first_is_the_answer_or_the_one_asked_for(tmp_path, capsys):
    m = Model()
    x = m.op("Flatten", m.op("GlobalAveragePool", m.op("Relu", m.op("Conv", N, m.w(6, 3, 3, 3)))))
    age, kind = m.op("Gemm", x, m.w(6, 2)), m.op("Softmax", m.op("Gemm", x, m.w(6, 4)))
    proto = m.proto()
    first = helper.make_tensor_value_info(age, TensorProto.FLOAT, None)
    last = helper.make_tensor_value_info(kind, TensorProto.FLOAT, None)
    del proto.graph.output[:]
    proto.graph.output.extend([first, last])
    save_model(proto, str(tmp_path / "a.onnx"))
    net = mv.load(tmp_path / "a.onnx")
    assert net.roles["logits"] == age and net.shapes()[age][-1] == 2
    assert net.about["output"] == f"{age!r}; the file also has {kind!r}: --output names another"
    other = mv.load(tmp_path / "a.onnx", output=kind, classes=list("abcd"))
    assert other.roles["prob"] == kind and other.class_names == tuple("abcd")
    words = ["classify", "--net", str(tmp_path / "a.onnx")]
    assert main(words) == 0 and f"the answer is the output {age!r}; the file also has" in capsys.readouterr().err
    assert main([*words, "--output", kind]) == 0
    said = capsys.readouterr()
    assert said.err == "" and len(said.out.splitlines()) == 4
    assert main([*words, "--output", "kinds"]) == 2 and "no output named 'kinds'" in capsys.readouterr().err


def chain(layers):
    m = Model()
    x = m.op("Conv", N, m.w(4, 3, 3, 3))
    for _ in range(layers):
        x = m.op("Relu", m.op("Flatten", m.op("Relu", x)))
    return m


def test_what_asks_for_all_layers_asks_a_few_times_and_not_for_each(tmp_path, monkeypatch):
    from minivis.engine import graph

    asked, layers = [], graph.Graph.layers.fget
    monkeypatch.setattr(graph.Graph, "layers", property(lambda net: asked.append(1) or layers(net)))
    path = chain(50).save(tmp_path / "a.onnx")
    asked.clear()
    mv.load(path)
    assert 0 < len(asked) < 30


def test_an_open_size_is_not_tried_again_and_again_with_thousands_of_nodes(tmp_path, monkeypatch):
    m = Model(sides=("n", 3, "h", "w"))
    m.op("Gemm", m.op("Flatten", m.op("Relu", N)), m.w(7, 4))
    tried = []
    translate = reader.Graph.translate
    monkeypatch.setattr(reader.Graph, "translate", lambda graph, *a: tried.append(1) or translate(graph, *a))
    monkeypatch.setattr(reader, "MOST_NODES", 9)
    with pytest.raises(BadFile, match="an FC layer takes one row"):
        mv.load(m.save(tmp_path / "a.onnx"))
    assert len(tried) == 3


@pytest.mark.parametrize("name", [b"pytorch", b"features/conv1", b"BatchNormalization", b"epsilon", b"input"])
def test_a_name_that_is_no_text(tmp_path, name):
    """Damaged bytes are no UTF-8, and protobuf hands them out as bytes."""
    path = everything().save(tmp_path / "a.onnx")
    data = path.read_bytes()
    path.write_bytes(data.replace(name, b"\xff" + name[1:]))
    with pytest.raises(BadFile, match="a name in it is not text"):
        mv.load(path)


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_a_model_of_any_number_of_channels(tmp_path, channels):
    m = Model((1, channels, 9, 9))
    m.op("Gemm", m.op("Flatten", m.op("GlobalAveragePool", m.op("Conv", N, m.w(6, channels, 3, 3)))), m.w(6, 3))
    net = mv.load(m.save(tmp_path / "a.onnx"))
    assert net.input_channels == channels and "proof" in net.about
    (tmp_path / "own.json").write_text(json.dumps({"mean": [7] * channels, "scale": [9] * channels}))
    net = mv.load(tmp_path / "a.onnx", preprocess=tmp_path / "own.json")
    assert net.preprocessing.mean == (7.0,) * channels and net.about["preprocessing"] == "as asked for"


@pytest.mark.parametrize("start, known", [
    *((bytes([8, 8, field]), True) for field in (0x12, 0x1A, 0x22, 0x3A, 0x42)), (bytes([8, 8, 0x43]), False),
    (bytes([8, 1, 0x12]), True), (bytes([8, 32, 0x12]), True), (bytes([8, 0, 0x12]), False),
    (bytes([8, 33, 0x12]), False), (bytes([9, 8, 0x12]), False), (bytes([8, 8]), False),
])  # fmt: skip
def test_a_file_is_told_by_its_first_bytes(tmp_path, start, known):
    """The version of ONNX's format, then the producer, its version, the domain, the graph or the opsets."""
    (tmp_path / "a").write_bytes(start + b"further")
    if len(start) < 3:
        (tmp_path / "a").write_bytes(start)
    assert reader.is_onnx(tmp_path / "a") == known
