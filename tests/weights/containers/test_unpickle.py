"""The stack machine that reads pickles and runs none of them."""

import io
import pickle
from argparse import Namespace
from collections import OrderedDict
from contextlib import suppress
from pathlib import PurePosixPath

import pytest

from minivis.errors import BadFile
from minivis.weights.containers import unpickle
from minivis.weights.containers.pickle_names import Inert, Name
from minivis.weights.containers.unpickle import (
    Storage,
    View,
    build,
    check_state,
    check_type,
    find_storage,
    rebuild_tensor,
)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("value", [
    {"a": [1, -2.5, None, True], "b": ("x", (), (1, 2, 3, 4)), 7: {"deep": []}}, [1, 2], {}, 2**70,
])  # fmt: skip
def test_plain_values_are_what_pickle_reads(protocol, value):
    assert build(io.BytesIO(pickle.dumps(value, protocol))) == value


def test_an_ordered_dict_becomes_a_dict_in_its_order():
    found = build(io.BytesIO(pickle.dumps(OrderedDict(b=1, a=2), 2)))
    assert type(found) is dict and list(found.items()) == [("b", 1), ("a", 2)]


def test_one_thing_that_is_referred_to_twice_is_one_thing():
    shared = [1]
    found = build(io.BytesIO(pickle.dumps({"a": shared, "b": shared}, 2)))
    assert found["a"] is found["b"]


def test_a_storage_has_its_type_and_where_a_view_begins():
    kind = Name("torch.HalfStorage")
    assert find_storage(("storage", kind, "3", "cpu", 12)) == Storage("3", "float16", 0)
    assert find_storage(("storage", kind, "3", "cpu", 12, ("view", 4, 6))) == Storage("3", "float16", 4)
    for pid in (("storage", kind, "3", "cpu"), ("module", kind, "3", "cpu", 12), ("storage", kind, 3, "cpu", 12)):
        with pytest.raises(BadFile):
            find_storage(pid)


def test_a_tensor_has_as_many_strides_as_axes():
    storage = Storage("0", "float32")
    assert rebuild_tensor(storage, 5, (3, 4), (4, 1), False, {}) == View(storage, 5, (3, 4), (4, 1))
    for offset, shape, strides in ((5, (3, 4), (4,)), (-1, (3,), (1,)), (0, (3.0,), (1,))):
        with pytest.raises(BadFile, match="a tensor that cannot be"):
            rebuild_tensor(storage, offset, shape, strides)


def test_what_may_have_a_state():
    """A parameter with attributes of its own, and a state dict with its versions."""
    check_state(View(Storage("0", "float32"), 0, (1,), (1,)), {"tag": 1})
    check_state({}, {"_metadata": {}})
    for value in ([], "a", 1, None):
        with pytest.raises(BadFile):
            check_state(value, {})


def test_what_stands_for_something_is_no_tuple_though_it_is_made_as_one():
    assert check_type((1, 2), tuple) == (1, 2) and check_type({}, dict) == {}
    storage = Storage("0", "float32")
    for value in (storage, View(storage, 0, (1,), (1,)), Name("torch.HalfStorage"), [1]):
        with pytest.raises(BadFile):
            check_type(value, tuple)


def test_an_object_of_a_class_that_is_not_known_keeps_what_was_put_into_it():
    found = build(io.BytesIO(pickle.dumps({"args": Namespace(lr=1), "path": PurePosixPath("/a")}, 2)))
    assert isinstance(found["args"], Inert) and found["args"].state == {"lr": 1}
    assert found["path"].name == "pathlib.PurePosixPath"
    net = build(io.BytesIO(b"\x80\x02cnets\nNet\n)\x81}X\x01\x00\x00\x00aK\x01sb."))
    assert (net.name, net.state) == ("nets.Net", {"a": 1})


def test_damaged_escapes_in_names_and_texts_warn_of_nothing(recwarn):
    for data in (b"\x80\x02cos\\q\nsystem\n.", b"S'a\\qb'\n.", b"(S'ls'\nios\\q\nsystem\n.", b"Pa\\q\n."):
        with suppress(BadFile):
            build(io.BytesIO(data))
    assert not recwarn.list


def test_the_last_step_and_the_longest_number_are_allowed_and_one_more_is_not(monkeypatch):
    monkeypatch.setattr(unpickle, "PICKLE_STEPS", 3)
    assert build(io.BytesIO(b"\x80\x02NN.")) is None                # steps 0 to 3
    with pytest.raises(BadFile, match="more than 3 steps"):
        build(io.BytesIO(b"\x80\x02NNN."))
    assert build(io.BytesIO(pickle.dumps(2**256 - 1, 2))) == 2**256 - 1
    with pytest.raises(BadFile, match="more digits"):
        build(io.BytesIO(pickle.dumps(2**256, 2)))
