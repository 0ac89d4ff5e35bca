"""What Keras 2 and 3 say of their models, read as one."""

import numpy as np
import pytest
from limits import last_taken

from minivis.errors import BadFile
from minivis.weights.keras import description
from minivis.weights.keras.description import Call, Ref


def conv(name="conv", **row):
    return {"class_name": "Conv2D", "config": {"name": name, "filters": 4}, **row}


def tensor(name, call=0):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0]}}


def test_a_sequential_model_is_a_chain_of_calls():
    first = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 8, 8, 3]}}
    found = description.model_of({"class_name": "Sequential", "config": {"name": "net", "layers": [first, conv()]}})
    assert (found.name, [layer.name for layer in found.layers]) == ("net", ["in", "conv"])
    assert found.layers[1].calls == (Call((Ref("in"),), {}),)
    assert (found.inputs, found.outputs) == ((Ref("in"),), (Ref("conv"),))


@pytest.mark.parametrize("entry", [
    {"config": [{**conv(), "config": {"name": "conv", "batch_input_shape": [None, 8, 8, 3]}}]},         # Keras 1
    {"config": {"layers": [conv()], "build_input_shape": [None, 8, 8, 3]}},
    {"config": {"layers": [conv()]}, "build_config": {"input_shape": [None, 8, 8, 3]}},
    {"config": {"layers": [{**conv(), "config": {"name": "conv", "input_shape": [8, 8, 3]}}]}},
])  # fmt: skip
def test_the_shape_of_a_sequential_model_without_an_input_layer(entry):
    found = description.model_of({"class_name": "Sequential", **entry})
    assert description.shape_of(found.layers[0].settings) == [None, 8, 8, 3] and found.layers[0].kind == "InputLayer"


def test_calls_of_both_versions():
    three = description.calls([{"args": [tensor("a"), 2.0], "kwargs": {"mask": None}}, {"args": [[tensor("a", 1)]]}])
    assert three == (Call((Ref("a"), 2.0), {"mask": None}), Call(([Ref("a", 1)],), {}))
    two = description.calls([[["a", 0, 0, {}]], [["a", 1, 0, {}], ["b", 0, 0, {}]], ["c", 0, 0, {"y": ["d", 0, 0]}],
                             [["_CONSTANT_VALUE", -1, 2.5, {"y": ["d", 0, 0]}]]])  # fmt: skip
    assert two == (Call((Ref("a"),), {}), Call(([Ref("a", 1), Ref("b")],), {}), Call((Ref("c"),), {"y": Ref("d")}),
                   Call((2.5,), {"y": Ref("d")}))
    assert description.refs((two[2].args, two[2].kwargs)) == (Ref("c"), Ref("d"))


def test_constants_in_a_call():
    given = [{"class_name": "__ellipsis__", "config": {}},
             {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}},
             {"class_name": "__tensor__", "config": {"value": [1, 2], "dtype": "float32"}}]  # fmt: skip
    ellipsis, reversal, array = description.plain(given)
    assert ellipsis is Ellipsis and reversal == slice(None, None, -1)
    np.testing.assert_array_equal(array, [1, 2])


def test_ends_as_one_a_list_or_a_dict():
    assert description.ends(["a", 0, 0]) == description.ends([["a", 0, 0]]) == description.ends({"x": ["a", 0, 0]})
    assert description.ends([["a", 0, 0], ["b", 1, 0]]) == (Ref("a"), Ref("b", 1))


def test_a_class_of_ones_own_is_not_taken_for_keras():
    own = conv(registered_name="mine>Conv2D", module=None)
    assert description.described(own, (), 0).kind == "mine>Conv2D"
    kept = {"class_name": "Add", "module": "keras.src.ops.numpy", "config": {"name": "add"}, "registered_name": "Add"}
    assert description.described(kept, (), 0).operation and not description.described(conv(), (), 0).operation


def test_an_operation_is_told_from_a_layer_of_its_class_where_no_module_is_named():
    called = {"class_name": "Add", "config": {"name": "add"}, "inbound_nodes": [{"args": [tensor("a"), tensor("b")]}]}
    layer = {**called, "config": {"name": "add", "trainable": True, "dtype": "float32"}}
    old = {"class_name": "Add", "config": {"name": "add"}, "inbound_nodes": [[["a", 0, 0, {}], ["b", 0, 0, {}]]]}
    assert [description.described(row, (), 0).operation for row in (called, layer, old)] == [True, False, False]


@pytest.mark.parametrize("entry", [
    {"class_name": "Functional", "config": {"layers": [conv()]}},
    {"class_name": "Functional", "config": {"layers": [conv(), conv()], "input_layers": [], "output_layers": []}},
    {"class_name": "Sequential", "config": {"layers": [{"class_name": 3}]}}, {"class_name": "Sequential"}, [],
])  # fmt: skip
def test_damage_is_one_sentence(entry):
    with pytest.raises(BadFile, match="its description of the model is damaged"):
        description.model_of(entry)


def test_models_of_ones_own_and_models_without_end_are_refused():
    with pytest.raises(BadFile, match=r"^the model is a MyNet of its author's own, whose code Keras does not save"):
        description.model_of({"class_name": "MyNet", "config": {}})
    entry = {"class_name": "Sequential", "config": {"layers": [conv()]}}
    for _ in range(30):
        entry = {"class_name": "Sequential", "config": {"layers": [entry]}}
    with pytest.raises(BadFile, match=r"^models stand more than 20 deep"):
        description.model_of(entry)


@pytest.mark.parametrize("kind, name", [("Conv2D", "conv2d"), ("BatchNormalization", "batch_normalization"),
                                        ("ReLU", "re_lu"), ("PReLU", "p_re_lu"), ("MaxPooling2D", "max_pooling2d")])
def test_names_of_groups(kind, name):
    assert description.snake_case(kind) == name


def test_a_limit_is_the_last_number_that_is_read(monkeypatch):
    entry = {"class_name": "Sequential", "config": {"layers": [conv()]}}
    for _ in range(3):
        entry = {"class_name": "Sequential", "config": {"layers": [entry]}}
    last_taken(monkeypatch, "weights.keras.description.DEEPEST", 3, lambda: description.model_of(entry))
