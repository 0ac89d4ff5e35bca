"""Pickles of NumPy arrays: what NumPy would make of them, with nothing run; hostile ones are refused."""

import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hostile_files import refused

from minivis.errors import BadFile
from minivis.weights.containers import pickle as arrays
from minivis.weights.containers.tensor import Tensor

LONG = np.arange(6000, dtype="<f4").reshape(4, 5, 300)          # longer than what is read at once
ARRAYS = {
    "float32": LONG, "short": np.arange(6.0).reshape(2, 3), "fortran": np.asfortranarray(LONG), "0-d": np.array(7.0),
    "big-endian": LONG.astype(">f4"), "short big-endian": np.arange(3, dtype=">f8"), "half": LONG.astype("f2"),
    "permuted": LONG.transpose(1, 0, 2), "empty": np.zeros((0, 3), "f4"), "scalar": np.float32(2.5),
}  # fmt: skip


def read(path):
    with open(path, "rb") as raw:
        return closed(arrays.read(raw, path))


def closed(value):
    """A value of `read` with arrays in place of tensors, read while the file is open."""
    if isinstance(value, Tensor):
        return value.read(np.float64)
    if isinstance(value, dict):
        return {key: closed(item) for key, item in value.items()}
    return [closed(item) for item in value] if isinstance(value, list) else value


def written(path, obj, protocol=4):
    path.write_bytes(obj if isinstance(obj, bytes) else pickle.dumps(obj, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_are_what_numpy_makes_of_them(tmp_path, protocol):
    found = read(written(tmp_path / "a.pkl", ARRAYS, protocol))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_numbers_texts_and_orders_stay_as_they_are(tmp_path):
    saved = OrderedDict(b=[1, (2.5, None)], a={"name": "cat", 3: True}, words=np.array(["cat", "dog"]))
    wanted = {"b": [1, [2.5, None]], "a": {"name": "cat", 3: True}, "words": None}
    assert read(written(tmp_path / "a.pkl", saved)) == wanted


PYTHON2 = {                                             # as Python 2.7 writes numpy.array([1, 2], "f4") in a dict
    0: b"(dp0\nS'w'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\ntp6\nRp7\n"
       b"(I1\n(I2\ntp8\ncnumpy\ndtype\np9\n(S'f4'\np10\nI0\nI1\ntp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nb"
       b"I00\nS'\\x00\\x00\\x80?\\x00\\x00\\x00@'\np15\ntp16\nbs.",
    2: b"\x80\x02}q\x00U\x01wq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R"
       b"q\x04(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02f4K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff"
       b"\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x00@tbs.",
}  # fmt: skip


@pytest.mark.parametrize("protocol", PYTHON2)
def test_pickles_of_python_2_hold_bytes_as_text(tmp_path, protocol):
    np.testing.assert_array_equal(read(written(tmp_path / "a.pkl", PYTHON2[protocol]))["w"], [1, 2])


def test_a_dict_that_numpy_saved_as_an_array_of_one_object(tmp_path):
    one, two = np.empty((), object), np.empty(2, object)
    one[()], two[:] = {"w": LONG}, [LONG, {"b": LONG}]
    found = read(written(tmp_path / "a.pkl", {"one": one, "two": two}))
    np.testing.assert_array_equal(found["one"]["w"], LONG)
    np.testing.assert_array_equal(found["two"][1]["b"], LONG)


def test_arrays_are_named_by_the_way_to_them(tmp_path):
    path = written(tmp_path / "a.pkl", {"conv1": [LONG, LONG], "deep": {"fc": {"w": LONG}}, "epoch": 3})
    with open(path, "rb") as raw:
        assert list(arrays.named(arrays.read(raw, path))) == ["conv1.0", "conv1.1", "deep.fc.w"]


class Call:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function, *args):
        self.pair = function, args

    def __reduce__(self):
        return self.pair


def state(array, **changes):
    """The pickle of a short array with some bytes of it exchanged."""
    data = pickle.dumps(array, 2)
    for old, new in changes.values():
        assert data.count(old) == 1
        data = data.replace(old, new)
    return data


SHORT = np.arange(6, dtype="f4").reshape(2, 3)
DEEP: list = [SHORT]
for _ in range(9):
    DEEP = [DEEP]
LAUGHS: list = [SHORT]
for _ in range(7):
    LAUGHS = [LAUGHS] * 30
HOSTILE = {
    "a function": (Call(print, "ran"), "asks for 'builtins.print'.*none of it was run"),
    "another coding": (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.", "encodes a text"),
    "an array called": (b"\x80\x02cnumpy\nndarray\n)R.", "calls something that is not a function"),
    "too few bytes": (state(SHORT, shape=(b"K\x02K\x03\x86", b"K\x02K\x04\x86")), r"should hold \(2, 4\) float32"),
    "a huge shape": (state(SHORT, shape=(b"K\x02K\x03\x86", b"K\x02\x8a\x08" + b"\xff" * 7 + b"\x7f\x86")), "be|hold"),
    "a dtype that is none": (state(SHORT, dtype=(b"f4", b"f7")), "an impossible array"),
    "deep": (DEEP, "more than 8 lists or dicts deep"),
    "a list of the same lists": (LAUGHS, "more than 100000 things"),
    "cut": (pickle.dumps({"w": LONG}, 4)[:-1000], "half-written"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles_are_refused_and_nothing_runs(tmp_path, capsys, case):
    obj, message = HOSTILE[case]
    refused(written(tmp_path / "a.pkl", obj), message, read)
    assert capsys.readouterr().out == ""


def test_long_bytes_stay_in_the_file(tmp_path):
    path = written(tmp_path / "a.pkl", {"w": np.zeros(2000, "f4")})
    with open(path, "rb") as raw:
        tensor = arrays.read(raw, path)["w"]
        assert tensor.file is raw and tensor.array is None
    with open(path, "rb") as raw:
        cut = io.BytesIO(raw.read()[:3000])
    with pytest.raises(BadFile, match="truncated"):
        Tensor(tensor.shape, tensor.dtype, cut, tensor.offset).read()


@pytest.mark.parametrize("start, answer", [
    (pickle.dumps({}, 0), True), (pickle.dumps({"a": 1}, 1), True), (pickle.dumps([1], 0), True),
    (pickle.dumps({}, 2), True), (pickle.dumps({}, 5), True), (b"PK\x03\x04", False), (b"\x80\x07", False),
    (b"", False),
])  # fmt: skip
def test_what_may_be_a_pickle(start, answer):
    assert arrays.is_pickle(start) is answer
