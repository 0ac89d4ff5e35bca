"""PyTorch files, written by PyTorch (tests/golden) and by hand; hostile ones are refused at once, unrun."""

import io
import os
import pickle
import resource
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hostile_files import refused

from minivis.errors import BadFile
from minivis.weights.containers import torch as torch_file
from minivis.weights.containers.tensor import FLOATS

GOLDEN = Path(__file__).parents[2] / "golden"


def read(path):
    with open(path, "rb") as raw:
        start = raw.read(16)
        found = (torch_file.read_stream if torch_file.is_stream(start) else torch_file.read_archive)(raw, path)
        return {name: tensor.read(np.float64) for name, tensor in found.items() if tensor.dtype in FLOATS}


# ---- a writer of files that PyTorch would never write ----

class Call:
    """Pickles as a call of a function by its name, which need not exist."""

    def __init__(self, name, *args):
        self.name, self.args = name, args


class Persistent:
    def __init__(self, *pid):
        self.pid = pid


class Writer(pickle._Pickler):                          # the one in Python: it can be taught to write any name
    def persistent_id(self, obj):
        return tuple(obj.pid) if isinstance(obj, Persistent) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Call):
            module, _, name = obj.name.rpartition(".")
            self.write(b"c" + module.encode() + b"\n" + name.encode() + b"\n")
            if obj.args != (None,):
                super().save(obj.args)
                self.write(b"R")
        else:
            super().save(obj, save_persistent_id)


def pickled(obj):
    out = io.BytesIO()
    Writer(out, 2).dump(obj)
    return out.getvalue()


def name(dotted):
    return Call(dotted, None)                           # the name itself, uncalled


def storage(key="0", count=12, kind="torch.FloatStorage", view=()):
    return Persistent("storage", name(kind), key, "cpu", count, *view)


def tensor(offset=0, shape=(3, 4), strides=(4, 1), function="_rebuild_tensor_v2", **kw):
    extra = (False, OrderedDict()) if function == "_rebuild_tensor_v2" else ()
    return Call(f"torch._utils.{function}", storage(**kw), offset, shape, strides, *extra)


def write_zip(path, obj, data=b"", *, compression=zipfile.ZIP_STORED, more=()):
    content = obj if isinstance(obj, bytes) else pickled(obj)
    with zipfile.ZipFile(path, "w", compression) as file:
        for member, part in [("archive/data.pkl", content), ("archive/data/0", data), *more]:
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 20))      # the header of the next member is then, for a
            info.compress_type = compression                            # pickle that reads on, a "P" and its line
            file.writestr(info, part)
    return path


def write_stream(path, obj, data=b"", count=12, version=1001, little=True):
    about = {"protocol_version": 1001, "little_endian": little, "type_sizes": {}}
    parts = [pickled(part) for part in (torch_file.MAGIC, version, about)]
    parts += [obj if isinstance(obj, bytes) else pickled(obj), pickled(["0"])]
    Path(path).write_bytes(b"".join(parts) + struct.pack("<q", count) + data)
    return path


NUMBERS = np.arange(12, dtype="<f4")


@pytest.mark.parametrize("file, prefix", [("zip.pth", ""), ("stream.pth", ""), ("protocol4.pth", "module.")])
def test_files_that_pytorch_wrote(file, prefix):
    found = read(GOLDEN / file)
    with np.load(GOLDEN / "tensors.npz") as expected:
        floats = [key for key in expected if key not in ("num_batches_tracked", "bytes")]
        assert set(found) == {prefix + key for key in floats}
        for key in floats:
            np.testing.assert_array_equal(found[prefix + key], expected[key])


@pytest.mark.parametrize("write", [write_zip, write_stream])
@pytest.mark.parametrize("function", ["_rebuild_tensor", "_rebuild_tensor_v2"])
def test_both_ways_to_write_a_tensor(tmp_path, write, function):
    found = read(write(tmp_path / "a.pth", OrderedDict(w=tensor(function=function)), NUMBERS.tobytes()))
    np.testing.assert_array_equal(found["w"], NUMBERS.reshape(3, 4))


def test_arrays_of_numpys_stand_in_for_tensors(tmp_path):
    array = np.arange(6, dtype="f4").reshape(2, 3)
    saved = {"w": array, "words": np.array(["a"]), "best": np.float64(0.5)}
    found = read(write_zip(tmp_path / "a.pth", pickle.dumps(saved, 2)))
    assert found.keys() == {"w", "best"}
    np.testing.assert_array_equal(found["w"], array)


