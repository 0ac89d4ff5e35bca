"""PyTorch's .pth and .pt files without PyTorch, and without running anything that is in them.

Such a file is a pickle, a program for a small stack machine, whose instructions can name any function of any module and
call it. `build` is that machine with nothing behind it: it never imports, it looks up no name, and it "calls" only the
few functions of `CALLS`, which make dicts and `Tensor`s. Any other name ends the reading.

    since 1.6       a zip archive: <name>/data.pkl, and <name>/data/0, 1, ... with the numbers
    before 1.6      a stream: four pickles (magic number, version, about the machine, the object), a fifth with the keys
                    of the storages, and then each storage: how many numbers, and the numbers
    before 0.1.11   a tar archive; not read
"""

import io
import math
import os
import pickletools
from typing import NamedTuple

from minivis.errors import BadFile
from minivis.weights.containers import zip as archive
from minivis.weights.containers.tensor import STORED_AS, Tensor

MAGIC = 0x1950A86A20F9469CFC6C
STREAM_START = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
PICKLE_BYTES, PICKLE_STEPS = 2**23, 200_000     # a state dict of 1000 tensors takes 200 kB and 30,000 steps
SAVE_PLAIN = "in PyTorch, torch.save(model.state_dict(), 'weights.pth') makes a file that minivis can read"

STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
}  # fmt: skip


class Name(NamedTuple):
    """A name that a pickle asks for, never looked up."""

    name: str


class Storage(NamedTuple):
    """Numbers of a type, filed under ``key``; a view begins at number ``start`` of them."""

    key: str
    dtype: str
    start: int = 0


