"""The form of what goes over the WebSocket, byte for byte, and the checks of what comes."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minivis.errors import BadValue, MinivisError
from minivis.live import messages
from minivis.live.microscope import Microscope
from minivis.models.tiny import tiny_vgg

KEYS = st.sampled_from(["type", "layer", "unit", "rule", "job", "x"])

JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=9)


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON)
def test_any_message_is_parsed_or_refused_with_a_sentence(message):
    scope = Microscope(tiny_vgg())
    try:
        if isinstance(message, bytes):
            messages.split_picture(message)
        else:
            found = messages.parsed(message if isinstance(message, str) else json.dumps(message))
            scope.changed(scope.first_view(), *(messages.text_of(found, key) for key in ("layer", "unit", "rule")))
    except MinivisError as error:
        assert str(error)


def test_an_envelope_is_a_length_a_head_and_arrays_filled_up_to_four_bytes():
    data = messages.envelope({"type": "x"}, {"a": np.array([[1, 2, 3]], np.uint8), "b": np.array([0.5], np.float32)})
    (length,) = struct.unpack("<I", data[:4])
    assert length % 4 == 0 and json.loads(data[4 : 4 + length]) == {"type": "x", "arrays": [
        {"name": "a", "dtype": "uint8", "shape": [1, 3]}, {"name": "b", "dtype": "float32", "shape": [1]},
    ]}  # fmt: skip
    assert data[4 + length :] == b"\1\2\3\0" + struct.pack("<f", 0.5)
    head, arrays = messages.opened(data)
    assert head == {"type": "x"} and arrays["a"].tolist() == [[1, 2, 3]] and arrays["b"].tolist() == [0.5]


def test_a_picture_comes_with_its_number_and_up_to_four_mebibytes():
    file = b"\xff\xd8\xff" + bytes(20)
    assert messages.split_picture(b"\2\1\0\0" + file) == (258, file)
    full = bytes(4) + file + bytes(4 * 2**20 - len(file) - 4)
    assert messages.split_picture(full)[0] == 0
    with pytest.raises(BadValue, match="send a smaller one"):
        messages.split_picture(full + b"\0")


def test_a_text_is_missing_null_or_up_to_200_characters():
    assert messages.text_of({}, "unit") is None and messages.text_of({"unit": None}, "unit", "all") == "all"
    assert messages.text_of({"unit": "x" * 200}, "unit") == "x" * 200
    for wrong in ("x" * 201, 7, ["x"]):
        with pytest.raises(BadValue, match="unit must be a text"):
            messages.text_of({"unit": wrong}, "unit")


def test_a_list_of_texts_is_missing_or_up_to_64():
    assert messages.texts_of({}, "off") is None and messages.texts_of({"off": ["a", "b"]}, "off") == ("a", "b")
    for wrong in ("a", ["a"] * 65, [7], {"a": 1}):
        with pytest.raises(BadValue, match="off must be a"):
            messages.texts_of({"off": wrong}, "off")