def test_a_part_of_a_storage_as_pytorch_wrote_it_before_0_4(tmp_path):
    part = tensor(offset=1, shape=(2,), strides=(1,), function="_rebuild_tensor", view=(("1", 4, 6),))
    np.testing.assert_array_equal(read(write_stream(tmp_path / "a.pth", {"w": part}, NUMBERS.tobytes()))["w"], [5, 6])


def test_bfloat16_and_half(tmp_path):
    for kind, data in (("BFloat16", (NUMBERS.view("<u4") >> 16).astype("<u2")), ("Half", NUMBERS.astype("<f2"))):
        path = write_zip(tmp_path / f"{kind}.pth", {"w": tensor(kind=f"torch.{kind}Storage")}, data.tobytes())
        np.testing.assert_array_equal(read(path)["w"], NUMBERS.reshape(3, 4))


BOMB = b"\x80\x02" + b"(" * 5 + b"]" * 100
LAUGHS = b"\x80\x02)q\x00" + b"".join(b"h\x00h\x00\x86q\x00" for _ in range(200))   # a tuple of 2**200 parts ...
HOSTILE = {
    "os.system": ({"w": Call("os.system", "touch ran")}, "asks for 'os.system'"),
    "posix.system": (Call("posix.system", "touch ran"), "asks for 'posix.system'"),
    "eval": ({"w": Call("builtins.eval", "open('ran', 'w')")}, "asks for 'builtins.eval'"),
    "exec uncalled": ({"w": name("builtins.exec")}, "asks for 'builtins.exec'"),
    "getattr": (Call("builtins.getattr", name("os.path"), "system"), "asks for 'builtins.getattr'"),
    "a dotted name": (Call("torch._utils._rebuild_tensor.__globals__", 1), "asks for"),
    "a module": ({"w": name("torch.nn.modules.conv.Conv2d")}, "holds no tensors"),
    "its own class": (Call("__main__.Net", "touch ran"), "holds a Net, not a dict of weights"),
    "numpy": (Call("numpy.core.multiarray._reconstruct", 1), "damaged"),
    "numpy's function": (Call("numpy.load", "ran"), "asks for 'numpy.load'"),
    "torch's function": (Call("torch.hub.load", "ran"), "asks for 'torch.hub.load'"),
    "Python 2's": (Call("__builtin__.eval", "1"), "asks for '__builtin__.eval'"),
    "a call of a storage": (Call("torch.FloatStorage", 1), "calls something that is not a function"),
    "a call with too many": (Call("collections.OrderedDict", 1, 2), "damaged"),
    "memo": (b"\x80\x02}r\xff\xff\xff\xff.", "holds no tensors"),
    "long": (b"\x80\x02\x8b\xff\xff\xff\x7f" + b"1" * 100 + b".", "longer than|damaged"),
    "string": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f" + b".", "longer than|damaged"),
    "frame": (b"\x80\x04\x95" + b"\xff" * 8 + b"}.", "holds no tensors"),
    "marks": (BOMB, "half-written"),
    "a key that takes forever to hash": (LAUGHS + b"}h\x00K\x01s.", "key that is a tuple"),
    "instance": (b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.", "asks for 'os.system'"),
    "inst": (b"(S'ls'\nios\nsystem\n.", "the pickle instruction INST"),
    "newobj": (b"\x80\x02csubprocess\nPopen\n)\x81.", "asks for 'subprocess.Popen'"),
    "a new object with keywords": (b"\x80\x04ccollections\nOrderedDict\n)}\x92.", "the pickle instruction NEWOBJ_EX"),
    "extension": (b"\x80\x02\x82\x01.", "the pickle instruction EXT1"),
    "persistent text": (b"Pstorage\n.", "the pickle instruction PERSID"),
    "a list": ([1, 2], "holds a list"),
    "nothing": ({}, "holds no tensors"),
    "empty": (b"", "half-written"),
    "strides": ({"w": tensor(strides=(5, 1))}, "reaches beyond its 12 numbers"),
    "offset": ({"w": tensor(offset=1)}, "reaches beyond"),
    "huge": ({"w": tensor(shape=(2**62, 2**62))}, "reaches beyond"),
    "huge and still": ({"w": tensor(shape=(2**40, 2**40), strides=(0, 0))}, "reaches beyond"),
    "negative": ({"w": tensor(offset=-4)}, "cannot be"),
    "one more, and still": ({"w": tensor(shape=(13,), strides=(0,))}, "reaches beyond its 12 numbers"),
    "negative strides": ({"w": tensor(strides=(-4, 1))}, "cannot be"),
    "floats for shapes": ({"w": tensor(shape=(3.0, 4))}, "cannot be"),
    "another storage": ({"w": tensor(key="7")}, "no storage '7'"),
    "a way out": ({"w": tensor(key="../../etc/passwd")}, "no storage"),
    "no storage": ({"w": Call("torch._utils._rebuild_tensor", 1, 0, (1,), (1,))}, "cannot be"),
    "a storage of functions": ({"w": tensor(kind="collections.OrderedDict")}, "storage that cannot be"),
}


@pytest.mark.parametrize("write", [write_zip, write_stream])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_at_once_and_nothing_runs(tmp_path, monkeypatch, write, case):
    monkeypatch.chdir(tmp_path)
    obj, message = HOSTILE[case]
    path = write(tmp_path / "a.pth", obj, NUMBERS.tobytes())
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(BadFile, match=message) as caught:
        read(path)
    assert time.process_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_without_end_is_given_up(tmp_path):
    began = time.process_time()
    with pytest.raises(BadFile, match="more than 200000 steps"):
        read(write_zip(tmp_path / "a.pth", b"\x80\x02" + b"Nq\x00" * 2_500_000))
    assert time.process_time() - began < 1


def test_a_long_pickle_is_not_read(tmp_path):
    with pytest.raises(BadFile, match="a list of weights never has that many"):
        read(write_zip(tmp_path / "a.pth", b"\x80\x02" + b"N0" * 5_000_000))


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = write_zip(tmp_path / "a.pth", {"w": tensor(count=25_000_000, shape=(25_000_000,), strides=(1,))},
                     bytes(100_000_000), compression=zipfile.ZIP_DEFLATED)  # fmt: skip
    with pytest.raises(BadFile, match="is compressed"):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_an_archive_that_lists_a_million_files(tmp_path):
    path = tmp_path / "a.pth"
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 9_000_000, 10, 0)
    path.write_bytes(b"PK\x03\x04" + bytes(10_000_000) + end)
    with pytest.raises(BadFile, match="list of contents is damaged, or too long"):
        read(path)