class View(NamedTuple):
    """A tensor as the pickle describes it, not yet checked."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple


# ---- the names that may occur: what calling them makes ----

def make_dict(items=()):
    if not all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
        raise BadFile("its dict is damaged")
    return {check_key(key): value for key, value in items}


def rebuild_tensor(storage, offset, shape, strides, *_):        # requires_grad, hooks: of no use here
    whole = all(type(n) is int and n >= 0 for n in (offset, *shape, *strides))
    if not isinstance(storage, Storage) or not whole or len(shape) != len(strides):
        raise BadFile("it describes a tensor that cannot be")
    return View(storage, offset, tuple(shape), tuple(strides))


def rebuild_parameter(view, *_):
    if not isinstance(view, View):
        raise BadFile("it describes a parameter that is no tensor")
    return view


CALLS = {
    "collections.OrderedDict": make_dict,
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_parameter": rebuild_parameter,
}
ALLOWED = {*CALLS, *(f"torch.{name}Storage" for name in STORAGES)}


def check_name(name):
    if name in ALLOWED:
        return Name(name)
    if name.startswith(("torch.nn.", "torchvision.", "timm.", "__main__.")):
        raise BadFile(f"it is a whole model (it asks for {name[:80]!r}), not its weights: {SAVE_PLAIN}")
    raise BadFile(f"it asks for {name[:80]!r}, which weights do not need; none of it was run; {SAVE_PLAIN}")


def check_key(key):
    if not isinstance(key, str | int):                  # the hash of a tuple of tuples of tuples may take forever
        raise BadFile(f"a dict in it has a key that is a {type(key).__name__}")
    return key


def find_storage(pid):
    """('storage', type, key, device, count, view): what a persistent id says."""
    if not isinstance(pid, tuple) or not 5 <= len(pid) <= 6 or pid[0] != "storage":
        raise BadFile("it refers to something that is no storage")
    _, kind, key, _, count, *view = pid
    if not isinstance(kind, Name) or kind.name in CALLS or not isinstance(key, str) or type(count) is not int:
        raise BadFile("it describes a storage that cannot be")
    dtype = STORAGES[kind.name[len("torch.") : -len("Storage")]]
    if not view or view[0] is None:
        return Storage(key, dtype)
    if not isinstance(view[0], tuple) or len(view[0]) != 3 or type(view[0][1]) is not int or view[0][1] < 0:
        raise BadFile("it describes a part of a storage that cannot be")
    return Storage(key, dtype, view[0][1])       # (key of the part, first number, count): PyTorch before 0.4


# ---- the machine ----

class Limited:
    """The few bytes of a file that a pickle may take; `pickletools` asks for no more than these two methods."""

    def __init__(self, raw):
        self.raw, self.left = raw, PICKLE_BYTES

    def read(self, count):
        return self._taken(self.raw.read(self._wanted(count)))

    def readline(self):
        return self._taken(self.raw.readline(self.left))

    def _wanted(self, count):
        if not 0 <= count <= self.left:
            raise BadFile(f"its pickle is longer than {PICKLE_BYTES} bytes: no list of weights is")
        return count

    def _taken(self, data):
        self.left -= len(data)
        return data


def build(raw):
    """The object of the pickle at the file's position: dicts, lists, numbers, strings and `View`s. Nothing is run."""
    stack, marks, memo = [], [], {}

    def since_mark():
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    try:
        for step, (op, arg, _) in enumerate(pickletools.genops(Limited(raw))):
            if step > PICKLE_STEPS:
                raise BadFile(f"its pickle has more than {PICKLE_STEPS} steps: no list of weights has")
            match op.name:
                case "PROTO" | "FRAME":
                    pass
                case "STOP":
                    return stack[-1]
                case "NONE" | "NEWTRUE" | "NEWFALSE":
                    stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[op.name])
                case (
                    "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "FLOAT" | "BINFLOAT"
                    | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8" | "UNICODE" | "STRING" | "BINSTRING"
                    | "SHORT_BINSTRING" | "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8"
                ):
                    stack.append(arg)
                case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE" | "EMPTY_SET":
                    stack.append({"D": dict, "L": list, "T": tuple, "S": set}[op.name[6]]())
                case "MARK":
                    marks.append(len(stack))
                case "TUPLE":
                    stack.append(tuple(since_mark()))
                case "LIST":
                    stack.append(since_mark())
                case "DICT":
                    items = since_mark()
                    stack.append(dict(zip(map(check_key, items[::2]), items[1::2])))
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    count = int(op.name[-1])
                    stack[-count:] = [tuple(stack[-count:])]
                case "APPEND":
                    item = stack.pop()
                    check_type(stack[-1], list).append(item)
                case "APPENDS":
                    items = since_mark()
                    check_type(stack[-1], list).extend(items)
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    check_type(stack[-1], dict)[check_key(key)] = value
                case "SETITEMS":
                    items = since_mark()
                    check_type(stack[-1], dict).update(zip(map(check_key, items[::2]), items[1::2]))
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    memo[arg] = stack[-1]               # a dict: a memo number of a billion costs one entry
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "GET" | "BINGET" | "LONG_BINGET":
                    stack.append(memo[arg])
                case "GLOBAL":
                    stack.append(check_name(arg.replace(" ", ".", 1)))
                case "STACK_GLOBAL":
                    name, module = stack.pop(), stack.pop()
                    stack.append(check_name(f"{check_type(module, str)}.{check_type(name, str)}"))
                case "BINPERSID":
                    stack.append(find_storage(stack.pop()))
                case "REDUCE":
                    arguments, function = check_type(stack.pop(), tuple), stack.pop()
                    if not isinstance(function, Name) or function.name not in CALLS:
                        raise BadFile("it calls something that is no function")
                    stack.append(CALLS[function.name](*arguments))
                case "BUILD":
                    check_type(stack[-2], dict)         # a state dict's _metadata: versions of PyTorch's modules
                    stack.pop()
                case _:
                    raise BadFile(f"it contains the pickle instruction {op.name}, which weights do not need")
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile("its pickle is damaged or half-written; fetch or copy it again") from None
    raise BadFile("its pickle is half-written; fetch or copy it again")


def check_type(value, kind):
    if not isinstance(value, kind) or (kind is tuple and isinstance(value, Storage | View | Name)):
        raise BadFile(f"its pickle is damaged: a {kind.__name__} was expected, a {type(value).__name__} came")
    return value


# ---- the two containers ----

def is_stream(start):
    """Whether a file that starts so is PyTorch's older stream."""
    return start.startswith(STREAM_START[:4]) and start[4:14] == STREAM_START[4:14]


def is_archive(names):
    """Whether a zip archive with these members is PyTorch's."""
    return any(name.endswith("/data.pkl") for name in names)


