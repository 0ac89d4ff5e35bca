"""Read a pickle without running it: the stack machine that pickles are programs for, with nothing behind it.

The instructions of a pickle can name any function of any module and call it. `build` never imports, looks up no name,
and "calls" only the few functions of a table: `CALLS` for PyTorch's pickles, pickle.py's for NumPy's. What becomes of
other names is told by pickle_names.py.
"""

import codecs
import pickletools
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from minivis.errors import BadFile
from minivis.weights.containers.limits import is_shape
from minivis.weights.containers.pickle_names import Blank, Inert, Name, called, check_name

PICKLE_BYTES, PICKLE_STEPS = 2**23, 200_000     # a state dict of 1000 tensors takes 200 kB and 30,000 steps
SHORT_BYTES = 2**12                             # shorter ones are read at once
LONGEST_INT = 256                               # bits; PyTorch's magic number has 77

STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
}  # fmt: skip


class Span(NamedTuple):
    """Bytes that stay in the file: where they begin, and how many there are."""

    start: int
    length: int


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

def make_dict(items: Any = ()) -> dict[Any, Any]:
    if not all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
        raise BadFile("its dict is damaged")
    return {check_key(key): value for key, value in items}


def rebuild_tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> View:  # the rest is unused
    whole = is_shape(shape) and is_shape(strides) and is_shape([offset])
    if not isinstance(storage, Storage) or not whole or len(shape) != len(strides):
        raise BadFile("it describes a tensor that cannot be")
    return View(storage, offset, tuple(shape), tuple(strides))


def rebuild_parameter(view: Any, *_: Any) -> Any:
    if not isinstance(view, View):
        raise BadFile("it describes a parameter that is not a tensor")
    return view


CALLS = {
    "collections.OrderedDict": make_dict,
    "collections.defaultdict": lambda *_: {},
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": lambda function, kind, arguments, state: rebuild_tensor(*arguments),
}
NAMES = {f"torch.{name}Storage" for name in STORAGES}      # of types, which nothing calls


def check_key(key: Any) -> Any:
    if isinstance(key, str | int | float | bytes | View | Name | None):
        return key
    if isinstance(key, tuple) and all(isinstance(part, str | int) for part in key):
        return key
    # the hash of a tuple of tuples of tuples may take forever
    raise BadFile(f"a dict in it has a key that is a {type(key).__name__}")


def check_state(value: Any, state: Any) -> None:
    """What a BUILD gives to the value before it."""
    if isinstance(value, Blank):
        value.fill(state)
    elif isinstance(value, View):                       # of a parameter, with attributes of its own
        pass
    else:
        check_type(value, dict)                         # a state dict's _metadata: versions of PyTorch's modules


def find_storage(pid: Any) -> Storage:
    """('storage', type, key, device, count, view): what a persistent id says."""
    if not isinstance(pid, tuple) or not 5 <= len(pid) <= 6 or pid[0] != "storage":
        raise BadFile("it refers to something that is not a storage")
    _, kind, key, _, count, *view = pid
    if not isinstance(kind, Name) or kind.name not in NAMES or not isinstance(key, str) or type(count) is not int:
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

    def __init__(self, raw: Any, most: Any) -> None:
        self.raw, self.left, self.most = raw, most, most

    def read(self, count: int) -> Any:
        return self._taken(self.raw.read(self._wanted(count)))

    def readline(self) -> Any:
        return self._taken(self.raw.readline(self.left))

    def span(self, count: int) -> Any:
        """The next ``count`` bytes: a `Span` of them, or where they are few the bytes themselves."""
        if count < SHORT_BYTES:
            return self.read(count)
        start = self.raw.tell()
        self.raw.seek(start + count)
        return Span(start, count)

    def _wanted(self, count: int) -> int:
        if not 0 <= count <= self.left:
            raise BadFile(f"its pickle is longer than {self.most} bytes: a list of weights never is")
        return count

    def _taken(self, data: Any) -> Any:
        self.left -= len(data)
        return data


LENGTH_BYTES = {"BINSTRING": 4, "BINBYTES": 4, "BINBYTES8": 8, "BYTEARRAY8": 8}     # of what may be a `Span`


LINES = {"GLOBAL": 2, "INST": 2, "PERSID": 1}           # of text that follow