@pytest.mark.parametrize("write", [write_zip, write_stream])
def test_truncated_anywhere(tmp_path, write):
    whole = Path(write(tmp_path / "a.pth", {"w": tensor()}, NUMBERS.tobytes())).read_bytes()
    for length in range(30, len(whole), 7):
        (tmp_path / "b.pth").write_bytes(whole[:length])
        with pytest.raises(BadFile):
            read(tmp_path / "b.pth")


def test_other_things_that_pytorch_writes(tmp_path):
    with pytest.raises(BadFile, match="is TorchScript"):
        read(write_zip(tmp_path / "a.pt", {"w": 1}, more=[("archive/code/model.py", "pass")]))
    with pytest.raises(BadFile, match="big-endian"):
        read(write_zip(tmp_path / "b.pt", {"w": tensor()}, NUMBERS.tobytes(), more=[("archive/byteorder", "big")]))
    with pytest.raises(BadFile, match="big-endian"):
        read(write_stream(tmp_path / "c.pt", {"w": tensor()}, NUMBERS.tobytes(), little=False))
    with pytest.raises(BadFile, match="version of PyTorch's format"):
        read(write_stream(tmp_path / "d.pt", {"w": tensor()}, NUMBERS.tobytes(), version=1002))


def test_the_weights_are_found_beside_an_optimizer(tmp_path):
    saved = {"epoch": 3, "optimizer": {"state": {0: {"step": 1}}}, "state_dict": {"w": tensor()}, "args": None}
    assert set(read(write_zip(tmp_path / "a.pth", saved, NUMBERS.tobytes()))) == {"w"}
    assert os.path.exists(tmp_path / "a.pth")


# ---- small files that count far, or refer to one thing many times ----

@pytest.mark.parametrize("write", [write_zip, write_stream])
def test_numbers_of_thousands_of_digits_and_references_by_the_million(tmp_path, write):
    many, shared = [tensor()] * 3000, dict.fromkeys(range(3000), 0)
    cases = {
        "sizes": ({"w": tensor(shape=(10**200,) * 20_000, strides=(1,) * 20_000)}, "more digits than weights need"),
        "axes": ({"w": tensor(shape=(1,) * 20_000, strides=(1,) * 20_000)}, "a tensor that cannot be"),
        "offset": ({"w": tensor(offset=10**5000)}, "more digits than weights need"),
        "key": ({10**5000: tensor()}, "more digits than weights need"),
        "lists": ([[[many] * 3000] * 3000] * 3000, "holds a list, not a dict"),
        "dicts": (dict.fromkeys(range(3000), shared), "holds no tensors"),
    }
    for obj, message in cases.values():
        refused(write(tmp_path / "a.pth", obj, NUMBERS.tobytes()), message, read)