def read_archive(raw, path):
    """Name -> `Tensor` of an open .pth that is a zip archive."""
    found = archive.members(raw, path)
    pickles = [name for name in found if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise BadFile(f"{path} is an archive with {len(pickles)} of data.pkl; PyTorch writes one")
    folder = pickles[0][: -len("data.pkl")]
    if any(name.startswith(f"{folder}code/") for name in found):
        raise BadFile(f"{path} is TorchScript, a program and not only weights: {SAVE_PLAIN}")
    order = found.get(f"{folder}byteorder")
    if order and raw_bytes(raw, order, path).startswith(b"big"):
        raise BadFile(f"{path} was written on a big-endian machine, which minivis does not read")
    info = found[pickles[0]]
    if info.file_size > PICKLE_BYTES:
        raise BadFile(f"{path}: its pickle has {info.file_size} bytes: no list of weights has")
    raw.seek(archive.stored_at(raw, info, path))
    pickled = io.BytesIO(raw.read(info.file_size))          # it ends here, whatever the archive holds next

    def locate(storage):
        info = found.get(f"{folder}data/{storage.key}")
        if info is None:
            raise BadFile(f"it has no storage {storage.key[:40]!r}")
        return archive.stored_at(raw, info, path), info.file_size

    return tensors(run(pickled, path), locate, raw, path)


def raw_bytes(raw, info, path, most=64):
    raw.seek(archive.stored_at(raw, info, path))
    return raw.read(min(most, info.file_size))


def read_stream(raw, path):
    """Name -> `Tensor` of an open .pth in the form of before PyTorch 1.6."""
    raw.seek(0)
    magic, version, machine = run(raw, path), run(raw, path), run(raw, path)
    if magic != MAGIC or version != 1001:
        raise BadFile(f"{path} is of a version of PyTorch's format that minivis does not know ({str(version)[:20]})")
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise BadFile(f"{path} was written on a big-endian machine, which minivis does not read")
    state, keys = run(raw, path), run(raw, path)
    if not isinstance(keys, list):
        raise BadFile(f"{path}: the list of its storages is damaged; fetch or copy it again")
    dtypes = {view.storage.key: view.storage.dtype for view in views_in(state)}
    size, places = os.fstat(raw.fileno()).st_size, {}
    for key in keys:
        if not isinstance(key, str) or key in places or key not in dtypes:
            break                                       # of no tensor here: how long it is, nobody knows
        count = int.from_bytes(raw.read(8), "little")
        start, length = raw.tell(), count * itemsize(dtypes[key])
        if start + length > size:
            raise BadFile(f"{path} ends before its numbers do: it is truncated; fetch or copy it again")
        places[key] = start, length
        raw.seek(start + length)

    def locate(storage):
        if storage.key not in places:
            raise BadFile(f"it has no storage {storage.key[:40]!r}")
        return places[storage.key]

    return tensors(state, locate, raw, path)


def run(raw, path):
    try:
        return build(raw)
    except BadFile as error:
        raise BadFile(f"{path} is not read: {error}") from None


def itemsize(dtype):
    return int(STORED_AS[dtype][-1])


def views_in(value, depth=4):
    """Every `View` in nested dicts, lists and tuples."""
    if isinstance(value, View):
        yield value
    elif depth and isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from views_in(item, depth - 1)


def tensors(state, locate, raw, path):
    """Name -> `Tensor`: every view checked against the storage that it is a part of."""
    found = {}
    for name, view in state_dict(state, path).items():
        try:
            found[name] = tensor(view, *locate(view.storage), raw)
        except BadFile as error:
            raise BadFile(f"{path}: the tensor {name[:80]!r}: {error}") from None
    return found


def tensor(view, start, length, raw):
    """The `Tensor` of a view of a storage that is ``length`` bytes at ``start``."""
    storage, shape = view.storage, view.shape
    size, first, step = math.prod(shape), storage.start + view.offset, itemsize(storage.dtype)
    last = first + sum((n - 1) * s for n, s in zip(shape, view.strides)) if size else first - 1
    if last >= length // step or size > length // step:
        place = f"{shape} with strides {view.strides} from number {first} on"
        raise BadFile(f"{place} reaches beyond its {length // step} numbers")
    in_order = view.strides == tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    return Tensor(shape, storage.dtype, raw, start + first * step, None if in_order or size < 2 else view.strides)


def state_dict(value, path):
    """The dict of tensors in what was saved: itself, or one level down, as "state_dict" beside the epoch and so on."""
    if not isinstance(value, dict):
        raise BadFile(f"{path} holds a {type(value).__name__}, not a dict of weights: {SAVE_PLAIN}")
    usual = ("state_dict", "model_state_dict", "model", "net", "ema", "params_ema", "params", "weights")
    for candidate in (value, *(value[k] for k in usual if k in value), *value.values()):
        if isinstance(candidate, dict):
            found = {str(k): v for k, v in candidate.items() if isinstance(v, View)}
            if found:
                return found
    raise BadFile(f"{path} holds no tensors: {SAVE_PLAIN}")