def instructions(data: Any, spans: Any) -> Iterator[tuple[Any, Any]]:
    """(name, argument) to the end, as `pickletools` reads them. What it can't: texts of Python 2 that hold bytes, names
    with damaged escapes, of which it warns, and, where ``spans``, to leave long bytes in the file."""
    arg: Any
    while True:
        code = data.read(1)
        op = pickletools.code2op[code.decode("latin-1")]      # type: ignore[attr-defined]     # undocumented
        if op.name == "STRING":
            line = data.readline().strip()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)     # of escapes that are none
                arg = codecs.escape_decode(line[1:-1])[0].decode("latin-1")
        elif op.name in LINES:
            arg = " ".join(data.readline().decode("latin-1").rstrip("\n") for _ in range(LINES[op.name]))
        elif spans and op.name in LENGTH_BYTES:
            arg = data.span(int.from_bytes(data.read(LENGTH_BYTES[op.name]), "little"))
        else:
            arg = None if op.arg is None else op.arg.reader(data)
        yield op.name, arg
        if op.name == "STOP":
            return


def build(raw: Any, calls: Any = CALLS, most: Any = None, spans: Any = False, storages: Any = None) -> Any:
    """The object of the pickle at the file's position: dicts, lists, numbers, strings and `View`s. Nothing is run.

    ``calls``: what the names that may be called make. ``most``: how many bytes it may have. ``spans``: long bytes stay
    in the file, as `Span`s. ``storages``: a dict that takes the dtype of each storage, by its key.
    """
    data = Limited(raw, PICKLE_BYTES if most is None else most)
    stack: list[Any] = []
    marks: list[int] = []               # where in the stack each open mark stands
    memo: dict[int, Any] = {}

    def since_mark() -> Any:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    try:
        for step, (name, arg) in enumerate(instructions(data, spans)):
            if step > PICKLE_STEPS:
                raise BadFile(f"its pickle has more than {PICKLE_STEPS} steps: a list of weights never has that many")
            match name:
                case "PROTO" | "FRAME":
                    pass
                case "STOP":
                    return stack[-1]
                case "NONE" | "NEWTRUE" | "NEWFALSE":
                    stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
                case (
                    "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "FLOAT" | "BINFLOAT"
                    | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8" | "UNICODE" | "STRING" | "BINSTRING"
                    | "SHORT_BINSTRING" | "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8" | "BYTEARRAY8"
                ):
                    if isinstance(arg, int) and arg.bit_length() > LONGEST_INT:
                        raise BadFile("it holds a number of more digits than weights need")
                    stack.append(arg)
                case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE" | "EMPTY_SET":
                    stack.append({"D": dict, "L": list, "T": tuple, "S": set}[name[6]]())
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
                    count = int(name[-1])
                    stack[-count:] = [tuple(stack[-count:])]
                case "APPEND":
                    item = stack.pop()
                    list_of(stack[-1]).append(item)
                case "APPENDS":
                    items = since_mark()
                    list_of(stack[-1]).extend(items)
                case "ADDITEMS":                        # of a set: nothing that weights need is in one
                    since_mark()
                case "FROZENSET":
                    stack.append(tuple(since_mark()))
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    items_of(stack[-1])[check_key(key)] = value
                case "SETITEMS":
                    items = since_mark()
                    items_of(stack[-1]).update(zip(map(check_key, items[::2]), items[1::2]))
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    memo[arg] = stack[-1]               # a dict: a memo number of a billion costs one entry
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "GET" | "BINGET" | "LONG_BINGET":
                    stack.append(memo[arg])
                case "GLOBAL":
                    stack.append(check_name(arg.replace(" ", ".", 1), calls, NAMES))
                case "STACK_GLOBAL":
                    attribute, module = check_type(stack.pop(), str), check_type(stack.pop(), str)
                    stack.append(check_name(f"{module}.{attribute}", calls, NAMES))
                case "BINPERSID":
                    pid = check_type(stack.pop(), tuple)
                    stack.append(pid[1] if pid[0] == "module" else find_storage(pid))       # a class and its source
                    if storages is not None and isinstance(stack[-1], Storage):
                        storages[stack[-1].key] = stack[-1].dtype
                case "REDUCE" | "NEWOBJ":
                    arguments, function = check_type(stack.pop(), tuple), stack.pop()
                    stack.append(called(function, arguments, calls, NAMES))
                case "BUILD":
                    state = stack.pop()
                    check_state(stack[-1], state)
                case _:
                    raise BadFile(f"it contains the pickle instruction {name}, which weights do not need")
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile("its pickle is damaged or half-written; fetch or copy it again") from None
    raise BadFile("its pickle is half-written; fetch or copy it again")


def check_type(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (kind is tuple and isinstance(value, Storage | View | Name)):
        raise BadFile(f"its pickle is damaged: a {kind.__name__} was expected, a {type(value).__name__} came")
    return value


def items_of(value: Any) -> Any:
    """The dict to put items into: of an object that is a dict and more, its own."""
    return value.items if isinstance(value, Inert) else check_type(value, dict)


def list_of(value: Any) -> Any:
    return [] if isinstance(value, Inert) else check_type(value, list)
